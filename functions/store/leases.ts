import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { heard } from './hearing.ts'

/** Makes a relay's leases what it says they are, writing no more than what has changed, and nothing that never was. */
export function lease(told: Beat): SQL {
  return sql`
    with said as (
      select call_id, (s ->> 'kind')::scope_kind as kind, (s ->> 'id')::uuid as id, customer_id
      from jsonb_to_recordset(${JSON.stringify(told.leases)}::jsonb) as t (call_id uuid, customer_id uuid, scopes jsonb),
        jsonb_array_elements(scopes) as s
      where ${heard(told)}
    ),
    over as (
      delete from leases l where relay_id = ${told.relay_id} and ${heard(told)} and not exists (
        select from said where said.call_id = l.call_id and said.kind = l.scope_kind and said.id = l.scope_id)
    )
    insert into leases (call_id, scope_kind, scope_id, customer_id, relay_id)
    select call_id, kind, id, customer_id, ${told.relay_id} from said
    where not exists (select from leases l
      where l.call_id = said.call_id and l.scope_kind = said.kind and l.scope_id = said.id)
      and exists (select from customers where id = said.customer_id)
      and case kind when 'customer' then exists (select from customers where id = said.id)
        when 'extension' then exists (select from extensions where id = said.id)
        when 'trunk' then exists (select from trunks where id = said.id)
        else exists (select from providers where id = said.id) end
    on conflict do nothing`
}
