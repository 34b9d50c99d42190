import { type SQL, sql } from 'drizzle-orm'
import { isAlive } from './alive.ts'
import { endedWithRelay } from './binding-events.ts'
import { endedByEdge } from './call-events.ts'
import { writeAtCommit } from './event-log.ts'
import { instant } from './instant.ts'
import { lostAttempts, lostCalls, why } from './lost-calls.ts'
import { relayItself, relaySubject } from './relay-presence.ts'

/** Who has a relay forgotten. */
interface Forgetting {
  readonly relayId: string
  readonly keyId: string
  readonly requestId: string
}

/**
 * Forgets a relay which does not live, with all that was its own: what it holds of limits, its word on providers, where phones are. Its
 * calls which go on by their record end as those of a lost one. No row: it lives, or there is none, and nothing was done.
 *
 * It is one statement, which begins with the relay's row: a beat which has that is waited for, and then the relay lives; one which
 * comes later finds none, and is a new relay's. Registrations at carriers stay written down: the next relay takes each from it.
 * Locks are taken in the order in which what is told is stored: calls by id, then what is a call's; bindings by id.
 */
export function forgetRelay({ relayId, keyId, requestId }: Forgetting): SQL {
  const gone = sql`exists (select from gone)`
  const its = sql`relay_id = ${relayId} and ${gone}`
  const calls = sql`c.id = any(array(select id from calls where ${its} and status <> 'hangup' order by id for no key update))`
  const heardLast = sql`greatest(c.updated_at, (select beat_at from gone))`
  return sql`
    with gone as (delete from relays where id = ${relayId} and not ${isAlive('relays')} returning *),
    freed as (delete from slices where ${its}),
    left_off as (delete from leases where ${its}),
    unsaid as (delete from provider_reports where ${its}),
    unfound as (delete from provider_hosts where ${its}),
    lost as (${lostCalls(calls, heardLast, why)}),
    lost_attempts as (${lostAttempts(sql`lost`)}),
    unreached as (
      update bindings set event = 'flow_lost', updated_at = now() where id = any(array(
        select id from bindings where ${its} and event in ('registered', 'refreshed') and expires_at > now()
        order by id for no key update))
      returning id
    ),
    happened as (
      select gen_random_uuid() as id, null::uuid as customer_id, 'relay.deleted' as type, now() as at, id as relay_id,
        ${relaySubject} as subject_id, jsonb_build_object(${relayItself}, 'tm_last_heard', ${instant(sql`beat_at`)},
          'why', ${forgotten}::text, 'key_id', ${keyId}::uuid, 'request_id', ${requestId}::text) as data, 0 as rank from gone
      union all select ended.*, 1 from (${endedByEdge(sql`lost`)}) as ended
      union all select * from (${endedWithRelay(sql`b.id in (select id from unreached)`)}) as ended
    ),
    told as (${writeAtCommit(sql`select * from happened`, sql`order by rank, at, id`)})
    select id from gone`
}

const forgotten = 'It was deleted as one which does not come back.'
