import { type SQL, sql } from 'drizzle-orm'
import { addressesAtMost, type Beat } from '#contract'
import { writeEvents } from './event-log.ts'
import { heard, living } from './hearing.ts'

/*
 * Where providers' hosts are, as relays resolve them: calls from there are the provider's. What counts is a row of
 * the provider, so that its customer's version rises with it, and relays hear of it as of any change.
 */

/** How long what was found last holds while DNS does not answer. */
const HOLDS = sql`interval '1 day'`

/** Writes down what one relay's DNS says; of a place where the provider is no longer, nothing. */
export function lookUp(told: Beat): SQL {
  return sql`
    insert into provider_hosts (provider_id, relay_id, customer_id, hostname, port, transport, addresses, why, found_at)
    select distinct on (p.id) p.id, ${told.relay_id}, p.customer_id, p.hostname, p.port, p.transport, coalesce(t.addresses, '{}'), t.why,
      case when t.addresses is null then '-infinity' else now() end
    from jsonb_to_recordset(${JSON.stringify(told.hosts)}::jsonb) as t (
      provider_id uuid, hostname text, port integer, transport transport, addresses inet[], why text)
    join providers p on p.id = t.provider_id and ${here('t')}
    where ${heard(told)}
    on conflict (provider_id, relay_id) do update set hostname = excluded.hostname, port = excluded.port,
      transport = excluded.transport, why = excluded.why,
      addresses = case when ${kept} then provider_hosts.addresses else excluded.addresses end,
      found_at = case when ${kept} then provider_hosts.found_at else excluded.found_at end`
}

/** Takes the turn of a change of configuration: what is written next is configuration. */
export function configurationTurn(): SQL {
  return sql`select from configuration for update`
}

/**
 * All addresses that living relays found of the providers spoken of; where none lives, what the last ones found. An
 * address counts since it was found first. Where they change, an event says so.
 */
export function settle(told: Beat): SQL {
  return sql`
    with spoken as (select p.* from providers p where p.id = any(${ids(told)}) and p.enabled and p.deleted_at is null and ${heard(told)}),
    said as (
      select h.provider_id, h.addresses, h.relay_id in (select id from ${living} as alive) as lives
      from provider_hosts h join spoken p on p.id = h.provider_id and ${here('h')}
      where h.found_at > now() - ${HOLDS}
    ),
    places as (
      select distinct provider_id, address from said s, unnest(addresses) as address
      where lives or not exists (select from said o where o.provider_id = s.provider_id and o.lives)
    ),
    merged as (
      select p.id, p.customer_id, p.hostname, p.found as before, p.found_since as since_before,
        coalesce((select (array_agg(address order by address))[1:${sql.raw(String(addressesAtMost))}] from places where provider_id = p.id), '{}') as found
      from spoken p
    ),
    changed as (
      update providers set found = m.found, found_since = array(
        select coalesce((select since from unnest(m.before, m.since_before) as old (address, since)
          where old.address = new.address limit 1), now())
        from unnest(m.found) with ordinality as new (address, place) order by place)
      from merged m where providers.id = m.id and m.found <> m.before
      returning m.*
    )
    ${writeEvents(
      {
        type: 'provider.addresses_changed',
        relayId: told.relay_id,
        subjectId: sql`id`,
        data: sql`jsonb_build_object('hostname', hostname, 'from', ${texts(sql`before`)}, 'to', ${texts(sql`found`)})`,
      },
      sql`from changed`,
    )}`
}

/** An event for each provider whose calls from an address found just now may as well be another's of its customer. */
export function warn(told: Beat): SQL {
  const pairs = sql`
    select distinct on (p.id, o.id) p.id, p.customer_id, p.hostname, host(address) as address, o.id as other_id, o.name as other
    from providers p cross join lateral unnest(p.found, p.found_since) as place (address, since)
    join providers o on o.customer_id = p.customer_id and o.id <> p.id and o.enabled and o.deleted_at is null
      and not (o.register and p.register)
    where p.id = any(${ids(told)}) and since = now() and ${heard(told)} and (
      address <<= any(o.sources[1:cardinality(o.inbound_addresses)])
      or coalesce(o.port, 5060) = coalesce(p.port, 5060) and (address = any(o.found) or address <<= any(o.sources)))
    order by p.id, o.id, address`
  const data = sql`jsonb_build_object('hostname', hostname, 'address', address, 'other_provider_id', other_id, 'why',
    'calls from ' || address || ' could not be told apart from those of ' || other
      || ', and are taken for those of whichever is the older: give them ports of their own, register at both, or delete one')`
  return writeEvents(
    { type: 'provider.ambiguous', relayId: told.relay_id, subjectId: sql`id`, data },
    sql`from (${pairs}) as pair`,
  )
}

/** DNS did not answer now, and did before, of the same place. */
const kept = sql`(excluded.found_at = '-infinity'
  and (provider_hosts.hostname, provider_hosts.port, provider_hosts.transport)
    is not distinct from (excluded.hostname, excluded.port, excluded.transport))`

/** The condition that a report is of the place where the provider `p` is now. */
function here(report: 't' | 'h'): SQL {
  const of = sql.raw(report)
  return sql`(p.hostname, p.port, p.transport) is not distinct from (${of}.hostname, ${of}.port, ${of}.transport)`
}

function ids({ hosts }: Beat): SQL {
  return sql`${sql.param(hosts.map(({ provider_id }) => provider_id))}::uuid[]`
}

function texts(addresses: SQL): SQL {
  return sql`array(select host(address) from unnest(${addresses}) as address)`
}
