import type { CallOrder } from './call-step.ts'

/*
 * How long a caller may be with its flow alone. Its flow may wait, ask and go round for as long; a caller who is dead and
 * is not found by its silence (on hold, or unanswered) holds its place no longer.
 */

/** Milliseconds an answered one may: then it was forgotten. */
export const aloneMs = 4 * 60 * 60_000
/** And one who is not answered: proxies on its way give an INVITE up after three minutes (RFC 3261 §16.6, §13.3.1.1). */
export const unansweredMs = 3 * 60_000

/** The time begins, anew. */
export function mayStay(ms: number): CallOrder {
  return { type: 'set', ms, timer: { timer: 'alone' } }
}

/** It ends: the caller speaks with a callee, or the call is over. */
export const staysNoLonger: CallOrder = { type: 'stop', timer: 'alone' }
