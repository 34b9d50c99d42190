import type { MonotonicMs, RejectDecision, RouteDecision, RouteQuestion } from '#contract'
import type { ChallengeAdmission } from '../auth/auth-result.ts'
import type { ActiveCall } from '../call/call-index.ts'
import type { CallMade, CallReferred } from '../call/call-orders.ts'
import type { Calls } from '../call/calls.ts'
import { codecsOf, warning } from '../call/offer-answer.ts'
import { refusalOf, sipReason } from '../call/reason.ts'
import { replacedBy } from '../call/replaces.ts'
import { placeLeavesTls, sipsNotAllowed } from '../call/sips.ts'
import type { Clock } from '../ground/clock.ts'
import type { Flow } from '../ground/flow.ts'
import type { Domains } from '../policy/domains.ts'
import type { QuotaWait } from '../policy/quota-wait.ts'
import { questionOf, registrationTokenOf, routeQuestion } from '../policy/route-question.ts'
import type { Routed } from '../policy/routing-events.ts'
import type { Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { Admission, AdmissionControl, ServedDomains } from './admission.ts'
import type { IngressEffects } from './ingress-effects.ts'
import type { PendingRequests } from './pending-requests.ts'
import { RefusedCalls } from './refused-calls.ts'
import type { StatelessReplies } from './stateless-replies.ts'

/** The rooms on which INVITEs which were let in stand. */
export interface AdmittedInvitesDeps {
  readonly endpoint: SipEndpoint
  readonly clock: Clock
  readonly served: ServedDomains
  readonly effects: IngressEffects
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly admission: AdmissionControl
  readonly calls: Calls
  readonly domains: Domains
  readonly quotaWait: QuotaWait
}

/** What waits for a decision: a call which is there, or an INVITE which may become one. */
type WaitingDecision =
  | { readonly active: ActiveCall }
  | { readonly request: Request; readonly flow: Flow; readonly otherwise: ChallengeAdmission | undefined }

/** An INVITE which was let in is decided, and becomes a call; one from a bare address may still be refused. */
export class AdmittedInvites {
  readonly #deps: AdmittedInvitesDeps
  readonly #pending: PendingRequests
  /** By the id of their question's call. */
  readonly #undecided = new Map<string, WaitingDecision>()
  readonly #refusedCalls: RefusedCalls

  constructor(deps: AdmittedInvitesDeps, pending: PendingRequests) {
    this.#deps = deps
    this.#pending = pending
    this.#refusedCalls = new RefusedCalls(deps.endpoint, (tell) => deps.effects.emit({ type: 'tell', tell }))
  }

  nextDeadline(): number | undefined {
    return this.#refusedCalls.nextDeadline()
  }

  tick(now: MonotonicMs): void {
    this.#refusedCalls.tick(now, this.#deps.clock.at)
  }

  /** Nothing more will come in. */
  stop(): void {
    this.#refusedCalls.stop(this.#deps.clock.at)
  }

  /** A phone, or a PBX, which proved itself calls. */
  proved(now: MonotonicMs, request: Request, flow: Flow, account: ProvedAccount): void {
    if (this.#replaces(now, request, flow, account)) return
    const { domains } = this.#deps
    const active = this.#open(now, request, flow, false)
    const asked = routeQuestion(active, callerOf(account), codecsOf(request))
    const question = { ...asked, to: { ...asked.to, host: domains.canonical(asked.to.host) } }
    this.#route(now, question, { active })
  }

  /** Whether it is to take the place of a party of a call: it does, or is refused. */
  #replaces(now: MonotonicMs, request: Request, flow: Flow, account?: ProvedAccount): boolean {
    if (request.header('replaces') === undefined) return false
    const { calls, replies, transactions, effects, endpoint } = this.#deps
    const found = replacedBy(request, account?.customer_id, calls.index, endpoint)
    if (found === undefined) return false
    if ('why' in found || !account) {
      const { status, why } = 'why' in found ? found : { status: 481, why: '' }
      replies.refuse(request, flow, status, undefined, [sipReason(status, why)])
      return true
    }
    if (placeLeavesTls({ call: found.active.call, leg: found.leg }, request, flow)) {
      const words = warning(endpoint, sipsNotAllowed, 'SIPS Not Allowed: no TLS to both')
      replies.refuse(request, flow, 480, undefined, [words])
      return true
    }
    const transaction = transactions.open(now, request, flow)
    const as = { kind: account.account, id: account.extension_id }
    effects.pass(calls.replace(now, found, { invite: request, flow, transaction, trusted: false }, as))
    return true
  }

  /** A call which a transfer leads to is decided as if the party which asks for it had dialled it. */
  referred(now: MonotonicMs, { active, caller }: CallReferred): void {
    const { domains, admission, calls, effects } = this.#deps
    const { invite } = active.call.caller
    if (!admission.names(invite)) return effects.pass(calls.decided(now, active, elsewhere(active, caller)))
    const asked = routeQuestion(active, caller, codecsOf(invite))
    this.#route(now, { ...asked, to: { ...asked.to, host: domains.canonical(asked.to.host) } }, { active })
  }

  /** A call which no party asked for is decided as any other of its customer's. */
  made(now: MonotonicMs, { active, question }: CallMade): void {
    this.#route(now, question, { active })
  }

  /** A call from a bare address, which may be a provider's or a PBX's. */
  fromAddress(now: MonotonicMs, request: Request, flow: Flow, otherwise?: ChallengeAdmission): void {
    if (this.#replaces(now, request, flow)) return
    const { endpoint, clock } = this.#deps
    const { address, port, transport } = flow
    const caller: RouteQuestion['caller'] = {
      kind: 'source',
      address,
      port,
      transport,
      line: registrationTokenOf(request),
    }
    const question = questionOf(endpoint.entropy.uuid(clock.at), request, caller, codecsOf(request))
    this.#pending.begin(request, flow)
    this.#route(now, question, { request, flow, otherwise })
  }

  #route(now: MonotonicMs, question: RouteQuestion, waiting: WaitingDecision): void {
    const { quotaWait, effects } = this.#deps
    this.#undecided.set(question.call_id, waiting)
    const routed = quotaWait.route(now, question)
    if ('why' in routed) this.decided(now, question.call_id, routed)
    else effects.pass(routed)
  }

  /** What was asked for it is decided. */
  decided(now: MonotonicMs, callId: string, { decision, why }: Routed): void {
    const { effects, calls } = this.#deps
    const waiting = this.#undecided.get(callId)
    this.#undecided.delete(callId)
    if (!waiting) return
    if ('request' in waiting) return this.#incomingDecided(now, waiting, { decision, why })
    const { active } = waiting
    effects.pass(
      decision ? calls.decided(now, active, decision) : calls.step(now, active, 'undecided', { why }),
    )
  }

  #incomingDecided(
    now: MonotonicMs,
    { request, flow, otherwise }: Extract<WaitingDecision, { request: Request }>,
    { decision, why }: Routed,
  ): void {
    const { replies } = this.#deps
    const cancelled = this.#pending.end(request)
    this.#settle(now, request, flow, decision, otherwise?.realm)
    if (!decision) replies.edgeSilent(why, request)
    if (!decision || cancelled) {
      const status = decision ? 487 : 503
      this.#pending.refuse(now, request, flow, status)
      return replies.waited(request, flow, status)
    }
    if (otherwise && isNobody(decision)) return replies.challenge(request, flow, otherwise)
    this.#arrived(now, request, flow, decision)
  }

  /** Remembers whether an address is a provider's or PBX's; one that is not is noted once, not for every packet. */
  #settle(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    decision: RouteDecision | undefined,
    realm: string | undefined,
  ): void {
    const { effects, admission: admissionControl } = this.#deps
    const nobody = decision && isNobody(decision)
    // Who speaks for a realm is asked for a password; that is no news.
    const refused = nobody && realm !== undefined ? undefined : decision
    if (refused?.kind === 'reject') this.#tellRefused(now, request, flow, refused)
    if (!admissionControl.settle(now, flow, decision && !nobody, realm) || !refused || !nobody) return
    effects.note('info', 'call.unknown_source', { from: flow.address, to: request.requestUri.slice(0, 200) })
  }

  /** A refused call is told to the customer whose it would have been; one of no customer, to the operator. */
  #tellRefused(now: MonotonicMs, { requestUri }: Request, flow: Flow, refusal: RejectDecision): void {
    const { customer_id: customerId, reason, message, explanation } = refusal
    const { rule, why } = explanation?.caller ?? { rule: 'none', why: message }
    this.#refusedCalls.add(
      now,
      this.#deps.clock.at,
      { customerId, reason, rule, why, to: requestUri.slice(0, 200) },
      flow,
    )
  }

  #arrived(now: MonotonicMs, request: Request, flow: Flow, decision: RouteDecision): void {
    const { served, replies, calls, effects } = this.#deps
    const customers = decision.kind !== 'reject' || isNobody(decision) ? null : decision.customer_id
    const kept = customers !== null && this.#refusedCalls.mayKeep(now, customers, flow)
    if (decision.kind !== 'reject' || kept)
      return effects.pass(calls.decided(now, this.#open(now, request, flow, true), decision))
    if ((customers === null && served.unknownSource !== 'refuse') || decision.status === 0) return
    const why = sipReason(decision.status, refusalOf(decision))
    replies.refuse(request, flow, decision.status, undefined, [why])
  }

  #open(now: MonotonicMs, request: Request, flow: Flow, trusted: boolean): ActiveCall {
    const { calls, transactions, effects } = this.#deps
    const id = transactions.open(now, request, flow)
    const active = calls.open(now, request, flow, id, trusted)
    effects.pass(transactions.respond(now, id, reply(request, 100, { flow })))
    return active
  }
}

/** No call is made for a transfer to a host which is none of ours, as none is for an INVITE. */
function elsewhere({ call }: ActiveCall, caller: RouteQuestion['caller']): RouteDecision {
  const { record, caller: leg } = call
  const host = (leg.invite.target?.host ?? '').slice(0, 100)
  return {
    kind: 'reject',
    status: 404,
    reason: 'FOREIGN_DOMAIN',
    message: `The transfer leads to ${host}, which is no domain of ours.`,
    customer_id: call.joining?.from.record.customerId ?? null,
    direction: 'internal',
    source: record.source,
    destination: record.destination,
    explanation: null,
    scopes: [],
    extension_id: caller.kind === 'extension' ? caller.extension_id : null,
    trunk_id: caller.kind === 'trunk' ? caller.trunk_id : null,
  }
}

type ProvedAccount = NonNullable<Extract<Admission, { to: 'call' }>['account']>

function callerOf({ account, customer_id, extension_id }: ProvedAccount): RouteQuestion['caller'] {
  return account === 'trunk'
    ? { kind: 'trunk', customer_id, trunk_id: extension_id }
    : { kind: 'extension', customer_id, extension_id }
}

/** No provider is known at this address. */
function isNobody(decision: RouteDecision): boolean {
  return decision.kind === 'reject' && decision.reason === 'UNKNOWN_SOURCE'
}
