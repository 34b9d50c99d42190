import { type SQL, sql } from 'drizzle-orm'
import { type Address, type Explanation, type OriginateCommand, protocolOfCommand } from '#contract'
import type { Database } from '#db'
import { isAlive } from './alive.ts'
import { createdByEdge, endedByEdge } from './call-events.ts'
import { writeSelected } from './event-log.ts'

/*
 * Calls which the API orders. A relay is told of each by a command, and asks whether it may begin before it rings a party: one
 * statement says so, and writes it down. So a call whose relay dies is another's as long as it has not begun, and no other's afterwards.
 */

/** The sequence of a record whose call has not begun; any word of its relay is higher. */
export const NOT_BEGUN = -1
const BEGUN = 0

/** A relay which lives and has not taken a command after so long does not listen; nor does one which took it and does not begin. */
const TAKEN_WITHIN_S = 6
const BEGUN_WITHIN_S = 10

/** A call to be made: its command without its ids, and its record. */
export interface OrderedRecord {
  readonly commandId: string
  readonly callId: string
  readonly body: Omit<OriginateCommand, 'command_id' | 'customer_id'>
  /** The extension whose phones are rung first, by its name, and by whose relay that is done best; null: none is. */
  readonly rung: string | null
  readonly direction: string
  readonly source: Address
  readonly destination: Address
  readonly extensionId: string | null
  readonly trunkId: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly decision: Explanation | null
}

/**
 * Writes down calls which are to be made, each with its record, its event and the command for its relay: that where who is rung is
 * registered, else one in the region of the customer's phones, else the one with the fewest calls. Made once, however often it is
 * asked for by the same ids. Gives the relays which are to make them; undefined where none lives which could: then none is written.
 */
export async function makeCalls(
  db: Database,
  customerId: string,
  calls: readonly OrderedRecord[],
): Promise<string[] | undefined> {
  const me = sql`${customerId}::uuid`
  const { rows } = await db.execute<{ able: boolean; relays: string[] }>(sql`
    with wanted as (
      select * from jsonb_to_recordset(${JSON.stringify(calls)}::jsonb) as t ("commandId" uuid, "callId" uuid, body jsonb,
        rung text, direction direction, source jsonb, destination jsonb, "extensionId" uuid, "trunkId" uuid,
        metadata jsonb, decision jsonb)
    ),
    able as materialized (${able}),
    registered as materialized (
      select e.extension, b.relay_id, a.region, max(b.refreshed_at) as at from bindings b join able a on a.id = b.relay_id
        left join extensions e on e.customer_id = b.customer_id and e.id = b.extension_id
      where b.customer_id = ${me} and b.event in ('registered', 'refreshed') and b.expires_at > now() group by 1, 2, 3
    ),
    chosen as (
      select w.*, (select a.id from able a order by
          (select max(at) from registered r where r.relay_id = a.id and r.extension = w.rung) desc nulls last,
          exists (select from registered r where r.region = a.region) desc, a.calls, a.id limit 1) as relay_id
      from wanted w
    ),
    recorded as (
      insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified, sip_call_id,
        started_at, attempts, decision, extension_id, trunk_id, metadata)
      select "callId", ${me}, relay_id, ${NOT_BEGUN}, direction, source, destination, 'dialing', false, '', now(), '[]',
        nullif(decision, 'null'), "extensionId", "trunkId", metadata
      from chosen where relay_id is not null
      on conflict (id) do nothing returning *
    ),
    ordered as (
      insert into commands (id, customer_id, relay_id, body)
      select "commandId", ${me}, relay_id, body from chosen where relay_id is not null and "callId" in (select id from recorded)
    ),
    told as (${writeSelected(createdByEdge(sql`recorded`))})
    select exists (select from able) as able, array(select distinct relay_id from chosen where relay_id is not null) as relays`)
  return rows[0]?.able === true ? rows[0].relays : undefined
}

/** Relays which live, take new calls and know how to make one; and how many they have. */
const able = sql`
  select r.id, r.region, coalesce((r.load ->> 'calls')::integer, 0) as calls from relays r
  where ${isAlive('r')} and not r.draining
    and r.protocol >= ${protocolOfCommand('originate')}`

/** The condition that a command `m` is of a call which has not begun, and may yet. */
export const isToMake = sql`m.body ->> 'kind' = 'originate' and m.begun_at is null and m.done_at is null`

/**
 * Whether a relay may begin a call it was told to make: it may once it has been told so. The same relay hears the same again; another,
 * or one which asks too late, never.
 */
export async function beginCall(
  db: Database,
  relayId: string,
  { command_id, call_id }: { readonly command_id: string; readonly call_id: string },
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with begun as (
      update commands m set begun_at = coalesce(begun_at, now()), taken_at = coalesce(taken_at, now())
      where m.id = ${command_id}::uuid and m.relay_id = ${relayId} and m.body ->> 'call_id' = ${call_id}
        and m.body ->> 'kind' = 'originate' and m.done_at is null
        and (m.begun_at is not null or (m.body ->> 'until')::timestamptz > now())
      returning m.customer_id
    ),
    noted as (
      -- A relay which says later that it began anew before this has not lost it.
      update calls c set sequence = greatest(c.sequence, ${BEGUN}), updated_at = now(),
        started_at = case when c.sequence = ${NOT_BEGUN} then now() else c.started_at end from begun
      where c.id = ${call_id}::uuid and c.customer_id = begun.customer_id and c.relay_id = ${relayId}
    )
    select from begun`)
  return rows.length > 0
}

/**
 * Looks after calls which have not begun: one whose relay is gone, or does not take it or begin it in time, becomes another's, once;
 * if that does not begin it either, or there is none, its record ends. `ids`: of these commands; undefined: of all.
 */
export async function followCalls(db: Database, ids?: readonly string[]): Promise<Followed> {
  const those = ids ? sql`and m.id = any(${sql.param([...ids])}::uuid[])` : sql``
  const { rows } = await db.execute<{ left: string; relays: string[] }>(sql`
    with able as materialized (${able}),
    late as materialized (
      select m.id, m.customer_id, m.relay_id, m.moved_at, (m.body ->> 'call_id')::uuid as call_id,
        (m.body ->> 'until')::timestamptz > now() as timely
      from commands m
      where ${isToMake} ${those} and (${isStuck} or (m.body ->> 'until')::timestamptz <= now())
      for update skip locked
    ),
    next as (
      select l.*, case when l.moved_at is null and l.timely then
        (select a.id from able a order by a.id = l.relay_id, a.calls, a.id limit 1) end as taker
      from late l
    ),
    moved as (
      update commands m set relay_id = n.taker, taken_at = null, moved_at = now() from next n
      where m.id = n.id and n.taker is not null
      returning m.id
    ),
    followed as (
      update calls c set relay_id = n.taker, updated_at = now() from next n
      where c.id = n.call_id and c.customer_id = n.customer_id and n.taker is not null and c.sequence = ${NOT_BEGUN}
    ),
    given_up as (
      update commands m set done_at = now(), result = jsonb_build_object('ok', false, 'reason', 'NO_RELAY', 'message', ${unmade}::text)
      from next n where m.id = n.id and n.taker is null returning m.id
    ),
    ended as (
      update calls c set status = 'hangup', hangup_by = 'system', hangup_reason = 'failed', ended_at = now(),
        reject_reason = 'NO_RELAY', reject_message = ${unmade}, updated_at = now()
      from next n where c.id = n.call_id and c.customer_id = n.customer_id and n.taker is null
        and c.sequence = ${NOT_BEGUN} and c.status <> 'hangup'
      returning c.*
    ),
    told as (${writeSelected(endedByEdge(sql`ended`))})
    select (select count(*) from commands m where ${isToMake} ${those}) - (select count(*) from given_up) as left,
      array(select distinct taker from next where taker is not null) as relays`)
  return { left: Number(rows[0]?.left ?? 0), relays: rows[0]?.relays ?? [] }
}

/** How many calls are left which may begin, and the relays which were given some. */
interface Followed {
  readonly left: number
  readonly relays: readonly string[]
}

/** Takes back a call which has not begun: its record ends, and no relay may begin it any more. false: it has begun, or is over. */
export async function cancelCall(db: Database, customerId: string, callId: string): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with back as (
      update commands m set done_at = now(), result = '{"ok": false, "reason": "CANCELLED"}'
      where m.customer_id = ${customerId}::uuid and m.body ->> 'call_id' = ${callId} and ${isToMake}
      returning m.id
    ),
    ended as (
      update calls c set status = 'hangup', hangup_by = 'system', hangup_reason = 'cancel', ended_at = now(),
        reject_reason = 'HUNG_UP', reject_message = 'The call was hung up by the API before it began.', updated_at = now()
      where c.id = ${callId}::uuid and c.customer_id = ${customerId}::uuid and c.sequence = ${NOT_BEGUN}
        and c.status <> 'hangup' and exists (select from back)
      returning c.*
    ),
    told as (${writeSelected(endedByEdge(sql`ended`))})
    select from ended`)
  return rows.length > 0
}

const unmade = 'No relay was there to make the call in time: it rang nobody.'

/** The condition that a command's relay is gone, or has let it lie; one which drains takes no new call. */
const isStuck: SQL = sql`(
  not exists (select from relays r where r.id = m.relay_id and ${isAlive('r')}
    and (not r.draining or m.taken_at is not null))
  or m.taken_at is null and coalesce(m.moved_at, m.created_at) < now() - ${TAKEN_WITHIN_S} * interval '1 second'
  or m.taken_at < now() - ${BEGUN_WITHIN_S} * interval '1 second')`
