import type { HangupParty, HangupReason } from '#contract'
import { ackOnce } from '../leg/ack.ts'
import { hangUpLeg } from '../leg/bye.ts'
import type { GivenReason, Leg, UacLeg, UasLeg } from '../leg/leg.ts'
import { endReliable } from '../leg/reliable.ts'
import { answer, forgetAnswer, settleAnswer } from '../leg/uas.ts'
import { hasSdp, sdpBytes } from '../sdp/message-sdp.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Request } from '../sip/message.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { notAcknowledged, unheard } from './cause.ts'
import { sdpForCaller } from './early-dialogs.ts'
import { close, closing, letGo } from './ending.ts'
import { calleeLeft, flowAfter } from './flow-left.ts'
import { aim, answerOf, rewriteFor } from './offer-answer.ts'
import { dropPending, dropRefresh } from './pending-reinvite.ts'
import type { Cause } from './reason.ts'
import { sipReason } from './reason.ts'
import { utcOf } from './record.ts'
import { joinedLegs, otherOf, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/** Answers the caller, and keeps saying so until its ACK comes (RFC 3261 §13.3.1.4). */
export function answerCaller(call: Call, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const { caller } = call
  const sound = sdpForCaller(call, said, endpoint, 'answer')
  // What it has answered is not offered again (RFC 3262 §5).
  const agreed = caller.reliable?.answers.get(caller.localTag)
  call.record.answeredAt = utcOf(call)
  call.record.sipStatus = 200
  return [
    ...endReliable(caller),
    ...(agreed && caller.aimed?.said !== agreed ? aim(call, caller, agreed, endpoint) : []),
    ...answer(caller, endpoint, agreed ? undefined : sound?.body),
  ]
}

/** A leg's ACK: carries the answer of a delayed offer on, and frees a waiting BYE. */
export function legAcked(call: Call, leg: UasLeg, request: Request, endpoint: SipEndpoint): CallStep {
  if (!leg.answer) return { effects: [] }
  const leaves = leg.bye !== undefined
  const settled = settleAnswer(leg, endpoint)
  const other = otherOf(call, leg)
  const agreed = hasSdp(leg.invite) || leg.reliable?.answers.has(leg.localTag)
  if (leaves || agreed || other?.kind !== 'uac') return { effects: settled }
  const step = completeDelayedOffer(call, leg, other, request, endpoint)
  return { ...step, effects: [...settled, ...step.effects] }
}

/** 64·T1 without a leg's ACK: both legs end (RFC 3261 §13.3.1.4). */
export function giveUpOnAck(call: Call, leg: UasLeg, endpoint: SipEndpoint): CallStep {
  const leaves = leg.bye !== undefined
  const settled = settleAnswer(leg, endpoint)
  const why = notAcknowledged(sideOf(call, leg), contactOf(endpoint, leg.flow.transport, leg.signalling))
  if (leaves) return { effects: [...settled, ...addedLate(call, why)] }
  const step = hangUp(call, 'system', { reason: 'SIP;cause=408;text="no ACK"' }, endpoint, failed(why))
  return { ...step, effects: [...settled, ...step.effects] }
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
  /** Who ended it; absent: who hung up. */
  readonly by?: HangupParty
  readonly reason: HangupReason
  readonly because: Cause | undefined
}

/** An answered call which ends for want of something. */
export function failed(because: Cause): AnsweredEnd {
  return { reason: 'failed', because }
}

/** A party has hung up; one whose place another has taken ends nothing. */
export function partyLeft(call: Call, leg: Leg, given: GivenReason, endpoint: SipEndpoint): CallStep {
  if (joinedLegs(call).includes(leg)) return hangUp(call, leg, given, endpoint)
  if (call.joining?.replaced === leg) call.joining.replaced = undefined
  return { effects: leg.kind === 'uas' ? forgetAnswer(leg) : [] }
}

/** Ends an answered call: BYE to each party which did not hang up itself. A callee alone leaves one whose flow goes on. */
export function hangUp(
  call: Call,
  by: Leg | 'system',
  given: GivenReason,
  endpoint: SipEndpoint,
  { by: said, reason, because }: AnsweredEnd = { reason: 'normal', because: undefined },
): CallStep {
  const flow = by === 'system' ? undefined : flowAfter(call, by)
  if (flow && by !== 'system') return calleeLeft(call, flow, by, endpoint)
  // Who is looked for on a flow's behalf rings no longer.
  const letting = call.flow ? letGo(call, endpoint, given.reason) : []
  const legs = legsOf(call)
  const repeats = by !== 'system' && by.kind === 'uas' ? forgetAnswer(by) : []
  const pending = legs.flatMap((leg) => dropPending(call, leg, endpoint))
  const asked = legs.flatMap(dropRefresh)
  const byes = legs.filter((leg) => leg !== by).flatMap((leg) => hangUpLeg(leg, given, endpoint))
  close(call, said ?? (by === 'system' ? by : sideOf(call, by)), reason, because)
  return { to: 'ended', effects: [...letting, ...repeats, ...pending, ...asked, ...byes, ...closing(call)] }
}

/** The legs which are up here: those who speak, and one whose place is about to be taken. */
function legsOf(call: Call): Leg[] {
  const { joining } = call
  const left = joining?.state === 'offered' ? joining.replaced : undefined
  return left ? [...joinedLegs(call), left] : joinedLegs(call)
}

function completeDelayedOffer(
  call: Call,
  asker: UasLeg,
  offering: UacLeg,
  ack: Request,
  endpoint: SipEndpoint,
): CallStep {
  const said = answerOf(ack, endpoint, asker.sdp.sent, asker.secure)
  const offer = offering.aimed?.said
  // One which was offered something of ours has answered that, and has its ACK.
  const answered = offering.acks?.has(offering.dialog?.remoteTag ?? '') ?? true
  const sent =
    said?.ok && !answered ? rewriteFor(call, offering, said.value, endpoint, { offer }) : offering.sdp.sent
  if (!said?.ok || !sent || !offering.dialog) {
    const why = said?.ok === false ? said.fault.why : 'no answer in ACK'
    const [, reason] = sipReason(488, why)
    return hangUp(call, 'system', { reason }, endpoint, failed(unheard(sideOf(call, asker), why)))
  }
  return {
    effects: [
      ...(answered ? [] : ackOnce(offering, offering.dialog, endpoint, sdpBytes(sent))),
      ...aim(call, asker, said.value, endpoint),
      ...(offer ? aim(call, offering, offer, endpoint) : []),
    ],
  }
}
