import { uacDialog } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import type { Flow } from '../ground/flow.ts'
import { SmallMap } from '../ground/small-map.ts'
import { hasSdp, withSdp } from '../sdp/message-sdp.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Request, Response } from '../sip/message.ts'
import { rackHeader, rseqOf } from '../sip/reliability.ts'
import { supports } from '../sip/session-expires.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { EarlyDialog, UacLeg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { flowFor, isLost, wayBack } from './path.ts'
import { noteAllow } from './session-timer.ts'

/*
 * Reliable provisionals as a UAC (RFC 3262 §4): each is acknowledged once by PRACK, in the early dialog it belongs to.
 */

/** No carrier forks wider. */
const mostDialogs = 16

/** A provisional was heard: whether it says anything new, and the PRACK it is owed. */
interface HeardProvisional {
  /** False: it came before, or one before it is missing. */
  readonly fresh: boolean
  readonly orders: LegOrder<never>[]
}

/** Acknowledges a provisional which wants to be. */
export function heardProvisional(leg: UacLeg, response: Response, endpoint: SipEndpoint): HeardProvisional {
  const rseq = rseqOf(response)
  const tag = response.to.tag
  if (tag === undefined || !leg.invite || !leg.flow) return { fresh: true, orders: [] }
  const early = leg.earlyDialogs?.get(tag) ?? begin(leg, tag, leg.invite, response)
  // Without an offer of ours it may bring one which no party could answer: then we did not say that we take that.
  if (rseq === undefined || !supports(leg.invite, '100rel')) return { fresh: true, orders: [] }
  if (!early || (early.rseq !== undefined && rseq !== early.rseq + 1)) return { fresh: false, orders: [] }
  early.rseq = rseq
  noteAllow(leg.timer, response)
  const brings = hasSdp(response) && !early.answering
  if (brings && !hasSdp(leg.invite)) {
    early.offering = response
    return { fresh: true, orders: [] }
  }
  early.answering ||= brings
  return { fresh: true, orders: acknowledging(leg, early, response, endpoint) }
}

/** The PRACK of the provisional which brought an offer, with our answer (§5). */
export function answerProvisional(
  leg: UacLeg,
  early: EarlyDialog,
  answer: Uint8Array,
  endpoint: SipEndpoint,
): LegOrder<never>[] {
  const { offering } = early
  if (!offering) return []
  early.offering = undefined
  early.answering = true
  return acknowledging(leg, early, offering, endpoint, answer)
}

function acknowledging(
  leg: UacLeg,
  early: EarlyDialog,
  response: Response,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): LegOrder<never>[] {
  const rseq = rseqOf(response)
  if (rseq === undefined || !leg.flow) return []
  const flow = flowFor(early.dialog, leg.flow, leg.trusted)
  const request = inDialog(early.dialog, {
    method: 'PRACK',
    via: viaOf(endpoint, flow),
    ...withSdp(body, [rackHeader(rseq, response), ...leg.proofs.headers]),
  })
  const role = { role: 'prack', leg, early, proofs: noAuthorizations } as const
  return [{ type: 'request', request, flow, role }]
}

function begin(leg: UacLeg, tag: string, invite: Request, response: Response): EarlyDialog | undefined {
  leg.earlyDialogs ??= new SmallMap()
  if (leg.earlyDialogs.size >= mostDialogs) return undefined
  const dialog = uacDialog(invite, response)
  const early: EarlyDialog = {
    dialog,
    rseq: undefined,
    answering: false,
    offering: undefined,
    settled: false,
  }
  leg.earlyDialogs.set(tag, early)
  return early
}

/** What became of a PRACK; no response: it was never answered. */
export interface PrackResult {
  readonly leg: UacLeg
  readonly early: EarlyDialog
  readonly proofs: Authorizations
  readonly sent: Request
  readonly flow: Flow
  readonly response: Response | undefined
}

/** A PRACK was answered, or never. By its 2xx offer and answer are settled, where the provisional brought one of them. */
export function prackAnswered(result: PrackResult, endpoint: SipEndpoint): LegOrder<never>[] {
  const { leg, early, sent, flow, proofs, response } = result
  if (response && response.status < 300) {
    if (response.status >= 200) early.settled = early.answering
    return []
  }
  const back = isLost(response) ? wayBack(leg, flow) : undefined
  const proved = back ? proofs : response && prove(proofs, response, sent, leg.account, endpoint)
  if (!proved) return []
  const way = back ?? flow
  const request = withProof(sent, ++early.dialog.localCseq, proved, viaOf(endpoint, way))
  return [{ type: 'request', request, flow: way, role: { role: 'prack', leg, early, proofs: proved } }]
}
