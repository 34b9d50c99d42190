import { and, eq, type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { attempt, explanation, flowTrace, mediaSide, PLATFORM } from '#contract'
import { type Database, calls as table } from '#db'
import { utcNow } from '../clock.ts'
import type {
  CalleeFacts,
  CallFacts,
  CarrierFacts,
  DiagnosedCall,
  DiagnosedCustomer,
} from '../diagnosis/call-facts.ts'
import { isAlive } from '../store/alive.ts'
import { instant } from '../store/instant.ts'
import { holds } from './own-numbers.ts'

/*
 * What calls are diagnosed by, read in one statement: the record, and beside it what is configured of those it was about.
 */

/** A customer has no more providers than fit here but for a carrier of carriers; those a call was tried at come first. */
const carriersAtMost = 100

/** How a call stands; undefined: the customer has none of this id. */
export async function factsOfCall(
  db: Database,
  customerId: string,
  id: string,
): Promise<CallFacts | undefined> {
  const mine = and(eq(table.customerId, customerId), eq(table.id, id))
  const [row] = await callRows(db, mine, 1)
  return row && callFacts(row)
}

/** A query for the calls for which `which` holds, the newest first, with what stands beside them. */
export function callRows(db: Database, which: SQL | undefined, most: number) {
  return db
    .select({ call: table, customer, providers, callee, relay_alive: relayAlive, dialled })
    .from(table)
    .where(which)
    .orderBy(sql`${table.startedAt} desc, ${table.id} desc`)
    .limit(most)
}

/** A row of those, as a diagnosis reads it. */
export function callFacts({
  call,
  customer,
  dialled,
  ...beside
}: Awaited<ReturnType<typeof callRows>>[number]): CallFacts {
  const told = diagnosed(call)
  const number_id = told.number_id ?? dialled?.id ?? null
  const trunk_id = told.trunk_id ?? dialled?.trunk_id ?? null
  const none = { countries: [], blocked_prefixes: [] }
  return { call: { ...told, number_id, trunk_id }, customer: customer ?? none, ...beside }
}

const customer = sql<DiagnosedCustomer | null>`(
  select jsonb_build_object('blocked_prefixes', c.blocked_prefixes, 'countries', coalesce(
      (select jsonb_agg(lower(country)) from unnest(c.destination_whitelist) as country),
      (select jsonb_agg(distinct lower(country)) from (select c.default_country union all select n.country from numbers n
        where n.customer_id = c.id and n.deleted_at is null and n.enabled and n.country is not null and n.ownership <> 'claimed') as own (country)),
      '[]'))
  from customers c where c.id = ${table.customerId})`

const triedAt = sql`exists (select from jsonb_array_elements(${table.attempts}) as a where a ->> 'provider_id' = p.id::text)`

const providers = sql<CarrierFacts[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'own', customer_id = ${table.customerId}, 'enabled', enabled,
      'hostname', hostname, 'username', username, 'codecs', codecs, 'max_channels', max_channels,
      'inbound_addresses', to_jsonb(inbound_addresses)) order by created_at, id), '[]')
  from (select p.* from providers p
    where p.deleted_at is null and (p.customer_id = ${table.customerId} or p.customer_id = ${PLATFORM}::uuid and ${triedAt})
    order by ${triedAt} desc, p.created_at, p.id limit ${carriersAtMost}) as p)`

/** The number which a carrier's call came to, as routing finds it: itself, a range, any of its provider. Where that call was refused, its record does not name it, nor whom it rings. */
const itsNumber = sql`numbers n where n.customer_id = ${table.customerId} and ${table.direction} = 'incoming'
  and (${holds('n', sql`${table.decision} #>> '{number,e164}'`)}
    or n.deleted_at is null and n.number = 'any' and n.provider_id = ${table.providerId})
  order by n.number = 'any' limit 1`

const dialled = sql<{ id: string; trunk_id: string | null } | null>`(
  select jsonb_build_object('id', n.id, 'trunk_id', n.trunk_id) from ${itsNumber})`

/** The called extension: an incoming call's record has its id, any other's its name. */
const calledExtension = sql`e.customer_id = ${table.customerId} and e.deleted_at is null and case ${table.direction}
  when 'incoming' then e.id = coalesce(${table.extensionId}, (select n.extension_id from ${itsNumber})) else e.extension = ${table.destination} ->> 'target' end`

const callee = sql<CalleeFacts | null>`(
  select jsonb_build_object('id', e.id, 'extension', e.extension, 'keepalive_s', e.keepalive_s, 'max_expires', e.max_expires,
    'codecs', e.codecs, 'last', ${lastEnding(sql`e`, sql`and v.at <= coalesce(${table.endedAt}, now())`)})
  from extensions e where ${calledExtension} limit 1)`

const relayAlive = sql<boolean>`exists (select from relays r where r.id = ${table.relayId}
  and ${isAlive('r')})`

/** The last thing which happened to registrations of the account `of`, as an event has it; null: nothing did. */
function lastEnding(of: SQL, and: SQL = sql``): SQL {
  return sql`(select ${eventWords(sql`v`)} from events v
    where v.subject_id = ${of}.id and v.customer_id = ${of}.customer_id and v.sequence is not null and v.type like 'registration.%' ${and}
    order by v.sequence desc limit 1)`
}

/** What a diagnosis reads of an event about a registration. */
export function eventWords(event: SQL): SQL {
  return sql`jsonb_build_object('type', ${event}.type, 'at', ${instant(sql`${event}.at`)}, 'reason', ${event}.data ->> 'reason',
    'why', ${event}.data ->> 'why', 'contact', ${event}.data ->> 'contact', 'source_address', ${event}.data ->> 'source_address',
    'user_agent', ${event}.data ->> 'user_agent', 'registered_at', ${event}.data ->> 'registered_at',
    'refreshed_at', ${event}.data ->> 'refreshed_at')`
}

/*
 * What an older or a later edge kept in other words is passed over: a diagnosis without it is better than none.
 */
const attempts = z.array(attempt).catch([])
const media = z.object({ from_caller: mediaSide, from_callee: mediaSide }).nullable().catch(null)
const decision = explanation.nullable().catch(null)
const flow = flowTrace.nullable().catch(null)

/** A record, as a diagnosis reads it. */
function diagnosed(row: typeof table.$inferSelect): DiagnosedCall {
  const until = row.endedAt === null ? utcNow() : Date.parse(row.endedAt)
  return {
    id: row.id,
    relay_id: row.relayId,
    direction: row.direction,
    over: row.status === 'hangup',
    source: row.source,
    destination: row.destination,
    extension_id: row.extensionId,
    trunk_id: row.trunkId,
    number_id: row.numberId,
    attempts: attempts.parse(row.attempts),
    media: media.parse(row.media),
    decision: decision.parse(row.decision),
    hangup_by: row.hangupBy,
    hangup_reason: row.hangupReason,
    reject_reason: row.rejectReason,
    reject_message: row.rejectMessage,
    sip_status: row.sipStatus,
    flow: flow.parse(row.flow),
    answered: row.answeredAt !== null,
    seconds: row.answeredAt === null ? 0 : (until - Date.parse(row.answeredAt)) / 1000,
  }
}
