import { type SQL, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import { bindingEvents } from './binding-events.ts'
import { callEvents, refusalEvents } from './call-events.ts'
import { elsewhere, message, reason } from './elsewhere.ts'
import { writeAtCommit } from './event-log.ts'
import { unheard } from './listeners.ts'
import { proved } from './proof.ts'

/** What the statement which stores tells is asked with: those of each kind, as JSON. */
export type StoreValues = Record<'bindings' | 'calls' | 'events', SQL>
/** Kinds of tells; `refused`: calls which were not carried, or are suspicious. */
export type Kinds = Record<'binding' | 'call' | 'event' | 'refused', boolean>

/**
 * The statement which stores tells of these kinds, and gives a `StoredRow`. Of others it says nothing: whatever stands in it is begun
 * anew for each batch.
 */
export function storingAll({ bindings, calls, events }: StoreValues, kinds: Kinds): SQL {
  const parts = [
    ...(kinds.binding ? [heardBindings(bindings), storedBindings] : []),
    ...(kinds.call ? [heardCalls(calls), storedCalls(kinds), lateDecisions, storedAttempts] : []),
    ...(kinds.event ? [heardEvents(events)] : []),
    sql`happened as materialized (${happenings(kinds)}),
    stored_events as (${writeAtCommit(sql`select * from happened`, sql`order by nth, rank, at`)})`,
  ]
  return sql`
    with ${sql.join(parts, sql`, `)}
    select (select jsonb_agg(id) from customers where id in (${customersOf(kinds)})) as customers,
      ${kinds.call ? sql`(${proved(sql`heard_calls`)})` : sql`null`} as proved,
      ${kinds.call ? sql`(${unheard(sql`heard_calls`)})` : sql`null`} as unheard,
      exists (select from webhooks where enabled and deleted_at is null
        and customer_id in (select coalesce(customer_id, ${PLATFORM}::uuid) from happened)) as told`
}

/** What of tells the statement gives back. */
export interface StoredRow extends Record<string, unknown> {
  customers: string[] | null
  proved: string[] | null
  unheard: string[] | null
  told: boolean
}

/** Those whom tells of these kinds concern. */
function customersOf({ binding, call, event }: Kinds): SQL {
  const queries = [
    ...(binding ? [sql`select customer_id from heard_bindings`] : []),
    ...(call ? [sql`select customer_id from heard_calls`] : []),
    ...(event ? [sql`select customer_id from heard_events`] : []),
  ]
  return sql.join(queries, sql` union `)
}

/** All that happened by tells of these kinds, in the order in which it was told. */
function happenings({ binding, call, event, refused }: Kinds): SQL {
  const queries = [
    ...(event ? [relayEvents] : []),
    ...(binding ? bindingEvents() : []),
    ...(call ? [callEvents()] : []),
    ...(refused ? refusalEvents() : []),
  ]
  return sql.join(queries, sql` union all `)
}

const said = sql`coalesce(h.data ->> 'subject_id', h.data ->> 'provider_id', h.data ->> 'call_id')`

/** Events which a relay told as such; what each is about, where it says so in the usual words. */
const relayEvents = sql`
  select h.tell_id as id, h.customer_id, h.type, h.at, h.relay_id, case
    when ${said} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (${said})::uuid end as subject_id, h.data, h.nth, 0 as rank
  from (select distinct on (tell_id) * from heard_events order by tell_id, nth) h left join customers c on c.id = h.customer_id
  where h.customer_id is null or c.id is not null`

const heardBindings = (bindings: SQL) => sql`
    told_bindings as (
      select * from jsonb_to_recordset(${bindings}::jsonb) as t (
        tell_id uuid, at timestamptz, nth integer, binding_id uuid, customer_id uuid, account text, extension_id uuid,
        relay_id text, sequence bigint, event text, reason text, why text, moved_from jsonb, contact text, q real,
        call_id text, cseq bigint, received jsonb, path text[], user_agent text, token_id uuid,
        proof integer, registered_at timestamptz, refreshed_at timestamptz, expires_at timestamptz)
    ),
    heard_bindings as (
      select distinct on (binding_id) * from told_bindings order by binding_id, sequence desc, nth desc
    )`

const heardCalls = (calls: SQL) => sql`
    heard_calls as (
      select * from jsonb_to_recordset(${calls}::jsonb) as t (
        call_id uuid, customer_id uuid, relay_id text, sequence bigint, direction direction, source jsonb,
        destination jsonb, number_id uuid, provider_id uuid, status call_status, unverified boolean,
        sip_call_id text, started_at timestamptz, ringing_at timestamptz, answered_at timestamptz,
        ended_at timestamptz, hangup_by hangup_party, hangup_reason hangup_reason, sip_status integer,
        attempts jsonb, media jsonb, decision jsonb, extension_id uuid, trunk_id uuid, reject_reason text,
        reject_message text, transferred_from uuid, sent_out_by uuid, transfer_type text, route_id uuid, country text, flow jsonb,
        held text[], muted text[], nth integer)
    )`

const heardEvents = (events: SQL) => sql`
    heard_events as (
      select * from jsonb_to_recordset(${events}::jsonb) as t (
        tell_id uuid, customer_id uuid, type text, at timestamptz, relay_id text, data jsonb, nth integer)
    )`

const storedBindings = sql`
    stored_bindings as (
      insert into bindings (id, customer_id, extension_id, trunk_id, relay_id, sequence, event, contact, q, call_id, cseq,
        transport, address, port, path, user_agent, token_id, proof, registered_at, refreshed_at, expires_at)
      select h.binding_id, h.customer_id, e.id, t.id, h.relay_id, h.sequence, h.event, h.contact, h.q, h.call_id,
        h.cseq, (h.received ->> 'transport')::transport, h.received ->> 'address', (h.received ->> 'port')::integer,
        h.path, h.user_agent, h.token_id, h.proof, h.registered_at, h.refreshed_at, h.expires_at
      from heard_bindings h
      left join extensions e on e.customer_id = h.customer_id and e.id = h.extension_id and e.deleted_at is null
        and h.account = 'extension'
      left join trunks t on t.customer_id = h.customer_id and t.id = h.extension_id and t.deleted_at is null
        and h.account = 'trunk'
      where num_nonnulls(e.id, t.id) = 1
      order by h.binding_id
      on conflict (id) do update set
        relay_id = excluded.relay_id, sequence = excluded.sequence, event = excluded.event,
        contact = excluded.contact, q = excluded.q, call_id = excluded.call_id, cseq = excluded.cseq,
        transport = excluded.transport, address = excluded.address, port = excluded.port, path = excluded.path,
        user_agent = excluded.user_agent, token_id = excluded.token_id, proof = excluded.proof,
        registered_at = excluded.registered_at, refreshed_at = excluded.refreshed_at, expires_at = excluded.expires_at, updated_at = now()
      where bindings.sequence < excluded.sequence
        and bindings.customer_id = excluded.customer_id
        and (bindings.extension_id, bindings.trunk_id) is not distinct from (excluded.extension_id, excluded.trunk_id)
      returning *
    )`

const storedCalls = ({ refused }: Kinds) => sql`
    ${refused ? sql`registered_elsewhere as (${elsewhere(sql`heard_calls`)}),` : sql``}
    stored_calls as (
      insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, number_id, provider_id,
        status, unverified, sip_call_id, started_at, ringing_at, answered_at, ended_at, hangup_by, hangup_reason,
        sip_status, attempts, media, decision, extension_id, trunk_id, reject_reason, reject_message,
        transferred_from, sent_out_by, transfer_type, route_id, country, flow, held, muted)
      select h.call_id, h.customer_id, h.relay_id, h.sequence, h.direction, h.source, h.destination, h.number_id,
        h.provider_id, h.status, h.unverified, h.sip_call_id, h.started_at, h.ringing_at, h.answered_at, h.ended_at,
        h.hangup_by, h.hangup_reason, h.sip_status, h.attempts, nullif(h.media, 'null'),
        nullif(h.decision, 'null'), h.extension_id, h.trunk_id, ${refused ? reason : sql`h.reject_reason`}, ${refused ? message : sql`h.reject_message`},
        h.transferred_from, h.sent_out_by, h.transfer_type, h.route_id, h.country, nullif(h.flow, 'null'),
        h.held, h.muted
      from heard_calls h join customers c on c.id = h.customer_id ${refused ? sql`left join registered_elsewhere o on o.call_id = h.call_id` : sql``}
      -- Told again meanwhile, in another order, neither waits for the other.
      order by h.call_id
      on conflict (id) do update set
        sequence = excluded.sequence, direction = excluded.direction, source = excluded.source,
        destination = excluded.destination, number_id = excluded.number_id, provider_id = excluded.provider_id,
        status = excluded.status, unverified = excluded.unverified, sip_call_id = excluded.sip_call_id,
        started_at = excluded.started_at, ringing_at = excluded.ringing_at, answered_at = excluded.answered_at,
        ended_at = excluded.ended_at, hangup_by = excluded.hangup_by, hangup_reason = excluded.hangup_reason,
        sip_status = excluded.sip_status, attempts = excluded.attempts, media = excluded.media,
        decision = coalesce(excluded.decision, calls.decision), extension_id = excluded.extension_id, trunk_id = excluded.trunk_id,
        reject_reason = excluded.reject_reason, reject_message = excluded.reject_message,
        transferred_from = excluded.transferred_from, sent_out_by = excluded.sent_out_by, transfer_type = excluded.transfer_type, route_id = excluded.route_id, country = excluded.country, flow = excluded.flow,
        held = excluded.held, muted = excluded.muted, updated_at = now()
      where calls.sequence < excluded.sequence
        and calls.customer_id = excluded.customer_id and calls.relay_id = excluded.relay_id
      returning *
    )`

const lateDecisions = sql`
    late_decisions as (
      update calls c set decision = h.decision
      from (select * from heard_calls where call_id not in (select id from stored_calls)) h
      where c.id = h.call_id and c.customer_id = h.customer_id and c.relay_id = h.relay_id
        and c.sequence > h.sequence and c.decision is null and jsonb_typeof(h.decision) = 'object'
    )`

const storedAttempts = sql`
    stored_attempts as (
      insert into attempts (call_id, position, customer_id, provider_id, relay_id, started_at, ended_at, status,
        pdd_ms, answered_at, talked_seconds)
      select c.id, a.position, c.customer_id, a.provider_id, c.relay_id, a.started_at, a.ended_at, a.status, a.pdd_ms,
        a.answered_at, a.talked_ms / 1000.0
      from stored_calls c, attempts_of(c::calls) a
      on conflict (call_id, position) do update set
        provider_id = excluded.provider_id, started_at = excluded.started_at, ended_at = excluded.ended_at,
        status = excluded.status, pdd_ms = excluded.pdd_ms, answered_at = excluded.answered_at,
        talked_seconds = excluded.talked_seconds
    ),
    -- Told as under way, and then never called.
    dropped_attempts as (
      delete from attempts a using stored_calls c, jsonb_array_elements(c.attempts) with ordinality as t (told, nth)
      where a.call_id = c.id and a.position = t.nth and (t.told ->> 'counts')::boolean is false
    )`
