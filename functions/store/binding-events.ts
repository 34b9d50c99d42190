import { type SQL, sql } from 'drizzle-orm'
import { type BindingReason, bindingReasons, type EventType } from '#contract'
import { instant } from './instant.ts'

/*
 * What happened to registrations, from the bindings which relays tell: `told_bindings` in their order, `stored_bindings` as
 * they are now, `bindings` as they were before. A tell heard twice is one event, since the tell's id is its own.
 */

const live = (event: SQL) => sql`${event} in ('registered', 'refreshed')`

/** Queries for the events of bindings, of whose columns `nth` and `rank` say the order. */
export function bindingEvents(): SQL[] {
  return [registrations(), trunkRegistrations()]
}

/** Each tell beside the word before it: of the same batch, or as it was stored. What is older news is none. */
const steps = sql`
  select t.*, s.trunk_id, coalesce(lag(t.event) over mine, b.event) as was, coalesce(lag(t.relay_id) over mine, b.relay_id) as was_at,
    coalesce(lag(t.contact) over mine, b.contact) as was_contact, coalesce(lag(t.expires_at) over mine, b.expires_at) as was_until,
    coalesce(lag(t.received) over mine, jsonb_build_object('transport', b.transport, 'address', b.address, 'port', b.port)) as was_from
  from told_bindings t join stored_bindings s on s.id = t.binding_id left join bindings b on b.id = t.binding_id
  where b.id is null or t.sequence > b.sequence
  window mine as (partition by t.binding_id order by t.sequence, t.nth)`

/**
 * A registration which ran out is none where the same phone has registered since by another contact: behind NAT its place
 * changes, and the old one is left to run out.
 */
const type = sql`case
  when ${live(sql`h.event`)} then case
    when h.was is null or not ${live(sql`h.was`)} or h.was_until <= h.at then 'registration.made'
    when h.moved_from is not null or (h.was_at, h.was_contact, h.was_from) is distinct from (h.relay_id, h.contact, h.received)
      then 'registration.moved' end
  when h.was is not null and not ${live(sql`h.was`)} then null
  when h.event = 'unregistered' then 'registration.removed'
  when h.event = 'flow_lost' then 'registration.lost'
  when h.event = 'expired' and not exists (select from bindings o where ${other()} and o.address = h.received ->> 'address'
    and o.user_agent = h.user_agent and o.refreshed_at > h.refreshed_at) then 'registration.expired' end`

function registrations(): SQL {
  return sql`
    select h.tell_id as id, h.customer_id, e.type, h.at, h.relay_id, h.extension_id as subject_id, ${said}
      || case when e.type <> 'registration.moved' then '{}' else jsonb_build_object('moved_from', jsonb_build_object(
        'contact', coalesce(h.moved_from ->> 'contact', h.was_contact), 'relay_id', h.was_at,
        'source', ${place(sql`coalesce(h.moved_from, h.was_from)`)})) end as data,
      h.nth, 0 as rank
    from (${steps}) h ${accounts},
    lateral (select ${type} as type offset 0) as e
    where e.type is not null`
}

/**
 * What is told of bindings `b` which the API ends: by the edge, since the relay's word on them is no news when it comes.
 * To be asked for before they are.
 */
export function endedByApi(ending: SQL): SQL {
  return ended(ending, 'registration.removed', 'BY_API')
}

/** The same of bindings `b` whose relay is forgotten. */
export function endedWithRelay(ending: SQL): SQL {
  return ended(ending, 'registration.lost', 'RELAY_DELETED')
}

function ended(ending: SQL, type: EventType, reason: BindingReason): SQL {
  const others = sql`exists (select from bindings o where o.customer_id = h.customer_id and o.trunk_id = h.extension_id
    and ${stays} and ${live(sql`o.event`)} and o.expires_at > now())`
  const why = sql`'reason', h.reason, 'why', h.why`
  return sql`
    with h as (select b.id as binding_id, b.customer_id, coalesce(b.extension_id, b.trunk_id) as extension_id, b.relay_id,
      case when b.trunk_id is null then 'extension' else 'trunk' end as account, ${reason}::text as reason, ${bindingReasons[reason]}::text as why,
      b.contact, jsonb_build_object('transport', b.transport, 'address', b.address, 'port', b.port) as received, b.user_agent,
      b.registered_at, b.refreshed_at, b.expires_at from bindings b where ${ending})
    select gen_random_uuid() as id, h.customer_id, ${type}::text as type, now() as at, h.relay_id,
      h.extension_id as subject_id, ${said}
      || jsonb_build_object('others', (select count(*) from bindings o where ${other()} and ${stays})) as data, 0 as rank
    from h ${accounts}
    union all
    select gen_random_uuid(), h.customer_id, 'trunk.registration_changed', now(), h.relay_id, h.extension_id,
      jsonb_build_object('from', 'registered', 'to', 'not_registered', ${why}), 1
    from (select distinct on (extension_id) * from h where account = 'trunk' order by extension_id, binding_id) as h
    where not ${others}`
}

/** The condition that a binding `o` is none of those which end together. */
const stays = sql`o.id not in (select binding_id from h)`

/** What is said of a registration `h`, and whose it is. */
const said = sql`jsonb_build_object('subject_id', h.extension_id, 'account', coalesce(x.extension, t.username), 'account_type', h.account,
  'reason', h.reason, 'why', h.why, 'contact', h.contact, 'source_address', h.received ->> 'address',
  'source', ${place(sql`h.received`)}, 'user_agent', h.user_agent, 'registered_at', ${instant(sql`h.registered_at`)},
  'refreshed_at', ${instant(sql`h.refreshed_at`)}, 'expires_at', ${instant(sql`h.expires_at`)},
  'others', (select count(*) from bindings o where ${other()}))`
const accounts = sql`
  left join extensions x on x.customer_id = h.customer_id and x.id = h.extension_id
  left join trunks t on t.customer_id = h.customer_id and t.id = h.extension_id`

/** A PBX is registered by any of its contacts: an event as it begins to be, and one as it is no longer. */
function trunkRegistrations(): SQL {
  const of = sql`o.customer_id = s.customer_id and o.trunk_id = s.trunk_id and ${live(sql`o.event`)}`
  const told = sql`select id from stored_bindings`
  return sql`
    select md5(s.tell_id::text || ' trunk')::uuid, s.customer_id, 'trunk.registration_changed', s.at, s.relay_id, s.trunk_id,
      jsonb_build_object('from', ${status(sql`s.was`)}, 'to', ${status(sql`s.becomes`)}, 'reason', s.reason, 'why', s.why), s.nth, 1
    from (
      select s.*, exists (select from bindings o where ${of} and (o.expires_at > now() or o.id in (${told}))) as was,
        exists (select from stored_bindings o where ${of} and o.expires_at > now())
          or exists (select from bindings o where ${of} and o.expires_at > now() and o.id not in (${told})) as becomes
      from (
        select distinct on (b.trunk_id) b.customer_id, b.trunk_id, h.tell_id, h.at, h.relay_id, h.reason, h.why, h.nth
        from stored_bindings b join heard_bindings h on h.binding_id = b.id
        where b.trunk_id is not null order by b.trunk_id, h.nth desc
      ) as s
    ) as s
    where s.was <> s.becomes`
}

/** The condition that a binding `o` is another one of the account of `h`, and lives. */
function other(): SQL {
  return sql`(o.customer_id = h.customer_id and o.id <> h.binding_id and (o.extension_id = h.extension_id or o.trunk_id = h.extension_id)
    and ${live(sql`o.event`)} and o.expires_at > now())`
}

function place(received: SQL): SQL {
  return sql`(${received} ->> 'transport') || ' ' || (${received} ->> 'address') || ':' || (${received} ->> 'port')`
}

function status(registered: SQL): SQL {
  return sql`case when ${registered} then 'registered' else 'not_registered' end`
}
