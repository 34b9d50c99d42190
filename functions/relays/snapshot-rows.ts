import { type SQL, sql } from 'drizzle-orm'
import type { AccountFacts, Snapshot } from '#contract'
import type { Database } from '#db'
import { instant } from './instant.ts'

/** How an account proves itself, still sealed; `realm` of a trunk is its domain's first part. */
export type SealedAccount = AccountFacts & { customer_id: string }

/** All a snapshot is made of. `facts` null: the asker has this version. */
export interface SnapshotRows extends Record<string, unknown> {
  version: number
  facts: Omit<Snapshot, 'sealed'> | null
  accounts: SealedAccount[] | null
  /** Sealed passwords by provider id. */
  passwords: Record<string, string> | null
}

/** Brings one customer's configuration, in one statement; undefined where there is no such customer. */
export async function snapshotRows(
  db: Database,
  customerId: string,
  known: number | undefined,
): Promise<SnapshotRows | undefined> {
  const { rows } = await db.execute<SnapshotRows>(sql`
    with me as (select * from customers where id = ${customerId}::uuid and deleted_at is null),
    news as (select * from me where version is distinct from ${known ?? null}::bigint),
    mine as (select n.* from numbers n join news on n.customer_id = news.id where n.deleted_at is null),
    phones as (select e.* from extensions e join news on e.customer_id = news.id where e.deleted_at is null),
    pbxs as (select t.* from trunks t join news on t.customer_id = news.id where t.deleted_at is null),
    wishes as (select r.* from routes r join news on r.customer_id = news.id where r.deleted_at is null),
    carriers as (select p.* from providers p join news on p.customer_id = news.id
      where p.deleted_at is null or p.id in (select provider_id from wishes) or p.id in (select provider_id from mine))
    select me.version::float8 as version,
      (select jsonb_build_object(
        'format', 1, 'customer_id', id, 'version', version, 'made_at', ${instant(sql`now()`)}, 'customer', ${customer},
        'extensions', ${all(sql`phones`, extension)}, 'trunks', ${all(sql`pbxs`, trunk)},
        'numbers', ${all(sql`mine`, number)}, 'providers', ${all(sql`carriers`, provider)},
        'routes', ${all(sql`wishes`, route)},
        'flows', (select coalesce(jsonb_agg(${flow}), '[]') from flows
          where customer_id = news.id and deleted_at is null)) from news) as facts,
      (select jsonb_agg(account) from (
        select ${extensionAccount} as account from phones union all
        select ${trunkAccount} from pbxs where 'basic' = any(auth_types) and username is not null and sealed_md5 is not null
      ) as t) as accounts,
      (select jsonb_object_agg(id, sealed_password) from carriers where sealed_password is not null) as passwords
    from me`)
  return rows[0]
}

function all(table: SQL, of: SQL): SQL {
  return sql`(select coalesce(jsonb_agg(${of} order by created_at, id), '[]') from ${table})`
}

const caps = sql`jsonb_build_object(
  'max_channels', max_channels, 'max_cps', max_cps, 'max_daily_minutes', max_daily_minutes)`

const tls = sql`jsonb_build_object('verify', tls_verify, 'fingerprint', tls_fingerprint)`

const customer = sql`jsonb_build_object(
  'id', id, 'country', default_country, 'calling_code', calling_code, 'allowed', destination_whitelist,
  'number_countries', (select coalesce(jsonb_agg(distinct country), '[]') from mine where country is not null and enabled),
  'blocked_prefixes', blocked_prefixes, 'require_caller_id', require_caller_id, 'use_default_routes', use_default_routes,
  'default_number', (select number from mine where mine.id = news.default_outgoing_number_id and enabled),
  'only_number', (select min(number) from mine where enabled and number <> 'any' and number_to is null having count(*) = 1),
  'algorithms', digest_algorithms, 'caps', ${caps})`

const extension = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'extension', extension, 'name', name, 'enabled', enabled,
  'ring_timeout', ring_timeout,
  'caller_id', (select mine.number from mine where mine.number = phones.caller_id and mine.enabled), 'caps', ${caps})`

const trunk = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'name', name, 'domain_name', domain_name, 'enabled', enabled,
  'auth_types', auth_types, 'username', username, 'sources', sources, 'hostname', hostname, 'port', port,
  'transport', transport, 'tls', ${tls}, 'codecs', codecs, 'called_format', called_format,
  'calling_format', calling_format, 'country', country, 'caller_ids', caller_ids, 'ring_timeout', ring_timeout,
  'caps', ${caps})`

const number = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'number', number, 'number_to', number_to, 'provider_id', provider_id,
  'enabled', enabled, 'extension_id', extension_id, 'trunk_id', trunk_id, 'flow_id', call_flow_id)`

const flow = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'extension', actions #>> '{0,option,destinations,0,target_name}')`

const provider = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'name', name, 'enabled', enabled, 'deleted', deleted_at is not null,
  'hostname', hostname, 'port', port, 'transport', transport, 'tls', ${tls}, 'codecs', codecs,
  'tech_prefix', tech_prefix, 'tech_postfix', tech_postfix, 'tech_headers', tech_headers,
  'called_format', called_format, 'calling_format', calling_format, 'asserted_format', asserted_format,
  'country', country, 'username', username, 'password', null, 'realm', realm, 'sources', sources,
  'register', register, 'register_expires', register_expires, 'failover', failover,
  'probe_interval', probe_interval, 'probe_accept', probe_accept,
  'caps', jsonb_build_object('max_channels', max_channels, 'max_cps', max_cps, 'max_daily_minutes', null))`

const route = sql`jsonb_build_object(
  'id', id, 'customer_id', customer_id, 'name', name, 'target', target, 'priority', priority, 'weight', weight,
  'enabled', enabled, 'created_at', created_at, 'time_window', time_window, 'failover', failover,
  'provider_id', provider_id)`

const extensionAccount = sql`jsonb_build_object(
  'kind', 'extension', 'id', id, 'customer_id', customer_id, 'username', extension, 'realm', '',
  'ha1_md5', sealed_md5, 'ha1_sha256', sealed_sha256, 'algorithms', ${algorithms()}, ${limits()})`

const trunkAccount = sql`jsonb_build_object(
  'kind', 'trunk', 'id', id, 'customer_id', customer_id, 'username', username, 'realm', domain_name,
  'ha1_md5', sealed_md5, 'ha1_sha256', sealed_sha256, 'algorithms', ${algorithms()}, ${limits()})`

function algorithms(): SQL {
  return sql`coalesce(digest_algorithms, (select digest_algorithms from me))`
}

function limits(): SQL {
  return sql`'enabled', enabled, 'max_contacts', max_contacts, 'min_expires', min_expires,
    'max_expires', max_expires, 'default_expires', default_expires`
}
