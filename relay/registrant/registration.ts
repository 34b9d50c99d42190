// Our registration at one provider (RFC 3261 §10.2), as its holder sees it.
//
//   not_registered ──due──► pending ──granted──► registered ──lapsed──► failed
//                              │  └──refused──► failed ──granted──► registered
//                              └──denied──► auth_failed ──changed──► pending
//
// It never stops for good: a failure is tried again ever later, refused credentials every half hour, and
// either at once when the configuration changes. A grant stands until it ends, though a refresh failed.

import type { RegistrationStatus } from '#contract'
import type { Machine, Table, Turn } from '../machine.ts'

export type Registration = Machine<RegistrationStatus, Memory>

export interface Events {
  /** It is time to register, or to refresh. */
  due: { now: number }
  /** 2xx: until so many seconds from now. */
  granted: { now: number; seconds: number; status: number; why: string }
  /** 423: not for less than so many seconds. */
  tooBrief: { now: number; seconds: number; why: string }
  /** Any other failure, status 0 for none heard; `retryAfter` in seconds where it was said. */
  refused: { now: number; status: number; why: string; retryAfter: number | undefined }
  /** Our credentials were refused, or cannot be shown. */
  denied: { now: number; status: number; why: string }
  /** The grant is over. */
  lapsed: undefined
  /** The provider is configured otherwise than before. */
  changed: { now: number; expires: number }
  /** The connection it was made over is gone. */
  cut: { now: number }
  /** It is given up here. */
  left: { why: string }
}

export type Order =
  | { readonly type: 'register'; readonly seconds: number }
  /** Be due then. */
  | { readonly type: 'wake'; readonly at: number }
  /** The grant ends then. */
  | { readonly type: 'lapse'; readonly at: number }
  /** Nothing is due any more. */
  | { readonly type: 'rest' }

/** Times are monotonic milliseconds. */
export interface Memory {
  /** Integer in [0, below). */
  readonly below: (below: number) => number
  until: number | undefined
  nextAt: number | undefined
  /** Seconds asked for. */
  expires: number
  /** In a row. */
  failures: number
  status: number | undefined
  why: string
}

type Step = Turn<RegistrationStatus, Order>

/* Implementation */
const firstWaitMs = 30_000
export const longestWaitMs = 1_800_000
/** An hour is as long as a registrar may send us away. */
const longestRetryAfterMs = 3_600_000
/** A grant shorter than this could not be refreshed in time. */
const leastGrantMs = 5_000

const asking = {
  due: ({ now }: Events['due'], memory: Memory): Step => ask(now, memory),
  granted: grant,
  tooBrief: adopt,
  refused: (event: Events['refused'], memory: Memory): Step =>
    moved('failed', event.now, event.status, event.why, memory, waitMs(event.retryAfter, memory)),
  denied: deny,
  changed: anew,
  left: leave,
}

export const table: Table<RegistrationStatus, Events, Memory, Order> = {
  not_registered: {
    due: ({ now }, memory) => ({ ...ask(now, memory), to: 'pending' }),
    changed: anew,
  },
  pending: asking,
  registered: {
    ...asking,
    refused: stillGranted,
    lapsed: (_, memory) => {
      memory.until = undefined
      return { to: 'failed', effects: [] }
    },
    cut: ({ now }, memory) => wake(now + memory.below(2_000), memory),
  },
  failed: asking,
  auth_failed: asking,
}

/** A registration which has not begun. */
export function newRegistration(expires: number, below: Memory['below']): Registration {
  const memory: Memory = {
    below,
    until: undefined,
    nextAt: undefined,
    expires,
    failures: 0,
    status: undefined,
    why: '',
  }
  return { state: 'not_registered', memory }
}

function ask(now: number, memory: Memory): Step {
  memory.nextAt = now
  return { effects: [{ type: 'register', seconds: memory.expires }] }
}

/** Refreshed when half to nine tenths of it have passed, and ten seconds before its end at the latest. */
function grant({ now, seconds, status, why }: Events['granted'], memory: Memory): Step {
  const ms = Math.max(seconds * 1000, leastGrantMs)
  const refreshMs = Math.min(ms * (0.5 + memory.below(400) / 1000), Math.max(ms - 10_000, ms / 2))
  Object.assign(memory, { until: now + seconds * 1000, failures: 0, status, why })
  const { effects } = wake(now + refreshMs, memory)
  return { to: 'registered', effects: [...effects, { type: 'lapse', at: now + seconds * 1000 }] }
}

function adopt({ now, seconds, why }: Events['tooBrief'], memory: Memory): Step {
  if (seconds <= memory.expires) return moved('failed', now, 423, why, memory, waitMs(undefined, memory))
  memory.expires = seconds
  return ask(now, memory)
}

function deny({ now, status, why }: Events['denied'], memory: Memory): Step {
  const ms = longestWaitMs * (0.8 + memory.below(400) / 1000)
  return moved('auth_failed', now, status, why, memory, ms)
}

/** The provider refused a refresh, but its word for the present registration still holds. */
function stillGranted({ now, status, why, retryAfter }: Events['refused'], memory: Memory): Step {
  const left = (memory.until ?? now) - now
  const ms = Math.min(waitMs(retryAfter, memory), Math.max(left / 2, leastGrantMs))
  Object.assign(memory, { status, why })
  return wake(now + (retryAfter === undefined ? ms : waitOf(retryAfter)), memory)
}

function anew({ now, expires }: Events['changed'], memory: Memory): Step {
  Object.assign(memory, { expires, failures: 0, until: undefined, status: undefined, why: '' })
  const { effects } = wake(now, memory)
  return { to: 'pending', effects }
}

function leave({ why }: Events['left'], memory: Memory): Step {
  Object.assign(memory, { until: undefined, nextAt: undefined, status: undefined, why })
  return { to: 'not_registered', effects: [{ type: 'rest' }] }
}

function moved(
  to: RegistrationStatus,
  now: number,
  status: number,
  why: string,
  memory: Memory,
  ms: number,
): Step {
  Object.assign(memory, { status, why, until: undefined })
  const { effects } = wake(now + ms, memory)
  return { to, effects }
}

function wake(at: number, memory: Memory): Step {
  memory.nextAt = at
  return { effects: [{ type: 'wake', at }] }
}

/** Thirty seconds, doubled with every failure, half an hour at most; a fifth more or less. */
function waitMs(retryAfter: number | undefined, memory: Memory): number {
  const ms = Math.min(firstWaitMs * 2 ** memory.failures, longestWaitMs)
  memory.failures++
  return retryAfter === undefined ? ms * (0.8 + memory.below(400) / 1000) : waitOf(retryAfter)
}

function waitOf(retryAfter: number): number {
  return Math.min(retryAfter * 1000, longestRetryAfterMs)
}
