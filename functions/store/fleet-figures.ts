import { sql } from 'drizzle-orm'
import type { Database } from '#db'
import { isAlive } from './alive.ts'

/** One relay, as it last said of itself. */
interface RelayFigures {
  readonly id: string
  readonly state: 'alive' | 'draining' | 'lost'
  readonly calls: number
  readonly registrations: number
  readonly spool_tells: number
  /** Seconds since 1970. */
  readonly heard_s: number
}

/** How everything stands, for those who watch machines. */
export interface FleetFigures {
  readonly version: number
  readonly relays: readonly RelayFigures[]
  /** How many, by status. */
  readonly providers: Readonly<Record<string, number>>
  readonly registrations: Readonly<Record<string, number>>
  readonly deliveries: number
  /** When the oldest of them was to be sent next, seconds since 1970; null: none waits. */
  readonly oldest_delivery_s: number | null
  readonly webhooks_failing: number
  readonly alerts: number
  readonly events: number
  /** Attempts at providers since midnight (UTC), by direction. */
  readonly attempts: readonly {
    readonly direction: string
    readonly attempts: number
    readonly answered: number
    readonly packets: number
    readonly lost: number
  }[]
}

const relaysAtMost = 500

/** All of it, in one statement, which reads no call. Throws where the statement brings no row, which it always does. */
export async function fleetFigures(db: Database): Promise<FleetFigures> {
  const { rows } = await db.execute<{ found: FleetFigures }>(sql`
    select jsonb_build_object(
      'version', (select coalesce(max(version), 0) from configuration),
      'relays', (select coalesce(jsonb_agg(to_jsonb(r) order by r.id), '[]') from (
        select id, calls, registrations, spool_tells, heard_s,
          case when not heard then 'lost' when draining then 'draining' else 'alive' end as state
        from (select id, draining, waiting_tells as spool_tells, extract(epoch from case when via_hub then now() else beat_at end) as heard_s,
            ${isAlive('relays')} as heard,
            coalesce((load->>'calls')::int, 0) as calls, coalesce((load->>'registrations')::int, 0) as registrations
          from relays order by beat_at desc limit ${relaysAtMost}) as said) as r),
      'providers', (select coalesce(jsonb_object_agg(status, count), '{}')
        from (select status, count(*) as count from provider_health group by 1) as h),
      'registrations', (select coalesce(jsonb_object_agg(status, count), '{}')
        from (select status, count(*) as count from provider_registrations group by 1) as p),
      'deliveries', (select count(*) from deliveries where status = 'waiting'),
      'oldest_delivery_s', (select extract(epoch from min(next_try_at)) from deliveries where status = 'waiting'),
      'webhooks_failing', (select count(*) from webhooks where failing_since is not null and enabled and deleted_at is null),
      'alerts', (select count(*) from alert_incidents where resolved_at is null),
      'events', (select coalesce(sum(last), 0) from event_counters),
      'attempts', (select coalesce(jsonb_agg(to_jsonb(a) order by a.direction), '[]') from (
        select direction, sum(attempts) as attempts, sum(answered) as answered, sum(packets) as packets, sum(lost) as lost
        from call_figures where relay_id <> '' and kind = 'provider' and hour >= date_trunc('day', now(), 'UTC')
        group by 1) as a)
    ) as found`)
  const [row] = rows
  if (!row) throw new Error('a statement without a condition brought no row')
  return row.found
}
