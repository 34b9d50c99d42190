import type { Dialog } from '../dialog/dialog.ts'
import { ackFor2xx } from '../dialog/request.ts'
import { declineOffer, hasSdp, withSdp } from '../sdp/message-sdp.ts'
import { proofsOf } from '../sip/authorization.ts'
import { type Header, request as newRequest, type Request, type Response } from '../sip/message.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { Leg, SentAck, UacLeg } from './leg.ts'
import type { SendAck } from './orders.ts'
import { flowFor, reach, wayBack } from './path.ts'

/*
 * ACK for a 2xx is the leg's own, no transaction's: once for each dialog, and the same one again for each repeat
 * (RFC 3261 §13.2.2.4).
 */

/**
 * ACK for the 2xx to a leg's INVITE. Where that brought no offer, and none came before, the 2xx has one, and the ACK waits
 * for its answer.
 */
export function acknowledge(leg: UacLeg, response: Response, endpoint: SipEndpoint): SendAck[] {
  if (!leg.acks) return []
  const known = leg.acks.get(response.to.tag ?? '')
  if (known) return ackAgain(known, leg, endpoint)
  const agreed = leg.earlyDialogs?.get(response.to.tag ?? '')?.answering
  if (!leg.dialog || !leg.invite || !(agreed || hasSdp(leg.invite))) return []
  return ackOnce(leg, leg.dialog, endpoint)
}

/** ACK for the 2xx of one dialog, with the answer to the offer which came in it; none where the leg was never called. */
export function ackOnce(leg: UacLeg, dialog: Dialog, endpoint: SipEndpoint, body?: Uint8Array): SendAck[] {
  if (!leg.flow) return []
  const flow = flowFor(dialog, leg.flow, leg.trusted)
  const ack = ackIn(dialog, leg.invite, leg.invite?.cseq.number ?? leg.cseq, flow, endpoint, body)
  leg.acks?.set(dialog.remoteTag, { request: ack.request, flow, repeats: 0 })
  return [ack]
}

/** ACK for a leg's 2xx to a re-INVITE of this number; `sent`: the request itself, where it is still known. */
export function ackReinvite(
  leg: Leg,
  cseq: number,
  sent: Request | undefined,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): SendAck[] {
  const known = leg.reinviteAck
  if (known?.request.cseq.number === cseq) return ackAgain(known, leg, endpoint)
  const way = reach(leg)
  if (!way) return []
  const ack = ackIn(way.dialog, sent?.cseq.number === cseq ? sent : undefined, cseq, way.flow, endpoint, body)
  leg.reinviteAck = { request: ack.request, flow: way.flow, repeats: 0 }
  return [ack]
}

/** ACK for a 2xx whose offer is not wanted: it is declined. */
export function ackDeclining(
  leg: Leg,
  response: Response,
  sent: Request | undefined,
  endpoint: SipEndpoint,
): SendAck[] {
  return ackReinvite(leg, response.cseq.number, sent, endpoint, declineOffer(response, leg.sdp, endpoint))
}

function ackIn(
  dialog: Dialog,
  invite: Request | undefined,
  cseq: number,
  flow: SendAck['flow'],
  endpoint: SipEndpoint,
  body: Uint8Array | undefined,
): SendAck {
  const proofs = invite ? proofsOf(invite) : []
  const request = ackFor2xx(dialog, cseq, { via: viaOf(endpoint, flow), ...withSdp(body, proofs) })
  return { type: 'ack', request, flow }
}

/**
 * The ACK of a 2xx which came again: lost on its way, or where it was sent cannot be reached. So it goes the way
 * back, too; and a second time round, what follows does.
 */
export function ackAgain(
  known: SentAck,
  leg: Pick<Leg, 'dialog' | 'flow'>,
  endpoint: SipEndpoint,
): SendAck[] {
  const { request, flow } = known
  known.repeats++
  const back = wayBack(known.repeats > 1 ? leg : { ...leg, dialog: undefined }, flow)
  if (!back) return [{ type: 'ack', request, flow }]
  const again = withVia(request, viaOf(endpoint, back))
  return [
    { type: 'ack', request, flow },
    { type: 'ack', request: again, flow: back },
  ]
}

function withVia({ method, requestUri, headers, body }: Request, via: string): Request {
  const others = headers.filter(([name]) => name !== 'via')
  return newRequest({ method, requestUri, headers: [['via', via], ...others] satisfies Header[], body })
}
