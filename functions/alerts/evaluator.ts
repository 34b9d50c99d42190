import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { causesOf, log } from '../log.ts'
import { type AlertWork, dueAlerts, keepJudged, knowledgeOf } from '../store/alert-work.ts'
import { judgedRound, knowledgeFor, roundOf } from './round.ts'

/** Rounds of one run; what is left the next beat finds. */
const ROUNDS = 50
/** A run which has not ended by then never will: its Worker was cut off. */
const LOST_MS = 60_000

const runningSince = new WeakMap<Database, number>()

/**
 * Judges all alerts of which something is due, of every customer. Of two Workers at once one writes what came of it; the
 * other reads anew. Never throws: what went wrong is due again.
 */
export async function judgeAlerts(db: Database): Promise<void> {
  const since = runningSince.get(db)
  if (since !== undefined && utcNow() < since + LOST_MS) return
  runningSince.set(db, utcNow())
  try {
    await judgeDue(db)
  } catch (error) {
    log('warn', 'alerts.interrupted', { causes: causesOf(error) })
  } finally {
    runningSince.delete(db)
  }
}

async function judgeDue(db: Database): Promise<void> {
  const failed: string[] = []
  for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
    const due = await dueAlerts(db, failed)
    if (due.length === 0) return
    for (const work of due)
      await judge(db, work).catch((error) => {
        // One customer's trouble keeps no other's alerts.
        failed.push(work.customerId)
        log('error', 'alerts.not_judged', { customer_id: work.customerId, causes: causesOf(error) })
      })
  }
}

async function judge(db: Database, work: AlertWork): Promise<void> {
  const round = roundOf(work)
  const known = await knowledgeOf(db, work.customerId, knowledgeFor(round))
  await keepJudged(
    db,
    judgedRound(round, known, () => crypto.randomUUID()),
  )
}
