import { type SQL, sql } from 'drizzle-orm'
import type { Beat, BeatAnswer } from '#contract'
import { commandsIn, endsOf, takenBy } from './commands.ts'
import { begun, heard, living } from './hearing.ts'
import { instant } from './instant.ts'
import { namedMailboxes } from './recordings.ts'
import { namedBlocks } from './source-blocks.ts'
import { talkedToday, today } from './talk.ts'

/** What a beat's answer says beyond what the relay itself was granted. */
export type News = Omit<BeatAnswer, 'slices' | 'registrations' | 'withdrawn'>

/** All that is new to a relay, as JSON; commands in it are marked as taken. */
export function news(told: Beat): SQL {
  return sql`
    with taken as (${takenBy(told.relay_id, heard(told))})
    select jsonb_build_object(
      'at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'version', (select version from configuration),
      'changed', (select coalesce(jsonb_agg(jsonb_build_object(
          'customer_id', id, 'version', version, 'gone', deleted_at is not null) order by version), '[]')
        from customers where version > ${told.version} and (deleted_at is null or ${told.version} > 0)),
      'seconds', (select coalesce(jsonb_agg(jsonb_build_object('scope', jsonb_build_object('kind', kind, 'id', id),
          'day', to_char(now() at time zone 'UTC', 'YYYY-MM-DD'), 'seconds', seconds)), '[]') from ${talked(told)} as t),
      'health', (select coalesce(jsonb_agg(jsonb_build_object(
          'provider_id', provider_id, 'status', status, 'since', ${instant(sql`since`)})), '[]')
        from provider_health where status <> 'unknown'),
      'commands', ${commandsIn(sql`taken`)},
      'ends', ${endsOf(told.relay_id)},
      'blocks', ${namedBlocks},
      'mailboxes', ${namedMailboxes(told)},
      'neighbours', (select coalesce(jsonb_agg(neighbour || jsonb_build_object('relay_id', id, 'draining', draining)
          order by id), '[]') from ${living} as alive where id <> ${told.relay_id} and neighbour is not null),
      'drain', (select drain_ordered from relays where id = ${told.relay_id}),
      'relays', (select count(*) from ${living} as alive)
    ) as news where ${heard(told)}`
}

/**
 * Seconds which those with a limit on their minutes have talked today (UTC) in calls out, if any: over other relays, and over this one
 * before it began; their customers' calls are gone through once, however many limits there are. A call which a dead
 * relay left open counts until it was last heard of.
 */
function talked(told: Beat): SQL {
  return sql`(
    with limited as (
      select 'customer' as kind, id, id as customer_id from customers where max_daily_minutes is not null and deleted_at is null
      union all
      select 'extension', id, customer_id from extensions where max_daily_minutes is not null and deleted_at is null
      union all
      select 'trunk', id, customer_id from trunks where max_daily_minutes is not null and deleted_at is null
    ),
    spoken as materialized (
      select c.customer_id, c.extension_id, c.trunk_id, sum(
        coalesce(c.ended_at, case when c.relay_id in (select id from ${living} as alive) then now() else c.updated_at end)
          - greatest(c.answered_at, ${today})) as time
      from ${talkedToday(sql`c.customer_id in (select customer_id from limited)`)} c
      where c.relay_id <> ${told.relay_id} or c.started_at < ${begun(told)}
      group by c.customer_id, c.extension_id, c.trunk_id
    ),
    added (kind, id, time) as (
      select 'customer', customer_id, sum(time) from spoken group by customer_id
      union all select 'extension', extension_id, sum(time) from spoken group by extension_id
      union all select 'trunk', trunk_id, sum(time) from spoken group by trunk_id
    )
    select kind, id, extract(epoch from time)::integer as seconds from limited join added using (kind, id))`
}
