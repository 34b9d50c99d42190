import { detach } from '../ground/texts.ts'
import { atRest } from '../sip/at-rest.ts'
import type { Leg } from './leg.ts'

/**
 * The transaction of the INVITE by which a leg's dialog began is over: no 2xx comes any more, nor is one repeated (RFC 6026 §8). From now on the leg
 * may last for hours, and lets go of what only the time before needed.
 */
export function restLeg(leg: Leg): void {
  if (!leg.dialog?.confirmed || leg.pending) return
  detach(leg.dialog)
  if (leg.invite) {
    const { body } = leg.invite
    leg.invite = atRest(leg.invite)
    if (leg.exchange) {
      const { offer } = leg.exchange
      leg.exchange = { ...leg.exchange, offer: offer === body ? leg.invite.body : new Uint8Array(offer) }
    }
  }
  if (leg.kind === 'uas') return
  const isAcked = leg.acks.has(leg.dialog.remoteTag)
  leg.acks.clear()
  if (isAcked) leg.acks.set(leg.dialog.remoteTag, undefined)
  leg.earlyDialogs.clear()
  leg.early.clear()
}
