import type { AddressTry, Attempt, SecurePolicy } from '#contract'
import { type Flow, hostPort, isEncrypted } from '../ground/flow.ts'
import { none } from '../ground/none.ts'
import { SharedTexts } from '../ground/texts.ts'
import { otherKeying } from '../leg/keying.ts'
import type { Keying } from '../leg/leg.ts'
import { isOpenTo } from '../leg/path.ts'
import { callLeg, uacLeg } from '../leg/uac.ts'
import type { Contact } from '../registrar/registrar.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import { ourSound } from '../sdp/ours.ts'
import type { SdpResult } from '../sdp/relayed.ts'
import { sdpBody } from '../sip/body.ts'
import { noBody, type Response } from '../sip/message.ts'
import { type SipEndpoint, straightReachOf } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { since, stopTimers } from './ending.ts'
import { buildInvite } from './invite.ts'
import { offerOfOurs } from './late-offer.ts'
import { offerOf, rewriteFor } from './offer-answer.ts'
import { rootOf } from './root-hunt.ts'
import { mediaOn, opposite } from './sides.ts'
import { leavesTls, signallingTo } from './sips.ts'
import type { Branch, Call, CalledPeer, Hunt, Side } from './state.ts'
import { isStraightAt } from './straight.ts'
import { codecsFor } from './taken.ts'

/** A new branch of the search; `attempt` given: one more address inside the same attempt. */
export function newBranch(
  call: Call,
  hunt: Hunt,
  endpoint: SipEndpoint,
  provider: CalledPeer | undefined,
  contact: Contact | undefined,
  attempt: Branch['attempt'] = newAttempt(call, hunt, provider),
): Branch {
  const id = provider?.provider_id
  const side = seatOf(call, hunt)
  const route = contact?.path ?? (id ? call.serviceRoutes.serviceRoute(id) : none)
  const branch: Branch = {
    ...uacLeg(endpoint, {
      route,
      trusted: provider !== undefined || contact?.relay !== undefined,
      account: provider?.credentials ?? null,
    }),
    media: mediaOn(call, side),
    side,
    secure: secureOf(hunt, provider),
    signalling: signallingTo(call, contact),
    index: call.branches.length,
    hunt,
    attempt,
    tried: undefined,
    provider,
    contact,
    straight: false,
    flows: none,
  }
  // What is pushed to an empty list takes room for sixteen more.
  call.branches = call.branches.concat(branch)
  return branch
}

/** On which side whom a hunt looks for will be: the callee's, unless it is about who is called first by order. */
function seatOf({ made, hunts }: Call, hunt: Hunt): Side {
  if (!made) return 'callee'
  return rootOf(hunt) === hunts[0] ? made.side : opposite(made.side)
}

/** Sends the INVITE of a branch to one address; undefined: no codec is left of the offer for it, or its keys would be read on the way. */
export function callAt(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  branch.flow = flow
  branch.attempt.address = addressOf(flow)
  branch.attempt.transport = flow.transport
  const offer = offered(call, endpoint)
  if (isOpenTo(branch, flow) || leavesTls(branch, flow)) return undefined
  const only = codecsFor(branch)
  if (offer?.ok)
    branch.straight = isStraightAt(call, branch, {
      flow,
      offer: offer.value,
      reach: straightReachOf(endpoint),
    })
  const terms = { only, ...keyingAt(branch, flow) }
  const sent = offer?.ok ? rewriteFor(call, branch, offer.value, endpoint, terms) : undefined
  if (offer && !sent) return undefined
  branch.tried = newTry(call, flow)
  branch.attempt.tries = branch.attempt.tries.concat(branch.tried)
  return invite(call, branch, flow, endpoint, sent ? sdpBytes(sent) : noBody)
}

/** A SIP address over TLS is an agent's as a rule, and most of these want SRTP: they are offered that first. */
function keyingAt({ hunt, secure }: Branch, flow: Flow): { readonly keying?: Keying } {
  const isAddress = hunt.decision?.targets.kind === 'sip'
  return isAddress && secure === 'allowed' && isEncrypted(flow) ? { keying: 'strict' } : {}
}

/** A peer may ring without end. */
const codesAtMost = 16

/** What callees are offered: what the caller offers, or what it was told in its flow; who is called by order, sound of ours. undefined: nothing. */
export function offered({ caller, flow, made }: Call, endpoint: SipEndpoint): SdpResult | undefined {
  const ours = flow?.ours ?? (made && ourSound)
  return ours ? { ok: true, value: ours } : offerOf(caller.invite, endpoint, caller.secure)
}

/** Writes down when a branch said what; a repeat says nothing new, but a failure after a proof is no repeat. */
export function recordCode(call: Call, { tried }: Branch, status: number): void {
  const repeated = status < 300 && tried?.codes.at(-1)?.status === status
  if (!tried || repeated || tried.codes.length >= codesAtMost) return
  tried.codes = tried.codes.concat({ status, ms: since(call) })
}

function invite(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
  body: Uint8Array,
): CallOrder[] {
  const ring: CallOrder = { type: 'set', ms: ringMs(branch), timer: { timer: 'ring', branch } }
  const silenceMs = branch.provider?.policy.first_response_ms ?? (branch.contact?.relay && relayResponseMs)
  const silence: CallOrder[] = silenceMs
    ? [{ type: 'set', ms: silenceMs, timer: { timer: 'silence', branch } }]
    : []
  const timers = branch.provider ? silence : [ring, ...silence]
  return [callLeg(branch, buildInvite(call, branch, flow, endpoint, body), flow), ...timers]
}

/** Milliseconds another relay of ours may take to its 100, over a way which loses packets. */
export const relayResponseMs = 3_000

/** What the last INVITE missed is made good, with the same offer. */
export function inviteAgain(call: Call, branch: Branch, endpoint: SipEndpoint): CallOrder[] {
  const { flow } = branch
  const body = (branch.invite && sdpBody(branch.invite)) ?? noBody
  return flow ? [...stopTimers(branch), ...invite(call, branch, flow, endpoint, body)] : []
}

/**
 * Who refuses sound as it was offered is offered it once more in the other way (otherKeying), and who refuses to be offered
 * none is offered some. undefined: there is no other way.
 */
export function offerOtherwise(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  const { flow } = branch
  const ours = offerOfOurs(call, branch, response, endpoint)
  if (ours && flow) return [...stopTimers(branch), ...invite(call, branch, flow, endpoint, ours)]
  const offer = offered(call, endpoint)
  const keying = offer?.ok && flow ? otherKeying(branch, response) : undefined
  if (!offer?.ok || !flow || keying === undefined) return undefined
  // Keys are between each leg and us.
  branch.straight = false
  const again = rewriteFor(call, branch, offer.value, endpoint, { only: codecsFor(branch), keying })
  if (!again) return undefined
  return [...stopTimers(branch), ...invite(call, branch, flow, endpoint, sdpBytes(again))]
}

/** Whether a branch's sound is encrypted: as its provider, its extension or its PBX has it. */
function secureOf({ decision }: Hunt, provider: CalledPeer | undefined): SecurePolicy {
  if (provider) return provider.secure ?? 'allowed'
  const { targets } = decision ?? {}
  if (targets?.kind === 'extension') return targets.extension.secure ?? 'allowed'
  return (targets?.kind === 'trunk' ? targets.trunk.secure : undefined) ?? 'allowed'
}

/** Milliseconds this branch may ring. */
export function ringMs({ provider, hunt }: Branch): number {
  return provider ? (hunt.sought?.ring_ms ?? provider.policy.answer_ms) : hunt.rounds.ms
}

function newAttempt(call: Call, { sought }: Hunt, provider: CalledPeer | undefined): Branch['attempt'] {
  const attempt: Attempt = {
    provider_id: provider?.provider_id ?? null,
    route_id: provider?.route_id ?? null,
    provider_name: provider?.name ?? '',
    address: provider?.hostname ?? '',
    transport: provider?.transport ?? null,
    status: 0,
    reason: '',
    decision: null,
    started_ms: since(call),
    ended_ms: null,
    pdd_ms: null,
    answered_ms: null,
    talked_ms: null,
    tries: [],
    counts: true,
    destination: sought?.target ?? null,
    cause: null,
  }
  return attempt
}

/** Carriers' are those of thousands of calls. */
function addressOf({ address, port }: Flow): string {
  return addresses.once(hostPort(address, port))
}

const addresses = new SharedTexts(1_000)

function newTry(call: Call, flow: Flow): AddressTry {
  const started_ms = since(call)
  return {
    address: addressOf(flow),
    transport: flow.transport,
    status: 0,
    reason: '',
    codes: [],
    started_ms,
    ended_ms: null,
  }
}
