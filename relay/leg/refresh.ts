import { refreshTarget } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import type { Flow } from '../ground/flow.ts'
import { sdpBytes, withSdp } from '../sdp/message-sdp.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import { type Header, noBody, type Request, type Response } from '../sip/message.ts'
import { allowHeader, supportedPlainly } from '../sip/screen.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { ackReinvite } from './ack.ts'
import type { Leg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { isLost, reach, wayBack } from './path.ts'
import { sessionIn, setSession } from './session.ts'
import { acceptTimer, lengthen, offerTimer, refreshWithinMs } from './session-timer.ts'

/*
 * Keeping the session of a leg alive (RFC 4028 §10): no other leg hears of it.
 */

/** By UPDATE where the party takes it, without an offer; else by a re-INVITE which says nothing new (§7.4). */
export function refreshLeg(
  leg: Leg,
  endpoint: SipEndpoint,
  proofs: Authorizations = noAuthorizations,
): LegOrder<never>[] {
  const way = reach(leg)
  const body = leg.timer.updates ? noBody : leg.sdp.sent && sdpBytes(leg.sdp.sent)
  if (!way || !body) return []
  const said: Header[] = [allowHeader, supportedPlainly, ...offerTimer(leg.timer), ...proofs.headers]
  const request = inDialog(way.dialog, {
    method: leg.timer.updates ? 'UPDATE' : 'INVITE',
    via: viaOf(endpoint, way.flow),
    contact: contactOf(endpoint, way.flow.transport, leg.signalling),
    ...withSdp(body, said),
  })
  return send(leg, request, way.flow, proofs)
}

function send(leg: Leg, request: Request, flow: Flow, proofs: Authorizations): LegOrder<never>[] {
  leg.refresh = request
  const order: LegOrder<never> = { type: 'request', request, flow, role: { role: 'refresh', leg, proofs } }
  // An UPDATE has an end by itself (RFC 3261 §17.1.2.2).
  if (request.method !== 'INVITE') return [order]
  return [order, { type: 'set', ms: refreshWithinMs(leg.timer), timer: { timer: 'stalledRefresh', leg } }]
}

/** Whether a re-INVITE of ours is in the air to a leg: it may send none, nor be sent another (RFC 3261 §14.1). */
export function isRefreshing({ refresh }: Leg): boolean {
  return refresh?.method === 'INVITE'
}

/** What became of a refresh; no response: it never came. */
export interface RefreshResult {
  readonly leg: Leg
  readonly proofs: Authorizations
  readonly sent: Request
  readonly flow: Flow
  readonly response: Response | undefined
}

/** What follows: orders, and that the party is gone: 481, or 408 for a silence. */
interface Refreshed {
  readonly orders: LegOrder<never>[]
  readonly gone?: number
}

/** A refresh was answered, or never. */
export function refreshAnswered(result: RefreshResult, endpoint: SipEndpoint): Refreshed {
  const { leg, sent, response } = result
  if (response && response.status < 200) return { orders: [] }
  if (response && response.status < 300) return { orders: kept(result, response, endpoint) }
  if (leg.refresh !== sent) return { orders: [] }
  leg.refresh = undefined
  const again = onceMore(result, endpoint)
  if (again) return { orders: [stopStalled(leg), ...again] }
  return isLost(response)
    ? { orders: [stopStalled(leg)], gone: response?.status ?? 408 }
    : { orders: [stopStalled(leg), ...setSession(leg)] }
}

function stopStalled(leg: Leg): LegOrder<never> {
  return { type: 'stop', timer: 'stalledRefresh', of: leg }
}

/** The ACK for the 2xx of a refresh by INVITE, whatever became of the call. */
export function ackRefresh({ leg, sent, response }: RefreshResult, endpoint: SipEndpoint): LegOrder<never>[] {
  const success = response !== undefined && response.status >= 200 && response.status < 300
  return success && sent.method === 'INVITE' ? ackReinvite(leg, sent.cseq.number, sent, endpoint) : []
}

function kept(result: RefreshResult, response: Response, endpoint: SipEndpoint): LegOrder<never>[] {
  const { leg, sent } = result
  const acks = ackRefresh(result, endpoint)
  if (leg.refresh !== sent) return acks
  leg.refresh = undefined
  if (leg.dialog) refreshTarget(leg.dialog, response, response.status)
  acceptTimer(leg.timer, sent, response)
  return [...acks, stopStalled(leg), ...setSession(leg)]
}

/** A refresh goes once more: proved, with a longer interval, by INVITE, down the way the call came by, or a little later. */
function onceMore(
  { leg, sent, flow, proofs, response }: RefreshResult,
  endpoint: SipEndpoint,
): LegOrder<never>[] | undefined {
  const { dialog, timer } = leg
  if (!dialog) return undefined
  const back = isLost(response) ? wayBack(leg, flow) : undefined
  if (back) return send(leg, withProof(sent, ++dialog.localCseq, proofs, viaOf(endpoint, back)), back, proofs)
  if (!response || isLost(response)) return undefined
  if (response.status === 491) return [sessionIn(leg, glareMs(leg, endpoint))]
  if (lengthen(timer, sent, response)) return refreshLeg(leg, endpoint, proofs)
  if (sent.method === 'UPDATE' && (response.status === 405 || response.status === 501)) {
    timer.updates = false
    return refreshLeg(leg, endpoint, proofs)
  }
  const proved = prove(proofs, response, sent, leg.account, endpoint)
  if (!proved) return undefined
  return send(leg, withProof(sent, ++dialog.localCseq, proved, viaOf(endpoint, flow)), flow, proved)
}

/**
 * How long after a 491 a request of ours goes once more, in steps of 10 ms: who made the Call-ID waits longer, so that
 * the two do not meet again (RFC 3261 §14.1). We made that of a leg which we called.
 */
export function glareMs(leg: Pick<Leg, 'kind'>, { entropy }: SipEndpoint): number {
  return leg.kind === 'uac' ? 2_100 + 10 * entropy.below(191) : 10 * entropy.below(201)
}
