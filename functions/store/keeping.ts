import { sql } from 'drizzle-orm'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { prepare } from '../env.ts'
import { causesOf, log } from '../log.ts'

/*
 * What is done every minute about what is old: in steps of so many rows, each its own transaction, so that none holds up a call.
 * Several Workers at it do not get into each other's way: a step passes over the rows which another one is at.
 */

/** Rows of one step. */
const STEP = 2_000
/** So long at a time; what is left is for the next minute. */
const FOR_MS = 30_000

/** One step; gives whether there may be more to do. */
type KeepingStep = (db: Database) => Promise<boolean>

/** Does what there is to do, a step of each kind in turn. One which fails is said in the log, and tried again in a minute. */
export async function keepHouse(env: object, steps: readonly KeepingStep[] = [foldFigures]): Promise<void> {
  const { db } = prepare(env)
  const until = utcNow() + FOR_MS
  for (let left = [...steps]; left.length > 0 && utcNow() < until; ) {
    const more = []
    for (const step of left) if (await carriedOut(db, step)) more.push(step)
    left = more
  }
}

async function carriedOut(db: Database, step: KeepingStep): Promise<boolean> {
  try {
    return await step(db)
  } catch (error) {
    log('warn', 'keeping.interrupted', { step: step.name, causes: causesOf(error) })
    return false
  }
}

/** Folds the figures of hours long past into days. */
export async function foldFigures(db: Database): Promise<boolean> {
  const { rows } = await db.execute<{ folded: string }>(sql`select fold_figures(${STEP}) as folded`)
  return Number(rows[0]?.folded) === STEP
}
