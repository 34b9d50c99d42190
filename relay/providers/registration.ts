// Our registration at one provider (RFC 3261 §10.2), as its holder sees it.
//
//   not_registered ──due──► pending ──granted──► registered ──lapsed──► failed
//                              │  └──refused──► failed ──granted──► registered
//                              └──denied──► auth_failed ──changed──► pending
//
// It never stops for good: a failure is tried again ever later, refused credentials every half hour, and
// either at once when the configuration changes. A grant stands until it ends, though a refresh failed.
// Whatever makes us ask again before it is time, a 2xx among it, makes us wait longer each time.

import type { MonotonicMs, RegistrationStatus } from '#contract'
import type { Machine, Table, Turn } from '../ground/machine.ts'

/** A registration at a provider: its state and what it remembers. */
export type RegistrationMachine = Machine<RegistrationStatus, RegistrationMemory>

/** What happens to a registration, by name. */
export interface RegistrationEvents {
  /** It is time to register, or to refresh. */
  due: { now: MonotonicMs }
  /** 2xx: until so many seconds from now. */
  granted: { now: MonotonicMs; seconds: number; status: number; why: string }
  /** 423: not for less than so many seconds; undefined: it did not say. */
  tooBrief: { now: MonotonicMs; seconds: number | undefined; why: string }
  /** Any other failure, status 0 for none heard; `retryAfter` in seconds where it was said. */
  refused: { now: MonotonicMs; status: number; why: string; retryAfter: number | undefined }
  /** Our credentials were refused, or cannot be shown. */
  denied: { now: MonotonicMs; status: number; why: string }
  /** The grant is over. */
  lapsed: undefined
  /** The provider is configured otherwise than before. */
  changed: { now: MonotonicMs; expires: number }
  /** The connection it was made over is gone. */
  cut: { now: MonotonicMs }
  /** It is given up here. */
  left: { why: string }
}

/** What a registration wants done. */
export type RegistrationOrder =
  | { readonly type: 'register'; readonly seconds: number }
  /** Be due then. */
  | { readonly type: 'wake'; readonly at: number }
  /** The grant ends then. */
  | { readonly type: 'lapse'; readonly at: number }
  /** Nothing is due any more. */
  | { readonly type: 'rest' }

/** Times are monotonic milliseconds. */
interface RegistrationMemory {
  /** Integer in [0, below). */
  readonly below: (below: number) => number
  until: number | undefined
  nextAt: number | undefined
  /** Seconds asked for. */
  expires: number
  /** In a row. */
  failures: number
  /** The last grant was given then; connections which were lost soon after one, in a row. */
  grantedAt: number
  cuts: number
  /** A longer time was adopted at once, and not granted yet. */
  adopted: boolean
  status: number | undefined
  why: string
}

type RegistrationStep = Turn<RegistrationStatus, RegistrationOrder>

/* Implementation */
const firstWaitMs = 30_000
const longestWaitMs = 1_800_000
/** An hour is as long as a registrar may send us away. */
const longestRetryAfterMs = 3_600_000
/** A grant shorter than this could not be refreshed in time. */
const leastGrantMs = 5_000
/** A registrar which sends us away for less is asked so much later, doubled each time. */
const leastWaitMs = 1_000
/** A lost connection is made anew so soon, and ever later where none lasts for a minute. */
const firstCutMs = 2_000
const steadyMs = 60_000
/** What nearly every registrar grants (RFC 3261 §10.2). */
const usualSeconds = 3_600

const asking = {
  due: ({ now }: RegistrationEvents['due'], memory: RegistrationMemory): RegistrationStep => ask(now, memory),
  granted: grant,
  tooBrief: (event: RegistrationEvents['tooBrief'], memory: RegistrationMemory): RegistrationStep =>
    adopt(event, memory, fail),
  refused: fail,
  denied: deny,
  changed: anew,
  left: leave,
}

/** The figure of a registration at a provider. */
export const table: Table<RegistrationStatus, RegistrationEvents, RegistrationMemory, RegistrationOrder> = {
  not_registered: {
    due: ({ now }, memory) => ({ ...ask(now, memory), to: 'pending' }),
    changed: anew,
  },
  pending: asking,
  registered: {
    ...asking,
    refused: stillGranted,
    tooBrief: (event, memory) => adopt(event, memory, stillGranted),
    lapsed: (_, memory) => {
      memory.until = undefined
      return { to: 'failed', effects: [] }
    },
    cut,
  },
  failed: asking,
  auth_failed: asking,
}

/** A registration which has not begun. */
export function newRegistration(expires: number, below: RegistrationMemory['below']): RegistrationMachine {
  const memory: RegistrationMemory = {
    below,
    until: undefined,
    nextAt: undefined,
    expires,
    failures: 0,
    grantedAt: Number.NEGATIVE_INFINITY,
    cuts: 0,
    adopted: false,
    status: undefined,
    why: '',
  }
  return { state: 'not_registered', memory }
}

function ask(now: MonotonicMs, memory: RegistrationMemory): RegistrationStep {
  memory.nextAt = now
  return { effects: [{ type: 'register', seconds: memory.expires }] }
}

/** Refreshed when half to nine tenths of it have passed, and ten seconds before its end at the latest. */
function grant(
  { now, seconds, status, why }: RegistrationEvents['granted'],
  memory: RegistrationMemory,
): RegistrationStep {
  const ms = Math.max(seconds * 1000, leastGrantMs)
  const refreshMs = Math.min(ms * (0.5 + memory.below(400) / 1000), Math.max(ms - 10_000, ms / 2))
  const until = now + seconds * 1000
  Object.assign(memory, { until, grantedAt: now, failures: 0, adopted: false, status, why })
  const { effects } = wake(now + refreshMs, memory)
  return { to: 'registered', effects: [...effects, { type: 'lapse', at: until }] }
}

/** A longer time is asked for at once, but no second one: a registrar may want ever more. */
function adopt(
  { now, seconds = usualSeconds, why }: RegistrationEvents['tooBrief'],
  memory: RegistrationMemory,
  no: typeof fail,
): RegistrationStep {
  const again = memory.adopted || seconds <= memory.expires
  memory.expires = Math.max(memory.expires, seconds)
  if (again) return no({ now, status: 423, why, retryAfter: undefined }, memory)
  memory.adopted = true
  return ask(now, memory)
}

function fail(
  { now, status, why, retryAfter }: RegistrationEvents['refused'],
  memory: RegistrationMemory,
): RegistrationStep {
  return moved('failed', now, status, why, memory, waitMs(retryAfter, memory))
}

function deny(
  { now, status, why }: RegistrationEvents['denied'],
  memory: RegistrationMemory,
): RegistrationStep {
  const ms = longestWaitMs * (0.8 + memory.below(400) / 1000)
  return moved('auth_failed', now, status, why, memory, ms)
}

/** Made anew before its refresh would be due; one which is under way is let finish. */
function cut({ now }: RegistrationEvents['cut'], memory: RegistrationMemory): RegistrationStep {
  const { nextAt = now } = memory
  return nextAt <= now ? { effects: [] } : wake(Math.min(now + cutMs(now, memory), nextAt), memory)
}

/** The provider refused a refresh, but its word for the present registration still holds. */
function stillGranted(
  { now, status, why, retryAfter }: RegistrationEvents['refused'],
  memory: RegistrationMemory,
): RegistrationStep {
  const left = (memory.until ?? now) - now
  const ms = waitMs(retryAfter, memory)
  Object.assign(memory, { status, why })
  return wake(now + (retryAfter === undefined ? Math.min(ms, Math.max(left / 2, leastGrantMs)) : ms), memory)
}

function anew({ now, expires }: RegistrationEvents['changed'], memory: RegistrationMemory): RegistrationStep {
  Object.assign(memory, {
    expires,
    failures: 0,
    cuts: 0,
    adopted: false,
    until: undefined,
    status: undefined,
    why: '',
  })
  const { effects } = wake(now, memory)
  return { to: 'pending', effects }
}

function leave({ why }: RegistrationEvents['left'], memory: RegistrationMemory): RegistrationStep {
  Object.assign(memory, { until: undefined, nextAt: undefined, status: undefined, why })
  return { to: 'not_registered', effects: [{ type: 'rest' }] }
}

function moved(
  to: RegistrationStatus,
  now: MonotonicMs,
  status: number,
  why: string,
  memory: RegistrationMemory,
  ms: number,
): RegistrationStep {
  Object.assign(memory, { status, why, until: undefined })
  const { effects } = wake(now + ms, memory)
  return { to, effects }
}

function wake(at: number, memory: RegistrationMemory): RegistrationStep {
  memory.nextAt = at
  return { effects: [{ type: 'wake', at }] }
}

/**
 * Thirty seconds, doubled with every failure, half an hour at most; a fifth more or less. Where the registrar said
 * how long, so long, but never as short as the last time for ever.
 */
function waitMs(retryAfter: number | undefined, memory: RegistrationMemory): number {
  const doubled = (ms: number) => Math.min(ms * 2 ** memory.failures, longestWaitMs)
  const [ms, least] = [doubled(firstWaitMs), doubled(leastWaitMs)]
  memory.failures++
  if (retryAfter === undefined) return ms * (0.8 + memory.below(400) / 1000)
  return Math.max(least, Math.min(retryAfter * 1000, longestRetryAfterMs))
}

/** A moment after the first cut, half to all of the doubled time after the others (RFC 5626 §4.5). */
function cutMs(now: MonotonicMs, memory: RegistrationMemory): number {
  if (now - memory.grantedAt >= steadyMs) memory.cuts = 0
  const ms = Math.min(firstCutMs * 2 ** memory.cuts, longestWaitMs)
  return memory.cuts++ === 0 ? memory.below(ms) : ms * (0.5 + memory.below(500) / 1000)
}
