import { ackFor2xx } from '../dialog/request.ts'
import { type Header, request as newRequest, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { proofsOf } from './credentials.ts'
import { declineOffer, sdpSentTo, withSdp } from './offer-answer.ts'
import { legOf, wayBack } from './path.ts'
import type { Branch, Call, CallerLeg, CallOrder, InDialogRequest, SentAck, Side } from './state.ts'

/** A change of the session which one side asked for is settled, or dropped: its timers stop. */
export function closePending(call: Call, side: Side): CallOrder[] {
  if (!call.pending[side]) return []
  delete call.pending[side]
  return [
    { type: 'stop', timer: 'repeatPending', of: side },
    { type: 'stop', timer: 'unacknowledgedPending', of: side },
    { type: 'stop', timer: 'stalledPending', of: side },
  ]
}

/**
 * The call ends while a change is open: who asked hears 487 (RFC 3261 §15.1.2), a 2xx whose offer waits for
 * its answer has it declined, and the request in the air is left to itself.
 */
export function dropPending(call: Call, side: Side, endpoint: SipEndpoint): CallOrder[] {
  const pending = call.pending[side]
  if (!pending) return []
  const { asked, answer, accepted } = pending
  return [
    ...closePending(call, side),
    ...(answer ? [] : [refuseRequest(asked, 487)]),
    ...(accepted ? decliningAck(call, side, accepted, endpoint) : []),
    { type: 'abandon', of: side },
  ]
}

/** ACK for a 2xx to what `side` asked without an offer: the one which came in it is declined. */
export function decliningAck(call: Call, side: Side, response: Response, endpoint: SipEndpoint): CallOrder[] {
  const lastSdp = sdpSentTo(call, opposite(side))
  const body = lastSdp && declineOffer(response, lastSdp, endpoint)
  return ackPassed(call, side, response.cseq.number, endpoint, body)
}

/** ACK for a 2xx to what `side` asked, numbered as its INVITE; the same one again when the 2xx is repeated. */
export function ackPassed(
  call: Call,
  side: Side,
  cseq: number,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): CallOrder[] {
  const known = call.acks[side]
  const other = opposite(side) === 'caller' ? call.caller : call.callee
  if (other && known?.request.cseq.number === cseq) return ackAgain(known, other, endpoint)
  const leg = legOf(call, opposite(side))
  if (!leg) return []
  const sent = call.pending[side]?.sent.request
  const proofs = sent?.cseq.number === cseq ? proofsOf(sent) : []
  const via = viaOf(endpoint, leg.flow)
  const request = ackFor2xx(leg.dialog, cseq, { via, ...withSdp(body, proofs) })
  call.acks[side] = { request, flow: leg.flow, repeats: 0 }
  return [{ type: 'ack', request, flow: leg.flow }]
}

/**
 * The ACK of a 2xx which came again: lost on its way, or where it was sent cannot be reached. So it goes the way
 * back, too; and a second time round, what follows does.
 */
export function ackAgain(
  known: SentAck,
  leg: Pick<CallerLeg | Branch, 'dialog' | 'flow'>,
  endpoint: SipEndpoint,
): CallOrder[] {
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
  return newRequest({ method, requestUri, headers: [['via', via], ...others], body })
}

/** Refuses a request inside the dialog of one side. */
export function refuseRequest(
  { request, transaction, source }: InDialogRequest,
  status: number,
  headers: readonly Header[] = [],
): CallOrder {
  return { type: 'respond', transaction, response: reply(request, status, { headers, flow: source }) }
}

/** The other side of a call. */
export function opposite(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}
