import { keysToAnswer } from '../leg/keying.ts'
import { holdsAnswer } from '../leg/reliable.ts'
import { answeredBy } from '../leg/uac.ts'
import type { RelayedSdp, UnusableSdp } from '../sdp/relayed.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { answerCaller } from './answered.ts'
import type { CallEvents } from './call-events.ts'
import { recordedAsSet } from './call-recordings.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { unheard } from './cause.ts'
import { isUntellable } from './early-dialogs.ts'
import { abandon, after, concluded, end, hangUpLate, since, stopHunt, stopTimers } from './ending.ts'
import { branchFailed } from './hunt.ts'
import { over } from './hunts.ts'
import { firstAnswered, secondAnswered } from './made-answered.ts'
import { observation } from './observation.ts'
import { aim, aimFirstAnew, answerOf } from './offer-answer.ts'
import { sipReason } from './reason.ts'
import { lineOf } from './root-hunt.ts'
import { isAnswered } from './sides.ts'
import type { Branch, Call, Hunt } from './state.ts'
import { partyComes } from './transferred-call.ts'
import { notKeyed } from './verdict.ts'

/** 2xx: this branch wins, now, or when the caller has acknowledged what it was told before. */
export function branchSucceeded(call: Call, event: CallEvents['success'], endpoint: SipEndpoint): CallStep {
  const { branch, response } = event
  const { held } = call
  if (held?.branch === branch && held.response.to.tag === response.to.tag) return { effects: [] }
  if (held || branch.state !== 'calling') return { effects: hangUpLate(branch, response, endpoint) }
  if (!holdsAnswer(call.caller)) return branchAnswered(call, branch, response, endpoint)
  call.held = event
  const others = call.branches.filter((other) => other !== branch).flatMap((other) => lost(call, other))
  return { effects: [...stopTimers(branch), ...othersOver(call, branch.hunt), ...others] }
}

/** The others are let go, the caller is answered. */
export function branchAnswered(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): CallStep {
  const settled = settledSdp(branch, response)
  const answer = settled ? undefined : answerOf(response, endpoint, branch.sdp.sent, branch.secure)
  const keyless = branch.secure === 'required' && answer?.ok === false
  if (keyless && answer.fault.code === notCarried)
    return answeredWithoutKeys(call, branch, response, endpoint)
  const said = settled ?? (answer?.ok ? answer.value : keyless ? undefined : earlySdp(branch, response))
  if (!said)
    return answeredWithoutSdp(call, branch, response, answer?.ok ? undefined : answer?.fault, endpoint)
  if (tellsCaller(call) && isUntellable(call, said, endpoint))
    return answeredWithoutSdp(call, branch, response, unoffered, endpoint)
  branch.attempt.pdd_ms ??= since(call) - branch.attempt.started_ms
  concluded(call, branch, response.status, response.reason, 'final')
  branch.attempt.answered_ms ??= since(call)
  // It makes the offer: it is heard by its key from now on.
  if (!branch.sdp.sent) keysToAnswer(branch, said, endpoint)
  const won = [
    ...stopTimers(branch),
    ...observation(branch, response.status, response.reason),
    ...othersOver(call, branch.hunt),
    ...call.branches.filter((other) => other !== branch).flatMap((other) => lost(call, other)),
  ]
  const { made } = call
  if (made && !made.party) return after(won, firstAnswered(call, made, { branch, response, said }, endpoint))
  seat(call, branch)
  // What the caller is told decides by which numbers the callee hears it.
  const { joining } = call
  const comes = joining && joining.state !== 'joined'
  const told = comes ? partyComes(call, joining, endpoint, said) : tellCaller(call, said, endpoint)
  return {
    to: 'answered',
    effects: [
      ...won,
      ...answeredBy(branch, response, endpoint),
      ...aim(call, branch, said, endpoint),
      ...aimFirstAnew(call, endpoint),
      ...told,
      ...(made ? secondAnswered(call, made, branch, said, endpoint) : []),
      { type: 'tell' },
      ...flowConnected(call, branch),
      ...recordedAsSet(call, branch),
    ],
  }
}

/** It has answered, and is called no other's branch any more. */
function seat(call: Call, branch: Branch): void {
  call.callee = branch
  call.joined[branch.side] = branch
}

/** Whether the caller hears of an answer what the callee said. */
function tellsCaller(call: Call): boolean {
  const { joining, made, flow } = call
  return !made && !flow && (!joining || joining.state === 'joined') && !isAnswered(call)
}

const unoffered: UnusableSdp = {
  status: 488,
  code: 305,
  why: 'it answered by a codec which it was not offered, and which is not turned here for the caller',
}

/** The caller is answered by what the callee said, unless it was by its flow, or told what it hears there. */
function tellCaller(call: Call, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  if (isAnswered(call)) return []
  return answerCaller(call, call.flow?.ours ?? said, endpoint)
}

function flowConnected(call: Call, { hunt, side }: Branch): CallOrder[] {
  if (!call.flow) return []
  const target = lineOf(hunt).at(-2)?.sought?.target ?? ''
  return [
    { type: 'announceRecording', side },
    { type: 'onward', call, name: 'flowHappened', event: { type: 'connected', target } },
  ]
}

/** For whom the call was sent on to besides is not looked any more. */
function othersOver(call: Call, won: Hunt): CallOrder[] {
  const line = lineOf(won)
  for (const hunt of call.hunts) if (!line.includes(hunt)) hunt.state = 'over'
  return call.hunts.flatMap(stopHunt)
}

/** Another branch was faster (RFC 3326: phones shall not count a missed call). */
function lost(call: Call, branch: Branch): CallOrder[] {
  if (branch.attempt.ended_ms === null) concluded(call, branch, 0, 'answered elsewhere', 'final')
  return abandon(branch, 'SIP;cause=200;text="Call completed elsewhere"')
}

/** What was agreed reliably before the 2xx, whose own description then says nothing new (RFC 3261 §13.2.1). */
function settledSdp({ early, earlyDialogs }: Branch, { to }: Response): RelayedSdp | undefined {
  return earlyDialogs?.get(to.tag ?? '')?.settled ? early?.get(to.tag ?? '') : undefined
}

/** The answer of a 2xx without a session description (RFC 3264): what it said early, or else what was heard last (RFC 6337 §3.1.1). */
function earlySdp({ early }: Branch, { to }: Response): RelayedSdp | undefined {
  return early?.get(to.tag ?? '') ?? early?.values().at(-1)
}

/** The warn-code of what is said of a protocol, or of its keys (RFC 3261 §20.43). */
const notCarried = 302

/** Its sound had to be encrypted, and is not: it is as if it had refused. */
function answeredWithoutKeys(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): CallStep {
  const goodbye = hangUpLate(branch, response, endpoint, [sipReason(488, notKeyed)])
  const step = branchFailed(call, { branch, status: 488, why: notKeyed, response: undefined }, endpoint)
  return { ...step, effects: [...goodbye, ...step.effects] }
}

/**
 * A 2xx by which neither person could hear the other. The callee has answered: the call ends on both sides, and rings
 * nowhere else.
 */
function answeredWithoutSdp(
  call: Call,
  branch: Branch,
  response: Response,
  fault: UnusableSdp | undefined,
  endpoint: SipEndpoint,
): CallStep {
  const { why, code } = fault ?? { why: 'answered without a session description', code: 399 }
  const goodbye = hangUpLate(branch, response, endpoint, [sipReason(488, why)])
  concluded(call, branch, response.status, why, 'final')
  const because = unheard('callee', why)
  const root = lineOf(branch.hunt).at(-1)
  if (call.flow && root) {
    const ending = { by: 'system', reason: 'failed', status: 488, why, code, because, headers: [] } as const
    return after(goodbye, over(call, root, endpoint, ending))
  }
  const step = end(call, endpoint, { by: 'system', reason: 'failed', status: 488, why, code, because })
  return { ...step, effects: [...goodbye, ...step.effects] }
}
