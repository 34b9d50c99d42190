import { sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import type { Database } from '#db'
import type { AdvisedConfiguration } from '../diagnosis/advice-facts.ts'
import { instant } from '../store/instant.ts'

/*
 * What advice rests on, in one statement. Of many accounts those are read about which there may be something to say.
 */

const accountsAtMost = 200
const routesAtMost = 2_000
const longAgo = sql`now() - interval '365 days'`
const lately = sql`now() - interval '30 days'`

/** A customer's configuration as advice looks at it. Throws where the database says nothing at all, which it never does. */
export async function configurationOf(db: Database, customerId: string): Promise<AdvisedConfiguration> {
  const me = sql`${customerId}::uuid`
  const platform = sql.raw(`'${PLATFORM}'::uuid`)
  const defaults = sql`r.customer_id = ${platform} and c.use_default_routes`
  const { rows } = await db.execute<{ facts: AdvisedConfiguration }>(sql`
    with c as (select * from customers where id = ${me}),
    r as (select r.* from routes r, c where r.deleted_at is null and r.enabled and (r.customer_id = ${me} or ${defaults})
      order by r.customer_id <> ${me}, r.created_at, r.id limit ${routesAtMost}),
    account as (
      select 'extensions' as noun, e.id, e.extension as name, e.secure, e.password_hash, e.created_at, true as proves
        from extensions e where e.customer_id = ${me} and e.deleted_at is null and e.enabled
      union all
      select 'trunks', t.id, t.domain_name, t.secure, t.password_hash, t.created_at, t.sealed_md5 is not null
        from trunks t where t.customer_id = ${me} and t.deleted_at is null and t.enabled
    ),
    known as (
      select a.*, count(*) over (partition by substr(a.password_hash, 12)) as sharers,
        case when not proves then null when password_hash is not null then left(password_hash, 10)::timestamptz
          else coalesce((select max(h.at) from changes h where h.customer_id = ${me} and h.resource_id = a.id and h.secret_changed),
            a.created_at) end as since
      from account a
    )
    select jsonb_build_object(
      'now', ${instant(sql`now()`)},
      'countries', coalesce(
        (select jsonb_agg(country) from c, unnest(c.destination_whitelist) as country),
        (select jsonb_agg(distinct country) from (select default_country from c union all select n.country from numbers n
          where n.customer_id = ${me} and n.deleted_at is null and n.enabled and n.country is not null and n.ownership <> 'claimed') as own (country)),
        '[]'),
      'providers', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'own', p.customer_id = ${me},
          'register', p.register, 'probe_interval', p.probe_interval, 'secure', p.secure, 'transport', p.transport, 'tls_verify', p.tls_verify,
          'tested_at', (select ${instant(sql`max(m.done_at)`)} from commands m where m.customer_id = ${me} and m.created_at > ${lately}
            and m.body ->> 'provider_id' = p.id::text and (m.result ->> 'ok')::boolean),
          'carried_at', case when p.customer_id = ${me} then (select ${instant(sql`max(a.started_at)`)} from attempts a
            where a.provider_id = p.id and a.customer_id = ${me} and a.started_at > ${lately}) end) order by p.created_at, p.id), '[]')
        from providers p where p.deleted_at is null and p.enabled
          and (p.customer_id = ${me} or p.id in (select provider_id from r where customer_id <> ${me} or provider_customer_id <> ${me}))),
      'routes', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'own', r.customer_id = ${me}, 'name', r.name, 'detail', r.detail,
          'target', r.target, 'priority', r.priority, 'weight', r.weight, 'provider_id', r.provider_id,
          'windowed', r.time_window is not null, 'next_on', r.failover -> 'next_on') order by r.created_at, r.id), '[]')
        from r join providers p on p.id = r.provider_id and p.enabled and p.deleted_at is null),
      'accounts', (select coalesce(jsonb_agg(jsonb_build_object('noun', noun, 'id', id, 'name', name, 'secure', secure,
          'password_since', ${instant(sql`since`)}, 'shared_password', case when password_hash is not null and sharers > 1
            then md5(substr(password_hash, 12)) end) order by created_at, id), '[]')
        from (select * from known where secure = 'off' or since < ${longAgo} or password_hash is not null and sharers > 1
          order by created_at, id limit ${accountsAtMost}) as known),
      'alerts', (select coalesce(jsonb_agg(jsonb_build_object('when', w."when", 'provider_id', w.provider_id,
          'narrowed', coalesce(w.extension_id, w.trunk_id, w.provider_id, w.route_id) is not null or w.country is not null)), '[]')
        from alerts w where w.customer_id = ${me} and w.deleted_at is null and w.enabled),
      'webhooks', (select coalesce(jsonb_agg(jsonb_build_object('events', to_jsonb(w.events))), '[]')
        from webhooks w where w.customer_id = ${me} and w.deleted_at is null and w.enabled)
    ) as facts`)
  const [row] = rows
  if (!row) throw new Error('Advice was answered by nothing, though one row always is.')
  return row.facts
}
