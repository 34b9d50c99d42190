import { inArray, type SQL, sql } from 'drizzle-orm'
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
    const { rows } = await db.execute<SweptRow>(due(settings.RETENTION_DAYS.recordings))
    if (rows.length === 0) return
    await bucketOf(env).delete(rows.map(({ id, customer_id }) => soundKey({ id, customerId: customer_id })))
    const gone = rows.map(({ id }) => id)
    await db.delete(table).where(inArray(table.id, gone))
  } catch (error) {
    log('warn', 'recordings.not_swept', { causes: causesOf(error) })
  }
}

interface SweptRow extends Record<string, unknown> {
  id: string
  customer_id: string
}

/** Each customer's oldest are found by an index, and so are those which were deleted. */
function due(days: number): SQL {
  const kept = sql`coalesce((c.retention ->> 'recordings')::integer, ${days}::integer) * interval '1 day'`
  return sql`
    (select r.id, r.customer_id from customers c, lateral (
        select id, customer_id from recordings where customer_id = c.id
          and started_at < case when c.deleted_at is null then now() - ${kept} else 'infinity' end
        order by started_at, id limit ${STEP}) as r limit ${STEP})
    union
    (select id, customer_id from recordings where deleted_at is not null
        and (uploaded_at is not null or deleted_at < now() - ${REMEMBERED}) limit ${STEP})
    limit ${STEP}`
}
