import { ackDeclining, ackReinvite } from '../leg/ack.ts'
import type { InDialogRequest } from '../leg/leg.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
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
  const other = legAt(call, opposite(side))
  return other ? ackDeclining(other, response, sentFor(call, side), endpoint) : []
}

/** ACK for a 2xx to what `side` asked, numbered as its INVITE; the same one again when the 2xx is repeated. */
export function ackPassed(
  call: Call,
  side: Side,
  cseq: number,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): CallOrder[] {
  const other = legAt(call, opposite(side))
  return other ? ackReinvite(other, cseq, sentFor(call, side), endpoint, body) : []
}

/** What was last passed on of what `side` asks; undefined: nothing is open. */
function sentFor(call: Call, side: Side): Request | undefined {
  return legAt(call, side)?.pending?.sent.request
}

/** Refuses a request inside the dialog of one side. */
export function refuseRequest(
  { request, transaction, source }: InDialogRequest,
  status: number,
  headers: readonly Header[] = [],
): CallOrder {
  return { type: 'respond', transaction, response: reply(request, status, { headers, flow: source }) }
}
