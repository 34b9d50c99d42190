import { type MonotonicMs, monotonicMs, type UtcMs, utcMs } from '#units'

/** Milliseconds since this process began: the relay's one reading of a monotonic clock. */
export function monotonicNow(): MonotonicMs {
  return monotonicMs(performance.now())
}

/** UTC as this machine has it, before an edge has told the time. */
export function systemUtc(): UtcMs {
  return utcMs(Date.now())
}
