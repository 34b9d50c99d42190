/** The timers of RFC 3261 table 4 and RFC 6026 §8.4; `trying` and `late` are when a 100 is due. */
export type TransactionTimer =
  | 'A'
  | 'B'
  | 'D'
  | 'E'
  | 'F'
  | 'G'
  | 'H'
  | 'I'
  | 'J'
  | 'K'
  | 'L'
  | 'M'
  | 'trying'
  | 'late'

/** The three times everything else is made of, in milliseconds (RFC 3261 §17.1.1.1). */
export interface TimerBase {
  /** Round-trip estimate. */
  readonly t1: number
  /** Longest wait between two repetitions. */
  readonly t2: number
  /** How long a message may stay in the network. */
  readonly t4: number
}

/** Milliseconds each timer runs at first: Infinity is never set, zero fires at once. */
export type TimerLengths = Readonly<Record<TransactionTimer, number>> & TimerBase

// Specification
/** RFC 3261's T1, T2 and T4 in ms (table 4). */
export const timerBase: TimerBase = { t1: 500, t2: 4000, t4: 5000 }
/** A 100 goes out unless the layer above has answered an INVITE by then (RFC 3261 §17.2.1). */
const tryingMs = 200
/** The other side's T1 is unknown, so timer D is never shorter, whatever ours is (RFC 6026 §8.4). */
const leastD = 32_000

/** Table 4: what a timer lasts on UDP, and on a transport that delivers by itself. */
export function lengths({ t1, t2, t4 }: TimerBase, reliable: boolean): TimerLengths {
  const repeat = reliable ? Number.POSITIVE_INFINITY : t1
  const giveUp = 64 * t1
  return {
    t1,
    t2,
    t4,
    A: repeat,
    B: giveUp,
    D: reliable ? 0 : Math.max(giveUp, leastD),
    E: repeat,
    F: giveUp,
    G: repeat,
    H: giveUp,
    I: reliable ? 0 : t4,
    J: reliable ? 0 : giveUp,
    K: reliable ? 0 : t4,
    L: giveUp,
    M: giveUp,
    trying: tryingMs,
    late: untilSlow(t1, t2),
  }
}

/** When a client's timer E has grown to T2: no 100 to a non-INVITE is due before (RFC 4320 §4.1). */
function untilSlow(t1: number, t2: number): number {
  let passed = 0
  for (let wait = t1; wait < t2; wait *= 2) passed += wait
  return passed
}
