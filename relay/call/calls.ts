import type { MonotonicMs, RouteDecision } from '#contract'
import type { Observation } from '#routing'
import { wholeUtcAt } from '../ground/clock.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Effect, Input } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { type MediaReport, sessionId } from '../ground/media.ts'
import { locatedBy, type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import { admitCall } from '../limits/admit-call.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Ports } from '../media/ports.ts'
import type { Contact, Registrar } from '../registrar/registrar.ts'
import type { Request, Response } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { recordCode } from './branch.ts'
import { table } from './call.ts'
import { type ActiveCall, CallIndex } from './call-index.ts'
import { CallPorts } from './call-ports.ts'
import { CallRequests, type CallResult } from './call-requests.ts'
import { CallTimers } from './call-timers.ts'
import { hostQuestion, leadOf, lookUpMs } from './hosts.ts'
import { mediaRecordOf } from './media-record.ts'
import { newCall } from './new-call.ts'
import { unknownHost } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { callTell, endedNote } from './record.ts'
import { Reputation } from './reputation.ts'
import { scopesOf } from './scopes.ts'
import type {
  Branch,
  CallEvents,
  CallOrder,
  CallTimer,
  ConnectDecision,
  InDialogRequest,
  ServiceRoutes,
  Side,
} from './state.ts'

/** The rooms calls stand on. */
interface CallsDeps {
  readonly endpoint: SipEndpoint
  readonly numbers: QuestionNumbers
  readonly transactions: Transactions
  readonly ports: Ports
  readonly ledger: Ledger
  readonly registrar: Pick<Registrar, 'contacts'>
  readonly serviceRoutes: ServiceRoutes
}

/** How a call to a provider went says how the provider is. */
export interface ProviderObserved {
  readonly type: 'observed'
  readonly providerId: string
  readonly seen: Observation
}

type CallsOutput = Effect | TransactionOutput | ProviderObserved

/** What happens to calls. */
type CallsInput =
  | ClientOutput
  | Reply
  | Extract<Input, { type: 'media' | 'stop' }>
  | { readonly type: 'tick' }

/** What in a call waits until it is known where a host leads. */
type WaitingForHost = { readonly active: ActiveCall } & (
  | { readonly for: 'branch'; readonly branch: Branch }
  | { readonly for: 'side'; readonly host: string; readonly side: Side }
  | { readonly for: 'decision'; readonly host: string; readonly decided: RouteDecision }
  | { readonly for: 'request'; readonly host: string; readonly asked: InDialogRequest }
)

/** All calls: carries out what their machines order, and brings them what happens. */
export class Calls {
  readonly #deps: CallsDeps
  readonly #effects = new EffectBuffer<TransactionOutput | ProviderObserved>()
  readonly #index = new CallIndex()
  readonly #timers = new CallTimers()
  readonly #requests: CallRequests
  readonly #ports: CallPorts
  readonly #questions: Questions<WaitingForHost>
  readonly #reputation = new Reputation()
  /** Requests which wait until it is known where the host in their offer leads, by transaction. */
  readonly #awaitingLookup = new Map<number, InDialogRequest>()
  #sessions = 0

  constructor(deps: CallsDeps) {
    this.#deps = deps
    this.#requests = new CallRequests(deps.transactions)
    this.#ports = new CallPorts(deps.ports, (effect) => this.#effects.emit(effect))
    this.#questions = new Questions(this.#effects, deps.numbers)
  }

  get active(): number {
    return this.#index.active
  }

  get legs(): number {
    return this.#index.legs
  }

  /** How what comes in finds its call. */
  get index(): Omit<CallIndex, 'add' | 'remove' | 'addServer' | 'removeServer' | 'addDialog' | 'addBranch'> {
    return this.#index
  }

  nextDeadline(): number | undefined {
    return this.#timers.nextDeadline()
  }

  receive(event: CallsInput, now: MonotonicMs): CallsOutput[] | undefined {
    switch (event.type) {
      case 'media':
        this.#media(now, event.report)
        break
      case 'stop':
        for (const active of this.#index.all()) this.#step(now, active, 'stop', undefined)
        break
      case 'tick':
        for (let due = this.#timers.due(now); due; due = this.#timers.due(now))
          this.#ring(now, due.active, due.timer)
        break
      case 'answered':
      case 'unanswered': {
        const waiting = this.#questions.answered(event)
        if (!waiting) return undefined
        this.#answered(now, waiting, event)
        break
      }
      default: {
        const result = this.#requests.heard(event)
        if (!result) return undefined
        this.#heard(now, result)
      }
    }
    return this.#effects.take()
  }

  /** A call begins: its INVITE's server transaction is open. `ask` is left to the caller. */
  open(now: MonotonicMs, request: Request, flow: Flow, transaction: number, trusted: boolean): ActiveCall {
    const arrival = { request, flow, transaction, trusted }
    const call = newCall(now, sessionId(++this.#sessions), arrival, this.#deps)
    const active: ActiveCall = {
      machine: { state: 'routing', memory: { call, endpoint: this.#deps.endpoint } },
      call,
      timers: new Map(),
      inviteIds: new Map(),
      outstanding: 0,
      mediaClosed: true,
      portRefusals: 0,
      finalTold: false,
      endLogged: false,
    }
    this.#index.add(active)
    return active
  }

  /** It is decided; ports and contacts are fetched only for a call which connects and which no limit stops. */
  decided(now: MonotonicMs, active: ActiveCall, decision: RouteDecision): CallsOutput[] {
    this.#decided(now, active, decision)
    return this.#effects.take()
  }

  /** One side asks something inside its dialog; the host its offer names is looked up first. */
  request(now: MonotonicMs, active: ActiveCall, asked: InDialogRequest): CallsOutput[] {
    this.#requested(now, active, asked)
    return this.#effects.take()
  }

  /** One side takes its INVITE back. */
  cancel(now: MonotonicMs, active: ActiveCall, cancelled: CallEvents['cancel']): CallsOutput[] {
    const asked = this.#awaitingLookup.get(cancelled.transaction)
    if (!asked) return this.step(now, active, 'cancel', cancelled)
    this.#awaitingLookup.delete(cancelled.transaction)
    this.#carryOut(now, active, refuseRequest(asked, 487))
    return this.#effects.take()
  }

  /** Brings one event to a call. */
  step<E extends keyof CallEvents>(
    now: MonotonicMs,
    active: ActiveCall,
    name: E,
    event: CallEvents[E],
  ): CallsOutput[] {
    this.#step(now, active, name, event)
    return this.#effects.take()
  }

  #step<E extends keyof CallEvents>(
    now: MonotonicMs,
    active: ActiveCall,
    name: E,
    event: CallEvents[E],
  ): void {
    active.call.now = now
    const orders = turn(table, active.machine, name, event)
    this.#count(now, active)
    for (const order of orders) this.#carryOut(now, active, order)
    this.#settle(now, active)
  }

  #decided(now: MonotonicMs, active: ActiveCall, decided: RouteDecision): void {
    // The caller may have left while we asked.
    if (active.machine.state !== 'routing') return
    const host =
      decided.kind === 'connect' && unknownHost(active.call, active.call.caller.invite, this.#deps.endpoint)
    if (host) return this.#lookUp({ for: 'decision', active, host, decided })
    const decision = admitCall(this.#deps.ledger, now, active.call.id, decided)
    const connect = decision.kind === 'connect' ? decision : undefined
    const ports = connect ? this.#ports.take(now) : ''
    const contacts = connect ? this.#contacts(now, connect.targets) : []
    if (typeof ports === 'object') active.mediaClosed = false
    this.#step(now, active, 'decided', { decision, contacts, ports })
  }

  #requested(now: MonotonicMs, active: ActiveCall, asked: InDialogRequest): void {
    const host = unknownHost(active.call, asked.request, this.#deps.endpoint)
    if (!host) return this.#step(now, active, 'request', asked)
    if (asked.request.method === 'INVITE') this.#index.addServer(active, asked.side, asked.transaction)
    this.#awaitingLookup.set(asked.transaction, asked)
    this.#lookUp({ for: 'request', active, host, asked })
  }

  /** Where an extension, or a PBX without a host of its own, has registered. */
  #contacts(now: MonotonicMs, targets: ConnectDecision['targets']): readonly Contact[] {
    const { registrar, endpoint } = this.#deps
    const at = wholeUtcAt(endpoint, now)
    if (targets.kind === 'extension')
      return registrar.contacts(targets.extension.customer_id, targets.extension.extension_id, at)
    if (targets.kind === 'trunk' && targets.trunk.hostname === null)
      return registrar.contacts(targets.trunk.customer_id, targets.trunk.trunk_id, at)
    return []
  }

  #lookUp(waiting: Extract<WaitingForHost, { host: string }>): void {
    this.#questions.ask(waiting, hostQuestion(waiting.host), lookUpMs)
  }

  #answered(now: MonotonicMs, waiting: WaitingForHost, reply: Reply): void {
    const { active } = waiting
    const located = locatedBy(reply)
    if (waiting.for === 'branch') {
      const { branch } = waiting
      const id = branch.provider?.provider_id
      const more = active.call.waiting.length > 0
      const inTurn = id ? this.#reputation.inTurn(now, id, located, more) : located
      return this.#step(now, active, 'located', { branch, located: inTurn })
    }
    const { address } = this.#deps.endpoint
    active.call.hosts.set(waiting.host, leadOf(address, waiting.host, located))
    if (waiting.for === 'side') return this.#step(now, active, 'resolved', waiting)
    if (waiting.for === 'decision') return this.#decided(now, active, waiting.decided)
    if (this.#awaitingLookup.delete(waiting.asked.transaction)) this.#requested(now, active, waiting.asked)
  }

  #carryOut(now: MonotonicMs, active: ActiveCall, order: CallOrder): void {
    const effects = this.#effects
    switch (order.type) {
      case 'respond':
        return this.#respond(now, active, order)
      case 'request':
        return this.#request(now, active, order)
      case 'ack':
        return effects.emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'abandon':
        return effects.pass(this.#requests.abandon(now, active, order.of))
      case 'locate':
        return this.#questions.ask(
          { for: 'branch', active, branch: order.branch },
          { ask: 'locate', question: order.question },
        )
      case 'resolve':
        return this.#lookUp({ for: 'side', active, host: order.host, side: order.side })
      case 'set':
        return this.#timers.set(now, active, order.ms, order.timer)
      case 'stop':
        return this.#timers.stop(active, order.timer, order.of)
      case 'media':
        return effects.emit({ type: 'media', command: order.command })
      case 'dialog':
        return this.#index.addDialog(active, order.side, order.dialog)
      case 'tell':
        return this.#tell(active)
      case 'cool':
        return this.#reputation.cool(now, order.provider, order.flow, order.ms)
      case 'release':
        active.mediaClosed = true
        return
      case 'observed':
      case 'note':
        return effects.emit(order)
    }
  }

  #respond(
    now: MonotonicMs,
    active: ActiveCall,
    { transaction, response }: Extract<CallOrder, { type: 'respond' }>,
  ): void {
    if (response.status >= 200 && transaction !== active.call.caller.transaction)
      this.#index.removeServer(transaction)
    this.#effects.pass(this.#deps.transactions.respond(now, transaction, response))
  }

  #request(now: MonotonicMs, active: ActiveCall, order: Extract<CallOrder, { type: 'request' }>): void {
    const { role, request } = order
    if (role.role === 'invite') this.#index.addBranch(role.branch)
    else if (role.role === 'passed' && request.method === 'INVITE')
      this.#index.addServer(active, role.asked.side, role.asked.transaction)
    this.#effects.pass(this.#requests.send(now, active, order))
  }

  #heard(now: MonotonicMs, result: CallResult): void {
    const { active, role, sent, flow } = result
    const response = result.type === 'response' ? result.response : undefined
    if (result.type === 'ended') return this.#settle(now, active)
    switch (role.role) {
      case 'invite':
        return response
          ? this.#inviteAnswered(now, active, role.branch, response)
          : this.#inviteSilent(now, active, role.branch, result.type === 'silence' ? result.why : '')
      case 'passed':
        return this.#step(now, active, 'passed', { ...role, sent, flow, response })
      case 'bye':
        return this.#step(now, active, 'byeAnswered', { ...role, sent, flow, response })
      case 'cancel':
        return this.#settle(now, active)
    }
  }

  #inviteAnswered(now: MonotonicMs, active: ActiveCall, branch: Branch, response: Response): void {
    const { status, reason } = response
    active.call.now = now
    recordCode(active.call, branch, status)
    if (branch.provider?.provider_id && branch.flow)
      this.#reputation.spoke(branch.provider.provider_id, branch.flow)
    if (status < 200) this.#step(now, active, 'provisional', { branch, response })
    else if (status < 300) this.#step(now, active, 'success', { branch, response })
    else this.#step(now, active, 'failure', { branch, status, why: reason, response })
  }

  #inviteSilent(now: MonotonicMs, active: ActiveCall, branch: Branch, why: string): void {
    this.#unheard(now, branch)
    this.#step(now, active, 'failure', { branch, status: 0, why, response: undefined })
  }

  /** A provider which is called gave no sign of life yet, and now it is late; or it cannot be reached. */
  #unheard(now: MonotonicMs, { provider, flow, heard, state }: Branch): void {
    if (provider?.provider_id && flow && heard === 'nothing' && state === 'calling')
      this.#reputation.silent(now, provider.provider_id, flow)
  }

  #ring(now: MonotonicMs, active: ActiveCall, timer: CallTimer): void {
    switch (timer.timer) {
      case 'media':
        return this.#mediaOver(now, active)
      case 'silence':
        this.#unheard(now, timer.branch)
        return this.#step(now, active, timer.timer, timer)
      case 'progress':
      case 'ring':
        return this.#step(now, active, timer.timer, timer)
      case 'repeatPending':
      case 'unacknowledgedPending':
      case 'stalledPending':
        return this.#step(now, active, timer.timer, timer)
      case 'search':
      case 'repeat':
      case 'unacknowledged':
        return this.#step(now, active, timer.timer, undefined)
    }
  }

  #media(now: MonotonicMs, report: MediaReport): void {
    const active = this.#index.session(report.session)
    if (!active) return
    active.call.now = now
    if (report.type === 'closed' || report.type === 'counted')
      active.call.record.media = { caller: report.caller, callee: report.callee }
    if (report.type === 'closed') return this.#mediaOver(now, active)
    if (report.type === 'counted') return active.machine.state === 'answered' ? this.#tell(active) : undefined
    if (report.type === 'failed') {
      if (this.#ports.openOthers(now, active, report.why)) return
      active.mediaClosed = true
    }
    this.#step(now, active, 'media', { report })
  }

  #mediaOver(now: MonotonicMs, active: ActiveCall): void {
    const { call, machine } = active
    active.mediaClosed = true
    this.#timers.stop(active, 'media')
    call.record.soundOver = true
    if (machine.state === 'ended' && !active.finalTold && mediaRecordOf(call, this.#deps.endpoint)) {
      active.finalTold = true
      this.#tell(active)
    }
    this.#settle(now, active)
  }

  /** Whose limits a call counts in is read off the call after each event: no room has to remember to let go. */
  #count(now: MonotonicMs, { call, machine }: ActiveCall): void {
    const { ledger } = this.#deps
    if (machine.state === 'ended') return ledger.free(now, call.id)
    if (machine.state === 'routing') return
    ledger.keep(now, call.id, scopesOf(call))
    const { direction, answeredAt } = call.record
    // Calls in and calls inside cost no minutes.
    if (direction === 'outgoing' && answeredAt !== undefined) ledger.answered(call.id, answeredAt)
  }

  /** Ends what is over: ports back at once, the rest when no answer is waited for any more. */
  #settle(now: MonotonicMs, active: ActiveCall): void {
    const { call } = active
    if (active.machine.state !== 'ended' || !active.mediaClosed) return
    this.#sayEnded(active)
    this.#ports.give(now, active)
    if (active.outstanding > 0 || call.caller.answer || !this.#index.has(active)) return
    this.#index.remove(active)
    this.#timers.forget(active)
  }

  /** Its record is whole now, but for what never came. */
  #sayEnded(active: ActiveCall): void {
    if (active.endLogged || active.call.record.customerId === undefined) return
    active.endLogged = true
    this.#effects.emit(endedNote(active.call))
  }

  #tell(active: ActiveCall): void {
    const tell = callTell(active.call, this.#deps.endpoint)
    if (tell) this.#effects.emit({ type: 'tell', tell })
  }
}
