import { refreshTarget } from '../dialog/dialog.ts'
import type { InDialogRequest, PendingReinvite } from '../leg/leg.ts'
import { sdpBytes, withSdp } from '../sdp/message-sdp.ts'
import type { RelayedSdp, UnusableSdp } from '../sdp/relayed.ts'
import { type Header, noBody, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader } from '../sip/screen.ts'
import { timerBase } from '../transaction/timers.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import { failed, hangUp } from './answered.ts'
import { codecsFor } from './branch.ts'
import { notAcknowledged, unheard } from './cause.ts'
import { aim, answerOf, offerOf, refusalWords, rewriteFor } from './offer-answer.ts'
import { ackPassed, closePending, decliningAck, refuseRequest } from './pending-reinvite.ts'
import { sipReason } from './reason.ts'
import { legAt, opposite, reachAt } from './sides.ts'
import type { Call, CallOrder, CallStep, Side } from './state.ts'

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
  const { side, request } = pending.asked
  const here = reachAt(call, side)
  const there = reachAt(call, opposite(side))
  if (here) refreshTarget(here.dialog, request, response.status)
  if (there) refreshTarget(there.dialog, response, response.status)
  const asked = offerOf(request, endpoint)
  const said = answerOf(response, endpoint, asked && legAt(call, opposite(side))?.sdp?.sent)
  if (request.method === 'INVITE' && !asked && said?.ok === false)
    return unusableOffer(call, pending, response, said.fault, endpoint)
  const sounds =
    asked?.ok && said?.ok
      ? [
          ...aimSide(call, side, asked.value, endpoint),
          ...aimSide(call, opposite(side), said.value, endpoint),
        ]
      : []
  const ok = okFor(call, pending.asked, response, endpoint)
  if (request.method !== 'INVITE') return { effects: [...closePending(call, side), ok, ...sounds] }
  pending.answer = { response: ok.response, waitMs: t1 }
  const delayed = asked === undefined && said !== undefined
  if (delayed) pending.accepted = response
  const effects: CallOrder[] = [
    ...(delayed ? [] : ackPassed(call, side, response.cseq.number, endpoint)),
    ok,
    { type: 'stop', timer: 'stalledPending', of: side },
    { type: 'set', ms: t1, timer: { timer: 'repeatPending', side } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'unacknowledgedPending', side } },
    ...sounds,
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
  const { side } = asked
  const acks = decliningAck(call, side, response, endpoint)
  const refusal = refuseRequest(asked, 488, refusalWords(fault, endpoint))
  const closed = closePending(call, side)
  const [, reason] = sipReason(488, fault.why)
  const step = hangUp(call, 'both', { reason }, endpoint, failed(unheard(opposite(side), fault.why)))
  return { ...step, effects: [...closed, ...acks, refusal, ...step.effects] }
}

/** Anything else was: its answer goes back as it is. */
export function accepted({ request, transaction, source }: InDialogRequest, response: Response): CallOrder {
  const headers = typeOf(response, response.body)
  const { status, reason, body } = response
  const ok = reply(request, status, { reason, headers, body, flow: source })
  return { type: 'respond', transaction, response: ok }
}

/** The ACK of a re-INVITE's 2xx; with a delayed offer it carries the answer (§14.1). */
export function passAck(call: Call, side: Side, ack: Request, endpoint: SipEndpoint): CallStep {
  const pending = legAt(call, side)?.pending
  if (!pending?.answer || pending.asked.request.cseq.number !== ack.cseq.number) return { effects: [] }
  const { accepted } = pending
  if (!accepted) return { effects: closePending(call, side) }
  const other = opposite(side)
  const answer = answerOf(ack, endpoint, legAt(call, side)?.sdp?.sent)
  const offer = answerOf(accepted, endpoint, undefined)
  const said = answer?.ok ? answer.value : legAt(call, other)?.sdp?.sent?.said
  const body = said && offer?.ok && rewriteTo(call, other, said, endpoint, { offer: offer.value })
  if (!body || !offer?.ok) {
    const reason = 'SIP;cause=488;text="no answer in ACK"'
    return hangUp(call, 'both', { reason }, endpoint, failed(unheard(side, 'no answer in ACK')))
  }
  const sounds = answer?.ok
    ? [...aimSide(call, side, answer.value, endpoint), ...aimSide(call, other, offer.value, endpoint)]
    : []
  const acks = ackPassed(call, side, accepted.cseq.number, endpoint, body)
  return { effects: [...closePending(call, side), ...acks, ...sounds] }
}

/** Timer: our 2xx to a re-INVITE was not acknowledged yet. */
export function repeatPassed(call: Call, side: Side): CallOrder[] {
  const pending = legAt(call, side)?.pending
  if (!pending?.answer) return []
  pending.answer.waitMs = Math.min(pending.answer.waitMs * 2, t2)
  return [
    { type: 'respond', transaction: pending.asked.transaction, response: pending.answer.response },
    { type: 'set', ms: pending.answer.waitMs, timer: { timer: 'repeatPending', side } },
  ]
}

/** Timer: it never was (§13.3.1.4: the dialog ends). */
export function unacknowledgedPassed(call: Call, side: Side, endpoint: SipEndpoint): CallStep {
  const contact = contactOf(endpoint, (reachAt(call, side)?.flow ?? call.caller.flow).transport)
  const ended = failed(notAcknowledged(side, contact))
  return hangUp(call, 'both', { reason: `SIP;cause=408;text="no ACK from ${side}"` }, endpoint, ended)
}

/** The offer of a change as the other side shall hear it, none if there is none; undefined: no codec is left. */
export function offerFor(
  call: Call,
  to: Side,
  request: Request,
  endpoint: SipEndpoint,
): Uint8Array | undefined {
  const offer = offerOf(request, endpoint)
  const only = to === 'callee' && call.callee ? codecsFor(call, call.callee) : []
  return offer?.ok ? rewriteTo(call, to, offer.value, endpoint, { only }) : noBody
}

/** The 2xx for who asked. An offer which the other side left without a usable answer leaves the session as it was. */
function okFor(
  call: Call,
  { side, request, transaction, source }: InDialogRequest,
  response: Response,
  endpoint: SipEndpoint,
): Extract<CallOrder, { type: 'respond' }> {
  const headers: Header[] = [
    ['contact', contactOf(endpoint, reachAt(call, side)?.flow.transport ?? 'udp')],
    allowHeader,
  ]
  const offer = offerOf(request, endpoint)
  const there = legAt(call, opposite(side))?.sdp?.sent
  const answer = answerOf(response, endpoint, offer && there)
  const said = answer?.ok ? answer.value : offer && legAt(call, side)?.sdp?.sent?.said
  const body = said && rewriteTo(call, side, said, endpoint, offer?.ok ? { offer: offer.value } : {})
  const { status, reason } = response
  const ok = reply(request, status, { reason, ...withSdp(body, headers), flow: source })
  return { type: 'respond', transaction, response: ok }
}

function rewriteTo(
  call: Call,
  to: Side,
  said: RelayedSdp,
  endpoint: SipEndpoint,
  more: Parameters<typeof rewriteFor>[5],
): Uint8Array | undefined {
  const lastSdp = legAt(call, to)?.sdp
  const sent = lastSdp && rewriteFor(call, to, lastSdp, said, endpoint, more)
  return sent && sdpBytes(sent)
}

function aimSide(call: Call, side: Side, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const leg = legAt(call, side)
  return leg ? aim(call, side, leg, said, endpoint) : []
}

/** We write SDP ourselves; anything else is passed on as it was called. */
export function typeOf(message: Request | Response, body: Uint8Array): Header[] {
  if (body.length === 0) return []
  const { method } = message.cseq
  const type = method === 'INVITE' || method === 'UPDATE' ? 'application/sdp' : message.header('content-type')
  return type ? [['content-type', type]] : []
}
