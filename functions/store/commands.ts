import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
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

/** Writes down what became of what a relay was told to do. The first result stands. */
export function carryOut(told: Beat): SQL {
  return sql`
    update commands set done_at = now(), result = t.result
    from jsonb_to_recordset(${JSON.stringify(told.results)}::jsonb) as t (command_id uuid, result jsonb)
    where id = t.command_id and relay_id = ${told.relay_id} and done_at is null and ${heard(told)}`
}
