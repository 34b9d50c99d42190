import type { Dialog } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import type { Flow } from '../ground/flow.ts'
import { declineOffer, declineSdp, hasSdp } from '../sdp/message-sdp.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { ackAgain, ackOnce } from './ack.ts'
import type { GivenReason, Leg, UacLeg } from './leg.ts'
import type { ClientOrder } from './orders.ts'
import { flowFor, isLost, reach, wayBack } from './path.ts'
import { dialogOf } from './uac.ts'

/** Hangs up a leg which has answered, or was: towards a UAC the BYE waits until our 2xx is acknowledged (RFC 3261 §15). */
export function hangUpLeg(leg: Leg, given: GivenReason, endpoint: SipEndpoint): ClientOrder<never>[] {
  if (leg.kind === 'uas' && leg.answer) {
    leg.bye = given
    return []
  }
  const way = reach(leg)
  if (!way) return []
  const unacked = leg.kind === 'uac' ? ackBeforeBye(leg, endpoint) : []
  const headers: Header[] = given.reason ? [['reason', given.reason]] : []
  return [...unacked, bye(leg, way.dialog, way.flow, endpoint, headers)]
}

/** A 2xx with a delayed offer, never acknowledged since the other party left: an ACK which declines it, then BYE. */
function ackBeforeBye(leg: UacLeg, endpoint: SipEndpoint): ClientOrder<never>[] {
  if (!leg.dialog || !leg.acks || leg.acks.has(leg.dialog.remoteTag)) return []
  const body = leg.aimed && declineSdp(leg.aimed.said.sdp, leg.sdp, endpoint)
  return ackOnce(leg, leg.dialog, endpoint, body)
}

/** No carrier forks wider; a peer which sends more tags than this wants to see us busy. */
const mostForks = 16

/**
 * A 2xx which is not wanted: a leg given up answers late, or a second phone of one (RFC 3261 §13.2.2.4, RFC 5407
 * §3.1.2). `headers` say why; an offer in it is declined.
 */
export function byeLate2xx(
  leg: UacLeg,
  response: Response,
  endpoint: SipEndpoint,
  headers: readonly Header[] = [],
): ClientOrder<never>[] {
  if (!leg.acks) return []
  const known = leg.acks.get(response.to.tag ?? '')
  if (known) return ackAgain(known, { ...leg, dialog: undefined }, endpoint)
  if (!leg.invite || !leg.flow || leg.acks.size >= mostForks) return []
  const dialog = dialogOf(leg, leg.invite, response)
  const body = hasSdp(leg.invite) ? undefined : declineOffer(response, leg.sdp, endpoint)
  if (leg.state !== 'answered') leg.state = 'over'
  const ack = ackOnce(leg, dialog, endpoint, body)
  return [...ack, bye(leg, dialog, flowFor(dialog, leg.flow, leg.trusted), endpoint, headers)]
}

function bye(
  leg: Leg,
  dialog: Dialog,
  flow: Flow,
  endpoint: SipEndpoint,
  headers: readonly Header[],
): ClientOrder<never> {
  const request = inDialog(dialog, { method: 'BYE', via: viaOf(endpoint, flow), headers })
  return { type: 'request', request, flow, role: { role: 'bye', leg, proofs: noAuthorizations } }
}

/** What a BYE of ours was answered; no response: it never was. */
export interface ByeResult {
  readonly leg: Leg
  readonly proofs: Authorizations
  readonly sent: Request
  readonly flow: Flow
  readonly response: Response | undefined
}

/**
 * A BYE which was lost goes the way its dialog came by; and a party which wants it proved gets its proof: otherwise the
 * call would go on there, and be billed.
 */
export function byeAgain(
  { leg, proofs: before, sent, flow, response }: ByeResult,
  endpoint: SipEndpoint,
): ClientOrder<never>[] {
  const back = isLost(response) ? wayBack(leg, flow) : undefined
  const proofs = back ? before : response && prove(before, response, sent, leg.account, endpoint)
  if (!proofs) return []
  const way = back ?? flow
  const request = withProof(sent, sent.cseq.number + 1, proofs, viaOf(endpoint, way))
  return [{ type: 'request', request, flow: way, role: { role: 'bye', leg, proofs } }]
}
