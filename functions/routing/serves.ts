import type { Health } from './health-counts.ts'

/*
 * What answers show of who gave them.
 */

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
