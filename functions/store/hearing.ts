import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { isAlive } from './alive.ts'
import { tellBack } from './relay-presence.ts'

/**
 * Makes beats wait for one another until the transaction ends.
 *
 * What relays share (limits, a provider's health, registrations) is judged by one at a time, each seeing all
 * that those before it wrote: no lock is forgotten, and none can be taken in the wrong order.
 */
export function takeTurn(): SQL {
  return sql`select pg_advisory_xact_lock(${TURN}::bigint)`
}

const TURN = 7_266_501

/** The relays which live: their word counts. */
export const living = sql`(select id, draining, neighbour from relays where ${isAlive('relays')})`

/**
 * Writes down that a relay lives; gives no row to a process whose place another has taken.
 *
 * Of two with one name the one heard of last is the relay: the order in which they came here tells, never their own
 * clocks. A new process holds nothing: what the one before was granted is free. Whose a relay is, the hub's or the
 * database's, its latest beat says, however late an earlier one comes.
 */
export function hear(told: Beat, hearer: Hearer = 'database'): SQL {
  return sql`
    with before as (select boot_id, lost_at from relays where id = ${told.relay_id}),
    heard as (
      insert into relays (id, boot_id, started_at, beat_at, told_at, draining, address, port, version, waiting_tells,
        neighbour, media, spool_bytes, software, protocol, region, load, last_error, clock_ms, via_hub)
      values (${told.relay_id}, ${told.boot_id}::uuid, ${begun(told)}, now(), ${told.at}::timestamptz,
        ${told.draining}, ${told.address}, ${told.port}, ${told.version}, ${told.waiting_tells}, ${json(told.neighbour)}, ${json(told.media)},
        ${told.spool_bytes ?? null}::bigint,
        ${told.software ?? null}::text, ${told.protocol ?? null}::integer, ${told.region ?? null}::text,
        ${json(told.load)}, ${json(told.last_error)}, ${clockMs(told)}, ${hearer === 'hub'})
      on conflict (id) do update set boot_id = excluded.boot_id, started_at = excluded.started_at,
        replaced_boots = case when relays.boot_id = excluded.boot_id then relays.replaced_boots
          else (relays.boot_id || array_remove(relays.replaced_boots, excluded.boot_id))[1:${bootsAtMost}] end,
        drain_ordered = relays.drain_ordered and relays.boot_id = excluded.boot_id,
        beat_at = excluded.beat_at, lost_at = null,
        heard_since = case when not ${isAlive('relays')}
          then now() else relays.heard_since end,
        draining = excluded.draining, address = excluded.address, port = excluded.port,
        version = excluded.version, waiting_tells = excluded.waiting_tells, spool_bytes = excluded.spool_bytes,
        neighbour = excluded.neighbour, media = excluded.media,
        software = excluded.software, protocol = excluded.protocol, region = excluded.region, load = excluded.load,
        last_error = excluded.last_error, 
        clock_ms = case when ${believed} then excluded.clock_ms else relays.clock_ms end,
        via_hub = case when ${believed} or excluded.told_at = relays.told_at then excluded.via_hub else relays.via_hub end,
        told_at = case when ${believed} then excluded.told_at else relays.told_at end
      where relays.boot_id = excluded.boot_id
        or excluded.boot_id <> all(relays.replaced_boots)
        or not ${isAlive('relays')}
      returning id, boot_id, address, region, software
    ),
    renewed as (
      delete from slices s using heard h, before b
      where s.relay_id = h.id and b.boot_id <> h.boot_id
    )
    , back as (${tellBack(sql`(select h.*, b.lost_at from heard h, before b) as h`)})
    select id as heard from heard`
}

function json(value: object | null | undefined): SQL {
  return sql`${value ? JSON.stringify(value) : null}::jsonb`
}

/** By how much the edge's clock is ahead of the relay's machine's, the way here included. */
function clockMs({ clock, at }: Beat): SQL {
  return sql`round(extract(epoch from now() - ${clock ?? at}::timestamptz) * 1000)::bigint`
}

/** Who hears a beat: the hub, which then tells the database, or the database alone. */
export type Hearer = 'hub' | 'database'

/** More processes of one name than ever live at once. */
const bootsAtMost = 16

/** When a relay's process began, by its own clock, which may be wrong; no later than now. */
export function begun(told: Beat): SQL {
  return sql`least(${told.started_at}::timestamptz, now())`
}

/**
 * Sweeps out what the dead held. One who is back and writes its own just now is left alone: no relay waits for it in
 * whose turn it waits.
 */
export function sweep(told: Beat): SQL {
  return sql`
    with dead as (
      select id from relays where not ${isAlive('relays')} and id <> ${told.relay_id}),
    freed as (delete from slices where ctid = any(array(
      select ctid from slices where relay_id in (select id from dead) for update skip locked)))
    delete from leases where ctid = any(array(
      select ctid from leases where relay_id in (select id from dead) for update skip locked))`
}

/** A beat on a slow way comes after a later one; but a clock may also be set back. */
const believed = sql`(relays.boot_id <> excluded.boot_id or excluded.told_at > relays.told_at
  or excluded.told_at < relays.told_at - interval '1 minute')`

/** The condition that this very beat was heard: its process was not sent away. */
export function heard(told: Beat): SQL {
  return sql`exists (select from relays where id = ${told.relay_id} and boot_id = ${told.boot_id}::uuid and beat_at = now())`
}

/** The condition that no later beat of the same relay came before it. */
export function latest(told: Beat): SQL {
  return sql`exists (select from relays where id = ${told.relay_id} and told_at = ${told.at}::timestamptz)`
}
