import { sql } from 'drizzle-orm'
import type { Database } from '#db'
import { isAlive } from './alive.ts'
import { instant } from './instant.ts'

/**
 * How a provider is doing: all relays together, each by itself, and its latest changes, newest first.
 *
 * `counts` of a relay says whether its word does: it lives, and has looked within 90 seconds.
 */
export async function healthOf(db: Database, providerId: string, owners: string[]) {
  const { rows } = await db.execute<{ health: Record<string, unknown> }>(sql`
    select jsonb_build_object(
      'provider_id', p.id, 'status', coalesce(h.status, 'unknown'), 'tm_change', ${instant(sql`h.since`)},
      'tm_check', ${instant(sql`h.checked_at`)}, 'latency_ms', h.latency_ms, 'why', coalesce(h.why, 'no relay has looked yet'),
      'relays', (select coalesce(jsonb_agg(jsonb_build_object(
          'relay_id', r.relay_id, 'status', r.status, 'tm_change', ${instant(sql`r.since`)}, 'latency_ms', r.latency_ms,
          'last', r.last, 'why', r.why, 'tm_update', ${instant(sql`r.reported_at`)},
          'counts', r.reported_at > now() - interval '90 seconds' and exists (select from relays
            where relays.id = r.relay_id and ${isAlive('relays')})
        ) order by r.relay_id), '[]') from provider_reports r where r.provider_id = p.id),
      'history', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'tm_create', ${instant(sql`at`)}) || data order by sequence desc), '[]')
        from (select * from events where subject_id = p.id and sequence is not null and type = 'provider.health_changed'
          order by sequence desc limit 50) as changes)
    ) as health
    from providers p left join provider_health h on h.provider_id = p.id
    where p.id = ${providerId}::uuid and p.customer_id::text in ${owners}`)
  return rows[0]?.health
}
