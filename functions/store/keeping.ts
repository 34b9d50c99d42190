import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { prepare } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { prunings } from './prunings.ts'

/*
 * What is done every minute about what is old: in steps of so many rows, each its own transaction, so that none holds up a call.
 * Several Workers at it do not get into each other's way: a step passes over the rows which another one is at.
 */

/** Rows of one step. */
const STEP = 1_000
/** So long at a time; what is left is for the next minute. */
const FOR_MS = 30_000

/**
 * Does what there is to do of every kind, or of the one whose `turn` it is: so a minute in which there is nothing costs one round
 * trip. What fails is said in the log, and tried again.
 */
export async function keepHouse(env: object, { most = STEP, turn }: KeepingPlan = {}): Promise<void> {
  const { db, settings } = prepare(env)
  const until = utcNow() + FOR_MS
  const steps = [foldFigures(most), ...prunings(settings.RETENTION_DAYS, most)]
  const chosen = steps.filter((_, nth) => turn === undefined || nth === turn % steps.length)
  for (const step of chosen) while ((await carriedOut(db, step)) >= most && utcNow() < until);
}
interface KeepingPlan {
  /** Rows of one step. */
  readonly most?: number
  readonly turn?: number
}

/** The same of one kind, another each minute. */
export function keepHouseInTurn(env: object): Promise<void> {
  return keepHouse(env, { turn: Math.floor(utcNow() / 60_000) })
}

/** How many rows a step was about. */
async function carriedOut(db: Database, step: SQL): Promise<number> {
  try {
    const { rows } = await db.execute<{ done: string }>(step)
    return Number(rows[0]?.done)
  } catch (error) {
    log('warn', 'keeping.interrupted', { causes: causesOf(error) })
    return 0
  }
}

/** Folds the figures of hours long past into days. */
function foldFigures(most: number): SQL {
  return sql`select fold_figures(${most}) as done`
}
