import { type UtcMs, utcMs } from '#contract'
import { stirEveryMs } from '../rounds-keeper.ts'

/** A Worker which said that it uses the database may write to it for so long afterwards: a statement takes 25 s at most. */
const stirredForMs = stirEveryMs + 30_000
/** While the database is used what is due is looked for so often, and first so soon. */
const lookEveryMs = 5_000
const firstLookMs = 2_000
/** What is old is looked for so often: while the database is used, and while it may sleep. */
const houseEveryMs = { used: 300_000, asleep: 3_600_000 }
/** What is overdue, and was not done, is tried again after so long. */
const overdueMs = 60_000

/** What is known of when something will be due (UTC ms). */
export interface RoundsPlan {
  /** The database was last said to be used. */
  readonly stirredAt: UtcMs
  readonly lookedAt: UtcMs
  readonly keptHouseAt: UtcMs
  /** When the next thing is due, as the last look found; undefined: nothing is. */
  readonly nextAt: UtcMs | undefined
}

/** Before anything is known: everything is to be looked at. */
export const unknownPlan: RoundsPlan = {
  stirredAt: utcMs(0),
  lookedAt: utcMs(0),
  keptHouseAt: utcMs(0),
  nextAt: undefined,
}

/** The database is used at `now`. */
export function stirred(plan: RoundsPlan, now: UtcMs): RoundsPlan {
  return { ...plan, stirredAt: utcMs(Math.max(plan.stirredAt, now)) }
}

/** What a look found: in how many ms the next thing is due; undefined: nothing is. `house`: what is old was looked at. */
export interface LookFindings {
  readonly dueInMs: number | undefined
  readonly house: boolean
}

/** A look began at `now`; undefined: the database did not say. */
export function looked(plan: RoundsPlan, now: UtcMs, found: LookFindings | undefined): RoundsPlan {
  const { dueInMs, house } = found ?? { dueInMs: 0, house: false }
  const waitMs = dueInMs === undefined || dueInMs > 0 ? dueInMs : overdueMs
  return {
    stirredAt: plan.stirredAt,
    lookedAt: now,
    keptHouseAt: house ? now : plan.keptHouseAt,
    nextAt: waitMs === undefined ? undefined : utcMs(now + waitMs),
  }
}

/** When to look next: as what is due was written down, and now and then while more may have been. */
export function lookAt(plan: RoundsPlan): UtcMs {
  const { stirredAt, lookedAt, nextAt = Number.POSITIVE_INFINITY } = plan
  const soon = isOver(plan)
    ? Number.POSITIVE_INFINITY
    : Math.max(lookedAt + lookEveryMs, stirredAt + firstLookMs)
  return utcMs(Math.min(nextAt, soon, houseAt(plan)))
}

/** When what is old is looked at next. A use of the database which is over is no reason to wake it for that. */
export function houseAt(plan: RoundsPlan): UtcMs {
  const { stirredAt, keptHouseAt } = plan
  if (stirredAt <= keptHouseAt || isOver(plan)) return utcMs(keptHouseAt + houseEveryMs.asleep)
  return utcMs(Math.max(keptHouseAt + houseEveryMs.used, stirredAt + firstLookMs))
}

/** The last look found all that came of the last use of the database. */
function isOver({ stirredAt, lookedAt }: RoundsPlan): boolean {
  return lookedAt >= stirredAt + stirredForMs
}

/** Whether others may write to the database at `now`: what a stream shows may be more than it was. */
export function isUsed({ stirredAt }: RoundsPlan, now: UtcMs): boolean {
  return now < stirredAt + stirredForMs
}
