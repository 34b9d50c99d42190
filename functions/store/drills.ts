import { type SQL, sql } from 'drizzle-orm'
import { protocolOfCommand, type UtcMs, utcMs } from '#contract'
import type { Database } from '#db'
import { type DrillSchedule, runAfter } from '../drill-schedule.ts'
import { isAlive } from './alive.ts'
import { writeEvents } from './event-log.ts'

/*
 * Runs of drills: each is a command to one relay, which keeps what came of it.
 */

/** A relay which has not said by then what came of a run never will. */
const LOST = sql`interval '90 seconds'`
/** Drills of one sweep. */
const AT_ONCE = 50
/** Runs of one customer, of all drills together, within an hour: each calls the phone network. */
export const HOURLY = 30

/** Why a run may begin: it was asked for, or its time has come, and when the next one comes. */
type RunCause = { cause: 'asked' } | { cause: 'schedule'; was: string; next: UtcMs | undefined }

/** What became of the wish to run a drill; `waitS`: in how many seconds its customer may run one again. */
type RunBegun =
  | { runId: string; relayId: string }
  | { refused: 'running' }
  | { refused: 'no relay' }
  | { refused: 'too many'; waitS: number }

/**
 * Gives a living relay a drill to run, and gives the id of the run: the relay with the fewest calls. `running`: one goes on; `too many`:
 * the customer's ran HOURLY times within an hour; `no relay`: none lives which could. For a schedule the last two are a run which failed.
 */
export async function runDrill(
  db: Database,
  drillId: string,
  why: RunCause = { cause: 'asked' },
): Promise<RunBegun> {
  const scheduled = why.cause === 'schedule'
  const next = scheduled && why.next !== undefined ? new Date(why.next).toISOString() : null
  const was = scheduled ? why.was : null
  // Another run of the same customer's waits, so that two do not both find that none goes on, or that one more may.
  const [, { rows }] = await db.batch([
    db.execute(
      sql`select pg_advisory_xact_lock(hashtextextended('drills of ' || customer_id, 0)) from drills where id = ${drillId}::uuid`,
    ),
    db.execute<{ begun: string | null; relay: string; running: boolean; wait_s: number | null }>(sql`
      with running as (select from commands where ${runsOf(drillId)} and done_at is null and created_at > now() - ${LOST}),
      -- The run which has to be an hour old before there is another: of those which a relay was given.
      worn as (
        select created_at from commands where body ->> 'kind' = 'drill' and relay_id <> ''
          and customer_id = (select customer_id from drills where id = ${drillId}::uuid) and created_at > now() - ${HOUR}
        order by created_at desc offset ${HOURLY - 1} limit 1),
      relay as (
        select id from relays r where ${isAlive('r')} and not draining
          and coalesce(protocol, 1) >= ${protocolOfCommand('drill')}
        order by (select count(distinct call_id) from leases where relay_id = r.id), r.id limit 1),
      claimed as (
        update drills set next_run_at = case when ${scheduled} then ${next}::timestamptz else next_run_at end,
          lost_at = case when exists (select from relay) and not exists (select from running)
            and not exists (select from worn) then now() + ${LOST} else lost_at end
        where id = ${drillId}::uuid and deleted_at is null and (not ${scheduled} or enabled and next_run_at = ${was}::timestamptz)
        returning *),
      wanted as (
        select c.customer_id, c.name, jsonb_build_object('kind', 'drill', 'drill_id', c.id, 'cause', ${why.cause}::text,
          'provider_down', c.assume ->> 'provider_id', 'extension_id', c.call ->> 'extension_id',
          'from', c.call ->> 'shown', 'to', c.call ->> 'e164') as body
        from claimed c where not exists (select from running)),
      may as (select relay.id from relay where not exists (select from worn)),
      begun as (
        insert into commands (id, customer_id, relay_id, body)
        select gen_random_uuid(), wanted.customer_id, may.id, wanted.body from wanted, may returning id, relay_id),
      missed as (
        insert into commands (id, customer_id, relay_id, body, taken_at, done_at, result)
        select gen_random_uuid(), customer_id, '', body, now(), now(), ${failure(sql`case when exists (select from worn) then ${TOO_MANY}::text else ${NO_RELAY}::text end`)}
        from wanted where ${scheduled} and not exists (select from may) returning *),
      told as (${runEvents(sql`missed`)})
      select (select id from begun) as begun, coalesce((select relay_id from begun), '') as relay, exists (select from running) as running,
        (select ceil(extract(epoch from created_at + ${HOUR} - now()))::float8 from worn) as wait_s`),
  ])
  const [row] = rows
  if (row?.begun) return { runId: row.begun, relayId: row.relay }
  if (row?.running) return { refused: 'running' }
  const waitS = row?.wait_s ?? null
  return waitS === null ? { refused: 'no relay' } : { refused: 'too many', waitS }
}

const HOUR = sql`interval '1 hour'`
const NO_RELAY = 'No relay was alive which could run it.'
const TOO_MANY = `Drills of this customer ran ${HOURLY} times within an hour: this one did not run.`

/** The condition that a command is a run of this drill. */
export function runsOf(drillId: string): SQL {
  return sql`body ->> 'kind' = 'drill' and body ->> 'drill_id' = ${drillId}`
}

/** How often those of a customer run by themselves within an hour at most, but one of them; SQL of `runsAnHour`. */
export function scheduledRuns(customerId: string, butId: string): SQL {
  return sql`(select coalesce(sum(coalesce(ceil(60.0 / (schedule ->> 'every_minutes')::integer), 1)), 0)::integer from drills
    where customer_id = ${customerId}::uuid and id <> ${butId}::uuid and enabled and deleted_at is null and jsonb_typeof(schedule) = 'object')`
}

/** Statement which writes an event for each run of `runs` which is over: rows of commands. */
export function runEvents(runs: SQL): SQL {
  return writeEvents(
    {
      type: sql`case when (c.result ->> 'ok')::boolean then 'drill.passed' else 'drill.failed' end`,
      customerId: sql`c.customer_id`,
      subjectId: sql`d.id`,
      relayId: sql`nullif(c.relay_id, '')`,
      data: sql`jsonb_build_object('run_id', c.id, 'name', d.name, 'cause', c.body ->> 'cause', 'assumed_down', c.body ->> 'provider_down',
        'to', c.body ->> 'to', 'ok', coalesce((c.result ->> 'ok')::boolean, false), 'verdict', c.result ->> 'verdict',
        'provider_id', c.result -> 'provider_id', 'pdd_ms', c.result -> 'pdd_ms')`,
    },
    sql`from ${runs} c join drills d on c.body ->> 'kind' = 'drill' and d.id = (c.body ->> 'drill_id')::uuid`,
  )
}

function failure(verdict: SQL): SQL {
  return sql`jsonb_build_object('ok', false, 'verdict', ${verdict}, 'status', 0, 'pdd_ms', null, 'provider_id', null, 'attempts', '[]'::jsonb)`
}

interface DueDrill extends Record<string, unknown> {
  id: string
  schedule: DrillSchedule
  next_run_at: string | null
  runs: boolean
  lost: boolean
  at_ms: number
}

/**
 * Runs the drills whose time has come, and gives up those of which nothing was heard; gives the relays which are to run some. Costs
 * one look by index where none is due.
 */
export async function sweepDrills(db: Database): Promise<string[]> {
  const relays: string[] = []
  const { rows } = await db.execute<DueDrill>(sql`
    select id, schedule, next_run_at::text as next_run_at, coalesce(next_run_at <= now(), false) as runs,
      coalesce(lost_at <= now(), false) as lost, (extract(epoch from now()) * 1000)::float8 as at_ms
    from drills where least(next_run_at, lost_at) <= now() and deleted_at is null order by least(next_run_at, lost_at) limit ${AT_ONCE}`)
  for (const { id, schedule, next_run_at, runs, lost, at_ms } of rows) {
    if (lost) await giveUp(db, id)
    if (!runs || next_run_at === null) continue
    const begun = await runDrill(db, id, {
      cause: 'schedule',
      was: next_run_at,
      next: runAfter(schedule, utcMs(Math.floor(at_ms))),
    })
    if ('runId' in begun) relays.push(begun.relayId)
  }
  return relays
}

async function giveUp(db: Database, drillId: string): Promise<void> {
  await db.execute(sql`
    with lost as (
      update commands set done_at = now(), result = ${failure(sql`relay_id || ' never said what came of it.'`)}
      where ${runsOf(drillId)} and done_at is null and created_at <= now() - ${LOST} returning *),
    told as (${runEvents(sql`lost`)})
    update drills set lost_at = null where id = ${drillId}::uuid`)
}

/** In how many ms the next drill is due, as SQL; null: none is. */
export const drillsDueIn = sql`(select ceil(extract(epoch from min(least(next_run_at, lost_at)) - now()) * 1000)::float8
  from drills where least(next_run_at, lost_at) is not null and deleted_at is null)`
