import type { HealthStatus, MonotonicMs } from '#contract'

/*
 * What is seen of a provider, and counted: the figure (health.ts) goes by that.
 */

/** Something seen of a provider: an answer to OPTIONS or how a call to it went. `status` 0: none came. */
export interface Observation {
  readonly by: 'probe' | 'call'
  readonly ok: boolean
  readonly status: number
  /**
   * A call which was turned away, and not by a person: one says nothing of the provider, which may not know the
   * number; a series does.
   */
  readonly refused?: boolean
  /** A probe which did not get there, as at a port which is closed: no silence. */
  readonly unreachable?: boolean
  /** In words, for people who ask why. */
  readonly why: string
  /** Round trip of an answered probe. */
  readonly ms?: number
}

/** All that is remembered of one provider; times are milliseconds of the caller's clock. */
export interface Health {
  readonly status: HealthStatus
  readonly since: number
  readonly why: string
  readonly last: { readonly by: 'probe' | 'call'; readonly status: number; readonly at: number } | null
  /** In a row, up to now. */
  readonly failures: number
  readonly successes: number
  /** When the latest calls failed, with none between them that got through. */
  readonly failedCalls: readonly number[]
  /** When the latest calls failed or were refused, with none between them that got through. */
  readonly lostCalls: readonly number[]
  /** The last probe failed. */
  readonly probesFail: boolean
  /** It fell since it refused calls, and none has got through yet: why it fell. */
  readonly misled: string | null
  /** Calls of the last minute, ten seconds each. */
  readonly slices: readonly Slice[]
  /** It has answered a probe; it has taken a call. */
  readonly probed: boolean
  readonly carried: boolean
  /** Round trips of the latest answered probes. */
  readonly roundTrips: readonly number[]
  /** It fell and is not forgiven yet; how often it fell back after a success; how often the hold-off doubled. */
  readonly fallen: boolean
  readonly relapses: number
  readonly doublings: number
  readonly heldUntil: number
  /** When the last trial call began, and whether its end is still awaited. */
  readonly trialAt: number
  readonly trialOut: boolean
}

interface Slice {
  readonly from: number
  readonly ok: number
  readonly failed: number
}

/* Implementation */

/** One packet in fifty may be lost: three probes of four packets each, or three calls, are no accident. */
const failuresInARow = 3
/** Under eight calls a share says nothing; at half, every second caller waits for the next provider. */
const callsAtLeast = 8
const failingShare = 0.5
const windowMs = 60_000
const sliceMs = 10_000
/** Failed calls further apart than this are no series. */
const seriesMs = 600_000
/** So many calls in a row which do not get through, each for a reason of its own, are no accident; within an hour. */
const lostInARow = 5
const lostWithinMs = 3_600_000
const roundTripsKept = 9

/** No relay has looked yet. */
export const unseen: Health = {
  status: 'unknown',
  since: 0,
  why: '',
  last: null,
  failures: 0,
  successes: 0,
  failedCalls: [],
  lostCalls: [],
  probesFail: false,
  misled: null,
  slices: [],
  probed: false,
  carried: false,
  roundTrips: [],
  fallen: false,
  relapses: 0,
  doublings: 0,
  heldUntil: 0,
  trialAt: Number.NEGATIVE_INFINITY,
  trialOut: false,
}

/** The calls in a row which did not get through, once one more has ended; none where it did. */
export function lostWith(
  { lostCalls }: Health,
  now: MonotonicMs,
  { by, ok, refused }: Observation,
): readonly number[] {
  if (by === 'probe') return lostCalls
  return ok && !refused ? [] : [...lostCalls, now].slice(-lostInARow)
}

/** Whether so many calls in a row did not get through. */
export function isSeries([first, ...others]: readonly number[], now: MonotonicMs): boolean {
  return first !== undefined && others.length === lostInARow - 1 && now - first <= lostWithinMs
}

/** The counts after a success. */
export function succeeded(health: Health, now: MonotonicMs, { by, ms, refused }: Observation): Health {
  const call = by === 'call'
  return {
    ...health,
    failures: 0,
    successes: health.successes + 1,
    failedCalls: call ? [] : health.failedCalls,
    slices: call ? sliced(health.slices, now, true) : health.slices,
    probed: health.probed || !call,
    carried: health.carried || call,
    probesFail: call && health.probesFail,
    misled: call && !refused ? null : health.misled,
    roundTrips: ms === undefined ? health.roundTrips : [...health.roundTrips, ms].slice(-roundTripsKept),
    trialOut: health.trialOut && !call,
  }
}

/** The counts after a failure. Successes stay until the machine has seen whether it falls back after one. */
export function failed(health: Health, now: MonotonicMs, { by }: Observation): Health {
  const call = by === 'call'
  return {
    ...health,
    failures: health.failures + 1,
    failedCalls: call ? [...health.failedCalls, now].slice(-failuresInARow) : health.failedCalls,
    slices: call ? sliced(health.slices, now, false) : health.slices,
    probesFail: !call || health.probesFail,
    trialOut: health.trialOut && !call,
  }
}

function sliced(slices: readonly Slice[], now: MonotonicMs, ok: boolean): readonly Slice[] {
  const from = Math.floor(now / sliceMs) * sliceMs
  const kept = slices.filter((slice) => slice.from > now - windowMs && slice.from !== from)
  const slice = slices.find((one) => one.from === from) ?? { from, ok: 0, failed: 0 }
  return [...kept, { from, ok: slice.ok + Number(ok), failed: slice.failed + Number(!ok) }]
}

/** Why it is failing; undefined: it is not. */
export function failing(
  { failures, failedCalls, lostCalls, slices }: Health,
  now: MonotonicMs,
): string | undefined {
  if (failures >= failuresInARow) return `${failures} failures in a row`
  const [first] = failedCalls
  if (failedCalls.length === failuresInARow && first !== undefined && now - first <= seriesMs)
    return `${failuresInARow} calls in a row failed`
  if (isSeries(lostCalls, now)) return `${lostInARow} calls in a row did not get through`
  const lost = slices.reduce((sum, slice) => sum + slice.failed, 0)
  const all = slices.reduce((sum, slice) => sum + slice.ok, lost)
  if (all < callsAtLeast || lost < all * failingShare) return undefined
  return `${lost} of ${all} calls in a minute failed`
}
