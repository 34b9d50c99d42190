import { type SQL, sql } from 'drizzle-orm'
import { changes, flows } from '#db'

/*
 * What a flow did in each of its versions, by the customer's `changes`: a change has the row before and after it, without its
 * version. That is counted back from the row as it is: each change of what the flow does came with one. What was changed longer ago
 * than changes are kept is not known.
 */

/** Of a flow's changes the last so many are looked through. */
const LOOKED_THROUGH = 1_000

/** One version of a flow. */
export interface FlowVersion extends Record<string, unknown> {
  version: number
  name: string
  detail: string
  actions: unknown[]
  variables: Record<string, string>
  /** The access key which made it so; null: no request did, or it is not known any more. */
  keyId: string | null
  /** When it became so; null: longer ago than is known. */
  at: string | null
}

/** The versions of a customer's flow which are known and meet a condition on `version`, the newest first; none where there is no such flow. */
export function versionsOf(customerId: string, flowId: string, meeting: SQL): SQL {
  return sql`
    with flow as (select * from ${flows} as f where customer_id = ${customerId}::uuid and id = ${flowId}::uuid),
    change as (
      select at, key_id, before, after, ${doesOtherwise} as other
      from ${changes} where customer_id = ${customerId}::uuid and resource_id = ${flowId}::uuid and resource_type = 'flow'
      order by at desc limit ${LOOKED_THROUGH}),
    counted as (
      select change.*, flow.version - coalesce(sum(other::integer)
        over (order by at desc rows between unbounded preceding and 1 preceding), 0)::integer as became
      from change cross join flow),
    told as (
      select version, to_jsonb(flow) as row, 'infinity'::timestamptz as told_at, null::timestamptz as at, null::uuid as key_id from flow
      union all select became - other::integer, before, at, null, null from counted where before is not null
      union all select became, after, at, case when other or before is null then at end, key_id from counted where after is not null)
    select version, row ->> 'name' as name, row ->> 'detail' as detail, row -> 'actions' as actions,
      coalesce(row -> 'variables', '{}') as variables, key_id as "keyId", at
    from (
      select version, (array_agg(row order by told_at desc))[1] as row, min(at) as at,
        (array_agg(key_id) filter (where at is not null))[1] as key_id
      from told where version > 0 and ${meeting} group by version) as known
    order by version desc`
}

/** The version which a flow `t` had at a version of the configuration, counted back from the row as it is. */
export function flowVersionAt(version: number): SQL {
  return sql`t.version - (select count(*) from ${changes} where customer_id = t.customer_id and resource_id = t.id
    and version > ${version}::bigint and ${doesOtherwise})::integer`
}

/** What a flow did, before a change or after it; those of before flows had variables have none. */
function done(side: 'before' | 'after'): SQL {
  const row = sql.raw(side)
  return sql`(${row} -> 'actions', coalesce(${row} -> 'variables', '{}'))`
}

/** Of a change of a flow: it does otherwise since. */
const doesOtherwise = sql`(before is not null and ${done('before')} is distinct from ${done('after')})`
