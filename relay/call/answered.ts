import type { HangupReason } from '#contract'
import { ackOnce } from '../leg/ack.ts'
import { hangUpLeg } from '../leg/bye.ts'
import type { GivenReason } from '../leg/leg.ts'
import { answer, forgetAnswer, responseTo, settleAnswer } from '../leg/uas.ts'
import { hasSdp, sdpBytes } from '../sdp/message-sdp.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Request } from '../sip/message.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import { notAcknowledged, unheard } from './cause.ts'
import { sdpForCaller } from './early-dialogs.ts'
import { close, closing } from './ending.ts'
import { aim, answerOf, rewriteFor } from './offer-answer.ts'
import { dropPending } from './pending-reinvite.ts'
import type { Cause } from './reason.ts'
import { sipReason } from './reason.ts'
import { utcOf } from './record.ts'
import { legAt } from './sides.ts'
import type { Branch, Call, CallOrder, CallStep, Side } from './state.ts'

/** Answers the caller, and keeps saying so until its ACK comes (RFC 3261 §13.3.1.4). */
export function answerCaller(call: Call, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const sound = sdpForCaller(call, said, endpoint, 'answer')
  call.record.answeredAt = utcOf(call)
  call.record.sipStatus = 200
  return answer(call.caller, responseTo(call.caller, endpoint, 200, [], sound?.body))
}

/** The caller's ACK: carries the answer of a delayed offer on, and frees a waiting BYE. */
export function callerAcked(call: Call, request: Request, endpoint: SipEndpoint): CallStep {
  const { caller, callee } = call
  if (!caller.answer) return { effects: [] }
  const leaves = caller.bye !== undefined
  const settled = settleAnswer(caller, endpoint)
  if (leaves || hasSdp(caller.invite) || !callee) return { effects: settled }
  const step = completeDelayedOffer(call, callee, request, endpoint)
  return { ...step, effects: [...settled, ...step.effects] }
}

/** 64·T1 without the caller's ACK: both legs end (RFC 3261 §13.3.1.4). */
export function giveUpOnAck(call: Call, endpoint: SipEndpoint): CallStep {
  const { caller } = call
  const leaves = caller.bye !== undefined
  const settled = settleAnswer(caller, endpoint)
  const why = notAcknowledged('caller', contactOf(endpoint, caller.flow.transport))
  if (leaves) return { effects: [...settled, ...addedLate(call, why)] }
  const step = hangUp(call, 'both', { reason: 'SIP;cause=408;text="no ACK"' }, endpoint, failed(why))
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
  const repeats = side === 'caller' ? forgetAnswer(call.caller) : []
  const pending = (['caller', 'callee'] as const).flatMap((one) => dropPending(call, one, endpoint))
  const byes = sides.flatMap((other) => {
    const leg = legAt(call, other)
    return leg ? hangUpLeg(leg, given, endpoint) : []
  })
  close(call, side === 'both' ? 'system' : side, reason, because)
  return { to: 'ended', effects: [...repeats, ...pending, ...byes, ...closing(call)] }
}

function completeDelayedOffer(call: Call, callee: Branch, ack: Request, endpoint: SipEndpoint): CallStep {
  const said = answerOf(ack, endpoint, call.caller.sdp.sent)
  const offer = callee.aimed?.said
  const sent = said?.ok ? rewriteFor(call, 'callee', callee.sdp, said.value, endpoint, { offer }) : undefined
  if (!said?.ok || !sent || !callee.dialog) {
    const why = said?.ok === false ? said.fault.why : 'no answer in ACK'
    const [, reason] = sipReason(488, why)
    return hangUp(call, 'both', { reason }, endpoint, failed(unheard('caller', why)))
  }
  return {
    effects: [
      ...ackOnce(callee, callee.dialog, endpoint, sdpBytes(sent)),
      ...aim(call, 'caller', call.caller, said.value, endpoint),
    ],
  }
}
