import type { Leg } from '../leg/leg.ts'
import { reofferLeg } from '../leg/reoffer.ts'
import { timerCMs } from '../leg/session-timer.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { rewriteFor } from './offer-answer.ts'
import { mayHold } from './party-orders.ts'
import { joinedLegs } from './sides.ts'
import type { Call } from './state.ts'

/** A change of its session is in the air: it is looked at again so much later, ms. */
const busyMs = 500

/**
 * Timer: a phone at another relay was to be heard straight, and was not, as where its network lets in that relay alone. Its
 * sound is led through that from now on.
 */
export function leadThrough(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const last = leg.sdp.sent?.said
  if (leg.spoke || leg.detours || !last || !joinedLegs(call).includes(leg)) return []
  if (!mayHold(call, leg)) return [{ type: 'set', ms: busyMs, timer: { timer: 'detour', leg } }]
  leg.detours = true
  const sent = rewriteFor(call, leg, last, endpoint)
  const offers = sent ? reofferLeg(leg, sdpBytes(sent), endpoint) : []
  if (offers.length === 0) return []
  const fields = { call_id: call.id, customer_id: call.record.customerId, relay: leg.flow?.neighbour }
  return [
    ...offers,
    { type: 'set', ms: timerCMs, timer: { timer: 'stalledOffer', leg, status: 487 } },
    { type: 'note', level: 'info', event: 'call.detour', fields },
  ]
}
