import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { writeEvents } from './event-log.ts'
import { heard, living } from './hearing.ts'
import { instant } from './instant.ts'

/** Seconds after which a relay's word on a provider says nothing any more; it is written anew before that. */
const FRESH = sql`interval '90 seconds'`
const REWRITE = sql`interval '30 seconds'`

/**
 * Writes down how providers look from one relay.
 *
 * The first word on a provider counts only from a relay which has the customer's latest configuration: else it
 * may speak of the place where the provider was before.
 */
export function look(told: Beat): SQL {
  return sql`
    insert into provider_reports (provider_id, relay_id, customer_id, status, since, latency_ms, last, why, reported_at)
    select distinct on (p.id) p.id, ${told.relay_id}, p.customer_id, t.status, t.since, t.latency_ms,
      nullif(t.last, 'null'), t.why, now()
    from jsonb_to_recordset(${JSON.stringify(told.health)}::jsonb) as t (
      provider_id uuid, status health_status, since timestamptz, latency_ms real, last jsonb, why text)
    join providers p on p.id = t.provider_id and p.enabled and p.deleted_at is null
    join customers c on c.id = p.customer_id
    left join provider_reports r on r.provider_id = p.id and r.relay_id = ${told.relay_id}
    where ${heard(told)} and (r.provider_id is not null or c.version <= ${told.version})
    on conflict (provider_id, relay_id) do update set status = excluded.status, since = excluded.since,
      latency_ms = excluded.latency_ms, last = excluded.last, why = excluded.why, reported_at = excluded.reported_at
    where (provider_reports.status, provider_reports.since, provider_reports.why)
        is distinct from (excluded.status, excluded.since, excluded.why)
      or provider_reports.reported_at < now() - ${REWRITE}`
}

/**
 * One state of each provider from what the living relays say of it; where it changes, an event says so. One which is not
 * well stays so while it is tried: its trials are no news, however many fail.
 *
 * Not well where most say so, and half open once one of them tries it again; healthy where most say that;
 * else unknown. `offset 0` keeps PostgreSQL to one index look-up each, however many providers there are.
 */
export function combine(told: Beat): SQL {
  return sql`
    with counted as (
      select provider_id, count(*) as relays, count(*) filter (where status = 'healthy') as healthy,
        count(*) filter (where status in ('unhealthy', 'half_open')) as ill,
        count(*) filter (where status = 'half_open') as trying,
        percentile_cont(0.5) within group (order by latency_ms) as latency_ms,
        jsonb_agg(jsonb_build_object('relay_id', relay_id, 'status', status, 'since', ${instant(sql`since`)}, 'why', why)
          order by relay_id) as said,
        string_agg(why, '; ' order by relay_id) filter (where why <> '' and status <> 'healthy') as reasons,
        string_agg(why, '; ' order by relay_id) filter (where why <> '' and status = 'healthy') as praises
      from provider_reports
      where status <> 'unknown' and relay_id in (select id from ${living} as alive)
        and (reported_at > now() - ${FRESH} or relay_id in (select id from relays where via_hub))
      group by provider_id
    ),
    judged as (
      select p.id as provider_id, p.customer_id, coalesce(h.status, 'unknown') as before, h.checked_at, h.why as why_before,
        c.latency_ms, coalesce(c.said, '[]') as said,
        case when c.ill * 2 > c.relays and c.trying > 0 then 'half_open'
          when c.ill * 2 > c.relays then 'unhealthy'
          when c.healthy * 2 > c.relays then 'healthy' else 'unknown' end::health_status as status,
        case when c.relays is null then 'no relay has looked lately'
          when c.ill > 0 then c.ill || ' of ' || c.relays || ' relays: ' || coalesce(c.reasons, 'it does not answer')
          else c.healthy || ' of ' || c.relays || ' relays: ' || coalesce(c.praises, 'it answers') end as why
      from (select provider_id from counted union select provider_id from provider_health where status <> 'unknown') as known
      cross join lateral (select * from providers where id = known.provider_id offset 0) as p
      left join counted c on c.provider_id = p.id
      left join provider_health h on h.provider_id = p.id
      where (c.relays is not null and p.enabled and p.deleted_at is null or h.status <> 'unknown') and ${heard(told)}
    ),
    events_written as (
      ${writeEvents(
        {
          type: 'provider.health_changed',
          relayId: told.relay_id,
          subjectId: sql`provider_id`,
          data: sql`jsonb_build_object('from', ${toldAs(sql`before`)}, 'to', ${toldAs(sql`status`)}, 'why', why, 'relays', said)`,
        },
        sql`from judged where ${toldAs(sql`status`)} <> ${toldAs(sql`before`)}`,
      )}
    )
    insert into provider_health (provider_id, customer_id, status, since, checked_at, latency_ms, why)
    select provider_id, customer_id, status, now(), now(), latency_ms, why from judged
    where status <> before or why <> why_before or checked_at is null or checked_at < now() - ${REWRITE}
    on conflict (provider_id) do update set
      since = case when provider_health.status = excluded.status then provider_health.since else excluded.since end,
      status = excluded.status, checked_at = excluded.checked_at, latency_ms = excluded.latency_ms, why = excluded.why`
}

/** A health as events have it: half open is not well either. */
function toldAs(status: SQL): SQL {
  return sql`case ${status} when 'half_open' then 'unhealthy' else ${status} end`
}
