import { type SQL, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import type { Database } from '#db'
import type { InboundFacts, OutboundFacts } from '#routing'
import { elliptic, internationalReadings, nationalReadings, prefixesOf, tailsOf } from '#routing'

/**
 * Brings all a call from an extension depends on, in one round trip.
 *
 * The customer's country is in the same answer, so what a national number means is not known yet: routes
 * come along for all it may mean, and a few that cannot match, for the explanation. `offset 0` keeps
 * PostgreSQL to one index look-up per target, however many routes there are.
 */
export async function outboundFacts(
  db: Database,
  customerId: string,
  extensionId: string,
  dialled: string,
): Promise<OutboundFacts> {
  const tails = tailsOf(dialled)
  const whole = [...internationalReadings(dialled), ...tails.map((tail) => `+${tail}`)]
  return one(
    db,
    sql`
    with me as (select * from customers where id = ${customerId}::uuid and deleted_at is null),
    caller as (
      select e.* from extensions e join me on e.customer_id = me.id
      where e.id = ${extensionId}::uuid and e.deleted_at is null
    ),
    mine as (select n.* from numbers n join me on n.customer_id = me.id where n.deleted_at is null and n.enabled),
    owners (id) as (select id from me union select ${PLATFORM}::uuid from me where use_default_routes),
    targets (target) as (
      select 'all' from me
      union select unnest(${list(prefixesOf(whole))})
      union select left('+' || calling_code || tail, length)
      from me, unnest(${list(tails)}) as tail, generate_series(2, 16) as length
    ),
    wanted as (
      select r.id from owners, targets, lateral (
        select id from routes
        where customer_id = owners.id and target = targets.target and deleted_at is null offset 0) as r
      union
      select r.id from me join owners on me.default_country = any(${list(tails.length > 0 ? elliptic : [])})
      join routes r on r.customer_id = owners.id and r.deleted_at is null and starts_with(r.target, '+' || me.calling_code)
      union
      (select id from routes where customer_id = ${customerId}::uuid and deleted_at is null
        order by created_at, id limit ${SHOWN})
    )
    select jsonb_build_object(
      'customer', (select jsonb_build_object(
        'id', id, 'country', default_country, 'allowed', destination_whitelist,
        'number_countries', (select coalesce(jsonb_agg(distinct country), '[]') from mine where country is not null),
        'require_caller_id', require_caller_id) from me),
      'caller', (select jsonb_build_object('id', id, 'extension', extension, 'name', name, 'enabled', enabled) from caller),
      'callee', (select ${extensionJson} from extensions e join me on e.customer_id = me.id
        where e.extension = ${dialled} and e.deleted_at is null),
      'callerIds', jsonb_build_object(
        'own', (select mine.number from mine join caller on caller.caller_id = mine.number),
        'default', (select mine.number from mine join me on me.default_outgoing_number_id = mine.id),
        'only', (select min(number) from mine having count(*) = 1)),
      'routes', (select coalesce(jsonb_agg(${routeJson}), '[]')
        from wanted cross join lateral (select * from routes where id = wanted.id offset 0) as r
        join providers p on p.customer_id = r.provider_customer_id and p.id = r.provider_id)
    ) as facts`,
  )
}

/** Brings all a call from an address depends on, in one round trip. `address` null: it was not an address. */
export async function inboundFacts(
  db: Database,
  address: string | null,
  dialled: string,
): Promise<InboundFacts> {
  return one(
    db,
    sql`
    with sources as (
      select p.id, p.name, p.customer_id, c.calling_code, c.default_country
      from providers p join customers c on c.id = p.customer_id and c.deleted_at is null
      where p.deleted_at is null and p.enabled and ${address}::inet <<= any(p.sources)
    ),
    readings as (
      select number, min(rank) as rank from (
        select number, rank from unnest(${list(internationalReadings(dialled))}) with ordinality as t (number, rank)
        union all
        select '+' || s.calling_code || t.number, 100 + t.rank
        from sources s, unnest(${list(nationalReadings(dialled))}) with ordinality as t (number, rank)
      ) as read group by number
    )
    select jsonb_build_object(
      'sources', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'name', name, 'customer_id', customer_id, 'country', default_country) order by id), '[]') from sources),
      'numbers', (select coalesce(jsonb_agg(jsonb_build_object(
          'id', n.id, 'number', n.number, 'customer_id', n.customer_id, 'enabled', n.enabled,
          'leads_to', case when n.extension_id is not null then 'extension'
            when n.call_flow_id is not null then 'flow' else 'nothing' end,
          'extension', case when e.id is null then null else ${extensionJson} end) order by readings.rank), '[]')
        from readings
        join numbers n on n.number = readings.number and n.deleted_at is null
        left join flows f on f.customer_id = n.customer_id and f.id = n.call_flow_id and f.deleted_at is null
        left join extensions e on e.customer_id = n.customer_id and e.deleted_at is null and (e.id = n.extension_id
          or e.extension = f.actions #>> '{0,option,destinations,0,target_name}')
        where exists (select from sources s where s.customer_id in (n.customer_id, ${PLATFORM}::uuid)))
    ) as facts`,
  )
}

/** How many of a customer's routes an explanation mentions although their target does not match. */
const SHOWN = 20

const extensionJson = sql`jsonb_build_object(
  'id', e.id, 'extension', e.extension, 'name', e.name, 'enabled', e.enabled, 'ring_timeout', e.ring_timeout)`

const routeJson = sql`jsonb_build_object(
  'id', r.id, 'customer_id', r.customer_id, 'target', r.target, 'priority', r.priority, 'weight', r.weight,
  'enabled', r.enabled, 'created_at', r.created_at, 'failover', r.failover,
  'provider', jsonb_build_object(
    'id', p.id, 'name', p.name, 'enabled', p.enabled, 'deleted', p.deleted_at is not null,
    'hostname', p.hostname, 'port', p.port, 'transport', p.transport, 'codecs', p.codecs,
    'tech_prefix', p.tech_prefix, 'tech_postfix', p.tech_postfix, 'tech_headers', p.tech_headers,
    'called_format', p.called_format, 'username', p.username, 'password', p.sealed_password, 'locked', false,
    'failover', p.failover))`

async function one<Facts>(db: Database, query: SQL): Promise<Facts> {
  const { rows } = await db.execute<{ facts: Facts }>(query)
  const [row] = rows
  if (!row) throw new Error('The question brought no row, though it always brings one.')
  return row.facts
}

/** Some texts as one text[] parameter. */
function list(texts: string[]): SQL {
  return sql`array(select jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb))`
}
