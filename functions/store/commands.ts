import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { endedByEdge } from './call-events.ts'
import { runEvents } from './drills.ts'
import { writeSelected } from './event-log.ts'
import { heard } from './hearing.ts'

/** What a command which ends a registration is called in its body. */
export const END_REGISTRATION = 'end_registration'

/** Writes down which registrations a relay ended: it is told so no more. */
export function concluded(told: Beat): SQL {
  return sql`
    update commands set taken_at = now(), done_at = now()
    where id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(told.ended)}::jsonb))
      and relay_id = ${told.relay_id} and done_at is null and ${heard(told)}`
}

/**
 * Writes down what became of what a relay was told to do. The first result stands. A call which it was to make, and does not as it
 * takes no new ones, is given to another relay; of one which was refused before it had begun the relay tells no record: that ends here.
 */
export function carryOut(told: Beat): SQL {
  return sql`
    with said as materialized (
      select m.id, m.customer_id, m.begun_at, (m.body ->> 'call_id')::uuid as call_id, t.result,
        m.body ->> 'kind' = 'originate' and t.result ->> 'reason' in (${sql.join(unrecorded, sql`, `)}) as refused
      from jsonb_to_recordset(${JSON.stringify(told.results)}::jsonb) as t (command_id uuid, result jsonb)
        join commands m on m.id = t.command_id
      where m.relay_id = ${told.relay_id} and m.done_at is null and ${heard(told)}
    ),
    passed_on as (
      update commands m set taken_at = '-infinity' from said s
      where m.id = s.id and s.refused and s.begun_at is null and s.result ->> 'reason' = ${DRAINING}
      returning m.id
    ),
    done as (
      update commands m set done_at = now(), result = s.result from said s
      where m.id = s.id and not exists (select from passed_on p where p.id = s.id)
      returning m.*
    ),
    drilled as (${runEvents(sql`done`)}),
    awaited as (
      update drills set lost_at = null from done
      where done.body ->> 'kind' = 'drill' and drills.id = (done.body ->> 'drill_id')::uuid
    ),
    ended as (
      update calls c set status = 'hangup', hangup_by = 'system', hangup_reason = 'failed', ended_at = now(),
        reject_reason = s.result ->> 'reason', reject_message = s.result ->> 'message', updated_at = now()
      from said s where c.id = s.call_id and c.customer_id = s.customer_id and s.refused and c.sequence <= 0
        and c.status <> 'hangup' and not exists (select from passed_on p where p.id = s.id)
      returning c.*
    )
    ${writeSelected(endedByEdge(sql`ended`))}`
}

/** Why a relay made no call before there was one of which it could tell; the first: it takes no new calls. */
const DRAINING = 'RELAY_DRAINING'
const unrecorded = [DRAINING, 'TOO_LATE', 'EDGE_AWAY', 'NOT_TO_BE_BEGUN'].map((reason) => sql`${reason}`)
