import { type SQL, sql } from 'drizzle-orm'
import {
  type CustomerFacts,
  type ExtensionFacts,
  type FlowFacts,
  type HealthStatus,
  type NumberFacts,
  PLATFORM,
  type ProviderFacts,
  type RouteFacts,
  type ScopeKind,
  type TrunkFacts,
  type UtcMs,
} from '#contract'
import type { Database } from '#db'
import { LOOKED_AT, SHOWN } from '#routing'
import { type HolderRow, holderOf } from '../key-holder.ts'
import { bound, WrittenStatement } from '../written-statement.ts'
import { isAlive } from './alive.ts'
import {
  all,
  customerJson,
  extensionJson,
  flowJson,
  numberJson,
  providerJson,
  routeJson,
  trunkJson,
} from './facts-json.ts'
import { flowsLed, takenAlong } from './flows-led.ts'
import { reachOf, standingAt, type VersionReach } from './history.ts'
import type { Lookup } from './lookup.ts'
import { talkedToday, today } from './talk.ts'

/** What one question rests on, as one statement brings it. */
export interface Facts {
  /** UTC ms, the database's. */
  at: UtcMs
  customers: { version: number; facts: CustomerFacts }[]
  extensions: ExtensionFacts[]
  trunks: TrunkFacts[]
  numbers: NumberFacts[]
  flows: FlowFacts[]
  /** Passwords still sealed. */
  providers: ProviderFacts[]
  routes: RouteFacts[]
  /** How many routes each of those who may be calling has. */
  route_counts: { customer_id: string; count: number }[]
  health: { id: string; status: HealthStatus }[]
  /** Calls under way and seconds talked today (UTC) of all which have a limit. */
  use: { kind: ScopeKind; id: string; calls: number; seconds: number }[]
}

/**
 * Routes are counted so far: more than the usual quota allows. Where an administrator allowed more, an explanation made
 * at the edge leaves out these at least; counting them all would make each question dearer than the rest of it.
 */
const COUNTED = 2_001

/** What the statement is asked with: each a value of its own, so that its text is always the same. */
function valuesOf(wanted: Lookup) {
  const { customerId, networks, prefixes, short, readings, asked, ...others } = wanted
  return {
    ...others,
    customerId,
    networks: [...networks],
    itself: networks.slice(0, 1),
    fromAddress: customerId === null,
    beginnings: [...prefixes, ...short],
    isShort: short.length > 0,
    readings: customerId === null ? readings : [],
    dialled: [...readings],
    asked: [...asked],
  }
}
type Asked = Record<keyof ReturnType<typeof valuesOf>, SQL>

const question = new WrittenStatement<keyof Asked>(asking)
const questionAndKey = new WrittenStatement<keyof Asked | 'hash'>(
  (asked) => sql`select facts, (${holderOf(asked.hash)}) as other from (${asking(asked)}) as asked`,
)

/** The statement with what it is asked with, to stand in another. */
export function statementFor(wanted: Lookup): SQL {
  return asking(bound(valuesOf(wanted)))
}

/** Brings all a decision may look up, in one round trip. */
export async function load(db: Database, wanted: Lookup): Promise<Facts> {
  return factsIn(await question.ask<{ facts: Facts }>(db, valuesOf(wanted)))
}

/**
 * The same of these customers' configuration alone, as it was at a version, and how far back that can be told: where
 * that is not as far, the facts mean nothing.
 */
export async function loadAt(
  db: Database,
  wanted: Lookup,
  version: number,
  customerIds: readonly string[],
): Promise<{ reach: VersionReach; facts: Facts }> {
  const then = sql`with ${standingAt(version, customerIds)} select facts from (${statementFor(wanted)}) as asked`
  // What is swept out between the two is then known to be.
  const [facts, reach] = await db.batch([db.execute<{ facts: Facts }>(then), reachOf(db, customerIds)])
  return { reach: firstOf(reach), facts: factsIn(facts) }
}

function factsIn(answer: { rows: { facts: Facts }[] }): Facts {
  return firstOf(answer).facts
}

function firstOf<Row>({ rows: [row] }: { rows: Row[] }): Row {
  if (!row) throw new Error('The question brought no row, though it always brings one.')
  return row
}

/** The same, and beside it whose the token of this hash is, in the same round trip; undefined: it opens nothing. */
export async function loadBeside(
  db: Database,
  wanted: Lookup,
  hash: string,
): Promise<[Facts, HolderRow | undefined]> {
  const values = { ...valuesOf(wanted), hash }
  const found = firstOf(await questionAndKey.ask<{ facts: Facts; other: HolderRow | null }>(db, values))
  return [found.facts, found.other ?? undefined]
}

/**
 * The statement which brings it.
 *
 * The caller's country is in the same answer, so what a national number means is not known yet: routes and
 * numbers come along for all it may mean, any routes for a short number, which may be an emergency's, and the oldest few
 * routes for the explanation. `offset 0` keeps
 * PostgreSQL to look-ups by index, however many rows there are.
 */
function asking(wanted: Asked): SQL {
  return sql`
    with recursive ${callers(wanted)}, ${routing(wanted)}, ${called(wanted)}, ${shown(wanted)}, ${brought(wanted)}
    select json_build_object(
      'at', extract(epoch from now()) * 1000,
      'customers', (select coalesce(json_agg(json_build_object('version', c.version, 'facts', ${customerJson})), '[]')
        from ${byId(
          'customers',
          sql`select ${PLATFORM}::uuid as id union select customer_id from callers
          union select customer_id from providers_at union select customer_id from called_numbers`,
        )} as c where c.deleted_at is null),
      'extensions', ${all(extensionJson, sql`known_extensions e`)},
      'trunks', ${all(trunkJson, sql`known_trunks t`)},
      'numbers', ${all(
        numberJson,
        sql`${byId('numbers', sql`select id from called_numbers union select id from own_numbers`)} as n`,
      )},
      'flows', ${all(flowJson, sql`programs f`)},
      'providers', ${all(providerJson(sql`p.sealed_password`), sql`known_providers p`)},
      'routes', ${all(routeJson, sql`${byId('routes', sql`select id from route_ids`)} as r`)},
      'route_counts', (select coalesce(json_agg(json_build_object('customer_id', id, 'count', (
          select count(*) from (select from routes where customer_id = me.id and deleted_at is null
            order by created_at, id limit ${COUNTED}) as r))), '[]') from me),
      'health', (select coalesce(json_agg(json_build_object('id', provider_id, 'status', status)), '[]')
        from provider_health where provider_id in (select id from known_providers)),
      'use', (select coalesce(json_agg(json_build_object('kind', kind, 'id', id,
          'calls', ${callsOf(wanted)}, 'seconds', ${secondsOf})), '[]') from limited)
    ) as facts`
}

/** Who may be calling: extensions and trunks, with their customers; and providers at the address. */
function callers(wanted: Asked): SQL {
  const { customerId, extensionId, callerName, trunkId, domain, lineProviderId, fromAddress } = wanted
  const around = sql`${wanted.networks}::inet[]`
  const itself = sql`${wanted.itself}::inet[]`
  return sql`
    pbxs as (
      select * from trunks where customer_id = ${customerId}::uuid and id = ${trunkId}::uuid and deleted_at is null
      union select * from trunks where domain_name = ${domain} and deleted_at is null
        and (${fromAddress}::boolean or customer_id = ${customerId}::uuid)
      union select * from trunks where sources && ${around} and deleted_at is null
    ),
    callers (customer_id) as (
      select id from customers where id = ${customerId}::uuid and deleted_at is null
      union select p.customer_id from pbxs p join customers c on c.id = p.customer_id and c.deleted_at is null
    ),
    me as (select c.* from customers c join callers on callers.customer_id = c.id),
    caller as (
      select * from extensions where customer_id = ${customerId}::uuid and deleted_at is null
        and (id = ${extensionId}::uuid or extension = ${callerName})
    ),
    providers_at as (
      select p.id, p.customer_id, p.country, c.calling_code
      from ${byId(
        'providers',
        sql`select id from providers where sources && ${around} and deleted_at is null
        union select id from providers where found && ${itself} and deleted_at is null
        union select ${lineProviderId}::uuid`,
      )} as p join customers c on c.id = p.customer_id and c.deleted_at is null
      where p.deleted_at is null and p.enabled
    )`
}

/** The routes which may match, by all that a national number may mean. */
function routing({ tails, beginnings, isShort, local, codes }: Asked): SQL {
  return sql`
    homes (country, code) as (
      select default_country, calling_code from me
      union select country, ${codes}::jsonb ->> country from pbxs where country is not null
    ),
    owners (id) as (select id from me union select ${PLATFORM}::uuid from me where use_default_routes),
    targets (target) as (
      select 'all' from me
      union select unnest(${list(beginnings)})
      union select '+' || code from homes where ${isShort}::boolean
      union select left('+' || code || tail, length)
      from homes, unnest(${list(tails)}) as tail, generate_series(2, 16) as length
      union select left(${local}::jsonb ->> country, length) from homes, generate_series(2, 16) as length
    ),
    route_ids as (
      select r.id from owners, targets, lateral (
        select id from routes
        where customer_id = owners.id and target = targets.target and deleted_at is null
        order by priority, created_at, id limit ${LOOKED_AT}) as r
      union
      select r.id from me, lateral (
        select id from routes where customer_id = me.id and deleted_at is null
        order by created_at, id limit ${SHOWN}) as r
      union
      select r.id from owners, lateral (
        select id from routes where customer_id = owners.id and deleted_at is null and ${isShort}::boolean
        order by priority, created_at, id limit ${LOOKED_AT}) as r
    )`
}

/**
 * The numbers a call may ring: of its caller's customer, and from an address exactly, within a range, or as whatever comes
 * from a provider.
 */
function called({ readings, national, dialled, tails, local, codes }: Asked): SQL {
  return sql`
    readings (number) as (
      select unnest(${list(readings)})
      union select '+' || coalesce(${codes}::jsonb ->> providers_at.country, providers_at.calling_code) || digits
      from providers_at, unnest(${list(national)}) as digits
    ),
    own_readings (number) as (
      select unnest(${list(dialled)}) from me
      union select '+' || code || tail from homes, unnest(${list(tails)}) as tail
      union select ${local}::jsonb ->> country from homes
    ),
    called_numbers as (
      select n.id, n.customer_id, n.extension_id, n.trunk_id, n.call_flow_id
      from ${byId(
        'numbers',
        sql`${within(sql`readings`, sql`(select distinct customer_id from providers_at)`)}
        union ${within(sql`own_readings`, sql`(select id as customer_id from me)`)}
        union ${taken(sql`readings`)}
        union ${claimed(sql`readings`)}
        union select n.id from providers_at join numbers n on n.provider_id = providers_at.id
          and n.number = 'any' and n.deleted_at is null`,
      )} as n
    )`
}

/** The numbers of the caller's customer which the caller asked to show, or has of its own; and the extension it called. */
function shown({ asked, askedTails, askedLocal, name }: Asked): SQL {
  return sql`
    numbers_asked (number) as (
      select unnest(${list(asked)}) from me
      union select '+' || code || tail from homes, unnest(${list(askedTails)}) as tail
      union select read ->> country from homes, jsonb_array_elements(${askedLocal}::jsonb) as read
      union select unnest(caller_ids) from pbxs
      union select caller_id from caller where caller_id is not null
    ),
    own_numbers as (
      ${within(sql`numbers_asked`, sql`(select id as customer_id from me)`)}
    ),
    named as (
      select e.* from extensions e join me on e.customer_id = me.id
      where e.extension = ${name} and e.deleted_at is null
    )`
}

/** Numbers which some customers list, and which are one of some numbers or have one of them in their range. */
function within(wanted: SQL, customers: SQL): SQL {
  return spans(sql`${wanted} as w cross join ${customers} as o`, sql`customer_id = o.customer_id`)
}

/** The same of every customer's: what is only claimed is not looked for. */
function taken(wanted: SQL): SQL {
  return spans(sql`${wanted} as w`, sql`ownership <> 'claimed'`)
}

/** Claims of some numbers, as many as it takes to see whether they are one customer's. */
function claimed(wanted: SQL): SQL {
  return sql`
    select n.id from ${wanted} as w, lateral (
      select id from numbers where number = w.number and number <> 'any' and ownership = 'claimed' and number_to is null
        and deleted_at is null
      order by id limit 3) as n`
}

/** Ranges of one customer never overlap, nor do those which are taken: of each only the last before a number counts. */
function spans(wanted: SQL, those: SQL): SQL {
  return sql`
    select n.id from ${wanted}, lateral (
      select id from numbers
      where ${those} and number = w.number and number <> 'any' and number_to is null and deleted_at is null offset 0) as n
    union
    select n.id from ${wanted}, lateral (
      select * from numbers
      where ${those} and number <= w.number and length(number) = length(w.number) and number_to is not null
        and deleted_at is null
      order by number desc limit 1) as n
    where n.number_to >= w.number`
}

/** What those lead to, and in whose limits the call may count. */
function brought({ flowId }: Asked): SQL {
  return sql`
  programs as (
    select f.* from (
      select distinct called.customer_id, led.id
      from (
        select customer_id, call_flow_id from called_numbers where call_flow_id is not null
        union select id, ${flowId}::uuid from me where ${flowId}::uuid is not null
      ) as called
        cross join lateral (${flowsLed(sql`called.customer_id`, sql`select called.call_flow_id`)}) as led
      where ${takenAlong}
    ) as led join flows f on f.id = led.id and f.customer_id = led.customer_id and f.deleted_at is null
  ),
  known_extensions as (
    select * from caller union select * from named
    union select e.* from extensions e join called_numbers on e.customer_id = called_numbers.customer_id and e.id = called_numbers.extension_id
    where e.deleted_at is null
    union select e.* from extensions e join programs f on e.customer_id = f.customer_id
      and e.extension = f.actions #>> '{0,option,destinations,0,target_name}'
    where e.deleted_at is null
  ),
  known_trunks as (
    select * from pbxs
    union select t.* from trunks t join called_numbers on t.customer_id = called_numbers.customer_id and t.id = called_numbers.trunk_id
    where t.deleted_at is null
  ),
  known_providers as (
    select p.* from ${byId(
      'providers',
      sql`select id from providers_at union select provider_id from ${byId('routes', sql`select id from route_ids`)} as r`,
    )} as p
  ),
  limited (kind, id, customer_id, max_daily_minutes) as (
    select 'customer'::scope_kind, id, id, max_daily_minutes
      from ${byId('customers', sql`select id from me union select customer_id from called_numbers`)} as c
      where num_nonnulls(max_channels, max_cps, max_daily_minutes) > 0
    union all select 'extension', id, customer_id, max_daily_minutes from known_extensions
      where num_nonnulls(max_channels, max_cps, max_daily_minutes) > 0
    union all select 'trunk', id, customer_id, max_daily_minutes from known_trunks
      where num_nonnulls(max_channels, max_cps, max_daily_minutes) > 0
    union all select 'provider', id, customer_id, null from known_providers
      where num_nonnulls(max_channels, max_cps) > 0
  )`
}

/** Calls under way, this one aside, as far as living relays say so. */
function callsOf({ callId }: Asked): SQL {
  return sql`(select count(*) from leases l join relays on relays.id = l.relay_id
    where l.scope_id = limited.id and l.scope_kind = limited.kind and l.call_id <> ${callId}::uuid
      and ${isAlive('relays')})`
}

const secondsOf = sql`(select coalesce(sum(extract(epoch from
    coalesce(a.ended_at, now()) - greatest(a.answered_at, ${today}))), 0)
  from ${talkedToday(sql`c.customer_id = limited.customer_id`)} a
  where limited.max_daily_minutes is not null
    and case limited.kind when 'customer' then true when 'extension' then a.extension_id = limited.id
      else a.trunk_id = limited.id end)`

/** Rows of a table by some ids: one look-up each, whatever PostgreSQL thinks of their number. */
function byId(table: 'customers' | 'numbers' | 'providers' | 'routes', ids: SQL): SQL {
  const found = sql`select * from ${sql.raw(table)} where id = wanted.id offset 0`
  return sql`(select found.* from (${ids}) as wanted (id) cross join lateral (${found}) as found)`
}

/** Some texts as one parameter, whose length PostgreSQL reckons with. */
function list(texts: SQL): SQL {
  return sql`${texts}::text[]`
}
