import { type SQL, sql } from 'drizzle-orm'
import { isAlive } from './alive.ts'
import { writeEvents } from './event-log.ts'
import { instant } from './instant.ts'
import { lostAfterMs } from './lost-calls.ts'

/** A relay which has not been heard of for so long is told of as lost. */
export const missedAfterMs = 15_000

/** What events of relays are about: an id which follows from the relay's name. */
export const relaySubject = sql`md5('relay ' || id)::uuid`

/** A relay in each event of its own. */
export const relayItself = sql`'relay_id', id, 'address', address, 'region', region, 'software', software`

/** Of one which drained, and said that nothing was left, no more is to be heard: it was stopped. */
const stopped = sql`(draining and coalesce((load ->> 'calls')::integer, 0) = 0)`
/** One which is gone for a day is no news. */
const lately = sql`beat_at > now() - interval '1 day'`

function ago(ms: number): SQL {
  return sql`(now() - ${ms} * interval '1 millisecond')`
}

/**
 * In how many ms a relay is to be missed, or its calls are; null: none is, as far as is known. After that moment it says so
 * for some minutes, should the look have come too early.
 */
export const missedInMs = sql`(
  select ceil(extract(epoch from min(beat_at
    + (case when lost_at is null then ${missedAfterMs} else ${lostAfterMs} end)::integer * interval '1 millisecond') - now()) * 1000)::float8
  from relays where not via_hub and (lost_at is null and ${lately} and not ${stopped} or lost_at is not null and beat_at > ${ago(5 * 60_000)}))`

/**
 * Tells of relays which are not heard of any more, of each once. After the edge itself was away every relay looks silent: so
 * one is missed only beside another which was heard all the while, or where none is heard at all.
 */
export function missRelays(): SQL {
  const alive = isAlive('relays')
  return miss(sql`beat_at < ${ago(missedAfterMs)}
    and (not exists (select from relays where ${alive})
      or exists (select from relays where ${alive} and heard_since < ${ago(missedAfterMs)}))`)
}

/** Tells of one as lost whose line was closed at its end, as the hub saw, and which is not heard. */
export function missRelay(relayId: string): SQL {
  return miss(sql`id = ${relayId} and not ${isAlive('relays')}`)
}

function miss(which: SQL): SQL {
  const data = sql`jsonb_build_object(${relayItself}, 'tm_last_heard', ${instant(sql`beat_at`)}, 'calls', (load ->> 'calls')::integer,
    'why', 'It has not been heard of for ' || round(extract(epoch from now() - beat_at)) || ' seconds.')`
  return sql`
    with missed as (
      update relays set lost_at = now()
      -- One who is back and says so just now is left alone: it waits in its turn behind this one.
      where id in (select id from relays where not via_hub and lost_at is null and ${lately} and not ${stopped}
        and ${which}
        for update skip locked)
      returning *
    )
    ${writeEvents({ type: 'relay.lost', customerId: sql`null::uuid`, subjectId: relaySubject, relayId: sql`id`, data }, sql`from missed`)}`
}

/** The statement which tells that relays are back, of rows which say since when they were missed. */
export function tellBack(rows: SQL): SQL {
  const data = sql`jsonb_build_object(${relayItself}, 'tm_lost', ${instant(sql`lost_at`)})`
  return writeEvents(
    { type: 'relay.back', customerId: sql`null::uuid`, subjectId: relaySubject, relayId: sql`id`, data },
    sql`from ${rows} where lost_at is not null`,
  )
}
