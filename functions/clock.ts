import { type UtcMs, utcMs } from '#contract'

/** UTC as this Worker has it: the edge's one reading of a clock. A Worker's stands still between two of its I/Os. */
export function utcNow(): UtcMs {
  return utcMs(Date.now())
}
