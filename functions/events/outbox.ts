import { type SQL, sql } from 'drizzle-orm'
import type { AlertFormat } from '#contract'
import type { Database } from '#db'
import { writeEvents } from '../store/event-log.ts'
import { instant } from '../store/instant.ts'
import { lineLocked, lineMoved } from './lines.ts'
import type { AttemptOutcome, DeliveryVerdict } from './schedule.ts'

/*
 * Deliveries in the database, which is the only truth: triggers write them with their events (db/README.md). A Worker
 * claims one for as long as it may take to send it; one which dies leaves it to the next.
 */

/** Longer than any attempt takes. */
const LEASE_S = 20
/** Deliveries to one webhook which are on their way at once, from all Workers together; to one which fails, one. */
const AT_ONCE = 4
/** A webhook which fails is left alone for this part of the time since when it does, at most for a minute. */
const PAUSE = sql`least(interval '1 minute', coalesce((now() - w.failing_since) / 10, interval '0'))`
/** A webhook which took nothing for so long is disabled. */
const GIVE_UP = sql`interval '4 days'`
/** Numbers the events written so far, and puts them into lines, before their transaction commits. */
const NUMBERED = sql`set constraints events_numbered immediate`

/** A delivery which this Worker is to send now. */
export interface ClaimedDelivery {
  readonly id: string
  readonly webhookId: string
  readonly attempt: number
  readonly url: string
  /** Sealed; the newest first. */
  readonly sealedSecrets: readonly string[]
  readonly event: DeliveredEvent
  /** How the alert which tells it has it written, where that is not as usual; null: as usual. */
  readonly alert: AlertFormatting | null
}

/** How an alert is told. */
export interface AlertFormatting {
  readonly id: string
  readonly format: AlertFormat
  /** PagerDuty's key; null: it has none. */
  readonly sealedRoutingKey: string | null
}

/** An event as deliveries tell it. */
export interface DeliveredEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly sequence: number
  readonly subject: string | null
  readonly data: Record<string, unknown>
}

interface ClaimedRow extends Record<string, unknown> {
  claimed: Omit<ClaimedDelivery, 'sealedSecrets'> & { sealedSecrets: (string | null)[] }
}

const due = sql`d.status = 'waiting' and d.next_try_at <= now() and (d.leased_until is null or d.leased_until <= now())`

/** The statement which tells whether anything is due, as `deliveries_due`. */
export function dueNow(): SQL {
  return sql`select exists (select from deliveries d where ${due}) as deliveries_due`
}

/** Whose deliveries are looked for: those of webhooks which do not fail, or all. */
export type ClaimScope = 'well' | 'any'

/**
 * Goes before `claiming`, in one transaction: what is due is read in order, until one is found which may be sent. Left to
 * itself PostgreSQL would look at all of it, and then sort.
 */
const IN_ORDER = sql`set local enable_sort = off`

/** The statement which claims the delivery that is due the longest. Two Workers never claim one. */
function claiming(scope: ClaimScope): SQL {
  return sql`
    update deliveries d set attempts = d.attempts + 1, leased_until = now() + ${LEASE_S} * interval '1 second'
    from events e, webhooks w
    where e.id = d.event_id and w.id = d.webhook_id and d.id = (
      with busy as materialized (
        select d.webhook_id from deliveries d join webhooks w on w.id = d.webhook_id where d.leased_until > now()
        group by d.webhook_id, w.failing_since having count(*) >= case when w.failing_since is null then ${AT_ONCE} else 1 end)
      select d.id from deliveries d
      where ${due} and d.webhook_id not in (select webhook_id from busy)
        and exists (select from webhooks w where w.id = d.webhook_id and w.enabled and w.deleted_at is null
          and (${scope === 'any'} or w.failing_since is null) offset 0)
        and not exists (select from deliveries o where o.status = 'waiting' and o.webhook_id = d.webhook_id
          and o.line = d.line and o.sequence < d.sequence offset 0)
      order by d.next_try_at limit 1 for update skip locked)
    returning ${claimed}`
}

/** What is read of a claimed delivery `d`, its event `e` and webhook `w`. */
const claimed = sql`jsonb_build_object('id', d.id, 'webhookId', w.id, 'attempt', d.attempts, 'url', w.url,
  'sealedSecrets', jsonb_build_array(w.sealed_secret, case when w.previous_until > now() then w.sealed_previous_secret end),
  'event', jsonb_build_object('id', e.id, 'type', e.type, 'timestamp', ${instant(sql`e.at`)}, 'sequence', e.sequence,
    'subject', e.subject_id, 'data', e.data),
  'alert', (select jsonb_build_object('id', a.id, 'format', a.format, 'sealedRoutingKey', a.sealed_routing_key) from alerts a
    where e.type in ('alert.raised', 'alert.resolved', 'alert.test') and a.id = e.subject_id and a.webhook_id = w.id and a.format <> 'standard')) as claimed`

/** Claims a delivery; undefined: none is due. */
export async function claim(db: Database, scope: ClaimScope): Promise<ClaimedDelivery | undefined> {
  const [, { rows }] = await db.batch([db.execute(IN_ORDER), db.execute<ClaimedRow>(claiming(scope))])
  return claimedOf(rows)
}

/**
 * The same, when what was left behind has been put in order: the first of each line is due. undefined where none is
 * due.
 */
export async function sweepAndClaim(db: Database): Promise<ClaimedDelivery | undefined> {
  const [, , { rows }] = await db.batch([
    db.execute(sql`select release_deliveries(null)`),
    db.execute(IN_ORDER),
    db.execute<ClaimedRow>(claiming('any')),
  ])
  return claimedOf(rows)
}

/** Writes down what came of an attempt, and claims the next where there is to be one; one round trip. */
export async function settle(
  db: Database,
  delivery: ClaimedDelivery,
  outcome: AttemptOutcome,
  verdict: DeliveryVerdict,
  next: ClaimScope | undefined,
): Promise<ClaimedDelivery | undefined> {
  const settling = [
    // First, while no row is held: who puts the same event in again has the lock, and waits for that row.
    db.execute(lineLocked(delivery.id)),
    db.execute<SettledRow>(settled(delivery, outcome, verdict)),
    db.execute(lineMoved(delivery.id)),
  ] as const
  if (!next || verdict.gone) {
    const [, over] = await db.batch(settling)
    await judge(db, delivery, outcome, verdict, over.rows)
    return next && claim(db, next)
  }
  const [, over, , , { rows }] = await db.batch([
    ...settling,
    db.execute(IN_ORDER),
    db.execute<ClaimedRow>(claiming(next)),
  ])
  await judge(db, delivery, outcome, verdict, over.rows)
  return claimedOf(rows)
}

/** Trials of one webhook within a minute. */
export const TRIALS = 10

/** What is tried out: an event about a webhook or an alert, which one webhook alone is told of. */
export interface Trial {
  readonly type: 'webhook.test' | 'alert.test'
  readonly subjectId: string
  readonly data: Record<string, unknown>
}

/** Makes an event for one webhook alone, claimed; `many`: it has had its trials; `missing`: there is no such webhook. */
export async function claimTrial(
  db: Database,
  customerId: string,
  webhookId: string,
  { type, subjectId, data }: Trial,
): Promise<ClaimedDelivery | 'many' | 'missing'> {
  const id = crypto.randomUUID()
  const tried = {
    type,
    id: sql`${id}::uuid`,
    subjectId: sql`${subjectId}::uuid`,
    data: sql`${JSON.stringify(data)}::jsonb`,
  } as const
  const own = sql`customer_id = ${customerId}::uuid and id = ${webhookId}::uuid and deleted_at is null`
  const few = sql`${TRIALS} > (
    select count(*) from deliveries d join events e on e.id = d.event_id
    where d.customer_id = ${customerId}::uuid and d.webhook_id = ${webhookId}::uuid
      and d.created_at > now() - interval '1 minute' and e.type in ('webhook.test', 'alert.test'))`
  const [{ rows: found }, , , { rows }] = await db.batch([
    // Trials of one webhook go one after the other: each counts those before it.
    db.execute(sql`select id from webhooks where ${own} for no key update`),
    db.execute(writeEvents(tried, sql`from webhooks w where ${own} and ${few}`)),
    // Its number is in the message: it is given now, not as the batch commits.
    db.execute(NUMBERED),
    db.execute<ClaimedRow>(sql`
      with e as (select * from events where id = ${id}::uuid),
      w as (select * from webhooks where ${own}),
      d as (
        insert into deliveries (id, customer_id, webhook_id, event_id, line, sequence, attempts, leased_until)
        select gen_random_uuid(), w.customer_id, w.id, e.id, e.id, e.sequence, 1, now() + ${LEASE_S} * interval '1 second'
        from w, e returning *)
      select ${claimed} from d, e, w`),
  ])
  return claimedOf(rows) ?? (found.length > 0 ? 'many' : 'missing')
}

/** Writes down what came of a trial: there is no second attempt, and its webhook is not judged by it. */
export async function settleTrial(
  db: Database,
  delivery: ClaimedDelivery,
  outcome: AttemptOutcome,
): Promise<void> {
  const status = outcome.error === null ? 'delivered' : 'failed'
  await db.execute(settled(delivery, outcome, { status, delayMs: 0, gone: false }))
}

interface SettledRow extends Record<string, unknown> {
  /** Since when its webhook took nothing, as far as is written down; null: it took the last one. */
  failing_since: string | null
  /** That is too long. */
  exhausted: boolean
}

/**
 * The statement which writes down what came of an attempt. It passes over a delivery which another Worker has claimed
 * since. One which failed holds its webhook for a while; where that is disabled it waits until it is enabled.
 */
function settled(
  { id, attempt }: ClaimedDelivery,
  { status, body, error }: AttemptOutcome,
  verdict: DeliveryVerdict,
): SQL {
  const over = verdict.status !== 'waiting'
  const goesOn = sql`webhooks w where w.id = d.webhook_id and w.enabled and w.deleted_at is null and not ${over}::boolean`
  return sql`
    with settled as (
      update deliveries d set status = ${verdict.status}::delivery_status,
        leased_until = (select now() + ${PAUSE} from ${goesOn}),
        next_try_at = (select now() + ${verdict.delayMs} * interval '1 millisecond' from ${goesOn}),
        ended_at = case when ${over}::boolean then now() end,
        response_status = ${status}::integer, response_body = ${body}::text, error = ${error}::text
      where id = ${id}::uuid and status = 'waiting' and attempts = ${attempt}
      returning *
    )
    select w.failing_since, coalesce(w.failing_since < now() - ${GIVE_UP}, false) as exhausted
    from settled s join webhooks w on w.id = s.webhook_id`
}

/**
 * Writes down that a webhook has begun to fail, or fails no longer, and disables one which is gone, or took nothing for too
 * long. Of most attempts nothing follows; what does is no part of their transaction, which must wait for nothing.
 */
async function judge(
  db: Database,
  delivery: ClaimedDelivery,
  outcome: AttemptOutcome,
  verdict: DeliveryVerdict,
  [row]: SettledRow[],
): Promise<void> {
  if (!row) return
  const fails = outcome.error !== null
  if (fails === (row.failing_since === null))
    await db.execute(sql`
      update webhooks set failing_since = ${fails ? sql`coalesce(failing_since, now())` : null} where id = ${delivery.webhookId}::uuid`)
  if (verdict.gone || (fails && row.exhausted)) await disable(db, delivery, outcome, verdict)
}

/**
 * Disables the webhook of a delivery which was settled, with an event. It is a statement of its own, since it waits for
 * changes of configuration, as what came of an attempt must not.
 */
async function disable(
  db: Database,
  { id, webhookId, attempt }: ClaimedDelivery,
  { error }: AttemptOutcome,
  { gone }: DeliveryVerdict,
): Promise<void> {
  await db.execute(sql`
    with disabled as (
      update webhooks w set enabled = false, disabled_reason = ${gone ? 'GONE' : 'FAILING'}, updated_at = now()
      where w.id = ${webhookId}::uuid and w.enabled and exists (
        select from deliveries where id = ${id}::uuid and attempts = ${attempt} and error is not null)
      returning *
    )
    ${writeEvents(
      {
        type: 'webhook.disabled',
        subjectId: sql`id`,
        data: sql`jsonb_build_object('subject_id', id, 'url', substring(url from '^[a-z]+://[^/?#]+'), 'reason', disabled_reason, 'why', ${error}::text)`,
      },
      sql`from disabled`,
    )}`)
}

function claimedOf([row]: ClaimedRow[]): ClaimedDelivery | undefined {
  if (!row) return undefined
  const { sealedSecrets, ...rest } = row.claimed
  return { ...rest, sealedSecrets: sealedSecrets.filter((sealed) => sealed !== null) }
}
