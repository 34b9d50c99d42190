import type { HangupReason } from '#contract'
import type { Dialog } from '../dialog/dialog.ts'
import { uacDialog, uasDialog } from '../dialog/dialog.ts'
import { ackFor2xx, inDialog } from '../dialog/request.ts'
import type { Flow } from '../ground/flow.ts'
import type { GivenReason } from '../leg/leg.ts'
import { flowFor, isLost, wayBack } from '../leg/path.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import { noAuthorizations } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { timerBase } from '../transaction/timers.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { notAcknowledged, unheard } from './cause.ts'
import { proofsOf, proveToProvider, withProof } from './credentials.ts'
import { sdpForCaller } from './early-dialogs.ts'
import { answerTo, close, closing, respond, stopTimers } from './ending.ts'
import {
  aim,
  answerOf,
  declineOffer,
  declineSdp,
  hasSdp,
  rewriteFor,
  sdpBytes,
  withSdp,
} from './offer-answer.ts'
import { ackAgain, dropPending } from './pending-reinvite.ts'
import type { Cause } from './reason.ts'
import { sipReason } from './reason.ts'
import { utcOf } from './record.ts'
import { reachAt } from './sides.ts'
import type { Branch, Call, CallEvents, CallOrder, CallStep, ClientRole, Side } from './state.ts'

/** What the transaction layer leaves to us: a 2xx is repeated until its ACK (RFC 3261 §13.3.1.4). */
const { t1, t2 } = timerBase
const giveUpMs = 64 * t1

/** ACK for a 2xx of the callee; the same one again when the 2xx is repeated. An offer in it waits for the caller's answer. */
export function acknowledge(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder[] {
  const tag = response.to.tag ?? ''
  const known = branch.acks.get(tag)
  if (known) return ackAgain(known, branch, endpoint)
  if (!branch.dialog || !branch.flow || !hasSdp(call.caller.invite)) return []
  return [ackOnce(branch, branch.dialog, tag, branch.flow, endpoint)]
}

/** Answers the caller, and keeps saying so until its ACK comes (RFC 3261 §13.3.1.4). */
export function answerCaller(call: Call, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const sound = sdpForCaller(call, said, endpoint, 'answer')
  const response = answerTo(call, endpoint, 200, [], sound?.body)
  const dialog = uasDialog(call.caller.invite, call.caller.localTag)
  dialog.confirmed = true
  call.caller.dialog = dialog
  call.caller.answer = { response, waitMs: t1 }
  call.record.answeredAt = utcOf(call)
  call.record.sipStatus = 200
  return [
    { type: 'dialog', side: 'caller', dialog },
    respond(call, response),
    { type: 'set', ms: t1, timer: { timer: 'repeat' } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'unacknowledged' } },
  ]
}

/** Timer: the caller has not acknowledged yet. */
export function repeatAnswer(call: Call): CallOrder[] {
  const { answer } = call.caller
  if (!answer) return []
  answer.waitMs = Math.min(answer.waitMs * 2, t2)
  return [respond(call, answer.response), { type: 'set', ms: answer.waitMs, timer: { timer: 'repeat' } }]
}

/** The caller's ACK: carries the answer of a delayed offer on, and frees a waiting BYE. */
export function callerAcked(call: Call, request: Request, endpoint: SipEndpoint): CallStep {
  if (!call.caller.answer) return { effects: [] }
  call.caller.answer = undefined
  const stops: CallOrder[] = [
    { type: 'stop', timer: 'repeat' },
    { type: 'stop', timer: 'unacknowledged' },
  ]
  if (call.caller.bye) return { effects: [...stops, ...byeTo(call, 'caller', call.caller.bye, endpoint)] }
  const delayed = !hasSdp(call.caller.invite)
  if (!delayed || !call.callee) return { effects: stops }
  const step = completeDelayedOffer(call, call.callee, request, endpoint)
  return { ...step, effects: [...stops, ...step.effects] }
}

/** 64·T1 without the caller's ACK: both legs end (RFC 3261 §13.3.1.4). */
export function giveUpOnAck(call: Call, endpoint: SipEndpoint): CallStep {
  call.caller.answer = undefined
  const stop: CallOrder = { type: 'stop', timer: 'repeat' }
  const why = notAcknowledged('caller', contactOf(endpoint, call.caller.flow.transport))
  if (call.caller.bye)
    return { effects: [stop, ...byeTo(call, 'caller', call.caller.bye, endpoint), ...addedLate(call, why)] }
  const ended = failed(why)
  const step = hangUp(call, 'both', { reason: 'SIP;cause=408;text="no ACK"' }, endpoint, ended)
  return { ...step, effects: [stop, ...step.effects] }
}

/** The callee left, and was right to: its record is closed and told, and says all the same why the two could not speak. */
function addedLate(call: Call, { reason, message }: Cause): CallOrder[] {
  if (call.record.rejectReason !== null) return []
  Object.assign(call.record, { rejectReason: reason, rejectMessage: message })
  const fields = { call_id: call.id, customer_id: call.record.customerId, message }
  return [{ type: 'note', level: 'warn', event: 'call.unacknowledged', fields }, { type: 'tell' }]
}

/** How an answered call ends, for its record. */
interface AnsweredEnd {
  readonly reason: HangupReason
  readonly because: Cause | undefined
}

/** An answered call which ends for want of something. */
export function failed(because: Cause): AnsweredEnd {
  return { reason: 'failed', because }
}

/** Ends an answered call: BYE to the party which did not hang up itself. */
export function hangUp(
  call: Call,
  side: Side | 'both',
  given: GivenReason,
  endpoint: SipEndpoint,
  { reason, because }: AnsweredEnd = { reason: 'normal', because: undefined },
): CallStep {
  const sides: Side[] = side === 'both' ? ['caller', 'callee'] : [side === 'caller' ? 'callee' : 'caller']
  const repeats = side === 'caller' ? forgetCaller(call) : []
  const pending = (['caller', 'callee'] as const).flatMap((one) => dropPending(call, one, endpoint))
  const byes = sides.flatMap((other) => byeTo(call, other, given, endpoint))
  close(call, side === 'both' ? 'system' : side, reason, because)
  return { to: 'ended', effects: [...repeats, ...pending, ...byes, ...closing(call)] }
}

/** No carrier forks wider; a peer which sends more tags than this wants to see us busy. */
const mostForks = 16

/**
 * A 2xx which is not wanted: a provider given up answers late, or a second phone (RFC 3261 §13.2.2.4, RFC 5407 §3.1.2).
 * `headers` say why; an offer in it is declined.
 */
export function byeLate2xx(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
  headers: readonly Header[] = [],
): CallOrder[] {
  const tag = response.to.tag ?? ''
  const known = branch.acks.get(tag)
  if (known) return ackAgain(known, { ...branch, dialog: undefined }, endpoint)
  if (!branch.invite || !branch.flow || branch.acks.size >= mostForks) return []
  const dialog = uacDialog(branch.invite, response)
  const body = hasSdp(call.caller.invite) ? undefined : declineOffer(response, branch.sdp, endpoint)
  const ack = ackOnce(branch, dialog, tag, branch.flow, endpoint, body)
  if (call.callee !== branch) branch.state = 'over'
  const flow = flowFor(dialog, branch.flow, branch.provider !== undefined)
  const bye = inDialog(dialog, { method: 'BYE', via: viaOf(endpoint, flow), headers })
  return [
    ...stopTimers(branch),
    ack,
    { type: 'request', request: bye, flow, role: { role: 'bye', branch, proofs: noAuthorizations } },
  ]
}

/** A BYE; towards the caller it waits until our 2xx is acknowledged (RFC 3261 §15). */
function byeTo(call: Call, side: Side, given: GivenReason, endpoint: SipEndpoint): CallOrder[] {
  if (side === 'caller' && call.caller.answer) {
    call.caller.bye = given
    return []
  }
  const way = reachAt(call, side)
  if (!way) return []
  const unacked = side === 'callee' && call.callee ? ackBeforeBye(call.callee, endpoint) : []
  const headers: Header[] = given.reason ? [['reason', given.reason]] : []
  const request = inDialog(way.dialog, { method: 'BYE', via: viaOf(endpoint, way.flow), headers })
  const role: ClientRole = {
    role: 'bye',
    branch: side === 'callee' ? call.callee : undefined,
    proofs: noAuthorizations,
  }
  return [...unacked, { type: 'request', request, flow: way.flow, role }]
}

/**
 * A BYE which was lost goes the way its dialog came by; and a provider which wants it proved gets its proof:
 * otherwise the call would go on there, and be billed.
 */
export function byeAgain(
  call: Call,
  { branch, proofs: before, sent, flow, response }: CallEvents['byeAnswered'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const back = isLost(response) ? wayBack(branch ?? call.caller, flow) : undefined
  if (back) {
    const request = withProof(sent, sent.cseq.number + 1, before, back, endpoint)
    return [{ type: 'request', request, flow: back, role: { role: 'bye', branch, proofs: before } }]
  }
  const proofs = branch && response && proveToProvider(branch, sent, response, before, endpoint)
  if (!branch || !proofs) return []
  const request = withProof(sent, sent.cseq.number + 1, proofs, flow, endpoint)
  return [{ type: 'request', request, flow, role: { role: 'bye', branch, proofs } }]
}

/** A callee's 2xx with a delayed offer, never acknowledged since the caller left: an ACK which declines it, then BYE. */
function ackBeforeBye(branch: Branch, endpoint: SipEndpoint): CallOrder[] {
  const tag = branch.dialog?.remoteTag ?? ''
  if (branch.acks.has(tag) || !branch.dialog || !branch.flow) return []
  const body = branch.aimed && declineSdp(branch.aimed.said.sdp, branch.sdp, endpoint)
  return [ackOnce(branch, branch.dialog, tag, branch.flow, endpoint, body)]
}

function completeDelayedOffer(call: Call, callee: Branch, ack: Request, endpoint: SipEndpoint): CallStep {
  const answer = answerOf(ack, endpoint, call.caller.sdp.sent)
  const offer = callee.aimed?.said
  const sent = answer?.ok
    ? rewriteFor(call, 'callee', callee.sdp, answer.value, endpoint, { offer })
    : undefined
  if (!answer?.ok || !sent || !callee.dialog || !callee.flow) {
    const why = answer?.ok === false ? answer.fault.why : 'no answer in ACK'
    const [, reason] = sipReason(488, why)
    return hangUp(call, 'both', { reason }, endpoint, failed(unheard('caller', why)))
  }
  const tag = callee.dialog.remoteTag ?? ''
  return {
    effects: [
      ackOnce(callee, callee.dialog, tag, callee.flow, endpoint, sdpBytes(sent)),
      ...aim(call, 'caller', call.caller, answer.value, endpoint),
    ],
  }
}

function ackOnce(
  branch: Branch,
  dialog: Dialog,
  tag: string,
  legFlow: Flow,
  endpoint: SipEndpoint,
  body?: Uint8Array,
): CallOrder {
  const flow = flowFor(dialog, legFlow, branch.provider !== undefined)
  const cseq = branch.invite?.cseq.number ?? branch.cseq
  const proofs = branch.invite ? proofsOf(branch.invite) : []
  const request = ackFor2xx(dialog, cseq, { via: viaOf(endpoint, flow), ...withSdp(body, proofs) })
  branch.acks.set(tag, { request, flow, repeats: 0 })
  return { type: 'ack', request, flow }
}

/** A caller who said BYE needs no repeated 2xx any more. */
export function forgetCaller(call: Call): CallOrder[] {
  call.caller.answer = undefined
  call.caller.bye = undefined
  return [
    { type: 'stop', timer: 'repeat' },
    { type: 'stop', timer: 'unacknowledged' },
  ]
}
