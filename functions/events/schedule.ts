const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]

/** Milliseconds from one attempt to the next, as Standard Webhooks 1.0.0 has it; together 75 hours. */
const delays = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** How often an event is sent at most. */
export const ATTEMPTS = delays.length + 1

/** The longest that a receiver may put us off. */
const LONGEST_MS = 24 * HOUR

/** What came of one attempt to deliver. */
export interface AttemptOutcome {
  /** HTTP status of the answer; null: none came. */
  readonly status: number | null
  /** Its first kilobyte; null: it had none which could be read. */
  readonly body: string | null
  /** Why it failed, in words; null: it did not. */
  readonly error: string | null
  /** Milliseconds for which the receiver asked to be left alone. */
  readonly retryAfterMs: number
}

/** What becomes of a delivery after an attempt. */
export interface DeliveryVerdict {
  readonly status: 'waiting' | 'delivered' | 'failed'
  /** Milliseconds until the next attempt, where it waits for one. */
  readonly delayMs: number
  /** The receiver says that it is no more: its webhook is to be disabled. */
  readonly gone: boolean
}

/** Judges the outcome of the attempt of this number, the first being 1. `chance` is from 0 to 1. */
export function judged(outcome: AttemptOutcome, attempt: number, chance: number): DeliveryVerdict {
  if (outcome.error === null) return { status: 'delivered', delayMs: 0, gone: false }
  const gone = outcome.status === 410
  const delay = delays[attempt - 1]
  if (gone || delay === undefined) return { status: 'failed', delayMs: 0, gone }
  const asked = Math.min(outcome.retryAfterMs, LONGEST_MS)
  return { status: 'waiting', delayMs: Math.max(jittered(delay, chance), asked), gone }
}

/** A tenth more or less, so that what failed together does not come back together. */
function jittered(delay: number, chance: number): number {
  return Math.round(delay * (0.9 + 0.2 * chance))
}

/** Milliseconds of a Retry-After in seconds; 0 for one which is a date, or none. */
export function retryAfterMs(header: string | null): number {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * SECOND : 0
}
