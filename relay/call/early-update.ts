import { type Dialog, receiveInDialog, refreshTarget, uasDialog } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import { none } from '../ground/none.ts'
import type { EarlyDialog, InDialogRequest } from '../leg/leg.ts'
import { flowFor } from '../leg/path.ts'
import { rememberEarly } from '../leg/uac.ts'
import { hasSdp, sdpBytes, withSdp } from '../sdp/message-sdp.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Header, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, supportedHeader, supportedPlainly } from '../sip/screen.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { CallOrder } from './call-step.ts'
import { keyAskedEarly } from './digits.ts'
import {
  aim,
  aimFirstAnew,
  answerOf,
  faultOf,
  inTheOpen,
  noCodec,
  offerOf,
  refusalWords,
  rewriteFor,
  takeBackOffer,
} from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { particulars } from './refusal.ts'
import type { Branch, Call } from './state.ts'
import { codecsFor } from './taken.ts'

/*
 * UPDATE before the answer (RFC 3311). An offer may only follow one which was answered reliably (§5.1): it is passed on
 * where that is so on both legs. Where the caller was told nothing reliably, or takes no UPDATE, the callee is answered
 * here, by what the caller offered.
 */

/** The callee's early dialog which the caller's last description is of, settled on both legs. */
interface EarlySession {
  readonly branch: Branch
  readonly early: EarlyDialog
  readonly tag: string
}

/** What a party asks whose call is not answered yet: a change, or that a key be told. */
export function askedEarly(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg, request } = asked
  const dialog = leg.kind === 'uac' ? dialogAsked(asked)?.dialog : leg.dialog
  if (leg.kind === 'uac' && dialog && receiveInDialog(dialog, request) === 'old')
    return [refuseRequest(asked, 500)]
  return request.method === 'INFO'
    ? keyAskedEarly(call, asked, endpoint)
    : updateEarly(call, asked, dialog, endpoint)
}

function updateEarly(
  call: Call,
  asked: InDialogRequest,
  dialog: Dialog | undefined,
  endpoint: SipEndpoint,
): CallOrder[] {
  const { leg, request } = asked
  if (!hasSdp(request)) {
    if (dialog) refreshTarget(dialog, request, 200)
    return [accept(asked, endpoint)]
  }
  if (call.earlyUpdate) return [refuseRequest(asked, 491)]
  const fault = inTheOpen(asked) ?? faultOf(call, offerOf(request, endpoint, leg.secure), leg.trusted)
  if (fault) return [refuseRequest(asked, fault.status, refusalWords(fault, endpoint))]
  const session = settledSession(call)
  if (leg.kind === 'uas') {
    const settled = session && request.to.tag === leg.reliable?.settled && session.branch.timer.updates
    return settled ? pass(call, asked, session, endpoint) : [later(asked, endpoint)]
  }
  // Our own offer is still open (§5.2).
  if (!dialogAsked(asked)?.settled) return [refuseRequest(asked, 491)]
  const toCaller = session?.early === dialogAsked(asked) && call.caller.timer.updates
  return session && toCaller ? pass(call, asked, session, endpoint) : answerHere(call, asked, endpoint)
}

/**
 * A PRACK of the caller which brings an offer of its own, after our answer (RFC 3262 §5): it is passed on as UPDATE where
 * the callee takes one, and else answered by what the callee said.
 */
export function offerPracked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { caller } = call
  const offer = offerOf(asked.request, endpoint, caller.secure)
  const fault = inTheOpen(asked) ?? faultOf(call, offer, caller.trusted)
  if (fault) return [refuseRequest(asked, fault.status, refusalWords(fault, endpoint))]
  const session = settledSession(call)
  if (session?.branch.timer.updates && !call.earlyUpdate) return pass(call, asked, session, endpoint)
  const told = caller.told.find(({ tag }) => tag === caller.reliable?.settled)
  if (!told || !offer?.ok) return [accept(asked, endpoint)]
  const sent = rewriteFor(call, caller, told.said, endpoint, { offer: offer.value })
  if (!sent) return [refuseRequest(asked, 488, [noCodec(endpoint)])]
  caller.told = caller.told.with(caller.told.indexOf(told), { ...told, sent })
  return [accept(asked, endpoint, sdpBytes(sent)), ...aim(call, caller, offer.value, endpoint)]
}

function dialogAsked({ leg, request }: InDialogRequest): EarlyDialog | undefined {
  return leg.kind === 'uac' ? leg.earlyDialogs?.get(request.from.tag ?? '') : undefined
}

/** undefined: the caller was told nothing reliably, or of something which its callee said unreliably. */
function settledSession({ caller, branches }: Call): EarlySession | undefined {
  const told = caller.told.find(({ tag }) => tag === caller.reliable?.settled && tag === caller.localTag)
  if (!told) return undefined
  for (const branch of branches) {
    for (const [tag, said] of (branch.state === 'calling' && branch.early) || none) {
      const early = said === told.said ? branch.earlyDialogs?.get(tag) : undefined
      if (early?.settled) return { branch, early, tag }
    }
  }
  return undefined
}

function later(asked: InDialogRequest, { entropy }: SipEndpoint): CallOrder {
  return refuseRequest(asked, 500, [['retry-after', String(entropy.below(11))]])
}

function pass(
  call: Call,
  asked: InDialogRequest,
  { branch, early, tag }: EarlySession,
  endpoint: SipEndpoint,
): CallOrder[] {
  const offer = offerOf(asked.request, endpoint, asked.leg.secure)
  const to = asked.leg.kind === 'uas' ? branch : call.caller
  const only = to.kind === 'uac' ? codecsFor(branch) : []
  const sent = offer?.ok ? rewriteFor(call, to, offer.value, endpoint, { only }) : undefined
  if (!sent || !to.flow) return [refuseRequest(asked, 488, [noCodec(endpoint)])]
  const { caller } = call
  caller.dialog ??= uasDialog(caller.invite, caller.localTag)
  const dialog = to.kind === 'uac' ? early.dialog : caller.dialog
  const flow = flowFor(dialog, to.flow, to.trusted)
  const request = inDialog(dialog, {
    method: 'UPDATE',
    via: viaOf(endpoint, flow),
    contact: contactOf(endpoint, flow.transport, to.signalling),
    maxForwards: asked.request.maxForwards - 1,
    ...withSdp(sdpBytes(sent), [allowHeader, supportedPlainly]),
  })
  call.earlyUpdate = { asked, dialog, branch, tag }
  return [{ type: 'request', request, flow, role: { role: 'early', asked, proofs: noAuthorizations } }]
}

/** The other leg's answer to an UPDATE passed on before the call was answered, whatever became of that meanwhile. */
export function earlyUpdateAnswered(
  call: Call,
  { asked, proofs, sent, flow, response }: CallEvents['earlyUpdateAnswered'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const under = call.earlyUpdate?.asked === asked ? call.earlyUpdate : undefined
  if (!under || (response && response.status < 200)) return []
  const to = asked.leg.kind === 'uas' ? under.branch : call.caller
  const proved = response && prove(proofs, response, sent, to.account, endpoint)
  if (proved) return again(asked, under.dialog, sent, flow, proved, endpoint)
  call.earlyUpdate = undefined
  const offer = offerOf(asked.request, endpoint, asked.leg.secure)
  const answer =
    response && response.status < 300 ? answerOf(response, endpoint, to.sdp.sent, to.secure) : undefined
  if (!response || !answer?.ok || !offer?.ok || isLeft(call, under)) {
    takeBackOffer(to)
    return [refused(asked, response, endpoint)]
  }
  refreshTarget(under.dialog, response, response.status)
  const [callers, callees] = to.kind === 'uac' ? [offer.value, answer.value] : [answer.value, offer.value]
  return settle(call, asked, { ...under, callers, callees }, endpoint)
}

/** Another has answered than the one it is about. */
function isLeft({ callee }: Call, { branch, tag }: { branch: Branch; tag: string }): boolean {
  return callee !== undefined && (callee !== branch || callee.dialog?.remoteTag !== tag)
}

/** Both have agreed anew: who asked gets the answer, and the sound follows. */
function settle(
  call: Call,
  asked: InDialogRequest,
  agreed: { branch: Branch; tag: string; callers: RelayedSdp; callees: RelayedSdp },
  endpoint: SipEndpoint,
): CallOrder[] {
  const { branch, tag, callers, callees } = agreed
  const [offer, answer] = asked.leg.kind === 'uas' ? [callers, callees] : [callees, callers]
  const sent = rewriteFor(call, asked.leg, answer, endpoint, { offer })
  const { caller } = call
  if (!sent) {
    const heard = asked.leg.kind === 'uas' ? branch : caller
    const sounds = [...aim(call, heard, answer, endpoint), ...aimFirstAnew(call, endpoint)]
    return [refuseRequest(asked, 488, [noCodec(endpoint)]), ...sounds]
  }
  rememberEarly(branch, tag, callees)
  const told = caller.told.findIndex((one) => one.tag === caller.localTag)
  if (told >= 0 && caller.sdp.sent)
    caller.told = caller.told.with(told, { tag: caller.localTag, sent: caller.sdp.sent, said: callees })
  return [
    accept(asked, endpoint, sdpBytes(sent)),
    ...aim(call, caller, callers, endpoint),
    ...aim(call, branch, callees, endpoint),
    ...aimFirstAnew(call, endpoint),
  ]
}

/** The callee is answered by what the caller offered; the caller hears of it with the answer. */
function answerHere(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const offer = offerOf(asked.request, endpoint, asked.leg.secure)
  const callers = offerOf(call.caller.invite, endpoint, call.caller.secure)
  const said = callers?.ok ? callers.value : call.caller.aimed?.said
  const { leg } = asked
  if (!offer?.ok || !said || leg.kind !== 'uac') return [refuseRequest(asked, 488, [noCodec(endpoint)])]
  const sent = rewriteFor(call, leg, said, endpoint, { offer: offer.value })
  if (!sent) return [refuseRequest(asked, 488, [noCodec(endpoint)])]
  rememberEarly(leg, asked.request.from.tag ?? '', offer.value)
  return [
    accept(asked, endpoint, sdpBytes(sent)),
    ...aim(call, leg, offer.value, endpoint),
    ...aimFirstAnew(call, endpoint),
  ]
}

function accept(asked: InDialogRequest, endpoint: SipEndpoint, body?: Uint8Array): CallOrder {
  const { leg, request, transaction, source } = asked
  // The 2xx to a PRACK names no Contact (RFC 3262 §4, table 1).
  const contact: Header[] =
    request.method === 'PRACK' ? [] : [['contact', contactOf(endpoint, source.transport, leg.signalling)]]
  const headers: Header[] = [...contact, allowHeader, supportedHeader]
  const response = reply(request, 200, { ...withSdp(body, headers), flow: source })
  return { type: 'respond', transaction, response }
}

/** A challenge to us, and a silence, are not the asker's. */
function refused(asked: InDialogRequest, response: Response | undefined, endpoint: SipEndpoint): CallOrder {
  const status = response?.status ?? 504
  if (status < 400 || status === 401 || status === 407 || status === 408 || status === 481)
    return later(asked, endpoint)
  return refuseRequest(asked, status, response ? particulars(response) : [])
}

function again(
  asked: InDialogRequest,
  dialog: EarlyDialog['dialog'],
  sent: CallEvents['earlyUpdateAnswered']['sent'],
  flow: CallEvents['earlyUpdateAnswered']['flow'],
  proofs: Authorizations,
  endpoint: SipEndpoint,
): CallOrder[] {
  const request = withProof(sent, ++dialog.localCseq, proofs, viaOf(endpoint, flow))
  return [{ type: 'request', request, flow, role: { role: 'early', asked, proofs } }]
}
