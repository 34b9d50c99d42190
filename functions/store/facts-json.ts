import { type SQL, sql } from 'drizzle-orm'

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
  'pass_display_name', c.pass_display_name,
  'default_number', (select number from numbers n
    where n.id = c.default_outgoing_number_id and n.customer_id = c.id and n.deleted_at is null and n.enabled and n.ownership <> 'claimed'),
  'only_number', (select min(number) from (
      select number from numbers n where n.customer_id = c.id and n.deleted_at is null and n.enabled
        and n.ownership <> 'claimed' and n.number <> 'any' and n.number_to is null order by n.created_at, n.id limit 2) as two having count(*) = 1),
  'algorithms', c.digest_algorithms, 'caps', ${caps('c')})`

/** A row `e` of extensions as `ExtensionFacts`. */
export const extensionJson = sql`json_build_object(
  'id', e.id, 'customer_id', e.customer_id, 'extension', e.extension, 'name', e.name, 'enabled', e.enabled,
  'ring_timeout', e.ring_timeout, 'caller_id', e.caller_id, 'caps', ${caps('e')})`

/** A row `t` of trunks as `TrunkFacts`. */
export const trunkJson = sql`json_build_object(
  'id', t.id, 'customer_id', t.customer_id, 'name', t.name, 'domain_name', t.domain_name, 'enabled', t.enabled,
  'auth_types', t.auth_types, 'username', t.username, 'sources', t.sources, 'created_at', t.created_at, 'hostname', t.hostname, 'port', t.port,
  'transport', t.transport, 'tls', ${tls('t')},
  'codecs', t.codecs, 'called_format', t.called_format, 'calling_format', t.calling_format, 'country', t.country,
  'caller_ids', t.caller_ids, 'ring_timeout', t.ring_timeout,
  'caps', ${caps('t')})`

/** A row `n` of numbers as `NumberFacts`. */
export const numberJson = sql`json_build_object(
  'id', n.id, 'customer_id', n.customer_id, 'number', n.number, 'number_to', n.number_to,
  'provider_id', n.provider_id, 'ownership', n.ownership, 'enabled', n.enabled, 'extension_id', n.extension_id, 'trunk_id', n.trunk_id,
  'flow_id', n.call_flow_id)`

/** A row `f` of flows as `FlowFacts`. */
export const flowJson = sql`json_build_object(
  'id', f.id, 'customer_id', f.customer_id,
  'extension', f.actions #>> '{0,option,destinations,0,target_name}')`

const found = sql`case when cardinality(p.found) = 0 then '[]'::json else (
  select json_agg(json_build_object('address', host(address), 'since', since))
  from unnest(p.found, p.found_since) as place (address, since)) end`

/** With its password sealed where `password` says where that is; else with none. */
export const providerJson = (password: SQL = sql`null`) => sql`json_build_object(
  'id', p.id, 'customer_id', p.customer_id, 'name', p.name, 'enabled', p.enabled,
  'deleted', p.deleted_at is not null, 'hostname', p.hostname, 'port', p.port, 'transport', p.transport,
  'tls', ${tls('p')}, 'codecs', p.codecs,
  'tech_prefix', p.tech_prefix, 'tech_postfix', p.tech_postfix, 'tech_headers', p.tech_headers,
  'called_format', p.called_format, 'calling_format', p.calling_format, 'asserted_format', p.asserted_format,
  'country', p.country, 'username', p.username, 'password', ${password}, 'locked', false, 'realm', p.realm,
  'sources', p.sources, 'found', ${found}, 'created_at', p.created_at, 'register', p.register, 'register_expires', p.register_expires, 'line', '',
  'failover', p.failover, 'probe_interval', p.probe_interval, 'probe_accept', p.probe_accept,
  'caps', json_build_object('max_channels', p.max_channels, 'max_cps', p.max_cps, 'max_daily_minutes', null))`

/** A row `r` of routes as `RouteFacts`. */
export const routeJson = sql`json_build_object(
  'id', r.id, 'customer_id', r.customer_id, 'name', r.name, 'target', r.target, 'priority', r.priority,
  'weight', r.weight, 'enabled', r.enabled, 'created_at', r.created_at, 'time_window', r.time_window,
  'failover', r.failover, 'provider_id', r.provider_id)`

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

function tls(name: 't' | 'p'): SQL {
  const of = sql.raw(name)
  return sql`json_build_object('verify', ${of}.tls_verify, 'fingerprint', ${of}.tls_fingerprint)`
}
