import { type SQL, sql } from 'drizzle-orm'
import { flowLimits } from '#contract'

/**
 * Flows of a customer and those to which they lead, as `id`, `octets` of its actions and `octets_before` of those before
 * it; nearest first. No more are looked at than `atMost`: the recursion goes only as far as its rows are read, so the
 * limit is right on it.
 */
export function flowsLed(customerId: SQL, first: SQL, atMost: number = flowLimits.reached): SQL {
  const mine = sql`f.customer_id = ${customerId} and f.deleted_at is null`
  return sql`
    select id, octets, sum(octets) over (rows unbounded preceding) - octets as octets_before from (
      with recursive reached (id) as (
        ${first}
        union select case when used.name like 'flow:%' then substr(used.name, 6)::uuid end
          from reached r join flows f on f.id = r.id and ${mine} cross join unnest(flow_uses(f.actions)) as used (name)
      )
      select id, coalesce((select octet_length(f.actions::text) from flows f where f.id = near.id and ${mine}), 0) as octets
        from (select id from reached where id is not null limit ${sql.raw(String(atMost))}) as near
    ) as sized`
}

/** Which of them a call may take along. */
export const takenAlong = sql`octets_before < ${sql.raw(String(flowLimits.reachedOctets))}`

/** Ids as rows. */
export function idsAmong(ids: readonly string[]): SQL {
  return sql`select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) as t (value)`
}
