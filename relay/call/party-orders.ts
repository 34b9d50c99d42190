import type { SessionId, Side } from '../ground/media.ts'
import type { Leg } from '../leg/leg.ts'
import { mayReoffer, reofferLeg } from '../leg/reoffer.ts'
import { timerCMs } from '../leg/session-timer.ts'
import { resumed } from '../sdp/description.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { rewriteFor } from './offer-answer.ts'
import { otherOf, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/*
 * What the API does to one party of a call which was answered: on hold, it is offered that we send alone, and neither hears the other;
 * muted, it is heard no more.
 */

/** Whether a party's session may be changed just now; else it is asked again a little later. */
export function mayHold(call: Call, leg: Leg): boolean {
  return mayReoffer(leg) && !otherOf(call, leg)?.pending
}

/** Puts a party on hold, or takes it off: the two are parted, and it is told so by a re-INVITE (RFC 3264 §8.4). */
export function hold(call: Call, leg: Leg, held: boolean, endpoint: SipEndpoint): CallOrder[] {
  const { record } = call
  const [side, other] = [sideOf(call, leg), otherOf(call, leg)]
  record.held = [...record.held.filter((one) => one !== side), ...(held ? [side] : [])]
  const apart = record.held.length > 0
  return [...joined(leg, other, apart), ...offered(call, leg, other, held, endpoint), { type: 'tell' }]
}

function joined({ media }: Leg, other: Leg | undefined, apart: boolean): CallOrder[] {
  if (!media || !other?.media) return []
  const { session, side } = media
  if (apart) return [{ type: 'media', command: { type: 'disconnect', session, side } }]
  const { session: its, side: place } = other.media
  return [{ type: 'media', command: { type: 'connect', session, side, to: { session: its, side: place } } }]
}

function offered(
  call: Call,
  leg: Leg,
  other: Leg | undefined,
  held: boolean,
  endpoint: SipEndpoint,
): CallOrder[] {
  const said = other?.aimed?.said
  const sent =
    said && rewriteFor(call, leg, held ? sending(said) : { ...said, sdp: resumed(said.sdp) }, endpoint)
  const offers = sent ? reofferLeg(leg, sdpBytes(sent), endpoint) : []
  if (offers.length === 0) return []
  return [...offers, { type: 'set', ms: timerCMs, timer: { timer: 'stalledOffer', leg, status: 487 } }]
}

/** The same description, of one who sends alone. */
function sending(said: RelayedSdp): RelayedSdp {
  const { session, media } = resumed(said.sdp)
  return {
    ...said,
    sdp: { session, media: media.map((one) => ({ ...one, lines: [...one.lines, 'a=sendonly'] })) },
  }
}

/** Mutes sides of a call, or lets them be heard again. */
export function mute(call: Call, sides: readonly Side[], muted: boolean, session: SessionId): CallOrder[] {
  const { record } = call
  record.muted = [...record.muted.filter((one) => !sides.includes(one)), ...(muted ? sides : [])]
  const orders = sides.map(
    (side): CallOrder => ({ type: 'media', command: { type: 'mute', session, side, muted } }),
  )
  return [...orders, { type: 'tell' }]
}
