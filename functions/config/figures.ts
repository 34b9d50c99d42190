import type { CallCounts } from '../store/call-figures.ts'

/*
 * What counts come to: ratios and means as telephony has them (functions/README.md defines each). Pure.
 */

/** Delays are told apart to a twentieth: bucket n holds what is above STEP^(n-1) ms, and STEP^n ms at most. */
const STEP = 1.05

/** What calls or attempts came to, as it is shown. Ratios are 0 to 1; null: nothing to take one of. */
export function figuresOf(counts: CallCounts) {
  const { attempts, answered, no_answer, busy, cancelled, declined, packets, lost } = counts
  const by_people = no_answer + busy + cancelled + declined
  return {
    attempts,
    answered,
    asr: ratio(answered, attempts),
    ner: ratio(answered + by_people, attempts),
    user_outcomes: { no_answer, busy, cancelled, declined },
    failures: counts.failures,
    acd_seconds: mean(counts.talked_ms / 1000, answered),
    minutes: rounded(counts.talked_ms / 60_000, 1),
    pdd_ms: { p50: percentile(counts.pdd, 0.5), p95: percentile(counts.pdd, 0.95) },
    loss: ratio(lost, packets + lost),
    jitter_ms: mean(counts.jitter_us / 1000, counts.heard),
  }
}

/** The delay in ms which this share of all does not exceed, within a fortieth; null: there is none at all. */
export function percentile(buckets: Readonly<Record<string, number>>, share: number): number | null {
  const sorted = Object.entries(buckets)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .sort((one, other) => one.bucket - other.bucket)
  const rank = share * sorted.reduce((sum, { count }) => sum + count, 0)
  let seen = 0
  for (const { bucket, count } of sorted) {
    seen += count
    if (seen >= rank && seen > 0) return Math.round(STEP ** (bucket - 0.5))
  }
  return null
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? rounded(Math.max(part, 0) / whole, 4) : null
}

function mean(sum: number, of: number): number | null {
  return of > 0 ? rounded(sum / of, 1) : null
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
