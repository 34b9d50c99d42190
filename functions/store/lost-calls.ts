import { type SQL, sql } from 'drizzle-orm'
import { deadAfterMs } from '#contract'
import { isAlive } from './alive.ts'
import { endedByEdge } from './call-events.ts'
import { writeSelected } from './event-log.ts'
import { NOT_BEGUN } from './making-calls.ts'

/** A relay which has not been heard of for so long is taken not to come back. */
export const lostAfterMs = 45_000

/** Of one relay's, ended at once; the others wait for the next look. */
const atOnce = 500

/**
 * Ends calls which go on by their record, and whose relay does not come back; `at` is a time of a call `c` at which it
 * still went on, as far as is known. Whatever the relay says of one afterwards counts: it has lived.
 */
export function endLost(which: SQL, at: SQL, why: SQL): SQL {
  return sql`
    with lost as (${lostCalls(which, at, why)}),
    told as (${writeSelected(endedByEdge(sql`lost`))})
    ${lostAttempts(sql`lost`)}`
}

/** The part of it which ends the calls, and gives them. */
export function lostCalls(which: SQL, at: SQL, why: SQL): SQL {
  return sql`
    update calls c set status = 'hangup', hangup_by = 'system', hangup_reason = 'relay_lost',
      ended_at = greatest(c.started_at, c.answered_at, ${at}), reject_reason = 'RELAY_LOST', reject_message = ${why},
      updated_at = now()
    where ${which} and c.status <> 'hangup' and c.sequence > ${NOT_BEGUN}
    returning c.*`
}

/** The part which ends the attempts of calls so ended. */
export function lostAttempts(lost: SQL): SQL {
  return sql`
    update attempts a set ended_at = coalesce(a.ended_at, c.ended_at),
      talked_seconds = coalesce(a.talked_seconds, extract(epoch from c.ended_at - a.answered_at))
    from ${lost} c where a.call_id = c.id`
}

/**
 * Ends the calls of relays which have been silent for so long, at the moment they were heard of last.
 *
 * After the edge itself was away every relay looks silent. So a relay is missed only beside one which has been heard
 * all the while, or where none is heard at all.
 */
export function endSilent(): SQL {
  const quiet = (moment: SQL) => sql`${moment} < now() - ${lostAfterMs} * interval '1 millisecond'`
  const alive = isAlive('relays')
  const silent = sql`c.ctid = any(array(
    select ctid from calls
    where status <> 'hangup' and ${quiet(sql`updated_at`)}
      and relay_id in (select id from relays where ${quiet(sql`beat_at`)} and not via_hub)
      and (not exists (select from relays where ${alive})
        or exists (select from relays where ${alive} and ${quiet(sql`heard_since`)}))
    limit ${atOnce} for update skip locked))`
  return endLost(silent, last, why)
}

/** Ends the calls of one relay whose line was closed at its end, as the hub saw, and which is not heard; none of which it told since. */
export function endCallsOf(relayId: string): SQL {
  return endLost(
    sql`c.ctid = any(array(select ctid from calls where ${lostWith(relayId)} limit ${atOnce} for update skip locked))`,
    last,
    why,
  )
}

/** Whether there are more of them, as `left`. */
export function hasCalls(relayId: string): SQL {
  return sql`select exists (select from calls where ${lostWith(relayId)}) as left`
}

function lostWith(relayId: string): SQL {
  return sql`relay_id = ${relayId} and status <> 'hangup' and sequence > ${NOT_BEGUN}
    and updated_at < now() - ${deadAfterMs} * interval '1 millisecond'
    and exists (select from relays where id = ${relayId} and not ${isAlive('relays')})`
}

const last = sql`greatest(c.updated_at, (select beat_at from relays where id = c.relay_id))`
/** Why a call `c` is over. */
export const why = sql`'The relay ' || c.relay_id || ', which carried the call, has not been heard of any more.'`
