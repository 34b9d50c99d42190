import { sql } from 'drizzle-orm'
import type { Database } from '#db'
import { callingCodes } from '#routing'
import { utcNow } from '../clock.ts'
import { causesOf, log } from '../log.ts'
import { writeEvents } from './event-log.ts'
import { deleteRecordingsToErase } from './recordings.ts'

/** Records which one step looks at. */
const STEP = 500
/** So long at a time; what is left is for cron. */
const FOR_MS = 15_000
/** No record is looked at earlier: a relay may have yet to tell of calls which are not watched. */
const TOLD_MS = 3_000
/** What people write between digits. */
const BETWEEN = '[-. ()/]*'

/**
 * What a number looks like in a record, as a regular expression of PostgreSQL's: in E.164 behind any prefix, and as it is
 * dialled within its country.
 */
export function patternOfNumber(e164: string): string {
  const digits = e164.slice(1)
  const code = Object.values(callingCodes()).find((one) => digits.startsWith(one)) ?? ''
  const spelled = (text: string) => [...text].join(BETWEEN)
  const national = digits.slice(code.length)
  return `\\+?[0-9*#]{0,10}${BETWEEN}${spelled(digits)}(?![0-9])|(?<![0-9])[0-9]?${BETWEEN}${spelled(national)}(?![0-9])`
}

/** The same of an extension: by its name alone, not as a part of another. */
export function patternOfName(name: string): string {
  const escaped = name.replace(/[.*+?^$()[\]{}|\\-]/g, '\\$&')
  return `(?<![A-Za-z0-9._+*-])${escaped}(?![A-Za-z0-9._+*-])`
}

/** Erases what was asked for just now, as soon as relays have told what they had to tell. */
export async function eraseOnceTold(db: Database): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TOLD_MS))
  await erase(db)
}

/** Erases for some seconds what is to be erased; gives up quietly, since cron goes on. */
export async function erase(db: Database, most = STEP): Promise<void> {
  const until = utcNow() + FOR_MS
  try {
    while ((await step(db, most)) > 0 && utcNow() < until);
  } catch (error) {
    log('warn', 'erasure.interrupted', { causes: causesOf(error) })
  }
}

/** One step, and the event of an erasure which that completed: its id is the erasure's, so that it is one. */
async function step(db: Database, most: number): Promise<number> {
  const done = writeEvents(
    {
      type: 'erasure.completed',
      id: sql`id`,
      subjectId: sql`id`,
      data: sql`jsonb_build_object('subject_id', id, 'counts', counts, 'extension_id', extension_id)`,
    },
    sql`from erasures where completed_at > now() - interval '1 hour'`,
  )
  // By itself, since recordings are locked after the calls they are of.
  const { rows: begun } = await db.execute<{ running: boolean }>(deleteRecordingsToErase())
  if (!begun[0]?.running) return 0
  const [{ rows }] = await db.batch([
    db.execute<{ seen: string }>(sql`select erase_step(${most}) as seen`),
    db.execute(done),
  ])
  return Number(rows[0]?.seen)
}
