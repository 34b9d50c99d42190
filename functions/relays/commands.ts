import { type SQL, sql } from 'drizzle-orm'
import type { Beat } from '#contract'
import { heard } from './hearing.ts'

/** Writes down what became of what a relay was told to do. The first result stands. */
export function carryOut(told: Beat): SQL {
  return sql`
    update commands set done_at = now(), result = t.result
    from jsonb_to_recordset(${JSON.stringify(told.results)}::jsonb) as t (command_id uuid, result jsonb)
    where id = t.command_id and relay_id = ${told.relay_id} and done_at is null and ${heard(told)}`
}
