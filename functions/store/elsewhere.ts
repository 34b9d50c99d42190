import { type SQL, sql } from 'drizzle-orm'
import { isAlive } from './alive.ts'

/**
 * Of some calls those whose callee was not registered where they came in, but is at another relay, to which that one knew
 * no way: `call_id`, that `relay_id`, and `why`. Relays which know one another hand calls on.
 *
 * A call in names its callee by id; a call between extensions names its caller so, and its callee by its extension.
 */
export function elsewhere(calls: SQL): SQL {
  return sql`
    select h.call_id, b.relay_id, ${why} as why from ${calls} h
    left join extensions e on h.direction = 'internal' and e.customer_id = h.customer_id
      and e.extension = h.destination ->> 'target' and e.deleted_at is null
    cross join lateral (
      select relay_id from bindings
      where customer_id = h.customer_id and relay_id <> h.relay_id
        and (extension_id = case h.direction when 'internal' then e.id when 'incoming' then h.extension_id end
          or trunk_id = case h.direction when 'incoming' then h.trunk_id end)
        and event in ('registered', 'refreshed') and expires_at > now()
      order by refreshed_at desc limit 1
    ) as b
    left join relays r on r.id = b.relay_id
    where h.reject_reason = 'NOT_REGISTERED'`
}

/** Why a relay `r` is not handed calls. */
const why = sql`case
  when ${isAlive('r')} and r.neighbour is null
    then 'it tells other relays no place to reach it (NEIGHBOUR_PORT)'
  when ${isAlive('r')} then 'the edge did not say in time that it is there'
  else 'it is not heard of' end`

/** The reason of a call `h` as far as its relay could know, or as `o`, its row of those, makes it. */
export const reason = sql`case when o.relay_id is null then h.reject_reason else 'REGISTERED_ELSEWHERE' end`

/** What the record of a call says in words: where the callee is registered elsewhere, at which relay. */
export const message = sql`case when o.relay_id is null then h.reject_message
  else replace(h.reject_message, ' is not registered.', '') || ' is registered at relay ' || o.relay_id
    || ', and the call came to relay ' || h.relay_id || ', which knew no way there: ' || o.why || '.' end`
