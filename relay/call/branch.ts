import type { AddressTry, Attempt } from '#contract'
import { type Flow, hostPort } from '../ground/flow.ts'
import { freshLeg } from '../leg/leg.ts'
import type { Contact } from '../registrar/registrar.ts'
import { type Authorizations, noAuthorizations } from '../sip/authorization.ts'
import { type Header, noBody } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { since, stopTimers } from './ending.ts'
import { buildInvite } from './invite.ts'
import { offerOf, rewriteFor, sdpBytes } from './offer-answer.ts'
import type { Branch, Call, CalledPeer, CallOrder } from './state.ts'

/** A new branch of the search; `attempt` given: one more address inside the same attempt. */
export function newBranch(
  call: Call,
  endpoint: SipEndpoint,
  provider: CalledPeer | undefined,
  contact: Contact | undefined,
  attempt: Branch['attempt'] = newAttempt(call, provider),
): Branch {
  const { entropy } = endpoint
  const branch: Branch = {
    index: call.branches.length,
    attempt,
    tried: undefined,
    provider,
    contact,
    route:
      contact?.path ?? (provider?.provider_id ? call.serviceRoutes.serviceRoute(provider.provider_id) : []),
    callId: entropy.hex(16),
    localTag: entropy.hex(8),
    cseq: 1,
    flows: [],
    flow: undefined,
    invite: undefined,
    state: 'locating',
    heard: 'nothing',
    proofs: noAuthorizations,
    cancelled: false,
    reason: undefined,
    acks: new Map(),
    early: new Map(),
    trusted: provider !== undefined,
    ...freshLeg(String(entropy.below(2 ** 31))),
  }
  call.branches.push(branch)
  return branch
}

/** Sends the INVITE of a branch to one address; undefined: no codec is left of the offer for it. */
export function callAt(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
): CallOrder[] | undefined {
  branch.flow = flow
  branch.attempt.address = hostPort(flow.address, flow.port)
  branch.attempt.transport = flow.transport
  const offer = offerOf(call.caller.invite, endpoint)
  const only = codecsFor(call, branch)
  const sent = offer?.ok ? rewriteFor(call, 'callee', branch.sdp, offer.value, endpoint, { only }) : undefined
  if (offer && !sent) return undefined
  branch.tried = newTry(call, flow)
  branch.attempt.tries.push(branch.tried)
  return invite(call, branch, flow, endpoint, sent ? sdpBytes(sent) : noBody)
}

/** A peer may ring without end. */
const codesAtMost = 16

/** Writes down when a branch said what; a repeat says nothing new, but a failure after a proof is no repeat. */
export function recordCode(call: Call, { tried }: Branch, status: number): void {
  const repeated = status < 300 && tried?.codes.at(-1)?.status === status
  if (!tried || repeated || tried.codes.length >= codesAtMost) return
  tried.codes.push({ status, ms: since(call) })
}

function invite(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
  body: Uint8Array,
  extra: readonly Header[] = [],
): CallOrder[] {
  const built = buildInvite(call, branch, flow, endpoint, body, extra)
  branch.invite = built
  branch.state = 'calling'
  branch.heard = 'nothing'
  const timer: CallOrder = branch.provider
    ? { type: 'set', ms: branch.provider.policy.first_response_ms, timer: { timer: 'silence', branch } }
    : { type: 'set', ms: ringMs(call, branch), timer: { timer: 'ring', branch } }
  return [{ type: 'request', request: built, flow, role: { role: 'invite', branch } }, timer]
}

/** The provider's challenge is answered with the same offer under the next number (RFC 3261 §22.2). */
export function inviteAgain(
  call: Call,
  branch: Branch,
  proofs: Authorizations,
  endpoint: SipEndpoint,
): CallOrder[] {
  branch.proofs = proofs
  branch.cseq++
  const flow = branch.flow
  const body = branch.invite?.body ?? noBody
  return flow ? [...stopTimers(branch), ...invite(call, branch, flow, endpoint, body, proofs.headers)] : []
}

/** Milliseconds this branch may ring. */
export function ringMs(call: Call, branch: Branch): number {
  return branch.provider ? branch.provider.policy.answer_ms : call.rounds.ms
}

/** Encoding names allowed towards a branch; empty allows all. */
export function codecsFor({ decision }: Call, { provider }: Branch): readonly string[] {
  if (provider) return provider.codecs
  return decision?.targets.kind === 'trunk' ? decision.targets.trunk.codecs : []
}

function newAttempt(call: Call, provider: CalledPeer | undefined): Branch['attempt'] {
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
    tries: [],
  }
  return attempt
}

function newTry(call: Call, { address, port, transport }: Flow): AddressTry {
  const started_ms = since(call)
  return {
    address: hostPort(address, port),
    transport,
    status: 0,
    reason: '',
    codes: [],
    started_ms,
    ended_ms: null,
  }
}
