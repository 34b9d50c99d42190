import { inArray, sql } from 'drizzle-orm'
import { recordings as table } from '#db'
import { prepare } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { bucketOf } from './bucket.ts'
import { soundKey } from './recording-sound.ts'

/** So long it is remembered that a recording is not wanted whose relay may bring it yet. */
const REMEMBERED = sql`interval '30 days'`
/** Recordings which one step takes away: as many objects as a bucket deletes at once. */
const STEP = 1_000

/**
 * Takes away recordings which were deleted, are older than their customer keeps them, or whose customer is no more: first the
 * sound, then the row, so that no sound stays of which no row tells. What fails is said in the log, and tried again.
 */
export async function sweepRecordings(env: object): Promise<void> {
  const { db, settings } = prepare(env)
  try {
    const rows = await db
      .select({ id: table.id, customerId: table.customerId })
      .from(table)
      .where(due(settings.RETENTION_DAYS.recordings))
      .limit(STEP)
    if (rows.length === 0) return
    await bucketOf(env).delete(rows.map(soundKey))
    const gone = rows.map(({ id }) => id)
    await db.delete(table).where(inArray(table.id, gone))
  } catch (error) {
    log('warn', 'recordings.not_swept', { causes: causesOf(error) })
  }
}

/** One which goes on is not swept, but a relay which died may have left it so for good. */
function due(days: number) {
  const kept = sql`coalesce((c.retention ->> 'recordings')::integer, ${days}::integer) * interval '1 day'`
  const deleted = sql`${table.deletedAt} is not null and (${table.uploadedAt} is not null or ${table.deletedAt} < now() - ${REMEMBERED})`
  return sql`${deleted} or exists (select from customers c where c.id = ${table.customerId}
    and (c.deleted_at is not null or ${table.startedAt} < now() - ${kept}))`
}
