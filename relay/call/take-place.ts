import { hangUpLeg } from '../leg/bye.ts'
import type { UasLeg } from '../leg/leg.ts'
import { answer, respond, responseTo } from '../leg/uas.ts'
import { codecs, keepCodecs } from '../sdp/codecs.ts'
import { resumed } from '../sdp/description.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import { canBeTurned } from '../sdp/opus.ts'
import { mediaOf } from '../sdp/relayed.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import { partyOn } from './call-party.ts'
import type { CallOrder } from './call-step.ts'
import { aim, faultOf, noCodec, offerOf, refusalWords, rewriteFor } from './offer-answer.ts'
import { mediaOn, otherOf, sideOf } from './sides.ts'
import type { Call } from './state.ts'
import { putRight } from './transferred-call.ts'
import { takesTurning } from './turned.ts'

/**
 * Who called with Replaces (RFC 3891) takes the place it names: it is answered with what the other party says, and who was
 * there is hung up.
 */
export function takePlace(
  call: Call,
  { leg, replaced, as }: CallEvents['placeTaken'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const side = sideOf(call, replaced)
  const other = otherOf(call, replaced)
  const offer = offerOf(leg.invite, endpoint, leg.secure)
  const fault = faultOf(call, offer, leg.trusted)
  if (fault || !offer?.ok || !other?.aimed)
    return refused(leg, fault ? refusalWords(fault, endpoint) : [noCodec(endpoint)], endpoint)
  const { said } = other.aimed
  const meant = { ...said, sdp: resumed(said.sdp) }
  const isTurnable = canBeTurned(mediaOf(offer.value), mediaOf(said))
  const turned = isTurnable && takesTurning(call, endpoint, () => true) ? meant : undefined
  const common = keepCodecs(meant, codecs(offer.value.sdp)) ?? turned
  leg.media = mediaOn(call, side)
  const sent = common && rewriteFor(call, leg, common, endpoint, { offer: offer.value })
  if (!sent) return refused(leg, [noCodec(endpoint)], endpoint)
  call.came = { ...call.came, [side]: { ...as, transfer: partyOn(call, side)?.transfer ?? 'deny' } }
  call.joined[side] = leg
  return [
    { type: 'stop', timer: 'session', of: replaced },
    ...answer(leg, endpoint, sdpBytes(sent)),
    ...aim(call, leg, offer.value, endpoint),
    ...aim(call, other, said, endpoint),
    ...hangUpLeg(replaced, { reason: 'SIP;cause=200;text="replaced"' }, endpoint),
    ...putRight(call, leg, offer.value, endpoint),
  ]
}

function refused(leg: UasLeg, headers: Parameters<typeof responseTo>[3], endpoint: SipEndpoint): CallOrder[] {
  return [respond(leg, responseTo(leg, endpoint, 488, headers))]
}
