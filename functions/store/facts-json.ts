import { type SQL, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { extensionFacts, flowFacts, numberFacts, providerFacts, routeFacts, trunkFacts } from '#contract'

/*
 * Rows as the contract's facts, for one question and for whole snapshots. Each stands in a query in which the
 * row's table has the alias its name begins with: `c` customers, `e` extensions, `t` trunks, `n` numbers,
 * `f` flows, `p` providers, `r` routes.
 */

/** Those rows as one JSON array, in the order given, or any. */
export function all(facts: SQL, from: SQL, order?: SQL): SQL {
  return sql`(select coalesce(json_agg(${facts} ${order ? sql`order by ${order}` : sql``}), '[]') from ${from})`
}

/** Of thousands of numbers it looks at one for each country, and two more. */
export const customerJson = sql`json_build_object(
  'id', c.id, 'country', c.default_country, 'calling_code', c.calling_code,
  'registrar_name', c.registrar_name, 'allowed', c.destination_whitelist,
  'number_countries', (
    with recursive found (country) as (
      select ${nextCountry(sql`''`)}
      union all select ${nextCountry(sql`found.country`)} from found where found.country is not null
    )
    select coalesce(json_agg(country order by country), '[]') from found where country is not null),
  'blocked_prefixes', c.blocked_prefixes, 'require_caller_id', c.require_caller_id,
  'use_default_routes', c.use_default_routes,
  'pass_display_name', c.pass_display_name, 'capture_messages', c.capture_messages,
  'default_number', (select number from numbers n
    where n.id = c.default_outgoing_number_id and n.customer_id = c.id and n.deleted_at is null and n.enabled and n.ownership <> 'claimed'),
  'only_number', (select min(number) from (
      select number from numbers n where n.customer_id = c.id and n.deleted_at is null and n.enabled
        and n.ownership <> 'claimed' and n.number <> 'any' and n.number_to is null order by n.created_at, n.id limit 2) as two having count(*) = 1),
  'algorithms', c.digest_algorithms, 'caps', ${caps('c')}, 'guard', ${guard('c')})`

/** A row `e` of extensions as `ExtensionFacts`. */
export const extensionJson = factsOf('e', extensionFacts, { caps: caps('e'), guard: guard('e') })

/** A row `t` of trunks as `TrunkFacts`. */
export const trunkJson = factsOf('t', trunkFacts, {
  tls: tls('t'),
  caps: caps('t'),
  guard: guard('t'),
})

/** A row `n` of numbers as `NumberFacts`. */
export const numberJson = factsOf('n', numberFacts, { flow_id: sql`n.call_flow_id` })

/** A row `f` of flows as `FlowFacts`. */
export const flowJson = factsOf('f', flowFacts, {
  extension: sql`case when jsonb_array_length(f.actions) = 1 then f.actions #>> '{0,option,destinations,0,target_name}' end`,
  version: sql`coalesce(f.version, 1)`,
  variables: sql`coalesce(f.variables, '{}')`,
})

const found = sql`case when cardinality(p.found) = 0 then '[]'::json else (
  select json_agg(json_build_object('address', host(address), 'since', since))
  from unnest(p.found, p.found_since) as place (address, since)) end`

/** With its password sealed where `password` says where that is; else with none. */
export const providerJson = (password: SQL = sql`null`) =>
  factsOf('p', providerFacts, {
    deleted: sql`p.deleted_at is not null`,
    tls: tls('p'),
    password,
    locked: sql`false`,
    found,
    line: sql`''`,
    caps: sql`json_build_object('max_channels', p.max_channels, 'max_cps', p.max_cps, 'max_daily_minutes', null)`,
  })

/** A row `r` of routes as `RouteFacts`. */
export const routeJson = factsOf('r', routeFacts, {})

/** Facts which are named as the columns they stand in, but for those which `others` says. */
function factsOf(alias: string, { shape }: z.ZodObject, others: Readonly<Record<string, SQL>>): SQL {
  const parts = Object.keys(shape).map(
    (name) => sql`${sql.raw(`'${name}'`)}, ${others[name] ?? sql.raw(`${alias}.${name}`)}`,
  )
  return sql`json_build_object(${sql.join(parts, sql`, `)})`
}

/** The next country of those the customer has numbers in, or null. */
function nextCountry(after: SQL): SQL {
  return sql`(select n.country from numbers n where n.customer_id = c.id and n.deleted_at is null and n.enabled
    and n.country is not null and n.ownership <> 'claimed' and n.country > ${after} order by n.country limit 1)`
}

function caps(name: 'c' | 'e' | 't'): SQL {
  const of = sql.raw(name)
  return sql`json_build_object('max_channels', ${of}.max_channels, 'max_cps', ${of}.max_cps,
    'max_daily_minutes', ${of}.max_daily_minutes)`
}

/** What guards calls out; null where nothing is set, as nearly everywhere. */
function guard(name: 'c' | 'e' | 't'): SQL {
  const of = sql.raw(name)
  return sql`case when ${of}.outbound_blocked or cardinality(${of}.known_countries) > 0
      or num_nonnulls(${of}.max_calls_per_minute, ${of}.max_calls_per_hour, ${of}.new_countries, ${of}.released_at) > 0
    then json_build_object('blocked', ${of}.outbound_blocked, 'max_calls_per_minute', ${of}.max_calls_per_minute,
      'max_calls_per_hour', ${of}.max_calls_per_hour, 'released_at', ${of}.released_at,
      'new_countries', ${of}.new_countries, 'known_countries', ${of}.known_countries) end`
}

function tls(name: 't' | 'p'): SQL {
  const of = sql.raw(name)
  return sql`json_build_object('verify', ${of}.tls_verify, 'fingerprint', ${of}.tls_fingerprint)`
}
