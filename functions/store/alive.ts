import { type SQL, sql } from 'drizzle-orm'
import { deadAfterMs } from '#contract'

/** The condition that a relay, by the name of its row, lives: it was heard lately, or is on the hub's line. */
export function isAlive(row: string): SQL {
  const [beat, hub] = [sql.raw(`${row}.beat_at`), sql.raw(`${row}.via_hub`)]
  return sql`(${beat} > now() - ${deadAfterMs} * interval '1 millisecond' or ${hub})`
}
