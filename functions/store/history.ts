import { type SQL, sql } from 'drizzle-orm'
import { changes, type Database } from '#db'
import { flowVersionAt } from './flow-versions.ts'

/*
 * A customer's configuration as it was: `changes` taken back from how it is now. A row which was changed after a version
 * is as its first change after that found it; any other is as it is.
 */

/** A noun of the configuration, and the table its rows are in. */
export const configured = {
  customer: 'customers',
  provider: 'providers',
  route: 'routes',
  extension: 'extensions',
  trunk: 'trunks',
  flow: 'flows',
  number: 'numbers',
} as const
export type Configured = keyof typeof configured

/** A row as `changes` keeps it: by its columns' names, without its secrets. */
export type KeptRow = Readonly<Record<string, unknown>>

/** A row of a customer's configuration at a version, and now. */
export interface ThenAndNow extends Record<string, unknown> {
  type: Configured
  id: string
  /** null: it was not there; a deleted one says so by `deleted_at`. */
  past: KeptRow | null
  /** null: nothing has changed since. */
  present: KeptRow | null
  /** Which version of a flow it was, for rows do not keep that; null: no flow. */
  flowVersion: number | null
}

/** The live rows of a customer's configuration, and those which were changed since a version. */
export function rowsSince(customerId: string, version: number): SQL {
  const rows = Object.entries(configured).map(
    ([type, table]) => sql`
    select ${type}::text as type, t.id, case when later.resource_id is null then recorded(to_jsonb(t)) else later.before end as past,
      case when later.resource_id is not null then recorded(to_jsonb(t)) end as present,
      ${type === 'flow' ? flowVersionAt(version) : sql`null::integer`} as "flowVersion", t.created_at
    from ${sql.raw(table)} t left join later on later.resource_id = t.id
    where ${ownerOf(table)} = ${customerId}::uuid and (t.deleted_at is null or later.resource_id is not null)`,
  )
  return sql`with ${firstLater(version, [customerId])}
    select type, id, past, present, "flowVersion" from (${sql.join(rows, sql` union all `)}) as rows order by created_at desc, id desc`
}

/**
 * Definitions which stand in the place of the configuration's tables, with the rows of these customers as they were at a
 * version; secrets, and what DNS finds, are as they are now. Of a customer the version is that one, of a flow its own then.
 */
export function standingAt(version: number, customerIds: readonly string[]): SQL {
  const tables = Object.values(configured).map((table) => {
    const was = { customers: sql`${version}::bigint`, flows: flowVersionAt(version) }[table as string]
    const as = was ? sql`jsonb_build_object('version', ${was})` : sql`'{}'`
    return sql`${sql.raw(table)} as (
      select past.* from ${sql.raw(table)} t left join later on later.resource_id = t.id
      cross join lateral jsonb_populate_record(t, coalesce(later.before, '{}') || ${as}) as past
      where ${ownerOf(table)} = any(${uuids(customerIds)}) and (t.deleted_at is null or later.resource_id is not null)
        and (later.resource_id is null or later.before is not null))`
  })
  return sql`${firstLater(version, customerIds)}, ${sql.join(tables, sql`, `)}`
}

/** How far back a customer's history goes. */
export interface VersionReach extends Record<string, unknown> {
  /** The least version which can be told; null: none. */
  oldest: number | null
  /** The number of the last change to any configuration. */
  newest: number
}

/** How far back the histories of these customers go, each of them. */
export function reachOf(db: Database, customerIds: readonly string[]) {
  const oldest = sql`select min(version) as oldest from ${changes} where customer_id = owner.id`
  return db.execute<VersionReach>(sql`
    select case when count(*) = count(o.oldest) then max(o.oldest) end::float8 as oldest,
      (select version from configuration)::float8 as newest
    from unnest(${uuids(customerIds)}) as owner (id) cross join lateral (${oldest}) as o`)
}

/** What the first change after a version found, by what it changed. */
function firstLater(version: number, customerIds: readonly string[]): SQL {
  return sql`later as materialized (
    select distinct on (resource_id) resource_id, before from ${changes}
    where customer_id = any(${uuids(customerIds)}) and version > ${version}::bigint
    order by resource_id, at)`
}

/** The column which says whose a row is. */
function ownerOf(table: string): SQL {
  return table === 'customers' ? sql`t.id` : sql`t.customer_id`
}

function uuids(ids: readonly string[]): SQL {
  return sql`${sql.param([...ids])}::uuid[]`
}
