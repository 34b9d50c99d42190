import { type SQL, sql } from 'drizzle-orm'
import type { Beat, Resource, ScopeKind } from '#contract'
import { heard, latest, living } from './hearing.ts'

/** What a relay may use of one limit. */
export type Granted = {
  kind: ScopeKind
  id: string
  resource: Resource
  amount: number
}

/** The limit on what is shared. */
export const limit = sql.raw(`case resource when 'channels' then max_channels when 'cps' then max_cps
  when 'calls_per_minute' then max_calls_per_minute else max_calls_per_hour end`)

/** Whatever has limits, with what they are; null: none. */
export const limits = sql`
        select 'customer'::scope_kind as kind, id, max_channels, max_cps, max_calls_per_minute, max_calls_per_hour from customers where deleted_at is null
        union all select 'extension', id, max_channels, max_cps, max_calls_per_minute, max_calls_per_hour from extensions where deleted_at is null
        union all select 'trunk', id, max_channels, max_cps, max_calls_per_minute, max_calls_per_hour from trunks where deleted_at is null
        union all select 'provider', id, max_channels, max_cps, null::integer, null::integer from providers where deleted_at is null`

/**
 * Shares out every limit a relay speaks of, and gives what it may use from now on.
 *
 * Safe: it is given more only from what no living relay may believe it has; `amount` is the most it may
 * believe, so an answer which is lost takes nothing from another relay, and what it gives back is free once it
 * says that it holds less.
 * Fair: each aims at its share, by water-filling over what each could use (used and refused); what no relay
 * asks for is spread evenly. What is in use is never taken away.
 * While another relay is the hub's none gets more than it says it holds: the hub alone knows what that one may believe. `held`: nor
 * ever, as hubs of several groups share, none of which knows all relays.
 */
export function share(told: Beat, held = false): SQL {
  const atMost = sql`case when ${held} or exists (select from relays where via_hub and id <> ${told.relay_id}) then l.held else l."limit" end`
  return sql`
    with said as (
      select distinct on (kind, id, resource) * from (
        select (scope ->> 'kind')::scope_kind as kind, (scope ->> 'id')::uuid as id, resource, customer_id,
          greatest(0, coalesce(held, 0)) as held, greatest(0, used) as used,
          greatest(0, used) + greatest(0, refused) as wanted
        from jsonb_to_recordset(${JSON.stringify(told.slices)}::jsonb) as t (
          scope jsonb, customer_id uuid, resource resource, held integer, used integer, refused integer)) as t
    ),
    limited as (
      select said.*, ${limit} as "limit" from said
      join (${limits}) as l using (kind, id)
      where ${limit} is not null and ${heard(told)}
    ),
    sharers as (
      select kind, id, resource, "limit", ${told.relay_id} as relay_id, used, wanted, 0 as taken from limited
      union all
      select kind, id, limited.resource, "limit", s.relay_id, s.used, s.wanted, s.amount
      from limited join slices s on s.scope_id = id and s.scope_kind = kind and s.resource = limited.resource
      where s.relay_id <> ${told.relay_id} and s.relay_id in (select id from ${living} as alive)
    ),
    filling as (
      select *, max(level) over (partition by kind, id, resource) as level_at from (
        select *, ("limit" - coalesce(sum(wanted) over (waiting rows between unbounded preceding and 1 preceding), 0))
          / (count(*) over (partition by kind, id, resource) - row_number() over waiting + 1) as level
        from sharers window waiting as (partition by kind, id, resource order by wanted, relay_id)) as t
    ),
    filled as (
      select *, least(wanted, level_at) as base,
        wanted > level_at or sum(wanted) over (partition by kind, id, resource) <= "limit" as takes_more
      from filling
    ),
    aims as (
      select *, base + case when takes_more then div(left_over::numeric, takers) + (place <= left_over % takers)::integer else 0 end as aim
      from (
        select *, "limit" - sum(base) over (partition by kind, id, resource) as left_over,
          greatest(1, count(*) filter (where takes_more) over (partition by kind, id, resource)) as takers,
          row_number() over (partition by kind, id, resource order by takes_more desc, used desc, wanted desc, relay_id) as place,
          "limit" - sum(taken) over (partition by kind, id, resource) as free
        from filled) as t
    ),
    granted as (
      select l.kind, l.id, l.resource, l.customer_id, l.held, l.used, l.wanted,
        case when ${latest(told)} then least(greatest(0, least(l.used, l.held), least(a.aim, a.free)), ${atMost})
          else coalesce(s.amount, 0) end::integer as amount
      from limited l
      join aims a on a.kind = l.kind and a.id = l.id and a.resource = l.resource and a.relay_id = ${told.relay_id}
      left join slices s on s.scope_id = l.id and s.scope_kind = l.kind and s.resource = l.resource
        and s.relay_id = ${told.relay_id}
    ),
    forgotten as (
      delete from slices s where relay_id = ${told.relay_id} and ${heard(told)} and ${latest(told)} and not exists (
        select from granted g where g.id = s.scope_id and g.kind = s.scope_kind and g.resource = s.resource)
    ),
    written as (
      insert into slices (scope_kind, scope_id, resource, relay_id, customer_id, amount, used, wanted)
      select kind, id, resource, ${told.relay_id}, customer_id, greatest(amount, held), used, wanted
      from granted where ${latest(told)}
      on conflict (scope_id, scope_kind, resource, relay_id) do update set
        customer_id = excluded.customer_id, amount = excluded.amount, used = excluded.used, wanted = excluded.wanted,
        updated_at = now()
      where (slices.amount, slices.used, slices.wanted) is distinct from (excluded.amount, excluded.used, excluded.wanted)
    )
    select kind, id, resource, amount from granted`
}

/** Takes back whatever a relay was granted which speaks of no limit at all. */
export function forget(told: Beat): SQL {
  return sql`delete from slices where relay_id = ${told.relay_id} and ${heard(told)} and ${latest(told)}`
}
