import type { CredentialAnswer, MonotonicMs, RouteDecision, RouteQuestion, UtcMs } from '#contract'
import type { AuthFailure } from '../auth/auth-failure.ts'
import type { ChallengeAdmission, CredentialLookup } from '../auth/authenticator.ts'
import { type Challenger, failureOf } from '../auth/challenger.ts'
import type { SuspectAnswer } from '../auth/login-throttle.ts'
import type { SourceBlock } from '../auth/source-blocks.ts'
import type { ActiveCall } from '../call/call-index.ts'
import type { Calls } from '../call/calls.ts'
import { codecsOf } from '../call/offer-answer.ts'
import { refusalOf, sipReason } from '../call/reason.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Flow } from '../ground/flow.ts'
import type { QuotaWait } from '../limits/quota-wait.ts'
import type { Domains } from '../policy/domains.ts'
import { questionOf, registrationTokenOf, routeQuestion } from '../policy/route-question.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { Admission, AdmissionControl, ServedDomains } from './admission.ts'
import { AuthFailures } from './auth-failures.ts'
import { blockEffects } from './block-effects.ts'
import { CredentialLookups } from './credential-lookups.ts'
import { PendingRequests } from './pending-requests.ts'
import { RefusedCalls } from './refused-calls.ts'
import type { StatelessReplies } from './stateless-replies.ts'

/** What the UAS needs of the rooms around it. */
interface UasDeps {
  readonly endpoint: SipEndpoint
  readonly served: ServedDomains
  readonly effects: EffectBuffer
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly challenger: Challenger
  readonly registrar: Registrar
  readonly admission: AdmissionControl
  readonly calls: Calls
  readonly routing: RoutingClient
  readonly domains: Domains
  readonly quotaWait: QuotaWait
  /** UTC of the event being handled, in whole milliseconds. */
  at(): UtcMs
  /** Carries what the transaction layer ordered. */
  carry(now: MonotonicMs, outputs: readonly TransactionOutput[]): void
}

/** Above so many open transactions or unanswered questions, strangers are asked to come back (RFC 3261 §21.5.4). */
const crowd = { transactions: 200_000, questions: 2_000 }

/**
 * The UAS towards strangers (RFC 3261 §8.2): a request outside any dialog becomes a refusal, a registration, a call.
 *
 * Admission control says what each is let in as; this is where the edge is asked meanwhile, and where an
 * INVITE which still waits for that can be taken back.
 */
export class Uas {
  readonly #deps: UasDeps
  readonly #pending = new PendingRequests()
  readonly #lookups: CredentialLookups
  readonly #refusedCalls: RefusedCalls
  readonly #authFailures: AuthFailures

  constructor(deps: UasDeps) {
    this.#deps = deps
    this.#lookups = new CredentialLookups(deps.routing)
    this.#refusedCalls = new RefusedCalls(deps.endpoint, (tell) => deps.effects.emit({ type: 'tell', tell }))
    this.#authFailures = new AuthFailures(deps.endpoint, deps.effects.emit)
  }

  nextDeadline(): number | undefined {
    const [refusals, failures] = [this.#refusedCalls.nextDeadline(), this.#authFailures.nextDeadline()]
    return refusals === undefined || failures === undefined
      ? (refusals ?? failures)
      : Math.min(refusals, failures)
  }

  tick(now: MonotonicMs): void {
    this.#refusedCalls.tick(now, this.#deps.at())
    this.#authFailures.tick(now, this.#deps.at())
  }

  /** Nothing more will come in. */
  stop(): void {
    this.#refusedCalls.stop(this.#deps.at())
    this.#authFailures.stop(this.#deps.at())
  }

  /** A request outside any dialog, and of no account yet. */
  meet(now: MonotonicMs, request: Request, flow: Flow): void {
    const { replies, calls, transactions } = this.#deps
    if (transactions.merged(request)) return replies.refuse(request, flow, 482)
    if (calls.index.loops(request)) return replies.refuse(request, flow, 482)
    if (!this.#pending.has(request)) this.#admit(now, request, flow)
  }

  /** Takes back an INVITE which still waits for the edge; false: none of this flow does. */
  cancel(request: Request, flow: Flow): boolean {
    if (!this.#pending.cancel(request, flow)) return false
    this.#deps.replies.refuse(request, flow, 200)
    return true
  }

  #admit(now: MonotonicMs, request: Request, flow: Flow): void {
    const { effects, admission: admissionControl, transactions, at } = this.#deps
    const busy = transactions.size > crowd.transactions || effects.asked > crowd.questions
    this.#let(now, request, flow, admissionControl.admit(now, at(), request, flow, busy))
  }

  #let(now: MonotonicMs, request: Request, flow: Flow, admission: Admission): void {
    const { effects, replies } = this.#deps
    switch (admission.to) {
      case 'drop':
        return effects.note('debug', 'sip.dropped', {
          why: admission.why,
          method: request.method,
          from: flow.address,
        })
      case 'refuse':
        this.#failed(now, request, flow, admission.status, admission.failed)
        this.#blocked(admission.sourceBlock)
        return replies.refuse(request, flow, admission.status, admission.reason, admission.headers)
      case 'challenge':
        this.#failed(now, request, flow, admission.proxy ? 407 : 401, admission.failed)
        this.#blocked(admission.sourceBlock)
        return this.#challenge(request, flow, admission)
      case 'ask':
        return this.#lookUpCredential(now, request, flow, admission)
      case 'register':
        return this.#register(now, request, flow, admission)
      case 'call':
        return admission.account
          ? this.#call(now, request, flow, admission.account)
          : this.#incoming(now, request, flow, admission.otherwise)
    }
  }

  #failed(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    status: number,
    failed: AuthFailure | undefined,
  ): void {
    if (failed) this.#authFailures.add(now, this.#deps.at(), failed, { request, flow, status })
  }

  /** A source was blocked just now: its customers and the operator are told. */
  #blocked(block: SourceBlock | undefined): void {
    if (block) for (const effect of blockEffects(this.#deps.endpoint, block)) this.#deps.effects.emit(effect)
  }

  #challenge(request: Request, flow: Flow, admission: ChallengeAdmission): void {
    const { effects, replies, challenger, at } = this.#deps
    if (admission.blocked) effects.note('warn', 'auth.blocked', { ...admission.blocked, from: flow.address })
    replies.send(challenger.challenge(at(), request, { ...admission, flow }), request, flow)
  }

  #lookUpCredential(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { question, guess }: CredentialLookup,
  ): void {
    const { admission: admissionControl } = this.#deps
    if (!this.#lookups.hasRoom(flow))
      return this.#admitAgain(now, request, flow, { guess, why: 'too many wait' })
    this.#pending.begin(request, flow)
    this.#lookups.ask(now, question, flow, (later, said, why) => {
      const cancelled = this.#pending.end(request)
      if (said) admissionControl.remember(later, question, said)
      this.#admitAgain(later, request, flow, { said, guess, why, cancelled })
    })
  }

  /**
   * After the edge was asked. Where it said nothing, whom we knew lately comes in all the same, and others come back
   * later. A request which was taken back meanwhile is looked at as well: a guess may not be made for nothing.
   */
  #admitAgain(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { said, guess, why, cancelled }: LookupOutcome,
  ): void {
    const { replies, admission: admissionControl, at } = this.#deps
    if (!said) this.#unanswered(why, request)
    const admission = admissionControl.admitAgain(now, at(), request, flow, said, guess)
    if (cancelled) return replies.refuse(request, flow, 487)
    if (admission) this.#let(now, request, flow, admission)
    else replies.later(request, flow)
  }

  #register(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { verified }: Extract<Admission, { to: 'register' }>,
  ): void {
    const { effects, registrar, transactions, at, carry } = this.#deps
    const id = transactions.open(now, request, flow)
    const { response, tells, failed } = registrar.register(now, at(), request, flow, verified)
    if (failed) this.#failed(now, request, flow, response.status, failureOf(failed, verified))
    effects.tell(tells)
    carry(now, transactions.respond(now, id, response))
  }

  /** A phone, or a PBX, which proved itself calls. */
  #call(now: MonotonicMs, request: Request, flow: Flow, account: ProvedAccount): void {
    const { domains, quotaWait, calls } = this.#deps
    const active = this.#open(now, request, flow, false)
    const asked = routeQuestion(active, callerOf(account), codecsOf(request))
    const question = { ...asked, to: { ...asked.to, host: domains.canonical(asked.to.host) } }
    quotaWait.route(now, question, (later, decision, why) => {
      if (decision) calls.decided(later, active, decision)
      else calls.step(later, active, 'undecided', { why })
    })
  }

  /** A call from a bare address, which may be a provider's or a PBX's. */
  #incoming(now: MonotonicMs, request: Request, flow: Flow, otherwise?: ChallengeAdmission): void {
    const { quotaWait, replies, endpoint, at } = this.#deps
    const { address, port, transport } = flow
    const caller: RouteQuestion['caller'] = {
      kind: 'source',
      address,
      port,
      transport,
      line: registrationTokenOf(request),
    }
    const question = questionOf(endpoint.entropy.uuid(at()), request, caller, codecsOf(request))
    this.#pending.begin(request, flow)
    quotaWait.route(now, question, (later, decision, why) => {
      const cancelled = this.#pending.end(request)
      this.#settle(later, request, flow, decision, otherwise?.realm)
      if (!decision) {
        this.#unanswered(why, request)
        return replies.later(request, flow)
      }
      if (cancelled) return replies.refuse(request, flow, 487)
      if (otherwise && isNobody(decision)) return this.#challenge(request, flow, otherwise)
      this.#arrived(later, request, flow, decision)
    })
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
      this.#deps.at(),
      { customerId, reason, rule, why, to: requestUri.slice(0, 200) },
      flow,
    )
  }

  #arrived(now: MonotonicMs, request: Request, flow: Flow, decision: RouteDecision): void {
    const { served, replies, calls } = this.#deps
    const customers = decision.kind === 'connect' || isNobody(decision) ? null : decision.customer_id
    const kept = customers !== null && this.#refusedCalls.mayKeep(now, customers, flow)
    if (decision.kind === 'connect' || kept)
      return calls.decided(now, this.#open(now, request, flow, true), decision)
    if ((customers === null && served.unknownSource !== 'refuse') || decision.status === 0) return
    const why = sipReason(decision.status, refusalOf(decision))
    replies.refuse(request, flow, decision.status, undefined, [why])
  }

  #open(now: MonotonicMs, request: Request, flow: Flow, trusted: boolean): ActiveCall {
    const { calls, transactions, carry } = this.#deps
    const id = transactions.open(now, request, flow)
    const active = calls.open(now, request, flow, id, trusted)
    carry(now, transactions.respond(now, id, reply(request, 100, { flow })))
    return active
  }

  #unanswered(why: string, { method }: Request): void {
    this.#deps.effects.note('warn', 'edge.unanswered', { why, method })
  }
}

/** What came of asking the edge about an account. */
interface LookupOutcome {
  readonly said?: CredentialAnswer | undefined
  readonly guess: SuspectAnswer | undefined
  readonly why: string
  readonly cancelled?: boolean
}

type RejectDecision = Extract<RouteDecision, { kind: 'reject' }>
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
