import { sql } from 'drizzle-orm'
import type { BindingTell, CallTell, EventTell, Explanation, RelayTell, TellReceipt } from '#contract'
import type { Database } from '#db'
import { readNumber } from '#routing'
import { elsewhere, message, reason } from './elsewhere.ts'
import { writeEvents } from './event-log.ts'
import { expired } from './expiries.ts'
import { endLost } from './lost-calls.ts'
import { proved, verify } from './proof.ts'

/**
 * Stores what was told, in one statement. Hearing it twice, or late, ends where hearing it once would.
 *
 * What concerns a customer that never was is refused; an account that is gone is no news, and accepted.
 * A call's attempts at providers are rows too: a provider's figures are counted from them.
 */
export async function store(db: Database, tells: Fact[]): Promise<TellReceipt> {
  const { rows } = await db.execute<{ customers: string[] | null; proved: string[] | null }>(sql`
    with heard_bindings as (
      select * from jsonb_to_recordset(${newest(tells, 'binding')}::jsonb) as t (
        binding_id uuid, customer_id uuid, account text, extension_id uuid, relay_id text, sequence bigint, event text,
        contact text, q real, call_id text, cseq bigint, received jsonb, path text[], user_agent text,
        registered_at timestamptz, refreshed_at timestamptz, expires_at timestamptz)
    ),
    heard_calls as (
      select * from jsonb_to_recordset(${newest(tells, 'call')}::jsonb) as t (
        call_id uuid, customer_id uuid, relay_id text, sequence bigint, direction direction, source jsonb,
        destination jsonb, number_id uuid, provider_id uuid, status call_status, unverified boolean,
        sip_call_id text, started_at timestamptz, ringing_at timestamptz, answered_at timestamptz,
        ended_at timestamptz, hangup_by hangup_party, hangup_reason hangup_reason, sip_status integer,
        attempts jsonb, media jsonb, decision jsonb, extension_id uuid, trunk_id uuid, reject_reason text,
        reject_message text, route_id uuid, country text)
    ),
    heard_events as (
      select * from jsonb_to_recordset(${told(tells, 'event')}::jsonb) as t (
        tell_id uuid, customer_id uuid, type text, at timestamptz, relay_id text, data jsonb, nth integer)
    ),
    stored_events as (
      ${writeEvents(
        {
          type: sql`h.type`,
          id: sql`h.tell_id`,
          customerId: sql`h.customer_id`,
          at: sql`h.at`,
          relayId: sql`h.relay_id`,
          subjectId: subject,
          data: sql`h.data`,
        },
        sql`from (select distinct on (tell_id) * from heard_events order by tell_id, nth) h
          left join customers c on c.id = h.customer_id
        where h.customer_id is null or c.id is not null
        order by h.nth`,
      )}
    ),
    ${expired(tells)},
    stored_bindings as (
      insert into bindings (id, customer_id, extension_id, trunk_id, relay_id, sequence, event, contact, q, call_id, cseq,
        transport, address, port, path, user_agent, registered_at, refreshed_at, expires_at)
      select h.binding_id, h.customer_id, e.id, t.id, h.relay_id, h.sequence, h.event, h.contact, h.q, h.call_id,
        h.cseq, (h.received ->> 'transport')::transport, h.received ->> 'address', (h.received ->> 'port')::integer,
        h.path, h.user_agent, h.registered_at, h.refreshed_at, h.expires_at
      from heard_bindings h
      left join extensions e on e.customer_id = h.customer_id and e.id = h.extension_id and e.deleted_at is null
        and h.account = 'extension'
      left join trunks t on t.customer_id = h.customer_id and t.id = h.extension_id and t.deleted_at is null
        and h.account = 'trunk'
      where num_nonnulls(e.id, t.id) = 1
      on conflict (id) do update set
        relay_id = excluded.relay_id, sequence = excluded.sequence, event = excluded.event,
        contact = excluded.contact, q = excluded.q, call_id = excluded.call_id, cseq = excluded.cseq,
        transport = excluded.transport, address = excluded.address, port = excluded.port, path = excluded.path,
        user_agent = excluded.user_agent, registered_at = excluded.registered_at,
        refreshed_at = excluded.refreshed_at, expires_at = excluded.expires_at, updated_at = now()
      where bindings.sequence < excluded.sequence
        and bindings.customer_id = excluded.customer_id
        and (bindings.extension_id, bindings.trunk_id) is not distinct from (excluded.extension_id, excluded.trunk_id)
    ),
    registered_elsewhere as (${elsewhere(sql`heard_calls`)}),
    stored_calls as (
      insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, number_id, provider_id,
        status, unverified, sip_call_id, started_at, ringing_at, answered_at, ended_at, hangup_by, hangup_reason,
        sip_status, attempts, media, decision, extension_id, trunk_id, reject_reason, reject_message,
        route_id, country)
      select h.call_id, h.customer_id, h.relay_id, h.sequence, h.direction, h.source, h.destination, h.number_id,
        h.provider_id, h.status, h.unverified, h.sip_call_id, h.started_at, h.ringing_at, h.answered_at, h.ended_at,
        h.hangup_by, h.hangup_reason, h.sip_status, h.attempts, nullif(h.media, 'null'),
        nullif(h.decision, 'null'), h.extension_id, h.trunk_id, ${reason}, ${message}, h.route_id, h.country
      from heard_calls h join customers c on c.id = h.customer_id left join registered_elsewhere o on o.call_id = h.call_id
      on conflict (id) do update set
        sequence = excluded.sequence, direction = excluded.direction, source = excluded.source,
        destination = excluded.destination, number_id = excluded.number_id, provider_id = excluded.provider_id,
        status = excluded.status, unverified = excluded.unverified, sip_call_id = excluded.sip_call_id,
        started_at = excluded.started_at, ringing_at = excluded.ringing_at, answered_at = excluded.answered_at,
        ended_at = excluded.ended_at, hangup_by = excluded.hangup_by, hangup_reason = excluded.hangup_reason,
        sip_status = excluded.sip_status, attempts = excluded.attempts, media = excluded.media,
        decision = coalesce(excluded.decision, calls.decision), extension_id = excluded.extension_id, trunk_id = excluded.trunk_id,
        reject_reason = excluded.reject_reason, reject_message = excluded.reject_message, route_id = excluded.route_id, country = excluded.country,
        updated_at = now()
      where calls.sequence < excluded.sequence
        and calls.customer_id = excluded.customer_id and calls.relay_id = excluded.relay_id
      returning *
    ),
    late_decisions as (
      update calls c set decision = h.decision from heard_calls h
      where c.id = h.call_id and c.customer_id = h.customer_id and c.relay_id = h.relay_id
        and c.sequence > h.sequence and c.decision is null and jsonb_typeof(h.decision) = 'object'
    ),
    stored_attempts as (
      insert into attempts (call_id, position, customer_id, provider_id, relay_id, started_at, ended_at, status,
        pdd_ms, answered_at, talked_seconds)
      select c.id, a.position, c.customer_id, a.provider_id, c.relay_id, a.started_at, a.ended_at, a.status, a.pdd_ms,
        case when a.answered then c.answered_at end,
        case when a.answered then extract(epoch from c.ended_at - c.answered_at) end
      from stored_calls c, attempts_of(c::calls) a
      on conflict (call_id, position) do update set
        provider_id = excluded.provider_id, started_at = excluded.started_at, ended_at = excluded.ended_at,
        status = excluded.status, pdd_ms = excluded.pdd_ms, answered_at = excluded.answered_at,
        talked_seconds = excluded.talked_seconds
    )
    select (select jsonb_agg(id) from customers where id in (
      select customer_id from heard_bindings union select customer_id from heard_calls
      union select customer_id from heard_events)) as customers,
      (${proved(sql`heard_calls`)}) as proved`)
  const [{ proved: numbers } = {}] = rows
  if (numbers) await verify(db, numbers)
  return receipt(tells, new Set(rows[0]?.customers ?? []))
}

/** Ends the calls a relay had before it began anew. How long they went on is not known: until now at most. */
export async function endBefore(db: Database, { relay_id, at }: RelayTell): Promise<void> {
  const began = sql`${at}::timestamptz`
  const why = sql`'The relay ' || c.relay_id || ' began anew while it carried the call.'`
  await db.execute(endLost(sql`c.relay_id = ${relay_id} and c.started_at < ${began}`, began, why))
}

/** What an event is about, where it says so in the usual words. */
const subject = sql`case when coalesce(h.data ->> 'subject_id', h.data ->> 'provider_id', h.data ->> 'call_id')
  ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  then coalesce(h.data ->> 'subject_id', h.data ->> 'provider_id', h.data ->> 'call_id')::uuid end`

/** What `store` takes: everything but a relay's beginning. */
export type Fact = BindingTell | CallTell | EventTell
type ToldRow = { key: string; sequence: number; decision?: Explanation | null | undefined }

/** The newest word on each binding or call, as JSON: one statement may touch a row only once. */
function newest(tells: Fact[], kind: 'binding' | 'call'): string {
  const rows = new Map<string, ToldRow>()
  for (const told of tells) {
    if (told.kind === 'event' || told.kind !== kind) continue
    const row = told.kind === 'binding' ? bindingRow(told) : callRow(told)
    const other = rows.get(row.key)
    rows.set(row.key, other ? newer(other, row) : row)
  }
  return JSON.stringify([...rows.values()])
}

/** The later of two, with the decision of the earlier where it brings none: a relay tells it once. */
function newer(one: ToldRow, other: ToldRow): ToldRow {
  const [last, first] = one.sequence > other.sequence ? [one, other] : [other, one]
  return { ...last, decision: last.decision ?? first.decision }
}

/** Each with its place among them: their sequence is the order in which the relay told them. */
function told(tells: Fact[], kind: 'event'): string {
  return JSON.stringify(tells.filter((one) => one.kind === kind).map((one, nth) => ({ ...one, nth })))
}

function bindingRow({ binding, sequence, event }: BindingTell) {
  return { key: binding.binding_id, ...binding, sequence, event }
}

function callRow({ call, sequence }: CallTell) {
  return { key: call.call_id, ...call, sequence, route_id: routeOf(call), country: countryOf(call) }
}

/** The route by which it went to its provider, or to the last one which was tried. */
function routeOf({ attempts }: CallTell['call']): string | null {
  return attempts.findLast(({ provider_id }) => provider_id !== null)?.route_id ?? null
}

/** The country of the far number; null: it has none which tells it, as a short one. */
function countryOf({ direction, source, destination }: CallTell['call']): string | null {
  const far = direction === 'incoming' ? source : destination
  if (direction === 'internal' || far.type !== 'tel' || !far.target.startsWith('+')) return null
  const read = readNumber(far.target, 'US')
  return read.kind === 'number' ? read.country : null
}

function receipt(tells: Fact[], customers: Set<string>): TellReceipt {
  const known = (told: Fact) => {
    const customerId = customerOf(told)
    return customerId === null || customers.has(customerId)
  }
  return {
    accepted: tells.filter(known).map(({ tell_id }) => tell_id),
    refused: tells
      .filter((told) => !known(told))
      .map(({ tell_id }) => ({ tell_id, why: 'there is no such customer' })),
  }
}

function customerOf(told: Fact): string | null {
  if (told.kind === 'event') return told.customer_id
  return told.kind === 'binding' ? told.binding.customer_id : told.call.customer_id
}
