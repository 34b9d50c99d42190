import { refreshTarget } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import type { Flow } from '../ground/flow.ts'
import { withSdp } from '../sdp/message-sdp.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { allowHeader, supportedPlainly } from '../sip/screen.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { ackReinvite } from './ack.ts'
import type { Leg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { isLost, reach, wayBack } from './path.ts'
import { glareMs, type RefreshResult } from './refresh.ts'
import { setSession } from './session.ts'
import { acceptTimer, lengthen, offerTimer, timedAnew } from './session-timer.ts'

/*
 * A re-INVITE of ours with another description than before: the leg is to speak with another leg from now on
 * (RFC 3261 §14.1).
 */

/** Whether a leg may be sent one now: nothing of its own is open, nor anything of ours. */
export function mayReoffer(leg: Leg): boolean {
  const unacknowledged = leg.kind === 'uas' && leg.answer !== undefined
  return !leg.pending && !leg.refresh && !unacknowledged
}

/** Offers a leg this description; none where there is no way to it. */
export function reofferLeg(leg: Leg, body: Uint8Array, endpoint: SipEndpoint): LegOrder<never>[] {
  const way = reach(leg)
  if (!way) return []
  leg.exchange = undefined
  const said: Header[] = [allowHeader, supportedPlainly, ...offerTimer(leg.timer)]
  const request = inDialog(way.dialog, {
    method: 'INVITE',
    via: viaOf(endpoint, way.flow),
    contact: contactOf(endpoint, way.flow.transport, leg.signalling),
    ...withSdp(body, said),
  })
  return send(leg, request, way.flow, noAuthorizations)
}

function send(leg: Leg, request: Request, flow: Flow, proofs: Authorizations): LegOrder<never>[] {
  leg.refresh = request
  return [{ type: 'request', request, flow, role: { role: 'reoffer', leg, proofs } }]
}

/** What came of it: orders, and what it was; none: it is not known yet. */
interface Reoffered {
  readonly orders: LegOrder<never>[]
  /** It was taken: `answer` brings what the leg says to it. */
  readonly answer?: Response
  /** It crossed one of the leg's own: once more in so many milliseconds. */
  readonly againMs?: number
  /** It was refused, with this status; 408: never answered. */
  readonly refused?: number
}

/** It was answered, or never. */
export function reofferAnswered(result: RefreshResult, endpoint: SipEndpoint): Reoffered {
  const { leg, sent, response } = result
  if (response && response.status < 200) return { orders: [] }
  if (response && response.status < 300) return taken(result, response, endpoint)
  if (leg.refresh !== sent) return { orders: [] }
  leg.refresh = undefined
  const again = onceMore(result, endpoint)
  if (again) return { orders: again }
  if (response?.status === 491) return { orders: [], againMs: glareMs(leg, endpoint) }
  return { orders: [], refused: response?.status ?? 408 }
}

function taken({ leg, sent }: RefreshResult, response: Response, endpoint: SipEndpoint): Reoffered {
  const acks = ackReinvite(leg, sent.cseq.number, sent, endpoint)
  if (leg.refresh !== sent) return { orders: acks }
  leg.refresh = undefined
  if (leg.dialog) refreshTarget(leg.dialog, response, response.status)
  acceptTimer(leg.timer, sent, response)
  return { orders: [...acks, ...setSession(leg)], answer: response }
}

/** Once more, at once: proved, with a longer interval, or down the way the call came by. */
function onceMore(
  { leg, sent, flow, proofs, response }: RefreshResult,
  endpoint: SipEndpoint,
): LegOrder<never>[] | undefined {
  const { dialog, timer } = leg
  if (!dialog) return undefined
  const back = isLost(response) ? wayBack(leg, flow) : undefined
  if (back) return send(leg, withProof(sent, ++dialog.localCseq, proofs, viaOf(endpoint, back)), back, proofs)
  if (!response) return undefined
  const proved = prove(proofs, response, sent, leg.account, endpoint)
  const longer = !proved && lengthen(timer, sent, response) ? timedAnew(sent, timer) : undefined
  if (!proved && !longer) return undefined
  const again = withProof(longer ?? sent, ++dialog.localCseq, proved ?? proofs, viaOf(endpoint, flow))
  return send(leg, again, flow, proved ?? proofs)
}
