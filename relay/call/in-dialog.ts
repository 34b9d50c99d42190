import { inDialog } from '../dialog/request.ts'
import type { GivenReason, InDialogRequest, Leg, PendingReinvite, UasLeg } from '../leg/leg.ts'
import { follow, isLost, reach, wayBack } from '../leg/path.ts'
import { isRefreshing } from '../leg/refresh.ts'
import { lengthen, offerTimer, timedAnew, timerCMs } from '../leg/session-timer.ts'
import { buildCancel } from '../leg/uac.ts'
import { hasSdp } from '../sdp/message-sdp.ts'
import { noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import {
  allowHeader,
  intervalRefusal,
  type ScreenRefusal,
  screen,
  supportedOptions,
  supportedPlainly,
} from '../sip/screen.ts'
import { leastInterval } from '../sip/session-expires.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import { answerHere, changesNothing, offersNothingNew } from './answered-here.ts'
import type { ForwardedResult } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { silentInside } from './cause.ts'
import { keyAsked } from './digits.ts'
import { passageRefusal } from './message-passages.ts'
import { faultOf, inTheOpen, noCodec, offerOf, refusalWords, takeBackOffer } from './offer-answer.ts'
import { ackPassed, closePending, decliningAck, hasHeardAnswer, refuseRequest } from './pending-reinvite.ts'
import { concernsTransfer, eventPassed, rememberRefer, transferHeaders } from './refer-relay.ts'
import { particulars } from './refusal.ts'
import { accepted, acceptReinvite, offerFor, typeOf } from './reinvite.ts'
import { otherOf, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/*
 * What one party asks of the other inside the dialog: re-INVITE and UPDATE with their SDP rewritten
 * (RFC 3261 §14, RFC 3311), INFO and MESSAGE as they are, REFER and what is told of it where its setting says so. We answer nothing ourselves which the other side can.
 */

/** Passes a request on, or says why not. */
export function passRequest(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg: asker, request } = asked
  follow(asker, asked.source)
  const other = otherOf(call, asker)
  const leg = other && reach(other)
  if (!other || !leg) return [refuseRequest(asked, 481)]
  const refusal = refusalOf(call, asked, other, endpoint)
  if (refusal) return [refuseRequest(asked, ...refusal)]
  const key = keyAsked(call, asked, endpoint)
  if (key) return key
  if (changesNothing(request)) return answerHere(call, asked, endpoint)
  const settled = isChange(request) ? closePending(asker) : []
  if (offersNothingNew(asker, request)) return [...settled, ...answerHere(call, asked, endpoint)]
  const body = isChange(request) ? offerFor(call, other, request, endpoint) : request.body
  if (!body) return [...settled, refuseRequest(asked, 488, [noCodec(endpoint)])]
  const sent = inDialog(leg.dialog, {
    method: request.method,
    via: viaOf(endpoint, leg.flow),
    contact:
      isChange(request) || concernsTransfer(request)
        ? contactOf(endpoint, leg.flow.transport, other.signalling)
        : undefined,
    maxForwards: request.maxForwards - 1,
    headers: [
      ...typeOf(request, body),
      allowHeader,
      ...timerOf(other, request),
      ...transferHeaders(other, asked, leg.dialog),
    ],
    body,
  })
  return [...settled, ...sendOn({ asked, proofs: noAuthorizations, sent, flow: leg.flow })]
}

/** Why a request is not passed on: hops, extensions, another change still open (§14.2), or an offer which cannot be served. */
function refusalOf(
  call: Call,
  asked: InDialogRequest,
  other: Leg,
  endpoint: SipEndpoint,
): [status: number, headers?: Header[]] | undefined {
  const { leg: asker, request } = asked
  if (request.maxForwards <= 0) return [483]
  const refusal = screenWithin(request, asker)
  if (refusal) return [refusal.status, [...(refusal.headers ?? [])]]
  const passage = passageRefusal(call, asked)
  if (passage) return passage
  // What is told must have been asked for (RFC 6665 §4.1.3).
  if (request.method === 'NOTIFY' && eventPassed(other, request) === undefined) return [481]
  if (!isChange(request) || changesNothing(request)) return undefined
  if (asker.pending && !hasHeardAnswer(asker.pending))
    return [500, [['retry-after', String(endpoint.entropy.below(10))]]]
  // The first INVITE is a change too: towards who sent it until its ACK, towards the other while our ACK
  // waits for the answer in that one (§14.1, RFC 5407 §3.1.4).
  const first = unacknowledged(other) || (unacknowledged(asker) && !hasSdp(asker.invite))
  if (first || call.earlyUpdate || other.pending || isRefreshing(other) || isRefreshing(asker)) return [491]
  const fault = inTheOpen(asked) ?? faultOf(call, offerOf(request, endpoint, asker.secure), asker.trusted)
  return fault && [fault.status, refusalWords(fault, endpoint)]
}

/** Our 2xx to its first INVITE waits for the ACK still. */
function unacknowledged(leg: Leg): leg is UasLeg {
  return leg.kind === 'uas' && leg.answer !== undefined
}

/** What a UAS checks first (RFC 3261 §8.2): all of it for an INVITE, Require for what else comes inside a dialog. */
export function screenWithin(request: Request, { timer }: Leg): ScreenRefusal | undefined {
  const least = Math.min(timer.interval ?? leastInterval, leastInterval)
  const short = isChange(request) ? intervalRefusal(request, least) : undefined
  if (short) return short
  if (request.method === 'INVITE') return screen(request)
  const unknown = request.all('require').filter((option) => !supportedOptions.includes(option.toLowerCase()))
  return unknown.length === 0 ? undefined : { status: 420, headers: [['unsupported', unknown.join(', ')]] }
}

/** A change of the session keeps the one it is passed on to alive as well (RFC 4028 §7.2). */
function timerOf(other: Leg, request: Request): Header[] {
  if (!isChange(request)) return []
  other.exchange = undefined
  return [supportedPlainly, ...offerTimer(other.timer)]
}

function sendOn(on: Omit<ForwardedResult, 'response'>): CallOrder[] {
  const { asked, proofs, sent, flow } = on
  const { leg, request } = asked
  const order: CallOrder = { type: 'request', request: sent, flow, role: { role: 'passed', asked, proofs } }
  if (request.method === 'REFER') rememberRefer(leg, request, sent)
  if (!isChange(request)) return [order]
  leg.pending = {
    asked,
    answer: undefined,
    sent: { request: sent, flow },
    heard: false,
    cancelled: undefined,
    accepted: undefined,
  }
  if (request.method !== 'INVITE') return [order]
  return [order, { type: 'set', ms: timerCMs, timer: { timer: 'stalledPending', leg } }]
}

/** The other side's answer goes back; a dialog it does not know any more ends the call (§12.2.1.2). */
export function passAnswer(call: Call, passed: ForwardedResult, endpoint: SipEndpoint): CallStep {
  const { asked, sent, response } = passed
  const change = pendingOf(passed)
  if (response && response.status < 200) {
    return { effects: change ? heardOf(asked.leg, change) : [] }
  }
  if (response && response.status < 300) {
    if (sent.method === 'INVITE' && (!change || change.answer))
      return { effects: passedAgain(call, passed, endpoint) }
    return change
      ? acceptReinvite(call, change, response, endpoint)
      : { effects: [accepted(asked, response, endpoint)] }
  }
  return passFailure(call, passed, change, endpoint)
}

/** Timer, or the asker's CANCEL: a change which is not answered is cancelled, and its 487 goes back. */
export function cancelPassed(leg: Leg, { reason }: GivenReason): CallOrder[] {
  const { pending } = leg
  if (!pending?.sent || pending.answer || pending.asked.request.method !== 'INVITE') return []
  if (pending.heard && pending.cancelled) return []
  pending.cancelled = { reason }
  const { request, flow } = pending.sent
  const abandon: CallOrder = { type: 'abandon', of: leg }
  // Nothing may be cancelled before it was heard of (§9.1).
  if (!pending.heard) return [abandon]
  return [abandon, { type: 'request', request: buildCancel(request, reason), flow, role: { role: 'cancel' } }]
}

/** A first provisional: a party which wanted it cancelled may have that now. */
function heardOf(leg: Leg, pending: PendingReinvite): CallOrder[] {
  if (pending.heard) return []
  const { cancelled } = pending
  pending.heard = true
  pending.cancelled = undefined
  return cancelled ? cancelPassed(leg, cancelled) : []
}

/** A 2xx which came again, or after the end: its ACK was lost, or never sent (§13.2.2.4, RFC 5407 §3.2.3). */
function passedAgain(
  call: Call,
  { asked, sent, response }: ForwardedResult,
  endpoint: SipEndpoint,
): CallOrder[] {
  const success = response !== undefined && response.status >= 200 && response.status < 300
  // The ACK of a delayed offer waits for the asker's.
  if (sent.method !== 'INVITE' || !success || asked.leg.pending?.accepted) return []
  if (!hasSdp(sent)) return decliningAck(call, asked.leg, response, endpoint)
  return ackPassed(call, asked.leg, sent.cseq.number, endpoint)
}

/** The call is over: an INVITE's 2xx still gets its ACK, and who asked anything else still an answer (§15.1.2). */
export function passedLate(call: Call, passed: ForwardedResult, endpoint: SipEndpoint): CallOrder[] {
  const { asked, sent, response } = passed
  if (sent.method === 'INVITE') return passedAgain(call, passed, endpoint)
  if (!response || response.status < 200) return []
  if (response.status < 300) return [accepted(asked, response, endpoint)]
  return [refuseRequest(asked, ownStatus(response.status, asked.request), kept(response))]
}

function passFailure(
  call: Call,
  passed: ForwardedResult,
  change: PendingReinvite | undefined,
  endpoint: SipEndpoint,
): CallStep {
  const { asked, response } = passed
  const { leg, request } = asked
  const again =
    lostAgain(call, passed, change, endpoint) ??
    (response &&
      (provedAgain(call, passed, response, endpoint) ?? longerAgain(call, passed, response, endpoint)))
  if (again) return { effects: again }
  const stops = change ? closePending(leg) : []
  const other = otherOf(call, leg)
  if (change && other) takeBackOffer(other)
  const status = response?.status ?? 408
  const back = [...stops, refuseRequest(asked, ownStatus(status, request), kept(response))]
  // What comes of a transfer ends no call (RFC 5057 §5.1).
  if ((status !== 481 && status !== 408) || concernsTransfer(request)) return { effects: back }
  const given = { reason: `SIP;cause=${status}` }
  // Who says 481 has no call any more; who says nothing may still have one.
  if (!other) return { effects: back }
  const ended = { reason: 'timeout', because: silentInside(sideOf(call, other), request.method) } as const
  const step =
    status === 481 ? hangUp(call, other, given, endpoint) : hangUp(call, 'system', given, endpoint, ended)
  return { ...step, effects: [...back, ...step.effects] }
}

/** A request which was lost where the other side's Contact or routes lead goes once more, the way the call came by. */
function lostAgain(
  call: Call,
  passed: ForwardedResult,
  change: PendingReinvite | undefined,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  const { asked, sent, flow, proofs, response } = passed
  const leg = otherOf(call, asked.leg)
  if (!isLost(response) || !leg?.dialog || change?.cancelled || (isChange(sent) && !change)) return undefined
  const back = wayBack(leg, flow)
  if (!back) return undefined
  const again = withProof(sent, ++leg.dialog.localCseq, proofs, viaOf(endpoint, back))
  return sendOn({ ...passed, sent: again, flow: back })
}

/** A provider which wants the change proved gets its proof; who asked does not hear of it. */
function provedAgain(
  call: Call,
  passed: ForwardedResult,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  const { asked, sent, flow } = passed
  const leg = otherOf(call, asked.leg)
  const proofs = leg && prove(passed.proofs, response, sent, leg.account, endpoint)
  if (!proofs || !leg.dialog) return undefined
  const again = withProof(sent, ++leg.dialog.localCseq, proofs, viaOf(endpoint, flow))
  return sendOn({ ...passed, sent: again, proofs })
}

/** A change whose session interval was too short goes once more with a longer one (RFC 4028 §7.3). */
function longerAgain(
  call: Call,
  passed: ForwardedResult,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  const { asked, sent, flow, proofs } = passed
  const leg = otherOf(call, asked.leg)
  if (!leg?.dialog || !lengthen(leg.timer, sent, response)) return undefined
  const longer = timedAnew(sent, leg.timer)
  const again = withProof(longer, ++leg.dialog.localCseq, proofs, viaOf(endpoint, flow))
  return sendOn({ ...passed, sent: again })
}

/**
 * What is told of another's refusal: no party is told 408 about anything but an INVITE (RFC 4320 §4.2),
 * and a challenge to us is not the other party's.
 */
function ownStatus(status: number, { method }: Request): number {
  if (status === 401 || status === 407 || status < 400) return 500
  return status === 408 && method !== 'INVITE' ? 500 : status
}

function pendingOf({ asked, sent }: ForwardedResult): PendingReinvite | undefined {
  const { pending } = asked.leg
  const current = pending?.asked === asked && pending.sent?.request.cseq.number === sent.cseq.number
  return current ? pending : undefined
}

function isChange({ method }: Request): boolean {
  return method === 'INVITE' || method === 'UPDATE'
}

/** What is passed on of a refusal besides its status. */
function kept(response: Response | undefined): Header[] {
  if (!response) return []
  return [...response.headers.filter(([name]) => name === 'retry-after'), ...particulars(response)]
}
