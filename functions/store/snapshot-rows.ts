import { type SQL, sql } from 'drizzle-orm'
import type { AccountFacts, Snapshot } from '#contract'
import type { Database } from '#db'
import { endedTokens } from './ended-tokens.ts'
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
import { instant } from './instant.ts'

/** How an account proves itself, still sealed; `realm` of a trunk is its domain's first part. */
export type SealedAccount = AccountFacts & { customer_id: string }

/** Bytes of facts a Worker with 128 MB can make a snapshot of: it holds them some six times at once, and makes others beside it. */
export const MOST_BYTES = 8 * 1024 * 1024

/** All a snapshot is made of. `facts` null: the asker has this version, or `bytes` are more than that. */
export interface SnapshotRows extends Record<string, unknown> {
  version: number
  bytes: number | null
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
      where p.deleted_at is null or p.id in (select provider_id from wishes) or p.id in (select provider_id from mine)),
    whole (facts) as materialized (select json_build_object(
        'format', 1, 'customer_id', c.id, 'version', c.version, 'made_at', ${instant(sql`now()`)},
        'customer', ${customerJson},
        'extensions', ${all(extensionJson, sql`phones e`, eldest('e'))},
        'trunks', ${all(trunkJson, sql`pbxs t`, eldest('t'))},
        'numbers', ${all(numberJson, sql`mine n`, eldest('n'))},
        'flows', ${all(flowJson, sql`flows f where f.customer_id = c.id and f.deleted_at is null`, eldest('f'))},
        'providers', ${all(providerJson(), sql`carriers p`, eldest('p'))},
        'routes', ${all(routeJson, sql`wishes r`, eldest('r'))}) from news c),
    bearable (facts) as (select facts from whole where octet_length(facts::text) <= ${MOST_BYTES})
    select me.version::float8 as version,
      (select octet_length(facts::text) from whole) as bytes,
      (select facts from bearable) as facts,
      (select json_agg(account) from (
        select ${extensionAccount} as account from phones union all
        select ${trunkAccount} from pbxs where 'basic' = any(auth_types) and username is not null and sealed_md5 is not null
      ) as t where exists (select from bearable)) as accounts,
      (select json_object_agg(id, sealed_password) from carriers where sealed_password is not null) as passwords
    from me`)
  return rows[0]
}

function eldest(name: 'e' | 't' | 'n' | 'f' | 'p' | 'r'): SQL {
  const of = sql.raw(name)
  return sql`${of}.created_at, ${of}.id`
}

const extensionAccount = sql`json_build_object(
  'kind', 'extension', 'id', id, 'customer_id', customer_id, 'username', extension, 'realm', '',
  'ha1_md5', sealed_md5, 'ha1_sha256', sealed_sha256, 'algorithms', ${algorithms()}, ${limits()},
  'ended_tokens', array(${endedTokens(sql`phones.customer_id`, sql`phones.id`)}))`

const trunkAccount = sql`json_build_object(
  'kind', 'trunk', 'id', id, 'customer_id', customer_id, 'username', username, 'realm', domain_name,
  'ha1_md5', sealed_md5, 'ha1_sha256', sealed_sha256, 'algorithms', ${algorithms()}, ${limits()},
  'ended_tokens', array[]::uuid[])`

function algorithms(): SQL {
  return sql`coalesce(digest_algorithms, (select digest_algorithms from me))`
}

function limits(): SQL {
  return sql`'enabled', enabled, 'max_contacts', max_contacts, 'min_expires', min_expires,
    'max_expires', max_expires, 'default_expires', default_expires, 'keepalive_s', keepalive_s`
}
