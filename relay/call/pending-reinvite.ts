import { ackFor2xx } from '../dialog/request.ts'
import type { InDialogRequest, Leg, SentAck } from '../leg/leg.ts'
import { reach, wayBack } from '../leg/path.ts'
import { type Header, request as newRequest, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { proofsOf } from './credentials.ts'
import { declineOffer, withSdp } from './offer-answer.ts'
import { legAt, opposite } from './sides.ts'
import type { Call, CallOrder, Side } from './state.ts'

/** A change of the session which one side asked for is settled, or dropped: its timers stop. */
export function closePending(call: Call, side: Side): CallOrder[] {
  const leg = legAt(call, side)
  if (!leg?.pending) return []
  leg.pending = undefined
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
  const pending = legAt(call, side)?.pending
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
  const lastSdp = legAt(call, opposite(side))?.sdp
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
  const [asker, other] = [legAt(call, side), legAt(call, opposite(side))]
  const known = asker?.passedAck
  if (other && known?.request.cseq.number === cseq) return ackAgain(known, other, endpoint)
  const way = other && reach(other)
  if (!asker || !way) return []
  const sent = asker.pending?.sent.request
  const proofs = sent?.cseq.number === cseq ? proofsOf(sent) : []
  const via = viaOf(endpoint, way.flow)
  const request = ackFor2xx(way.dialog, cseq, { via, ...withSdp(body, proofs) })
  asker.passedAck = { request, flow: way.flow, repeats: 0 }
  return [{ type: 'ack', request, flow: way.flow }]
}

/**
 * The ACK of a 2xx which came again: lost on its way, or where it was sent cannot be reached. So it goes the way
 * back, too; and a second time round, what follows does.
 */
export function ackAgain(
  known: SentAck,
  leg: Pick<Leg, 'dialog' | 'flow'>,
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
