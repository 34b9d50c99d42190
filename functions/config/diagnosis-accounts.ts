import { and, eq, or, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import { calls, type Database, partyOf } from '#db'
import type { PhoneFacts } from '../diagnosis/account-facts.ts'
import type { ProviderHealthFacts } from '../diagnosis/provider-facts.ts'
import { isAlive } from '../store/alive.ts'
import { instant } from '../store/instant.ts'
import { callFacts, callRows, eventWords } from './diagnosis-reading.ts'

/*
 * What extensions and providers are diagnosed by: two statements of one batch, so that the database is asked once.
 */

/** Calls of it which are looked at, of a week; and events of each kind, of a day. */
const callsAtMost = 20
const eventsAtMost = 50

const lately = sql`now() - interval '1 day'`
/** So that a customer's older calls are not gone through. */
const recent = sql`${calls.startedAt} > now() - interval '7 days'`

/** How an extension stands; undefined: the customer has none of this id. `realm`: the domain its phones register in. */
export async function factsOfExtension(
  db: Database,
  customerId: string,
  id: string,
  realm: string,
): Promise<PhoneFacts | undefined> {
  const own = and(eq(calls.customerId, customerId), eq(calls.extensionId, id))
  const [{ rows }, latest] = await db.batch([
    db.execute<{ facts: Omit<PhoneFacts, 'calls'> }>(sql`
      select jsonb_build_object(
        'account', jsonb_build_object('id', e.id, 'extension', e.extension, 'realm', ${realm}::text, 'enabled', e.enabled,
          'secure', e.secure, 'keepalive_s', e.keepalive_s, 'max_expires', e.max_expires, 'max_contacts', e.max_contacts,
          'destinations', e.destinations),
        'registrations', (select coalesce(jsonb_agg(jsonb_build_object('relay_id', b.relay_id,
            'relay_alive', exists (select from relays r where r.id = b.relay_id and ${isAlive('r')}),
            'contact', b.contact, 'transport', b.transport, 'address', b.address || ':' || b.port, 'user_agent', b.user_agent,
            'tm_create', ${instant(sql`b.registered_at`)}, 'tm_update', ${instant(sql`b.refreshed_at`)},
            'tm_expire', ${instant(sql`b.expires_at`)}) order by b.registered_at desc), '[]')
          from bindings b where b.customer_id = e.customer_id and b.extension_id = e.id
            and b.event in ('registered', 'refreshed') and b.expires_at > now()),
        'endings', (select coalesce(jsonb_agg(${eventWords(sql`v`)} order by v.sequence desc), '[]') from (
          select * from events v where v.subject_id = e.id and v.customer_id = e.customer_id and v.sequence is not null
            and v.type in ('registration.removed', 'registration.expired', 'registration.lost')
            and (v.at > ${lately} or v.sequence = (select max(o.sequence) from events o where o.subject_id = e.id and o.sequence is not null
              and o.type in ('registration.removed', 'registration.expired', 'registration.lost')))
          order by v.sequence desc limit ${eventsAtMost}) as v),
        'refusals', (select coalesce(jsonb_agg(${eventWords(sql`v`)} || jsonb_build_object('account', v.data ->> 'account',
            'at', coalesce(v.data ->> 'last_at', ${instant(sql`v.at`)}), 'why', coalesce(v.data ->> 'why', ''),
            'sip_status', v.data -> 'sip_status', 'count', coalesce(v.data -> 'count', '1')) order by v.sequence desc), '[]') from (
          select * from (
            (select * from events v where v.subject_id = e.id and v.customer_id = e.customer_id and v.sequence is not null
              and v.type in ('registration.failed', 'call.refused') and v.at > ${lately}
              order by v.sequence desc limit ${eventsAtMost})
            union all
            (select * from (select * from events v where coalesce(v.customer_id, ${sql.raw(`'${PLATFORM}'::uuid`)}) = e.customer_id
                and v.type = 'registration.failed' and v.sequence is not null order by v.sequence desc limit 500) as v
              where v.subject_id is null and v.at > ${lately} and (split_part(v.data ->> 'account', '@', 1) = e.extension or v.data ->> 'reason' = 'UNKNOWN_ACCOUNT')
              order by v.sequence desc limit ${eventsAtMost})
          ) as v) as v),
        'blocks', (select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'source', k.source, 'until', ${instant(sql`k.until`)})), '[]')
          from source_blocks k where k.customer_id = e.customer_id and k.ended_at is null and k.until > now())
      ) as facts
      from extensions e where e.customer_id = ${customerId}::uuid and e.id = ${id}::uuid and e.deleted_at is null`),
    callRows(db, and(recent, or(own, calledAs(customerId, id))), callsAtMost),
  ])
  const facts = rows[0]?.facts
  return facts && { ...facts, calls: latest.map(callFacts) }
}

/** The condition that a call was to ring the extension, by its name. */
function calledAs(customerId: string, id: string) {
  const name = sql`(select e.extension from extensions e where e.customer_id = ${customerId}::uuid and e.id = ${id}::uuid)`
  return and(
    eq(calls.customerId, customerId),
    eq(calls.direction, 'internal'),
    sql`${partyOf(calls.destination)} = ${name}`,
  )
}

/** How a provider stands for one of its customers; undefined: there is none of this id which is the customer's or the platform's. */
export async function factsOfProvider(
  db: Database,
  customerId: string,
  id: string,
): Promise<ProviderHealthFacts | undefined> {
  const there = sql`case when cardinality(p.found) = 0 then p.sources else p.sources || p.found end`
  const [{ rows }, latest] = await db.batch([
    db.execute<{ facts: Omit<ProviderHealthFacts, 'calls'> }>(sql`
      with a as (select status, answered_at is not null as answered, outcome_of(status, answered_at is not null) as outcome from attempts
        where provider_id = ${id}::uuid and customer_id = ${customerId}::uuid and started_at > ${lately}
          and (ended_at is not null or answered_at is not null))
      select jsonb_build_object(
        'provider', jsonb_build_object('id', p.id, 'name', p.name, 'own', p.customer_id = ${customerId}::uuid, 'enabled', p.enabled,
          'hostname', p.hostname, 'username', p.username, 'codecs', p.codecs, 'max_channels', p.max_channels,
          'inbound_addresses', to_jsonb(p.inbound_addresses), 'register', p.register, 'password_set', p.sealed_password is not null,
          'probe_interval', p.probe_interval),
        'health', (select jsonb_build_object('status', h.status, 'why', h.why, 'since', ${instant(sql`h.since`)})
          from provider_health h where h.provider_id = p.id),
        'registration', (select jsonb_build_object('status', r.status, 'sip_status', r.sip_status, 'why', r.why, 'since', ${instant(sql`r.since`)})
          from provider_registrations r where r.provider_id = p.id),
        'not_found', (select coalesce(jsonb_agg(jsonb_build_object('relay_id', o.relay_id, 'why', o.why) order by o.relay_id), '[]')
          from provider_hosts o where o.provider_id = p.id and o.hostname = p.hostname and cardinality(o.addresses) = 0 and o.why <> ''
            and exists (select from relays r where r.id = o.relay_id and ${isAlive('r')})),
        'test', (select jsonb_build_object('id', m.id, 'at', ${instant(sql`m.done_at`)}, 'ok', coalesce((m.result ->> 'ok')::boolean, false),
            'verdict', coalesce(m.result ->> 'verdict', '')) from commands m
          where m.customer_id = ${customerId}::uuid and m.body ->> 'provider_id' = p.id::text and m.done_at is not null
          order by m.created_at desc limit 1),
        'routes', (select count(*) from routes t where t.customer_id = ${customerId}::uuid and t.provider_id = p.id and t.enabled and t.deleted_at is null),
        'day', (select jsonb_build_object('attempts', count(*), 'answered', count(*) filter (where answered),
            'failures', coalesce((select jsonb_object_agg(code, times) from (select case status when 0 then 'silence' else status::text end as code,
              count(*) as times from a where outcome = 'failed' group by 1) as f), '{}'))
          from a),
        'refused', (select coalesce(jsonb_agg(jsonb_build_object('at', ${instant(sql`v.at`)}, 'reason', v.data ->> 'reason',
            'why', coalesce(v.data ->> 'why', ''), 'to', v.data ->> 'to', 'source_address', v.data ->> 'source_address',
            'count', coalesce(v.data -> 'count', '1')) order by v.sequence desc), '[]')
          from (select * from events v where coalesce(v.customer_id, ${sql.raw(`'${PLATFORM}'::uuid`)}) = ${customerId}::uuid
              and v.type = 'call.refused' and v.sequence is not null order by v.sequence desc limit ${eventsAtMost}) as v
          where v.at > ${lately} and (v.data ->> 'reason' = 'UNKNOWN_SOURCE'
            or (v.data ->> 'source_address') in (select host(s) from unnest(${there}) as s)))
      ) as facts
      from providers p
      where p.id = ${id}::uuid and p.customer_id in (${customerId}::uuid, ${PLATFORM}::uuid) and p.deleted_at is null`),
    callRows(db, and(recent, eq(calls.customerId, customerId), eq(calls.providerId, id)), callsAtMost),
  ])
  const facts = rows[0]?.facts
  return facts && { ...facts, calls: latest.map(callFacts) }
}
