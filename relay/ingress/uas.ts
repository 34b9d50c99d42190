import type { CredentialAnswer, CredentialQuestion, MonotonicMs } from '#contract'
import type { AuthFailure } from '../auth/auth-failure.ts'
import type { CredentialLookup } from '../auth/auth-result.ts'
import { failureOf } from '../auth/challenger.ts'
import type { SuspectAnswer } from '../auth/login-throttle.ts'
import type { SourceBlock } from '../auth/source-blocks.ts'
import type { CallMade, CallReferred } from '../call/call-orders.ts'
import { earliestOf } from '../ground/deadlines.ts'
import type { Input } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { QuestionNumbers } from '../ground/questions.ts'
import type { CallDecided } from '../policy/quota-wait.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { AccountReply, RoutingEvent } from '../policy/routing-events.ts'
import type { MessageWaiting } from '../registrar/message-waiting.ts'
import type { Neighbours } from '../registrar/neighbours.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { Request } from '../sip/message.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { Admission } from './admission.ts'
import { AdmittedInvites, type AdmittedInvitesDeps } from './admitted-invites.ts'
import { AuthFailures } from './auth-failures.ts'
import { blockEffects } from './block-effects.ts'
import { CredentialLookups } from './credential-lookups.ts'
import { HandedOn } from './handed-on.ts'
import type { IngressOutput } from './ingress-effects.ts'
import { PendingRequests } from './pending-requests.ts'

/** The rooms on which the UAS stands. */
interface UasDeps extends AdmittedInvitesDeps {
  readonly numbers: QuestionNumbers
  readonly registrar: Registrar
  readonly neighbours: Neighbours
  readonly messageWaiting: MessageWaiting
  readonly routing: RoutingClient
}

/** What happens to strangers. */
type UasInput =
  | Extract<TransactionOutput, { type: 'request' }>
  | CallDecided
  | CallReferred
  | CallMade
  | Extract<RoutingEvent, { type: 'account' }>
  | Extract<Input, { type: 'closed' | 'drain' | 'resume' | 'stop' }>
  | { readonly type: 'tick' }

/** A request which waits for what the edge says of its account. */
interface WaitingRequest {
  readonly request: Request
  readonly flow: Flow
  readonly guess: SuspectAnswer | undefined
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
  readonly #lookups: CredentialLookups<WaitingRequest>
  readonly #invites: AdmittedInvites
  readonly #authFailures: AuthFailures
  readonly #handedOn: HandedOn
  /** Those in here which want to be told the time. */
  readonly #waiting: Parameters<typeof earliestOf>[0]

  constructor(deps: UasDeps) {
    this.#deps = deps
    this.#handedOn = new HandedOn(deps)
    this.#lookups = new CredentialLookups(deps.routing)
    this.#invites = new AdmittedInvites(deps, this.#pending)
    this.#authFailures = new AuthFailures(deps.endpoint, (effect) => deps.effects.emit(effect))
    this.#waiting = [this.#invites, this.#authFailures]
  }

  nextDeadline(): number | undefined {
    return earliestOf(this.#waiting)
  }

  receive(event: UasInput, now: MonotonicMs): IngressOutput[] {
    const { admission, clock, effects } = this.#deps
    switch (event.type) {
      case 'request':
        this.#requested(now, event.request, event.flow)
        break
      case 'decided':
        this.#invites.decided(now, event.callId, event)
        break
      case 'referred':
        this.#invites.referred(now, event)
        break
      case 'made':
        this.#invites.made(now, event)
        break
      case 'account':
        for (const waiting of this.#lookups.answered(event.question))
          this.#lookedUp(now, waiting, event.question, event)
        break
      case 'closed':
        admission.forget(event.flow)
        break
      case 'drain':
      case 'resume':
        admission.closed = event.type === 'drain'
        // Other relays take its part at once.
        effects.emit({ type: 'beat' })
        break
      case 'stop':
        // Nothing more will come in.
        this.#invites.stop()
        this.#authFailures.stop(clock.at)
        break
      case 'tick':
        this.#invites.tick(now)
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
    if (flow.neighbour !== undefined) return this.#handedOn.receive(now, request, flow, flow.neighbour)
    const refused = this.#pending.refusalOf(now, request)
    if (refused !== undefined) return replies.waited(request, flow, refused)
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
        return replies.challenge(request, flow, admission)
      case 'ask':
        return this.#lookUpCredential(now, request, flow, admission)
      case 'register':
        return this.#register(now, request, flow, admission)
      case 'call':
        return admission.account
          ? this.#invites.proved(now, request, flow, admission.account)
          : this.#invites.fromAddress(now, request, flow, admission.otherwise)
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
    if (said) this.#learn(now, question, said)
    this.#admitAgain(now, request, flow, { said, guess, why, cancelled })
  }

  /** Keeps the edge's answer. Where an account was deleted and made anew, what its name had before ends at once. */
  #learn(now: MonotonicMs, question: CredentialQuestion, said: CredentialAnswer): void {
    const { admission, registrar, effects, clock } = this.#deps
    const before = admission.known(now, question)?.extension_id
    admission.remember(now, question, said)
    if (before === undefined || said.kind !== 'known' || said.extension_id === before) return
    effects.tell(registrar.revoke(clock.at, before, undefined, 'ACCOUNT_DELETED'))
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
    if (!said) replies.edgeSilent(why, request)
    const admission = admissionControl.admitAgain(now, clock.at, request, flow, said, guess)
    if (admission && !cancelled) return this.#let(now, request, flow, admission)
    const status = cancelled ? 487 : 503
    this.#pending.refuse(now, request, flow, status)
    replies.waited(request, flow, status)
  }

  #register(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { verified }: Extract<Admission, { to: 'register' }>,
  ): void {
    const { effects, registrar, transactions, clock, messageWaiting } = this.#deps
    if (request.method === 'SUBSCRIBE') {
      const id = transactions.open(now, request, flow)
      const { response, after } = messageWaiting.subscribe(now, request, flow, verified)
      effects.pass(transactions.respond(now, id, response))
      return effects.pass(after())
    }
    const { response, tells, failed } = registrar.register(now, clock.at, request, flow, verified)
    if (failed) this.#failed(now, request, flow, response.status, failureOf(failed, verified))
    effects.tell(tells)
    effects.pass(transactions.answer(now, request, flow, response))
    if (response.status === 200) effects.pass(messageWaiting.registered(now, clock.at, verified))
  }
}

/** What came of asking the edge about an account. */
interface LookupOutcome {
  readonly said?: CredentialAnswer | undefined
  readonly guess: SuspectAnswer | undefined
  readonly why: string
  readonly cancelled?: boolean
}
