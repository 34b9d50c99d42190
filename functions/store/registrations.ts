import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { writeEvents } from './event-log.ts'
import { heard, living } from './hearing.ts'

/** One registration a relay is to keep. */
export type Kept = {
  provider_id: string
  epoch: string
}

/** One it is to take back. */
export type Withdrawn = {
  withdrawn: string
}

/** Writes down how the registrations stand which a relay holds; what it held before is not its to speak of. */
export function report(told: Beat): SQL {
  return sql`
    with said as (
      select r.provider_id, r.customer_id, r.status as before, t.status, t.since, t.until, t.sip_status, t.why, t.next_at
      from jsonb_to_recordset(${JSON.stringify(told.registrations)}::jsonb) as t (
        provider_id uuid, epoch bigint, status registration_status, since timestamptz, until timestamptz,
        sip_status integer, why text, next_at timestamptz)
      join provider_registrations r on r.provider_id = t.provider_id
        and r.relay_id = ${told.relay_id} and r.epoch <= t.epoch
      where ${heard(told)}
    ),
    ${changes(told)}
    update provider_registrations r set status = said.status, since = said.since, until = said.until,
      sip_status = said.sip_status, why = said.why, next_at = said.next_at, updated_at = now()
    from said where r.provider_id = said.provider_id
      and (r.status, r.since, r.until, r.sip_status, r.why, r.next_at)
        is distinct from (said.status, said.since, said.until, said.sip_status, said.why, said.next_at)`
}

/** Ends what is configured no longer: the provider is gone, off, or not to be registered at. */
export function rest(told: Beat): SQL {
  return sql`
    with said as (
      select provider_id, customer_id, status as before, 'not_registered'::registration_status as status,
        null::timestamptz as until, null::integer as sip_status, 'the provider does not ask for it' as why
      from provider_registrations
      where status <> 'not_registered' and provider_id not in (select id from ${wished} as p) and ${heard(told)}
    ),
    ${changes(told)}
    update provider_registrations r set status = said.status, since = now(), until = null, sip_status = null,
      why = said.why, next_at = null, updated_at = now()
    from said where r.provider_id = said.provider_id`
}

/**
 * Gives a relay registrations which no living one keeps, up to its even share; a higher epoch takes each from the relay which
 * had it. What is left the others take at their next beats.
 */
export function take(told: Beat): SQL {
  return sql`
    with able as (select id from ${living} as alive where not draining),
    orphans as (
      select p.id, p.customer_id from ${wished} as p
      left join provider_registrations r on r.provider_id = p.id
        and r.relay_id in (select id from able) and r.status <> 'not_registered'
      where r.provider_id is null
    ),
    quota as (
      select ceil((select count(*) from ${wished} as p)::numeric / greatest(1, (select count(*) from able)))
        - (select count(*) from provider_registrations where relay_id = ${told.relay_id}
            and provider_id in (select id from ${wished} as p) and status <> 'not_registered') as more
    ),
    taken as (
      insert into provider_registrations as r (provider_id, customer_id, relay_id, epoch, status, since, why)
      select id, customer_id, ${told.relay_id}, 1, 'pending', now(), 'it is about to begin' from orphans
      where ${heard(told)} and ${told.relay_id} in (select id from able)
      order by id limit (select greatest(0, more) from quota)
      on conflict (provider_id) do update set relay_id = excluded.relay_id, epoch = r.epoch + 1, updated_at = now(),
        status = case when r.status = 'not_registered' then 'pending' else r.status end,
        since = case when r.status = 'not_registered' then now() else r.since end,
        why = case when r.status = 'not_registered' then excluded.why else r.why end
      returning provider_id, customer_id, status
    ),
    said as (
      select t.provider_id, t.customer_id, coalesce(r.status, 'not_registered') as before, t.status,
        null::timestamptz as until, null::integer as sip_status, 'it is about to begin' as why
      from taken t left join provider_registrations r on r.provider_id = t.provider_id
    ),
    ${changes(told)}
    select 1`
}

/** Registrations a relay is to keep, with the epoch of each. */
export function keep(told: Beat): SQL {
  return sql`
    select provider_id, epoch from provider_registrations
    where relay_id = ${told.relay_id} and status <> 'not_registered' and ${heard(told)}
      and provider_id in (select id from ${wished} as p)
    order by provider_id`
}

/** Registrations a relay speaks of which no relay is to keep: it is told so at every beat until it has let go. */
export function withdraw(told: Beat): SQL {
  return sql`
    select provider_id as withdrawn
    from jsonb_to_recordset(${JSON.stringify(told.registrations)}::jsonb) as t (provider_id uuid)
    where provider_id not in (select id from ${wished} as p) and ${heard(told)}
    order by provider_id`
}

/** Providers where we are to be registered. */
const wished = sql`(
  select p.id, p.customer_id from providers p join customers c on c.id = p.customer_id and c.deleted_at is null
  where p.register and p.enabled and p.deleted_at is null)`

/** An event for each status in `said` which is another than before. */
function changes(told: Beat): SQL {
  const data = sql`jsonb_build_object('from', before, 'to', status, 'why', why, 'sip_status', sip_status, 'until', until,
    'relay_id', ${told.relay_id}::text)`
  return sql`events_written as (${writeEvents(
    { type: 'provider.registration_changed', relayId: told.relay_id, subjectId: sql`provider_id`, data },
    sql`from said where status <> before`,
  )})`
}
