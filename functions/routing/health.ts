import type { HealthStatus, MonotonicMs } from '#contract'
import {
  failed,
  failing,
  type Health,
  isSeries,
  lostWith,
  type Observation,
  succeeded,
} from './health-counts.ts'

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

/* Implementation */

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
  const isMute = health.carried && !health.probed && !seen.unreachable
  if (seen.by === 'probe' && !seen.ok && isMute) return { ...health, last }
  const lostCalls = lostWith(health, now, seen)
  // Who refuses every call does not serve, whatever each of them was refused for.
  const ok = seen.ok && !(seen.refused && (isSeries(lostCalls, now) || health.misled !== null))
  const counted = ok ? succeeded(health, now, seen) : failed(health, now, seen)
  return table[health.status][ok ? 'success' : 'failure']({ ...counted, last, lostCalls }, now, seen)
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

function fallIfFailing(health: Health, now: MonotonicMs, seen: Observation): Health {
  const why = failing(health, now)
  return why === undefined
    ? { ...health, successes: 0 }
    : fall(health, now, seen, `${why}, last: ${seen.why}`)
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
