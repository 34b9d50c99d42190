import { type SQL, sql } from 'drizzle-orm'
import {
  type BindingReason,
  type BindingTell,
  bindingReasons,
  type CallTell,
  type EventTell,
  type Explanation,
  PLATFORM,
  type RelayTell,
  type TellReceipt,
} from '#contract'
import type { Database } from '#db'
import { readNumber } from '#routing'
import { bindingEvents } from './binding-events.ts'
import { callEvents } from './call-events.ts'
import { elsewhere, message, reason } from './elsewhere.ts'
import { writeSelected } from './event-log.ts'
import { unheard } from './listeners.ts'
import { endLost } from './lost-calls.ts'
import { proved, verify } from './proof.ts'
import { WrittenStatement } from './written-statement.ts'

/**
 * Stores what was told, in one statement. Hearing it twice, or late, ends where hearing it once would.
 *
 * What concerns a customer that never was is refused; an account that is gone is no news, and accepted.
 * A call's attempts at providers are rows too: a provider's figures are counted from them.
 */
export async function store(db: Database, tells: Fact[]): Promise<StoredReceipt> {
  const { rows } = await storing(tells).ask<StoredRow>(db, {
    bindings: told(tells, 'binding', bindingRow),
    calls: newest(tells),
    events: told(tells, 'event', eventRow),
  })
  const [stored] = rows
  if (stored?.proved) await verify(db, stored.proved)
  const { customers, unheard, told: hurry } = stored ?? { customers: null, unheard: null, told: false }
  return { ...receipt(tells, new Set(customers ?? [])), unheard: unheard ?? [], told: hurry }
}

type StoreValues = Record<'bindings' | 'calls' | 'events', SQL>
/** Kinds of tells; events are looked at always. */
type Kinds = Record<'binding' | 'call', boolean>

/** The statement which stores tells, by the kinds they are of. */
const statements = new Map<string, WrittenStatement<keyof StoreValues>>()

function storing(tells: Fact[]): WrittenStatement<keyof StoreValues> {
  const kinds: Kinds = {
    binding: tells.some(({ kind }) => kind === 'binding'),
    call: tells.some(({ kind }) => kind === 'call'),
  }
  const name = JSON.stringify(kinds)
  const statement =
    statements.get(name) ?? new WrittenStatement((values: StoreValues) => storingAll(values, kinds))
  statements.set(name, statement)
  return statement
}

function storingAll({ bindings, calls, events }: StoreValues, kinds: Kinds): SQL {
  return sql`
    with told_bindings as (
      select * from jsonb_to_recordset(${bindings}::jsonb) as t (
        tell_id uuid, at timestamptz, nth integer, binding_id uuid, customer_id uuid, account text, extension_id uuid,
        relay_id text, sequence bigint, event text, reason text, why text, moved_from jsonb, contact text, q real,
        call_id text, cseq bigint, received jsonb, path text[], user_agent text, token_id uuid,
        proof integer, registered_at timestamptz, refreshed_at timestamptz, expires_at timestamptz)
    ),
    heard_bindings as (
      select distinct on (binding_id) * from told_bindings order by binding_id, sequence desc, nth desc
    ),
    heard_calls as (
      select * from jsonb_to_recordset(${calls}::jsonb) as t (
        call_id uuid, customer_id uuid, relay_id text, sequence bigint, direction direction, source jsonb,
        destination jsonb, number_id uuid, provider_id uuid, status call_status, unverified boolean,
        sip_call_id text, started_at timestamptz, ringing_at timestamptz, answered_at timestamptz,
        ended_at timestamptz, hangup_by hangup_party, hangup_reason hangup_reason, sip_status integer,
        attempts jsonb, media jsonb, decision jsonb, extension_id uuid, trunk_id uuid, reject_reason text,
        reject_message text, transferred_from uuid, sent_out_by uuid, transfer_type text, route_id uuid, country text, flow jsonb,
        held text[], muted text[], nth integer)
    ),
    heard_events as (
      select * from jsonb_to_recordset(${events}::jsonb) as t (
        tell_id uuid, customer_id uuid, type text, at timestamptz, relay_id text, data jsonb, nth integer)
    ),
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
    ),
    registered_elsewhere as (${elsewhere(sql`heard_calls`)}),
    stored_calls as (
      insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, number_id, provider_id,
        status, unverified, sip_call_id, started_at, ringing_at, answered_at, ended_at, hangup_by, hangup_reason,
        sip_status, attempts, media, decision, extension_id, trunk_id, reject_reason, reject_message,
        transferred_from, sent_out_by, transfer_type, route_id, country, flow, held, muted)
      select h.call_id, h.customer_id, h.relay_id, h.sequence, h.direction, h.source, h.destination, h.number_id,
        h.provider_id, h.status, h.unverified, h.sip_call_id, h.started_at, h.ringing_at, h.answered_at, h.ended_at,
        h.hangup_by, h.hangup_reason, h.sip_status, h.attempts, nullif(h.media, 'null'),
        nullif(h.decision, 'null'), h.extension_id, h.trunk_id, ${reason}, ${message},
        h.transferred_from, h.sent_out_by, h.transfer_type, h.route_id, h.country, nullif(h.flow, 'null'),
        h.held, h.muted
      from heard_calls h join customers c on c.id = h.customer_id left join registered_elsewhere o on o.call_id = h.call_id
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
    ),
    late_decisions as (
      update calls c set decision = h.decision
      from (select * from heard_calls where call_id not in (select id from stored_calls)) h
      where c.id = h.call_id and c.customer_id = h.customer_id and c.relay_id = h.relay_id
        and c.sequence > h.sequence and c.decision is null and jsonb_typeof(h.decision) = 'object'
    ),
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
    ),
    stored_events as (
      ${writeSelected(happenings(kinds), sql`order by nth, rank, at`)}
      returning coalesce(customer_id, ${PLATFORM}::uuid) as customer_id
    )
    select (select jsonb_agg(id) from customers where id in (
      select customer_id from heard_bindings union select customer_id from heard_calls
      union select customer_id from heard_events)) as customers,
      (${proved(sql`heard_calls`)}) as proved,
      (${unheard(sql`heard_calls`)}) as unheard,
      exists (select from webhooks where enabled and deleted_at is null
        and customer_id in (select customer_id from stored_events)) as told`
}

interface StoredRow extends Record<string, unknown> {
  customers: string[] | null
  proved: string[] | null
  unheard: string[] | null
  told: boolean
}

/** What became of tells; `told`: there are webhooks to be told of it. */
export type StoredReceipt = TellReceipt & { readonly told: boolean }

/** Ends the calls a relay had before it began anew. How long they went on is not known: until now at most. */
export async function endBefore(db: Database, { relay_id, at }: RelayTell): Promise<void> {
  const began = sql`${at}::timestamptz`
  const why = sql`'The relay ' || c.relay_id || ' began anew while it carried the call.'`
  await db.execute(endLost(sql`c.relay_id = ${relay_id} and c.started_at < ${began}`, began, why))
}

/** All that happened by tells of these kinds, in the order in which it was told; of what was not told there is no query either. */
function happenings({ binding, call }: Kinds): SQL {
  const queries = [...(binding ? bindingEvents() : []), ...(call ? callEvents() : [])]
  return sql.join([relayEvents, ...queries], sql` union all `)
}

const said = sql`coalesce(h.data ->> 'subject_id', h.data ->> 'provider_id', h.data ->> 'call_id')`

/** Events which a relay told as such; what each is about, where it says so in the usual words. */
const relayEvents = sql`
  select h.tell_id as id, h.customer_id, h.type, h.at, h.relay_id, case
    when ${said} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (${said})::uuid end as subject_id, h.data, h.nth, 0 as rank
  from (select distinct on (tell_id) * from heard_events order by tell_id, nth) h left join customers c on c.id = h.customer_id
  where h.customer_id is null or c.id is not null`

/** What `store` takes: everything but a relay's beginning. */
export type Fact = BindingTell | CallTell | EventTell
type ToldRow = { sequence: number; decision?: Explanation | null | undefined }

/** The newest word on each call, as JSON: one statement may touch a row only once. */
function newest(tells: Fact[]): string {
  const rows = new Map<string, ToldRow>()
  tells.forEach((one, nth) => {
    if (one.kind !== 'call') return
    const { call_id } = one.call
    const other = rows.get(call_id)
    const row = callRow(one, nth)
    rows.set(call_id, other ? newer(other, row) : row)
  })
  return JSON.stringify([...rows.values()])
}

/** The later of two, with the decision of the earlier where it brings none: a relay tells it once. */
function newer(one: ToldRow, other: ToldRow): ToldRow {
  const [last, first] = one.sequence > other.sequence ? [one, other] : [other, one]
  return { ...last, decision: last.decision ?? first.decision }
}

/** Those of a kind, as JSON, each with its place among all: they are in the order in which the relay told them. */
function told<Kind extends Fact['kind']>(
  tells: Fact[],
  kind: Kind,
  rowOf: (told: Extract<Fact, { kind: Kind }>) => object,
): string {
  const isOf = (one: Fact): one is Extract<Fact, { kind: Kind }> => one.kind === kind
  return JSON.stringify(tells.flatMap((one, nth) => (isOf(one) ? [{ ...rowOf(one), nth }] : [])))
}

function eventRow(told: EventTell) {
  return told
}

function bindingRow({ binding, tell_id, at, sequence, event, reason, moved_from }: BindingTell) {
  const why = whyOf(reason) ?? (event === 'expired' ? bindingReasons.NOT_REFRESHED : '')
  return { ...binding, tell_id, at, sequence, event, reason, why, moved_from }
}

function whyOf(reason: string): string | undefined {
  return Object.hasOwn(bindingReasons, reason) ? bindingReasons[reason as BindingReason] : undefined
}

function callRow({ call, sequence }: CallTell, nth: number) {
  const { held = [], muted = [] } = call
  return { ...call, held, muted, sequence, nth, route_id: routeOf(call), country: countryOf(call) }
}

/** The route by which it went to its provider, or to the last one which was tried. */
function routeOf({ attempts }: CallTell['call']): string | null {
  return attempts.findLast(({ provider_id, counts }) => provider_id !== null && counts)?.route_id ?? null
}

/** The country of the far number; null: it has none which tells it, as a short one. */
function countryOf({ direction, source, destination }: CallTell['call']): string | null {
  const far = direction === 'incoming' ? source : destination
  if (direction === 'internal' || far.type !== 'tel' || !far.target.startsWith('+')) return null
  const read = readNumber(far.target, 'US')
  return read.kind === 'number' ? read.country : null
}

function receipt(tells: Fact[], customers: Set<string>): Pick<TellReceipt, 'accepted' | 'refused'> {
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
