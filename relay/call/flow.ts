import type { ConnectDecision, FlowDecision, HangupReason } from '#contract'
import { type FlowEvent, FlowMachine, type FlowOrder } from '#flows'
import type { MediaReport } from '../ground/media.ts'
import { noteKey } from '../leg/keys.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { FlowCallEvents } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { pressKey } from './digits.ts'
import { after, end } from './ending.ts'
import { beginConnect, connected, stopConnect } from './flow-connect.ts'
import { noneAnswered } from './flow-left.ts'
import { recording } from './flow-record.ts'
import { serverQuestion } from './flow-server.ts'
import {
  answerByFlow,
  flowSide,
  hushRinging,
  ownSound,
  playSounds,
  soundArrived,
  stopPlaying,
} from './flow-sound.ts'
import { aloneMs, unansweredMs } from './flow-time.ts'
import { conditionOf, tooManyHunts } from './hunts.ts'
import { joinFailed, waitsForOther } from './made-ended.ts'
import { noCodec } from './offer-answer.ts'
import { answeredNow, utcOf } from './record.ts'
import { firstLeg, isAnswered } from './sides.ts'
import type { Call, FlowCall } from './state.ts'
import { unturned } from './turned.ts'
import { reasonOf } from './verdict.ts'

/*
 * A call which follows a flow: what happens to the call is told to the flow's machine, and what that orders is done to the
 * caller's leg.
 */

/** With whom a flow is. */
type FlowParty = Pick<FlowCall, 'side' | 'ours'> &
  Partial<Pick<FlowCall, 'party'>> & { readonly answered: boolean }

/** The flow a decided call is to follow, before it begins: with its caller, unless it is said with whom. */
export function flowOf(
  call: Call,
  decision: FlowDecision,
  endpoint: SipEndpoint,
  { side, ours, answered, party }: FlowParty = {
    side: 'caller',
    ours: ownSound(call, call.caller, endpoint),
    answered: false,
  },
): FlowCall {
  const machine = new FlowMachine({
    program: decision.program,
    programs: decision.programs,
    variables: { ...decision.variables, 'voipbin.call.id': call.id },
    answered,
    recordingId: () => endpoint.entropy.uuid(utcOf(call)),
  })
  return {
    machine,
    decision,
    side,
    party,
    ours,
    early: false,
    answerHeld: false,
    answerOffered: false,
    hunt: undefined,
    last: undefined,
    left: undefined,
    wasHeard: false,
    hearsEarly: true,
    connectedAt: undefined,
    plays: new Map(),
    ringing: undefined,
    ringings: 0,
  }
}

/** As the rest of the call reads it: a list of destinations which its flow names one by one. */
export function flowTargets(decision: FlowDecision): ConnectDecision {
  const { program, programs, variables, forwarder, called, ...rest } = decision
  return { ...rest, kind: 'connect', targets: { kind: 'plan', plan: { forwarder, called, steps: [] } } }
}

/** Something happens to the flow: what it orders is done. */
export function flowHappened(call: Call, event: FlowEvent, endpoint: SipEndpoint): CallStep {
  const { flow } = call
  if (!flow) return { effects: [] }
  const told = event.type === 'connected' ? connected(call, flow) : []
  const waiting: FlowEvent[] = [event]
  let step: CallStep = { effects: told }
  for (const next of waiting) {
    for (const order of flow.machine.receive(next, utcOf(call))) {
      if (step.to === 'ended') return step
      const done = carriedOut(call, flow, order, endpoint)
      step = { ...step, ...done, effects: [...step.effects, ...done.effects] }
      if (done.happens) waiting.push(done.happens)
    }
    flow.left = undefined
  }
  return { ...(step.to && { to: step.to }), effects: step.effects }
}

/** What an order comes to, and what the flow hears of it at once. */
interface CarriedOut extends CallStep {
  readonly happens?: FlowEvent
}

function carriedOut(call: Call, flow: FlowCall, order: FlowOrder, endpoint: SipEndpoint): CarriedOut {
  switch (order.type) {
    case 'answer':
      return answering(call, flow, endpoint)
    case 'play': {
      const played = playSounds(call, flow, order, endpoint)
      if (!('why' in played)) return { effects: played }
      return { effects: [], happens: { type: 'played', play: order.play, why: played.why } }
    }
    case 'stop-play':
      return { effects: stopPlaying(call, flow, order.play) }
    case 'wait':
      return { effects: [{ type: 'set', ms: order.ms, timer: { timer: 'flow' } }] }
    case 'stop-wait':
      return { effects: [{ type: 'stop', timer: 'flow' }] }
    case 'send-digits':
      return { effects: pressKey(call, firstLeg(call), { key: order.keys, ms: order.ms }, endpoint) }
    case 'connect':
      return connecting(call, flow, order.option, endpoint)
    case 'stop-connect':
      return { effects: stopConnect(call, flow, endpoint) }
    case 'hang-up':
      return hungUp(call, flow, order.status, endpoint)
    case 'fetch': {
      const question = serverQuestion(call, flow, order)
      return { effects: [{ type: 'askServer', fetch: order.fetch, question }] }
    }
    case 'call':
      return { effects: [{ type: 'make', fetch: order.fetch, action: order.action }] }
    case 'record':
    case 'stop-record':
    case 'pause-record':
    case 'resume-record':
      return { effects: recording(flow, order) }
  }
}

function connecting(
  call: Call,
  flow: FlowCall,
  option: Extract<FlowOrder, { type: 'connect' }>['option'],
  endpoint: SipEndpoint,
): CarriedOut {
  const refused = tooManyHunts(call)
  if (!refused) return beginConnect(call, flow, option, endpoint)
  flow.last = refused
  const { status } = refused
  return { effects: [], happens: { type: 'connect-ended', result: 'failed', status } }
}

function answering(call: Call, flow: FlowCall, endpoint: SipEndpoint): CarriedOut {
  const { came, orders } = answerByFlow(call, flow, endpoint)
  if (came === 'answered') return { effects: [...orders], happens: { type: 'answered' } }
  if (came !== 'no_codec') return { effects: [...orders] }
  const reason = unturned(call, endpoint)
  const besides = reason === undefined ? '' : `; ${reason}`
  const why = `it speaks neither PCMU nor PCMA, in which flows are heard${besides}`
  const because = cause('CALLER_CODEC_MISMATCH', `The caller cannot hear the flow: ${why}.`)
  const ending = { by: 'system', reason: 'failed', status: 488, why: reason ?? 'no codec', because } as const
  return end(call, endpoint, ending, [noCodec(endpoint)])
}

/** The flow has come to its end: who was not answered hears how the last one it was connected with said no. */
function hungUp(call: Call, flow: FlowCall, status: number | undefined, endpoint: SipEndpoint): CarriedOut {
  const quiet = hushRinging(call, flow)
  if (isAnswered(call))
    return after(
      quiet,
      joinFailed(call, flow, endpoint) ??
        hangUp(call, flow.left ?? 'system', { reason: undefined }, endpoint),
    )
  if (flow.last && status === undefined)
    return after(quiet, end(call, endpoint, flow.last, flow.last.headers))
  const told = status ?? 480
  const name = flow.decision.program.name
  const because = cause('FLOW_ENDED', `The flow ${name} ended, and had not answered the caller.`)
  const reason: HangupReason = reasonOf(told)
  return after(quiet, end(call, endpoint, { by: 'system', reason, status: told, because }))
}

/** The caller was with its flow alone for as long as it may be. */
export function stayedTooLong(call: Call, endpoint: SipEndpoint): CallStep {
  const { name } = call.flow?.decision.program ?? { name: '' }
  if (isAnswered(call)) {
    const because = cause(
      'FLOW_ENDED',
      `The caller was with the flow ${name} alone for ${aloneMs / 60_000} min.`,
    )
    const given = { reason: 'SIP;cause=200;text="too long"' }
    return hangUp(call, 'system', given, endpoint, { reason: 'normal', because })
  }
  const minutes = unansweredMs / 60_000
  const because = cause('FLOW_ENDED', `The flow ${name} had not answered the caller after ${minutes} min.`)
  const status = 480
  return end(call, endpoint, { by: 'system', reason: reasonOf(status), status, because })
}

/** The caller has acknowledged what it was told before the answer: one which waited for that is given. */
export function answerReleased(call: Call, endpoint: SipEndpoint): CallStep {
  const { flow } = call
  if (!flow?.answerHeld) return { effects: [] }
  const { came, orders } = answerByFlow(call, flow, endpoint)
  if (came !== 'answered') return { effects: [...orders] }
  return after(orders, flowHappened(call, { type: 'answered' }, endpoint))
}

/** A sound is here, or is not to be had. */
export function soundFound(
  call: Call,
  { found, ...asked }: FlowCallEvents['soundFound'],
  endpoint: SipEndpoint,
): CallStep {
  const { flow } = call
  if (!flow) return { effects: [] }
  const sound = typeof found === 'string' ? found : ({ kind: 'file', path: found.path } as const)
  const played = soundArrived(call, flow, asked, sound)
  if (!('why' in played)) return { effects: played }
  return flowHappened(call, { type: 'played', play: asked.play, why: played.why }, endpoint)
}

/** What the media thread tells of the caller. */
export function flowHeard(call: Call, report: MediaReport, endpoint: SipEndpoint): CallStep {
  if (report.type === 'digit')
    return report.side === flowSide(call)
      ? keyPressed(call, report.key, report.form, endpoint)
      : { effects: [] }
  if (report.type === 'recorded') return recorded(call, report, endpoint)
  if (report.type !== 'played' || report.side !== flowSide(call)) return { effects: [] }
  return flowHappened(call, { type: 'played', play: report.play, why: report.why }, endpoint)
}

/** A recording is over: the flow may have waited for that. */
export function recorded(
  call: Call,
  { recording: id, why }: Extract<MediaReport, { type: 'recorded' }>,
  endpoint: SipEndpoint,
): CallStep {
  return flowHappened(call, { type: 'recorded', recording: id, why }, endpoint)
}

/** The caller pressed a key: told in more than one form it is one press. */
export function keyPressed(
  call: Call,
  key: string,
  form: 'rfc4733' | 'inband' | 'info',
  endpoint: SipEndpoint,
): CallStep {
  if (!noteKey(firstLeg(call), key, form, call.now)) return { effects: [] }
  return flowHappened(call, { type: 'digit', key }, endpoint)
}

/** A `connect` came to nothing: the flow hears how. */
export function connectOver(
  call: Call,
  { hunt, ending, leads }: FlowCallEvents['connectOver'],
  endpoint: SipEndpoint,
): CallStep {
  const { flow } = call
  if (!flow || flow.hunt !== hunt) return { effects: [] }
  flow.hunt = undefined
  flow.last = leads ? undefined : ending
  const quiet: CallOrder[] = [...hushRinging(call, flow), ...noneAnswered(call, flow, endpoint)]
  if (leads) return after(quiet, ledOn(call, leads, endpoint))
  const { status } = ending
  const ended = { type: 'connect-ended', result: conditionOf(ending), status } as const
  return after(quiet, flowHappened(call, ended, endpoint))
}

/** Whom it called leads to a flow: its own goes on with that one. Who was called first is joined with it as with a party. */
function ledOn(
  call: Call,
  { program, programs, destination }: FlowDecision,
  endpoint: SipEndpoint,
): CallStep {
  if (waitsForOther(call)) answeredNow(call)
  const { target } = destination
  return flowHappened(call, { type: 'connect-led', program, programs, target }, endpoint)
}
