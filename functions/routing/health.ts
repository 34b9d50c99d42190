import type { HealthStatus, MonotonicMs } from '#contract'

/*
 * How one provider is doing, folded from what is seen of it.
 *
 *              a success              3 failures in a row, or half the calls of a minute
 *   unknown ─────────────► healthy ───────────────────────────────────► unhealthy
 *      │                      ▲                                           │   ▲
 *      │                      │ 2 successes in a row                      │   │ a failure
 *      │                      └────────────────────── half_open ◄─────────┘   │
 *      └── 3 failures ──► unhealthy                       └───────────────────┘
 *
 * From unhealthy a success leads on at once, unless the provider fell back after a success before: then the
 * hold-off is waited out, which doubles. A provider which keeps falling is taken back ever more slowly.
 *
 * Who refuses calls while it answers OPTIONS shows nothing by those answers: a call lifts it, no probe.
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
/** One success may be luck. */
const successesInARow = 2
/** As short as a restarting proxy, as long as people wait before they telephone the carrier. */
const holdOffMs = 10_000
export const longestHoldOffMs = 300_000
/** Healthy for so long, it is forgiven that it fell. */
const forgivenMs = 600_000
/** Trial calls while half open: a caller in five seconds may wait for another provider, no more. */
const trialEveryMs = 5_000
/** A trial whose end was not reported (its caller hung up) is forgotten after a whole search. */
const trialAtMostMs = 30_000
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

type Step = (health: Health, now: MonotonicMs, seen: Observation) => Health

const table: Record<HealthStatus, { readonly success: Step; readonly failure: Step }> = {
  unknown: {
    success: (health, now, seen) => become(health, now, 'healthy', seen.why),
    failure: fallIfFailing,
  },
  healthy: {
    success: (health) => health,
    failure: fallIfFailing,
  },
  unhealthy: {
    success: (health, now, seen) =>
      health.relapses > 0 ? { ...health, successes: 0 } : open(health, now, seen.why),
    failure: (health) => health,
  },
  half_open: {
    success: (health, now, seen) =>
      health.successes >= successesInARow && health.misled === null
        ? become(health, now, 'healthy', `${health.successes} successes in a row, last: ${seen.why}`)
        : health,
    failure: (health, now, seen) => fall(health, now, seen, `failed again: ${seen.why}`),
  },
}

/** The provider's health after something was seen of it. */
export function observed(before: Health, now: MonotonicMs, seen: Observation): Health {
  const health = healthAt(before, now)
  const last = { by: seen.by, status: seen.status, at: now }
  // A provider which takes calls and has never answered OPTIONS does not know them; its silence says nothing.
  if (seen.by === 'probe' && !seen.ok && health.carried && !health.probed) return { ...health, last }
  const lostCalls = lostWith(health, now, seen)
  // Who refuses every call does not serve, whatever each of them was refused for.
  const ok = seen.ok && !(seen.refused && (isSeries(lostCalls, now) || health.misled !== null))
  const counted = ok ? succeeded(health, now, seen) : failed(health, now, seen)
  return table[health.status][ok ? 'success' : 'failure']({ ...counted, last, lostCalls }, now, seen)
}

function lostWith(
  { lostCalls }: Health,
  now: MonotonicMs,
  { by, ok, refused }: Observation,
): readonly number[] {
  if (by === 'probe') return lostCalls
  return ok && !refused ? [] : [...lostCalls, now].slice(-lostInARow)
}

function isSeries([first, ...others]: readonly number[], now: MonotonicMs): boolean {
  return first !== undefined && others.length === lostInARow - 1 && now - first <= lostWithinMs
}

/** The provider's health when nothing is seen: a hold-off which is over opens it half. */
export function healthAt(health: Health, now: MonotonicMs): Health {
  if (health.status !== 'unhealthy' || now < health.heldUntil) return health
  const opened = become(
    { ...health, successes: 0 },
    now,
    'half_open',
    openWords(health, 'may be tried again'),
  )
  return { ...opened, since: health.heldUntil }
}

/**
 * Whether one call may be sent there to try it: it is half open, and no other trial runs. `status` is what it
 * counts as where that is the word of a host behind it.
 */
export function trialDue(health: Health, now: MonotonicMs, status = healthAt(health, now).status): boolean {
  const { trialAt, trialOut } = health
  return status === 'half_open' && now - trialAt >= (trialOut ? trialAtMostMs : trialEveryMs)
}

/** A trial call sets out. */
export function trialBegun(before: Health, now: MonotonicMs): Health {
  return { ...healthAt(before, now), trialAt: now, trialOut: true }
}

/** Median of the latest round trips in milliseconds; null: no probe was answered. */
export function latencyOf({ roundTrips }: Health): number | null {
  const sorted = [...roundTrips].sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] ?? null
}

/** Whether a final answer to OPTIONS shows a provider which serves: one of `accept`, or any but 408 and 503. */
export function probeServes(status: number, accept: readonly number[] | null): boolean {
  if (status === 0) return false
  return accept === null ? status !== 408 && status !== 503 : accept.includes(status)
}

/**
 * Whether the end of a call shows a provider which serves; `nextOn` are the statuses its policy moves on with.
 *
 * Silence, a server's failure and refused credentials are the provider's own; whatever else it says, it is alive.
 */
export function callServes(status: number, nextOn: readonly number[]): boolean {
  if (status === 0 || status === 408 || status === 503) return false
  const own = status === 401 || status === 407 || (status >= 500 && status < 600)
  return !(own && nextOn.includes(status))
}

/**
 * Whether a call was turned away by the provider: not by a person, who is busy (486, 600), away (480), declines (603), or whose
 * caller left (487).
 */
export function callRefused(status: number): boolean {
  return status >= 300 && ![480, 486, 487, 600, 603].includes(status)
}

function succeeded(health: Health, now: MonotonicMs, { by, ms, refused }: Observation): Health {
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

/** Successes stay until the machine has seen whether it falls back after one. */
function failed(health: Health, now: MonotonicMs, { by }: Observation): Health {
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

function fallIfFailing(health: Health, now: MonotonicMs, seen: Observation): Health {
  const why = failing(health, now)
  return why === undefined
    ? { ...health, successes: 0 }
    : fall(health, now, seen, `${why}, last: ${seen.why}`)
}

/** Why it is failing; undefined: it is not. */
function failing({ failures, failedCalls, lostCalls, slices }: Health, now: MonotonicMs): string | undefined {
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

function fall(health: Health, now: MonotonicMs, seen: Observation, why: string): Health {
  const { status, since, successes } = health
  const forgiven = !health.fallen || (status === 'healthy' && now - since >= forgivenMs)
  const relapsed = !forgiven && (status === 'healthy' || successes > 0)
  const doublings = forgiven ? 0 : health.doublings + 1
  const down = become({ ...health, successes: 0 }, now, 'unhealthy', why)
  return {
    ...down,
    fallen: true,
    misled: spoke(health, seen) ? why : health.misled,
    relapses: forgiven ? 0 : health.relapses + Number(relapsed),
    doublings,
    heldUntil: now + Math.min(holdOffMs * 2 ** doublings, longestHoldOffMs),
  }
}

/** It refused a call in words while it answers OPTIONS: who was silent, and answers again, is back. */
function spoke({ probesFail }: Health, { by, status }: Observation): boolean {
  return by === 'call' && status !== 0 && !probesFail
}

/** A success opens it before its time; how long it was away before says nothing about the next time. */
function open(health: Health, now: MonotonicMs, why: string): Health {
  return {
    ...become(health, now, 'half_open', openWords(health, why)),
    successes: 1,
    doublings: health.relapses,
  }
}

function openWords({ misled }: Health, why: string): string {
  return misled === null ? why : `${why}; but a call has to get through first: ${misled}`
}

/** What was counted before it fell does not count afterwards. */
function become(health: Health, now: MonotonicMs, status: HealthStatus, why: string): Health {
  const anew =
    health.status === 'unknown'
      ? {}
      : { failures: 0, failedCalls: [], lostCalls: [], slices: [], trialOut: false }
  return { ...health, ...anew, status, since: now, why }
}
