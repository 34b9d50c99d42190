import type { InDialogRequest, UasLeg } from '../leg/leg.ts'
import { follow } from '../leg/path.ts'
import { forgetAnswer } from '../leg/uas.ts'
import { sdpBody } from '../sip/body.ts'
import { infoDigitOf } from '../sip/dtmf-relay.ts'
import type { Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { failed, hangUp, legAcked } from './answered.ts'
import { answerHere, changesNothing, offersNothingNew } from './answered-here.ts'
import type { CallEvents } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { unheard } from './cause.ts'
import { askedEarly } from './early-update.ts'
import { after } from './ending.ts'
import { flowHappened, keyPressed } from './flow.ts'
import { hasSaid, listening, spokenIn } from './flow-sound.ts'
import { callerCancelled } from './hunt.ts'
import { screenWithin } from './in-dialog.ts'
import { waitsForOther } from './made-ended.ts'
import {
  aim,
  answerOf,
  faultOf,
  inTheOpen,
  noCodec,
  offerOf,
  refusalWords,
  rewriteFor,
} from './offer-answer.ts'
import { closePending, hasHeardAnswer, refuseRequest } from './pending-reinvite.ts'
import { sipReason } from './reason.ts'
import { referRefused } from './refer.ts'
import { firstLeg, isAnswered } from './sides.ts'
import type { Call } from './state.ts'

/*
 * What a caller asks inside its dialog while it is in its flow: no other party hears of it.
 */

/** A request of a party of a call which follows a flow, while no callee has answered. */
export function flowAsked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallStep {
  const { leg, request, transaction, source } = asked
  if (leg !== firstLeg(call)) return { effects: askedEarly(call, asked, endpoint) }
  const digit = request.method === 'INFO' ? infoDigitOf(request) : undefined
  if (digit) {
    const ok: CallOrder = { type: 'respond', transaction, response: reply(request, 200, { flow: source }) }
    return after([ok], keyPressed(call, digit.key, 'info', endpoint))
  }
  if (!isAnswered(call)) return { effects: askedEarly(call, asked, endpoint) }
  follow(leg, source)
  return { effects: answered(call, asked, endpoint) }
}

/** The caller acknowledges our answer: where that was an offer, by what it says itself. */
export function flowAcked(call: Call, leg: UasLeg, request: Request, endpoint: SipEndpoint): CallStep {
  const isNew = leg.answer !== undefined
  const { effects } = legAcked(call, leg, request, endpoint)
  return isNew && !hasSaid(leg) ? after(effects, offerAcked(call, leg, request, endpoint)) : { effects }
}

/** Now it is known where the caller is heard, and its flow goes on; or it cannot be, and the call ends. */
function offerAcked(call: Call, leg: UasLeg, request: Request, endpoint: SipEndpoint): CallStep {
  const { flow } = call
  const said = answerOf(request, endpoint, leg.sdp.sent, leg.secure)
  if (!said?.ok || !spokenIn(call, said.value, endpoint)) {
    const why = said?.ok === false ? said.fault.why : said ? 'no codec of ours' : 'no answer in ACK'
    const [, reason] = sipReason(488, why)
    return hangUp(call, 'system', { reason }, endpoint, failed(unheard('caller', why)))
  }
  const heard = [...aim(call, leg, said.value, endpoint), listening(call)]
  if (!flow?.answerOffered) return { effects: heard }
  flow.answerOffered = false
  return after(heard, flowHappened(call, { type: 'answered' }, endpoint))
}

/** The caller takes its call back, or a change which it asked for. */
export function flowCancelled(call: Call, given: CallEvents['cancel'], endpoint: SipEndpoint): CallStep {
  return isAnswered(call) ? { effects: [] } : callerCancelled(call, given, endpoint)
}

/** A party hangs up: the caller, and the call is over; or a callee which has left already. */
export function flowLeft(call: Call, { leg, reason }: CallEvents['bye'], endpoint: SipEndpoint): CallStep {
  if (leg !== firstLeg(call)) return { effects: leg.kind === 'uas' ? forgetAnswer(leg) : [] }
  if (!isAnswered(call)) return callerCancelled(call, { reason }, endpoint)
  if (waitsForOther(call))
    return hangUp(call, leg, { reason }, endpoint, { reason: 'cancel', because: undefined })
  return hangUp(call, leg, { reason }, endpoint)
}

function answered(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg, request } = asked
  const refusal = screenWithin(request, leg)
  if (refusal) return [refuseRequest(asked, refusal.status, [...(refusal.headers ?? [])])]
  if (request.method === 'REFER')
    return [referRefused(asked, { status: 403, why: 'the call speaks with no other party' }, endpoint)]
  if (request.method !== 'INVITE' && request.method !== 'UPDATE') return [refuseRequest(asked, 501)]
  if (changesNothing(request) || offersNothingNew(leg, request)) return answerHere(call, asked, endpoint)
  if (leg.pending && !hasHeardAnswer(leg.pending)) return [refuseRequest(asked, 491)]
  return [...closePending(leg), ...changed(call, asked, endpoint)]
}

/** Another address, another codec, or on hold: answered by what sounds are played in. */
function changed(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg, request } = asked
  const offer = offerOf(request, endpoint, leg.secure)
  const fault = inTheOpen(asked) ?? faultOf(call, offer, leg.trusted)
  if (fault) return [refuseRequest(asked, fault.status, refusalWords(fault, endpoint))]
  const said = offer?.ok ? offer.value : undefined
  const ours = said ? spokenIn(call, said, endpoint) : call.flow?.ours
  const sent = ours && rewriteFor(call, leg, ours, endpoint, { offer: said })
  const body = sdpBody(request)
  if (!sent) return [refuseRequest(asked, 488, [noCodec(endpoint)])]
  leg.exchange = { offer: body ?? new Uint8Array(), answer: sent }
  return [...answerHere(call, asked, endpoint), ...(said ? aim(call, leg, said, endpoint) : [])]
}
