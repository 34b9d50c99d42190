import { atRest } from '../sip/at-rest.ts'
import type { Leg } from './leg.ts'

/**
 * The transaction of a leg's INVITE is over: no 2xx comes any more, nor is one repeated (RFC 6026 §8). From now on the leg
 * may last for hours, and lets go of what only the time before needed.
 */
export function restLeg(leg: Leg): void {
  if (!leg.dialog?.confirmed || leg.pending) return
  if (leg.invite) leg.invite = atRest(leg.invite)
  if (leg.kind === 'uas') return
  for (const [tag] of leg.acks) leg.acks.set(tag, undefined)
  leg.earlyDialogs.clear()
  leg.early.clear()
}
