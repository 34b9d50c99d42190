import { ackDeclining, ackReinvite } from '../leg/ack.ts'
import type { InDialogRequest, Leg, PendingReinvite } from '../leg/leg.ts'
import { isRefreshing } from '../leg/refresh.ts'
import { hasSdp } from '../sdp/message-sdp.ts'
import type { Header, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { joinedLegs, otherOf } from './sides.ts'
import type { Call } from './state.ts'

/**
 * Whether who asks for the next change has the 2xx to this one: it asks for none before (RFC 3261 §14.1), so its ACK was lost or
 * overtaken. One which is to bring an answer is waited for.
 */
export function hasHeardAnswer({ asked, answer }: PendingReinvite): boolean {
  return answer !== undefined && hasSdp(asked.request)
}

/** A change of the session which a leg asked for is settled, or dropped: its timers stop. */
export function closePending(leg: Leg): CallOrder[] {
  if (!leg.pending) return []
  leg.pending = undefined
  return [
    { type: 'stop', timer: 'repeatPending', of: leg },
    { type: 'stop', timer: 'unacknowledgedPending', of: leg },
    { type: 'stop', timer: 'stalledPending', of: leg },
  ]
}

/**
 * The call ends while a change is open: who asked hears 487 (RFC 3261 §15.1.2), a 2xx whose offer waits for
 * its answer has it declined, and the request in the air is left to itself.
 */
export function dropPending(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const { pending } = leg
  if (!pending) return []
  const { asked, answer, accepted } = pending
  return [
    ...closePending(leg),
    ...(answer ? [] : [refuseRequest(asked, 487)]),
    ...(accepted ? decliningAck(call, leg, accepted, endpoint) : []),
    { type: 'abandon', of: leg },
  ]
}

/** A request of ours to a leg is wanted no more: an INVITE which is never answered ends, too. */
export function dropRefresh(leg: Leg): CallOrder[] {
  const open = isRefreshing(leg)
  leg.refresh = undefined
  return open
    ? [
        { type: 'stop', timer: 'stalledRefresh', of: leg },
        { type: 'abandon', of: leg },
      ]
    : []
}

/** ACK for a 2xx to what a leg asked without an offer: the one which came in it is declined. */
export function decliningAck(call: Call, leg: Leg, response: Response, endpoint: SipEndpoint): CallOrder[] {
  const other = partnerOf(call, leg)
  return other ? ackDeclining(other, response, leg.pending?.sent?.request, endpoint) : []
}

/** ACK for a 2xx to what a leg asked, numbered as its INVITE; the same one again when the 2xx is repeated. */
export function ackPassed(
  call: Call,
  leg: Leg,
  cseq: number,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): CallOrder[] {
  const other = partnerOf(call, leg)
  return other ? ackReinvite(other, cseq, leg.pending?.sent?.request, endpoint, body) : []
}

/** Who speaks with a leg, or did when one of them was transferred away. */
function partnerOf(call: Call, leg: Leg): Leg | undefined {
  return otherOf(call, leg) ?? (leg === call.left?.leg ? joinedLegs(call)[0] : call.left?.leg)
}

/** Refuses a request inside the dialog of a leg. */
export function refuseRequest(
  { request, transaction, source }: InDialogRequest,
  status: number,
  headers: readonly Header[] = [],
): CallOrder {
  return { type: 'respond', transaction, response: reply(request, status, { headers, flow: source }) }
}
