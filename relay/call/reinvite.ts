import { refreshTarget } from '../dialog/dialog.ts'
import { exchanged } from '../leg/exchange.ts'
import type { InDialogRequest, Leg, PendingReinvite } from '../leg/leg.ts'
import { reach } from '../leg/path.ts'
import { mayReoffer, reofferLeg } from '../leg/reoffer.ts'
import { setSession } from '../leg/session.ts'
import { acceptTimer, answerTimer, timerCMs } from '../leg/session-timer.ts'
import { sdpBytes, withSdp } from '../sdp/message-sdp.ts'
import type { RelayedSdp, UnusableSdp } from '../sdp/relayed.ts'
import { sdpBody } from '../sip/body.ts'
import { type Header, noBody, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, supportedHeader } from '../sip/screen.ts'
import { timerBase } from '../transaction/timers.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import { failed, hangUp } from './answered.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { notAcknowledged, unheard } from './cause.ts'
import {
  aim,
  aimAnew,
  answerOf,
  noCodec,
  offerOf,
  refusalWords,
  rewriteFor,
  takeBackOffer,
} from './offer-answer.ts'
import { ackPassed, closePending, decliningAck, refuseRequest } from './pending-reinvite.ts'
import { sipReason } from './reason.ts'
import { transferAnswerHeaders } from './refer-relay.ts'
import { opposite, otherOf, sideOf } from './sides.ts'
import type { Call } from './state.ts'
import { codecsFor } from './taken.ts'

/*
 * How a request passed on succeeds: the other side's 2xx goes back with its session description rewritten, a
 * re-INVITE's is repeated until its ACK (RFC 3261 §13.3.1.4), and the media follow.
 */

const { t1, t2 } = timerBase
const giveUpMs = 64 * t1

/** A change of the session was accepted; both dialogs learn where the other side is now (§12.2). */
export function acceptReinvite(
  call: Call,
  pending: PendingReinvite,
  response: Response,
  endpoint: SipEndpoint,
): CallStep {
  const { leg, request } = pending.asked
  const other = otherOf(call, leg)
  const told = answerFor(call, pending.asked, response, endpoint)
  if (other?.dialog) refreshTarget(other.dialog, response, response.status)
  if (other && pending.sent) acceptTimer(other.timer, pending.sent.request, response)
  const asked = offerOf(request, endpoint, leg.secure)
  const said = answerOf(response, endpoint, asked && other?.sdp.sent, other?.secure ?? 'allowed')
  if (request.method === 'INVITE' && !asked && said?.ok === false)
    return unusableOffer(call, pending, response, said.fault, endpoint)
  if (asked?.ok && leg.media && !told) return unanswerable(call, pending, response, endpoint)
  if (leg.dialog) refreshTarget(leg.dialog, request, response.status)
  const ok = okFor(pending.asked, response, told, endpoint)
  const sounds: CallOrder[] = asked?.ok ? aim(call, leg, asked.value, endpoint) : []
  if (asked?.ok && other) {
    if (said?.ok) sounds.push(...aim(call, other, said.value, endpoint))
    else takeBackOffer(other)
  }
  const sessions = [...setSession(leg), ...(other ? setSession(other) : [])]
  if (request.method !== 'INVITE') return { effects: [...closePending(leg), ok, ...sounds, ...sessions] }
  pending.answer = { response: ok.response, waitMs: t1 }
  const delayed = asked === undefined && said !== undefined
  if (delayed) pending.accepted = response
  const effects: CallOrder[] = [
    ...(delayed ? [] : ackPassed(call, leg, response.cseq.number, endpoint)),
    ok,
    { type: 'stop', timer: 'stalledPending', of: leg },
    { type: 'set', ms: t1, timer: { timer: 'repeatPending', leg } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'unacknowledgedPending', leg } },
    ...sounds,
    ...sessions,
  ]
  return { effects }
}

/**
 * A 2xx whose offer cannot be served: it is declined in the ACK, which leaves nothing to talk by (RFC 3261
 * §13.2.2.4, RFC 6337 §2.3).
 */
function unusableOffer(
  call: Call,
  { asked }: PendingReinvite,
  response: Response,
  fault: UnusableSdp,
  endpoint: SipEndpoint,
): CallStep {
  const { leg } = asked
  const acks = decliningAck(call, leg, response, endpoint)
  const refusal = refuseRequest(asked, 488, refusalWords(fault, endpoint))
  const closed = closePending(leg)
  const [, reason] = sipReason(488, fault.why)
  const step = hangUp(
    call,
    'system',
    { reason },
    endpoint,
    failed(unheard(opposite(sideOf(call, leg)), fault.why)),
  )
  return { ...step, effects: [...closed, ...acks, refusal, ...step.effects] }
}

/**
 * A 2xx of which nothing can be told to who asked without turning its sound, which is not to be had: its session stays as it
 * was (RFC 3261 §14.1), is aimed at what the other side says from now on, and that is offered it anew.
 */
function unanswerable(
  call: Call,
  { asked }: PendingReinvite,
  response: Response,
  endpoint: SipEndpoint,
): CallStep {
  const { leg, request } = asked
  const other = otherOf(call, leg)
  const said = answerOf(response, endpoint, other?.sdp.sent, other?.secure ?? 'allowed')
  const acks = request.method === 'INVITE' ? ackPassed(call, leg, response.cseq.number, endpoint) : []
  const effects = [...closePending(leg), ...acks, refuseRequest(asked, 488, [noCodec(endpoint)])]
  if (other && !said?.ok) takeBackOffer(other)
  if (other && said?.ok)
    effects.push(...aim(call, other, said.value, endpoint), ...aimAnew(call, leg, endpoint))
  if (other) effects.push(...setSession(other), ...offeredBack(call, leg, other, endpoint))
  return { effects }
}

/** What a leg said last that stands, for who took a change of it which does not. */
function offeredBack(call: Call, leg: Leg, other: Leg, endpoint: SipEndpoint): CallOrder[] {
  const said = leg.aimed?.said
  const sent = said && mayReoffer(other) ? rewriteFor(call, other, said, endpoint) : undefined
  const offers = sent ? reofferLeg(other, sdpBytes(sent), endpoint) : []
  if (offers.length === 0) return []
  return [...offers, { type: 'set', ms: timerCMs, timer: { timer: 'stalledOffer', leg: other, status: 487 } }]
}

/** Anything else was: its answer goes back as it is. */
export function accepted(
  { leg, request, transaction, source }: InDialogRequest,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder {
  const contact: Header[] =
    request.method === 'REFER' ? [['contact', contactOf(endpoint, source.transport, leg.signalling)]] : []
  const headers = [...contact, ...typeOf(response, response.body), ...transferAnswerHeaders(response)]
  const { status, reason, body } = response
  const ok = reply(request, status, { reason, headers, body, flow: source })
  return { type: 'respond', transaction, response: ok }
}

/** The ACK of a re-INVITE's 2xx; with a delayed offer it carries the answer (§14.1). */
export function passAck(call: Call, leg: Leg, ack: Request, endpoint: SipEndpoint): CallStep {
  const { pending } = leg
  if (!pending?.answer || pending.asked.request.cseq.number !== ack.cseq.number) return { effects: [] }
  const { accepted } = pending
  if (!accepted) return { effects: closePending(leg) }
  const other = otherOf(call, leg)
  const answer = answerOf(ack, endpoint, leg.sdp.sent, leg.secure)
  const offer = answerOf(accepted, endpoint, undefined, other?.secure ?? 'allowed')
  const said = answer?.ok ? answer.value : other?.sdp.sent?.said
  const body = said && other && offer?.ok && rewriteTo(call, other, said, endpoint, { offer: offer.value })
  if (!body || !offer?.ok) {
    const reason = 'SIP;cause=488;text="no answer in ACK"'
    return hangUp(
      call,
      'system',
      { reason },
      endpoint,
      failed(unheard(sideOf(call, leg), 'no answer in ACK')),
    )
  }
  if (!answer?.ok) takeBackOffer(leg)
  const sounds = [
    ...(answer?.ok ? aim(call, leg, answer.value, endpoint) : []),
    ...aim(call, other, offer.value, endpoint),
  ]
  const acks = ackPassed(call, leg, accepted.cseq.number, endpoint, body)
  return { effects: [...closePending(leg), ...acks, ...sounds] }
}

/** Timer: our 2xx to a re-INVITE was not acknowledged yet. */
export function repeatPassed(leg: Leg): CallOrder[] {
  const { pending } = leg
  if (!pending?.answer) return []
  pending.answer.waitMs = Math.min(pending.answer.waitMs * 2, t2)
  return [
    { type: 'respond', transaction: pending.asked.transaction, response: pending.answer.response },
    { type: 'set', ms: pending.answer.waitMs, timer: { timer: 'repeatPending', leg } },
  ]
}

/** Timer: it never was (§13.3.1.4: the dialog ends). */
export function unacknowledgedPassed(call: Call, leg: Leg, endpoint: SipEndpoint): CallStep {
  const side = sideOf(call, leg)
  const contact = contactOf(endpoint, (reach(leg)?.flow ?? call.caller.flow).transport, leg.signalling)
  const ended = failed(notAcknowledged(side, contact))
  return hangUp(call, 'system', { reason: `SIP;cause=408;text="no ACK from ${side}"` }, endpoint, ended)
}

/** The offer of a change as the other leg shall hear it, none if there is none; undefined: no codec is left. */
export function offerFor(
  call: Call,
  to: Leg,
  request: Request,
  endpoint: SipEndpoint,
): Uint8Array | undefined {
  const offer = offerOf(request, endpoint, otherOf(call, to)?.secure ?? 'allowed')
  const only = to === call.callee ? codecsFor(call.callee) : []
  return offer?.ok ? rewriteTo(call, to, offer.value, endpoint, { only }) : noBody
}

/**
 * What who asked is told: what the other side answers to its offer, or offers. Where that gave no usable answer it is what was
 * said before; undefined: nothing.
 */
function answerFor(
  call: Call,
  { leg, request }: InDialogRequest,
  response: Response,
  endpoint: SipEndpoint,
): Uint8Array | undefined {
  const other = otherOf(call, leg)
  const offer = offerOf(request, endpoint, leg.secure)
  const answer = answerOf(response, endpoint, offer && other?.sdp.sent, other?.secure ?? 'allowed')
  const said = answer?.ok ? answer.value : offer && leg.sdp.sent?.said
  return said && rewriteTo(call, leg, said, endpoint, offer?.ok ? { offer: offer.value } : {})
}

/** The 2xx for who asked, with what it is told. */
function okFor(
  { leg, request, transaction, source }: InDialogRequest,
  { status, reason }: Response,
  body: Uint8Array | undefined,
  endpoint: SipEndpoint,
): Extract<CallOrder, { type: 'respond' }> {
  const headers: Header[] = [
    ['contact', contactOf(endpoint, reach(leg)?.flow.transport ?? 'udp', leg.signalling)],
    allowHeader,
    supportedHeader,
    ...answerTimer(leg.timer, request),
  ]
  const octets = sdpBody(request)
  // Not the whole datagram it came in.
  leg.exchange = octets && body && exchanged(leg, new Uint8Array(octets), body)
  const ok = reply(request, status, { reason, ...withSdp(body, headers), flow: source })
  return { type: 'respond', transaction, response: ok }
}

function rewriteTo(
  call: Call,
  to: Leg,
  said: RelayedSdp,
  endpoint: SipEndpoint,
  more: Parameters<typeof rewriteFor>[4],
): Uint8Array | undefined {
  const sent = rewriteFor(call, to, said, endpoint, more)
  return sent && sdpBytes(sent)
}

/** We write SDP ourselves; anything else is passed on as it was called. */
export function typeOf(message: Request | Response, body: Uint8Array): Header[] {
  if (body.length === 0) return []
  const { method } = message.cseq
  const type = method === 'INVITE' || method === 'UPDATE' ? 'application/sdp' : message.header('content-type')
  return type ? [['content-type', type]] : []
}
