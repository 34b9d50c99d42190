import { type SQL, sql } from 'drizzle-orm'
import { type FlowProgram, flowProgram } from '#contract'

/** The statement which brings a customer's flows by their ids, and those to which they lead. */
export function programsLedTo(customerId: string, ids: readonly string[]): SQL {
  const mine = sql`f.customer_id = ${customerId}::uuid and f.deleted_at is null`
  return sql`
    with recursive programs as (
      select f.* from flows f where ${mine} and f.id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
      union select f.* from programs p cross join unnest(flow_uses(p.actions)) as used (name)
        join flows f on ${mine} and f.id = case when used.name like 'flow:%' then substr(used.name, 6)::uuid end)
    select id, version, name, actions, variables from programs`
}

/** What it brought. */
export function programsIn(rows: readonly unknown[]): FlowProgram[] {
  return rows.map((row) => flowProgram.parse(row))
}
