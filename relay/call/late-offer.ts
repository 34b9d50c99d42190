import { none } from '../ground/none.ts'
import type { EarlyDialog, InDialogRequest } from '../leg/leg.ts'
import { answerProvisional } from '../leg/prack.ts'
import { reliableOf, takesReliably } from '../leg/reliable.ts'
import { hasSdp, sdpBytes } from '../sdp/message-sdp.ts'
import { ourSound } from '../sdp/ours.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { unheard } from './cause.ts'
import { after, end } from './ending.ts'
import { aim, answerOf, refusalWords, rewriteFor } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import type { Branch, Call } from './state.ts'
import { codecsFor } from './taken.ts'

/*
 * A caller which leaves the offer to whom it calls (RFC 3261 §13.2.1), before the call is answered. What is said reliably
 * to us is offered to it reliably, its PRACK brings the answer, and that goes back in ours (RFC 3262 §5):
 *
 *   caller             us            callee
 *     │ INVITE          │ INVITE        │
 *     │────────────────►│──────────────►│
 *     │       183 offer │     183 offer │
 *     │◄────────────────│◄──────────────│
 *     │ PRACK answer    │ PRACK answer  │
 *     │────────────────►│──────────────►│
 *
 * A callee which takes no INVITE without an offer gets one of ours; its answer is what the caller is offered.
 */

/** Whether the caller leaves the offer to the other side. */
export function isLate({ caller }: Call): boolean {
  return !hasSdp(caller.invite)
}

/**
 * Whether a callee may offer something before it answers: the caller can answer that, and hears of no other callee. To
 * phones it is not said: where several ring none can be passed on.
 */
export function mayBeOffered(call: Call, { provider }: Branch): boolean {
  const others = call.hunts.filter(({ state }) => state !== 'over')
  return isLate(call) && provider !== undefined && others.length === 1 && takesReliably(call.caller)
}

/** Whether what a provisional says can be offered to a caller which left that open: it is an answer to us, or waits for one. */
export function mayOffer(call: Call, branch: Branch, { to }: Response): boolean {
  const waits = branch.earlyDialogs?.get(to.tag ?? '')?.offering !== undefined
  return takesReliably(call.caller) && (waits || branch.sdp.sent !== undefined)
}

/** Who refuses an INVITE like that wants an offer in it, or needs to say one reliably. */
const wantsOffer: ReadonlySet<number> = new Set([400, 415, 421, 488, 606])

/**
 * The offer which is made to a carrier or PBX that refuses an INVITE without one, once. undefined: it has one, it refused
 * for something else, or takes no codec of ours.
 */
export function offerOfOurs(
  call: Call,
  branch: Branch,
  { status }: Response,
  endpoint: SipEndpoint,
): Uint8Array | undefined {
  const wanted = isLate(call) && branch.provider && !branch.sdp.sent && wantsOffer.has(status)
  if (!wanted || branch.hunt.rang || !ourSound) return undefined
  const sent = rewriteFor(call, branch, ourSound, endpoint, { only: codecsFor(branch) })
  if (!sent) return undefined
  branch.cseq++
  return sdpBytes(sent)
}

/** The callee's early dialog, and what it said in it, of which the caller was told under this tag. */
function toldOf({ caller, branches }: Call, tag: string) {
  const told = caller.told.find((one) => one.tag === tag)
  for (const branch of told ? branches : []) {
    for (const [theirs, said] of branch.early ?? none)
      if (said === told?.said) return { told, branch, early: branch.earlyDialogs?.get(theirs), said }
  }
  return undefined
}

/** The caller's PRACK answers what it was offered: its callee hears that, and both are heard. */
export function answerPracked(
  call: Call,
  asked: InDialogRequest,
  acknowledged: readonly CallOrder[],
  endpoint: SipEndpoint,
): CallStep {
  const { caller } = call
  const { request, transaction, source } = asked
  const tag = request.to.tag ?? ''
  const told = toldOf(call, tag)
  const answer = answerOf(request, endpoint, told?.told.sent, caller.secure)
  const unusable = answer?.ok === false ? answer.fault : noAnswer
  if (!told || !answer?.ok) return unanswerable(call, asked, acknowledged, unusable, endpoint)
  reliableOf(caller).answers.set(tag, answer.value)
  const passed = told.early?.offering
    ? passOn(call, told.branch, told.early, told.said, answer.value, endpoint)
    : []
  if (!passed) return unanswerable(call, asked, acknowledged, noCommonCodec, endpoint)
  const ok: CallOrder = { type: 'respond', transaction, response: reply(request, 200, { flow: source }) }
  const heard = [...aim(call, caller, answer.value, endpoint), ...aim(call, told.branch, told.said, endpoint)]
  return { effects: [ok, ...acknowledged, ...passed, ...heard] }
}

function passOn(
  call: Call,
  branch: Branch,
  early: EarlyDialog,
  offer: RelayedSdp,
  answer: RelayedSdp,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  const sent = rewriteFor(call, branch, answer, endpoint, { offer })
  return sent && answerProvisional(branch, early, sdpBytes(sent), endpoint)
}

const noAnswer = { status: 488, code: 399, why: 'no answer in PRACK' } as const
const noCommonCodec = { status: 488, code: 305, why: 'no codec is left that both sides speak' } as const

/** By its answer, or for want of one, the caller could not be heard: the call ends. */
function unanswerable(
  call: Call,
  asked: InDialogRequest,
  acknowledged: readonly CallOrder[],
  fault: Parameters<typeof refusalWords>[0],
  endpoint: SipEndpoint,
): CallStep {
  const { code, why } = fault
  const refusal = refuseRequest(asked, 488, refusalWords(fault, endpoint))
  const ending = {
    by: 'system',
    reason: 'failed',
    status: 488,
    why,
    code,
    because: unheard('caller', why),
  } as const
  return after([refusal, ...acknowledged], end(call, endpoint, ending))
}
