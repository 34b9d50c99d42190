import type {
  CredentialAnswer,
  CredentialQuestion,
  MonotonicMs,
  RouteDecision,
  RouteQuestion,
} from '#contract'
import type { AuthFailure } from '../auth/auth-failure.ts'
import type { ChallengeAdmission, CredentialLookup } from '../auth/authenticator.ts'
import { type Challenger, failureOf } from '../auth/challenger.ts'
import type { SuspectAnswer } from '../auth/login-throttle.ts'
import type { SourceBlock } from '../auth/source-blocks.ts'
import type { ActiveCall } from '../call/call-index.ts'
import type { Calls } from '../call/calls.ts'
import { codecsOf } from '../call/offer-answer.ts'
import { refusalOf, sipReason } from '../call/reason.ts'
import type { Clock } from '../ground/clock.ts'
import type { Input } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { QuestionNumbers } from '../ground/questions.ts'
import type { Domains } from '../policy/domains.ts'
import type { CallDecided, QuotaWait } from '../policy/quota-wait.ts'
import { questionOf, registrationTokenOf, routeQuestion } from '../policy/route-question.ts'
import type { AccountReply, Routed, RoutingClient, RoutingEvent } from '../policy/routing-client.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { Admission, AdmissionControl, ServedDomains } from './admission.ts'
import { AuthFailures } from './auth-failures.ts'
import { blockEffects } from './block-effects.ts'
import { CredentialLookups } from './credential-lookups.ts'
import type { IngressEffects, IngressOutput } from './ingress-effects.ts'
import { PendingRequests } from './pending-requests.ts'
import { RefusedCalls } from './refused-calls.ts'
import type { StatelessReplies } from './stateless-replies.ts'

/** The rooms on which the UAS stands. */
interface UasDeps {
  readonly endpoint: SipEndpoint
  readonly clock: Clock
  readonly numbers: QuestionNumbers
  readonly served: ServedDomains
  readonly effects: IngressEffects
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly challenger: Challenger
  readonly registrar: Registrar
  readonly admission: AdmissionControl
  readonly calls: Calls
  readonly routing: RoutingClient
  readonly domains: Domains
  readonly quotaWait: QuotaWait
}

/** What happens to strangers. */
type UasInput =
  | Extract<TransactionOutput, { type: 'request' }>
  | CallDecided
  | Extract<RoutingEvent, { type: 'account' }>
  | Extract<Input, { type: 'closed' | 'drain' | 'stop' }>
  | { readonly type: 'tick' }

/** A request which waits for what the edge says of its account. */
interface WaitingRequest {
  readonly request: Request
  readonly flow: Flow
  readonly guess: SuspectAnswer | undefined
}

/** What waits for a decision: a call which is there, or an INVITE which may become one. */
type WaitingDecision =
  | { readonly active: ActiveCall }
  | { readonly request: Request; readonly flow: Flow; readonly otherwise: ChallengeAdmission | undefined }

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
  readonly #lookups: CredentialLookups<WaitingRequest>
  /** By the id of their question's call. */
  readonly #undecided = new Map<string, WaitingDecision>()
  readonly #refusedCalls: RefusedCalls
  readonly #authFailures: AuthFailures

  constructor(deps: UasDeps) {
    this.#deps = deps
    this.#lookups = new CredentialLookups(deps.routing)
    this.#refusedCalls = new RefusedCalls(deps.endpoint, (tell) => deps.effects.emit({ type: 'tell', tell }))
    this.#authFailures = new AuthFailures(deps.endpoint, (effect) => deps.effects.emit(effect))
  }

  nextDeadline(): number | undefined {
    const [refusals, failures] = [this.#refusedCalls.nextDeadline(), this.#authFailures.nextDeadline()]
    return refusals === undefined || failures === undefined
      ? (refusals ?? failures)
      : Math.min(refusals, failures)
  }

  receive(event: UasInput, now: MonotonicMs): IngressOutput[] {
    const { admission, clock, effects } = this.#deps
    switch (event.type) {
      case 'request':
        this.#requested(now, event.request, event.flow)
        break
      case 'decided':
        this.#decided(now, event.callId, event)
        break
      case 'account':
        for (const waiting of this.#lookups.answered(event.question))
          this.#lookedUp(now, waiting, event.question, event)
        break
      case 'closed':
        admission.forget(event.flow)
        break
      case 'drain':
        admission.closed = true
        break
      case 'stop':
        // Nothing more will come in.
        this.#refusedCalls.stop(clock.at)
        this.#authFailures.stop(clock.at)
        break
      case 'tick':
        this.#refusedCalls.tick(now, clock.at)
        this.#authFailures.tick(now, clock.at)
    }
    return effects.take()
  }

  /** A request outside any dialog, and of no account yet. */
  #requested(now: MonotonicMs, request: Request, flow: Flow): void {
    const { replies, calls, transactions } = this.#deps
    if (request.method === 'ACK') return
    if (request.method === 'CANCEL') {
      // It may take back an INVITE which still waits for the edge.
      return replies.refuse(request, flow, this.#pending.cancel(request, flow) ? 200 : 481)
    }
    if (transactions.merged(request)) return replies.refuse(request, flow, 482)
    if (calls.index.loops(request)) return replies.refuse(request, flow, 482)
    if (!this.#pending.has(request)) this.#admit(now, request, flow)
  }

  #admit(now: MonotonicMs, request: Request, flow: Flow): void {
    const { admission: admissionControl, transactions, numbers, clock } = this.#deps
    const busy = transactions.size > crowd.transactions || numbers.open > crowd.questions
    this.#let(now, request, flow, admissionControl.admit(now, clock.at, request, flow, busy))
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
    if (failed) this.#authFailures.add(now, this.#deps.clock.at, failed, { request, flow, status })
  }

  /** A source was blocked just now: its customers and the operator are told. */
  #blocked(block: SourceBlock | undefined): void {
    if (block) for (const effect of blockEffects(this.#deps.endpoint, block)) this.#deps.effects.emit(effect)
  }

  #challenge(request: Request, flow: Flow, admission: ChallengeAdmission): void {
    const { effects, replies, challenger, clock } = this.#deps
    if (admission.blocked) effects.note('warn', 'auth.blocked', { ...admission.blocked, from: flow.address })
    replies.send(challenger.challenge(clock.at, request, { ...admission, flow }), request, flow)
  }

  #lookUpCredential(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { question, guess }: CredentialLookup,
  ): void {
    if (!this.#lookups.hasRoom(flow))
      return this.#admitAgain(now, request, flow, { guess, why: 'too many wait' })
    this.#pending.begin(request, flow)
    const waiting = { request, flow, guess }
    const asked = this.#lookups.ask(now, question, flow, waiting)
    if ('why' in asked) this.#lookedUp(now, waiting, question, asked)
    else this.#deps.effects.pass(asked)
  }

  #lookedUp(
    now: MonotonicMs,
    { request, flow, guess }: WaitingRequest,
    question: CredentialQuestion,
    { answer: said, why }: AccountReply,
  ): void {
    const cancelled = this.#pending.end(request)
    if (said) this.#deps.admission.remember(now, question, said)
    this.#admitAgain(now, request, flow, { said, guess, why, cancelled })
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
    const { replies, admission: admissionControl, clock } = this.#deps
    if (!said) this.#unanswered(why, request)
    const admission = admissionControl.admitAgain(now, clock.at, request, flow, said, guess)
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
    const { effects, registrar, transactions, clock } = this.#deps
    const id = transactions.open(now, request, flow)
    const { response, tells, failed } = registrar.register(now, clock.at, request, flow, verified)
    if (failed) this.#failed(now, request, flow, response.status, failureOf(failed, verified))
    effects.tell(tells)
    effects.pass(transactions.respond(now, id, response))
  }

  /** A phone, or a PBX, which proved itself calls. */
  #call(now: MonotonicMs, request: Request, flow: Flow, account: ProvedAccount): void {
    const { domains } = this.#deps
    const active = this.#open(now, request, flow, false)
    const asked = routeQuestion(active, callerOf(account), codecsOf(request))
    const question = { ...asked, to: { ...asked.to, host: domains.canonical(asked.to.host) } }
    this.#route(now, question, { active })
  }

  /** A call from a bare address, which may be a provider's or a PBX's. */
  #incoming(now: MonotonicMs, request: Request, flow: Flow, otherwise?: ChallengeAdmission): void {
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
    if ('why' in routed) this.#decided(now, question.call_id, routed)
    else effects.pass(routed)
  }

  #decided(now: MonotonicMs, callId: string, { decision, why }: Routed): void {
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
    if (!decision) {
      this.#unanswered(why, request)
      return replies.later(request, flow)
    }
    if (cancelled) return replies.refuse(request, flow, 487)
    if (otherwise && isNobody(decision)) return this.#challenge(request, flow, otherwise)
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
    const customers = decision.kind === 'connect' || isNobody(decision) ? null : decision.customer_id
    const kept = customers !== null && this.#refusedCalls.mayKeep(now, customers, flow)
    if (decision.kind === 'connect' || kept)
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
