import type { Leg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { timerMs } from './session-timer.ts'

/** Sets the timer of a leg's session anew, by what was agreed, or stops it. */
export function setSession(leg: Leg): LegOrder<never>[] {
  const ms = timerMs(leg.timer)
  return [ms === undefined ? { type: 'stop', timer: 'session', of: leg } : sessionIn(leg, ms)]
}

/** Looks after the session in so many milliseconds. */
export function sessionIn(leg: Leg, ms: number): LegOrder<never> {
  return { type: 'set', ms, timer: { timer: 'session', leg } }
}
