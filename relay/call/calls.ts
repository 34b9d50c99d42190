import type { MonotonicMs, RouteDecision, Scope } from '#contract'
import type { Observation } from '#routing'
import { Deadlines } from '../ground/deadlines.ts'
import type { Answer, Effect, Located, Question } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { lacksDescriptors, type MediaReport, sessionId } from '../ground/media.ts'
import { admitCall } from '../limits/admit-call.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Ports } from '../media/ports.ts'
import type { Contact } from '../registrar/registrar.ts'
import type { Request, Response } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { recordCode } from './branch.ts'
import { table } from './call.ts'
import { type ActiveCall, CallIndex, type CallTimerDue } from './call-index.ts'
import { hostQuestion, leadOf, lookUpMs } from './hosts.ts'
import { mediaRecordOf } from './media-record.ts'
import { newCall } from './new-call.ts'
import { unknownHost } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { callTell, endedNote } from './record.ts'
import { Reputation } from './reputation.ts'
import type {
  Branch,
  Call,
  CallEvents,
  CallOrder,
  CallTimer,
  ClientRole,
  ConnectDecision,
  InDialogRequest,
} from './state.ts'

/** What calls need of the engine around it. */
interface CallsDeps {
  readonly endpoint: SipEndpoint
  readonly transactions: Transactions
  readonly ports: Ports
  readonly ledger: Ledger
  contacts(customerId: string, extensionId: string): readonly Contact[]
  emit(effect: Effect): void
  /** How a call to a provider went says how the provider is. */
  observe(now: MonotonicMs, providerId: string, seen: Observation): void
  /** The route which a provider's registrar gave us for calls out, first hop first; empty: none. */
  serviceRoute(providerId: string): readonly string[]
  /** Carries what the transaction layer ordered. */
  carry(now: MonotonicMs, outputs: readonly TransactionOutput[]): void
  ask(
    question: Question,
    then: (now: MonotonicMs, answer: Answer | undefined, why: string) => void,
    withinMs?: number,
  ): void
}

/** Pairs of ports a call tries, since another program may have one of them. */
const pairsAtMost = 4
const lackEveryMs = 10_000

/** One of our client transactions; `open` until its final answer came. */
interface CallTransaction {
  readonly active: ActiveCall
  readonly role: ClientRole
  readonly sent: Request
  readonly flow: Flow
  open: boolean
}

/** All calls: carries out what their machines order, and brings them what happens. */
export class Calls {
  readonly #deps: CallsDeps
  readonly #deadlines = new Deadlines<CallTimerDue>()
  readonly #index = new CallIndex()
  readonly #byClient = new Map<number, CallTransaction>()
  readonly #reputation = new Reputation()
  /** Requests which wait until it is known where the host in their offer leads, by transaction. */
  readonly #awaitingLookup = new Map<number, InDialogRequest>()
  #sessions = 0
  #lackSaidAt = Number.NEGATIVE_INFINITY

  constructor(deps: CallsDeps) {
    this.#deps = deps
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
    return this.#deadlines.next()
  }

  tick(now: MonotonicMs): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      const { active, timer } = due
      active.timers.delete(timerKey(timer))
      if (timer.timer === 'media') this.#mediaOver(now, active)
      else this.#ring(now, active, timer)
    }
  }

  /** A call begins: its INVITE's server transaction is open. `ask` is left to the caller. */
  open(now: MonotonicMs, request: Request, flow: Flow, transaction: number, trusted: boolean): ActiveCall {
    const { endpoint, ledger, serviceRoute } = this.#deps
    const arrival = { request, flow, transaction, trusted }
    const call = newCall(now, sessionId(++this.#sessions), arrival, endpoint, ledger, serviceRoute)
    const active: ActiveCall = {
      machine: { state: 'routing', memory: { call, endpoint } },
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
  decided(now: MonotonicMs, active: ActiveCall, decided: RouteDecision): void {
    // The caller may have left while we asked.
    if (active.machine.state !== 'routing') return
    const host =
      decided.kind === 'connect' && unknownHost(active.call, active.call.caller.invite, this.#deps.endpoint)
    if (host) return this.#lookUp(active, host, (later) => this.decided(later, active, decided))
    const decision = admitCall(this.#deps.ledger, now, active.call.id, decided)
    const connect = decision.kind === 'connect' ? decision : undefined
    const ports = connect ? this.#deps.ports.both(now) : ''
    if (connect && typeof ports === 'string') this.#lacking(now, ports)
    const contacts = connect ? this.#contacts(connect.targets) : []
    if (typeof ports === 'object') active.mediaClosed = false
    this.step(now, active, 'decided', { decision, contacts, ports })
  }

  /** One side asks something inside its dialog; the host its offer names is looked up first. */
  request(now: MonotonicMs, active: ActiveCall, asked: InDialogRequest): void {
    const host = unknownHost(active.call, asked.request, this.#deps.endpoint)
    if (!host) return this.step(now, active, 'request', asked)
    if (asked.request.method === 'INVITE') this.#index.addServer(active, asked.side, asked.transaction)
    this.#awaitingLookup.set(asked.transaction, asked)
    this.#lookUp(active, host, (later) => {
      if (this.#awaitingLookup.delete(asked.transaction)) this.request(later, active, asked)
    })
  }

  /** One side takes its INVITE back. */
  cancel(now: MonotonicMs, active: ActiveCall, cancelled: CallEvents['cancel']): void {
    const asked = this.#awaitingLookup.get(cancelled.transaction)
    if (!asked) return this.step(now, active, 'cancel', cancelled)
    this.#awaitingLookup.delete(cancelled.transaction)
    this.#carryOut(now, active, refuseRequest(asked, 487))
  }

  /** Brings one event to a call. */
  step<E extends keyof CallEvents>(
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

  /** What a client transaction brought; false when it is none of ours. */
  receive(
    now: MonotonicMs,
    output: Extract<TransactionOutput, { type: 'response' | 'timeout' | 'unreachable' | 'ended' }>,
  ): boolean {
    const client = this.#byClient.get(output.id)
    if (!client) return false
    if (output.type === 'response') this.#responded(now, client, output.response)
    else if (output.type === 'ended') {
      this.#byClient.delete(output.id)
      concluded(client)
      this.#settle(now, client.active)
    } else this.#silence(now, client, output.type === 'timeout' ? 'no final response' : output.why)
    return true
  }

  media(now: MonotonicMs, report: MediaReport): void {
    const active = this.#index.session(report.session)
    if (!active) return
    active.call.now = now
    if (report.type === 'closed') {
      active.call.record.media = { caller: report.caller, callee: report.callee }
      this.#mediaOver(now, active)
    } else if (report.type === 'counted') {
      active.call.record.media = { caller: report.caller, callee: report.callee }
      if (active.machine.state === 'answered') this.#tell(active)
    } else if (report.type === 'failed') {
      if (this.#openOthers(now, active, report.why)) return
      active.mediaClosed = true
      this.step(now, active, 'media', { report })
    } else this.step(now, active, 'media', { report })
  }

  stop(now: MonotonicMs): void {
    for (const active of this.#index.all()) this.step(now, active, 'stop', undefined)
  }

  /** Where an extension, or a PBX without a host of its own, has registered. */
  #contacts(targets: ConnectDecision['targets']): readonly Contact[] {
    const { contacts } = this.#deps
    if (targets.kind === 'extension')
      return contacts(targets.extension.customer_id, targets.extension.extension_id)
    if (targets.kind === 'trunk' && targets.trunk.hostname === null)
      return contacts(targets.trunk.customer_id, targets.trunk.trunk_id)
    return []
  }

  #carryOut(now: MonotonicMs, active: ActiveCall, order: CallOrder): void {
    const { transactions, emit } = this.#deps
    switch (order.type) {
      case 'respond':
        if (order.response.status >= 200 && order.transaction !== active.call.caller.transaction)
          this.#index.removeServer(order.transaction)
        return this.#deps.carry(now, transactions.respond(now, order.transaction, order.response))
      case 'request':
        return this.#request(now, active, order)
      case 'ack':
        return emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'abandon': {
        const id = active.inviteIds.get(order.of)
        return id === undefined ? undefined : this.#deps.carry(now, transactions.abandon(now, id))
      }
      case 'locate':
        return this.#locate(active, order.branch, order.question)
      case 'resolve':
        return this.#lookUp(active, order.host, (now) => this.step(now, active, 'resolved', order))
      case 'set':
        return this.#set(now, active, order.ms, order.timer)
      case 'stop':
        return this.#stopTimer(active, order)
      case 'media':
        return emit({ type: 'media', command: order.command })
      case 'dialog':
        return this.#index.addDialog(active, order.side, order.dialog)
      case 'tell':
        return this.#tell(active)
      case 'cool':
        return this.#reputation.cool(now, order.provider, order.flow, order.ms)
      case 'observed':
        return this.#deps.observe(now, order.providerId, order.seen)
      case 'release':
        active.mediaClosed = true
        return
      case 'note':
        return emit(order)
    }
  }

  #request(
    now: MonotonicMs,
    active: ActiveCall,
    { request, flow, role }: Extract<CallOrder, { type: 'request' }>,
  ): void {
    const { id, outputs } = this.#deps.transactions.request(now, request, flow)
    this.#byClient.set(id, { active, role, sent: request, flow, open: true })
    active.outstanding++
    if (role.role === 'invite') {
      active.inviteIds.set(role.branch, id)
      this.#index.addBranch(role.branch)
    } else if (role.role === 'passed' && request.method === 'INVITE') {
      active.inviteIds.set(role.asked.side, id)
      this.#index.addServer(active, role.asked.side, role.asked.transaction)
    }
    this.#deps.carry(now, outputs)
  }

  #responded(now: MonotonicMs, client: CallTransaction, response: Response): void {
    const { active, role, sent, flow } = client
    if (response.status >= 200) concluded(client)
    switch (role.role) {
      case 'invite':
        return this.#inviteAnswered(now, active, role.branch, response)
      case 'passed':
        return this.step(now, active, 'passed', { ...role, sent, flow, response })
      case 'bye':
        return this.step(now, active, 'byeAnswered', { ...role, sent, flow, response })
      default:
        return this.#settle(now, active)
    }
  }

  #inviteAnswered(now: MonotonicMs, active: ActiveCall, branch: Branch, response: Response): void {
    const { status, reason } = response
    active.call.now = now
    recordCode(active.call, branch, status)
    if (branch.provider?.provider_id && branch.flow)
      this.#reputation.spoke(branch.provider.provider_id, branch.flow)
    if (status < 200) this.step(now, active, 'provisional', { branch, response })
    else if (status < 300) this.step(now, active, 'success', { branch, response })
    else this.step(now, active, 'failure', { branch, status, why: reason, response })
  }

  #silence(now: MonotonicMs, client: CallTransaction, why: string): void {
    const { active, role, sent, flow } = client
    concluded(client)
    if (role.role === 'invite') {
      this.#unheard(now, role.branch)
      this.step(now, active, 'failure', { branch: role.branch, status: 0, why, response: undefined })
    } else if (role.role === 'passed') {
      this.step(now, active, 'passed', { ...role, sent, flow, response: undefined })
    } else if (role.role === 'bye') {
      this.step(now, active, 'byeAnswered', { ...role, sent, flow, response: undefined })
    } else this.#settle(now, active)
  }

  #locate(
    active: ActiveCall,
    branch: Branch,
    question: Extract<Question, { ask: 'locate' }>['question'],
  ): void {
    this.#deps.ask({ ask: 'locate', question }, (now, answer, why) => {
      const located: Located = answer?.ask === 'locate' ? answer.answer : { flows: [], why }
      this.step(now, active, 'located', { branch, located: this.#inTurn(now, active, branch, located) })
    })
  }

  #lookUp({ call }: ActiveCall, host: string, then: (now: MonotonicMs) => void): void {
    const { ask, endpoint } = this.#deps
    const found = (now: MonotonicMs, answer: Answer | undefined, why: string) => {
      call.hosts.set(host, leadOf(endpoint.address, host, answer, why))
      then(now)
    }
    ask(hostQuestion(host), found, lookUpMs)
  }

  #inTurn(now: MonotonicMs, { call }: ActiveCall, { provider }: Branch, located: Located): Located {
    const id = provider?.provider_id
    return id ? this.#reputation.inTurn(now, id, located, call.waiting.length > 0) : located
  }

  /** A provider which is called gave no sign of life yet, and now it is late; or it cannot be reached. */
  #unheard(now: MonotonicMs, { provider, flow, heard, state }: Branch): void {
    if (provider?.provider_id && flow && heard === 'nothing' && state === 'calling')
      this.#reputation.silent(now, provider.provider_id, flow)
  }

  #set(now: MonotonicMs, active: ActiveCall, ms: number, timer: CallTimer): void {
    const key = timerKey(timer)
    this.#deadlines.cancel(active.timers.get(key))
    active.timers.set(key, this.#deadlines.set(now + ms, { active, timer }))
  }

  #stopTimer(active: ActiveCall, { timer, of }: Extract<CallOrder, { type: 'stop' }>): void {
    const key = `${timer}${typeof of === 'object' ? of.index : (of ?? '')}`
    this.#deadlines.cancel(active.timers.get(key))
    active.timers.delete(key)
  }

  #ring(now: MonotonicMs, active: ActiveCall, timer: CallTimer): void {
    switch (timer.timer) {
      case 'silence':
        this.#unheard(now, timer.branch)
        return this.step(now, active, timer.timer, { branch: timer.branch })
      case 'progress':
      case 'ring':
        return this.step(now, active, timer.timer, { branch: timer.branch })
      case 'repeatPending':
      case 'unacknowledgedPending':
      case 'stalledPending':
        return this.step(now, active, timer.timer, { side: timer.side })
      case 'search':
      case 'repeat':
      case 'unacknowledged':
        return this.step(now, active, timer.timer, undefined)
    }
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

  #mediaOver(now: MonotonicMs, active: ActiveCall): void {
    const { call, machine } = active
    active.mediaClosed = true
    this.#stopTimer(active, { type: 'stop', timer: 'media' })
    call.record.soundOver = true
    if (machine.state === 'ended' && !active.finalTold && mediaRecordOf(call, this.#deps.endpoint)) {
      active.finalTold = true
      this.#tell(active)
    }
    this.#settle(now, active)
  }

  /** Ends what is over: ports back at once, the rest when no answer is waited for any more. */
  #settle(now: MonotonicMs, active: ActiveCall): void {
    const { call } = active
    if (active.machine.state !== 'ended' || !active.mediaClosed) return
    this.#sayEnded(active)
    if (call.ports) {
      this.#deps.ports.give(now, call.ports.caller)
      this.#deps.ports.give(now, call.ports.callee)
      call.ports = undefined
    }
    if (active.outstanding > 0 || call.caller.answer || !this.#index.has(active)) return
    this.#forget(active)
  }

  /** Its record is whole now, but for what never came. */
  #sayEnded(active: ActiveCall): void {
    if (active.endLogged || active.call.record.customerId === undefined) return
    active.endLogged = true
    this.#deps.emit(endedNote(active.call))
  }

  #forget(active: ActiveCall): void {
    this.#index.remove(active)
    for (const deadline of active.timers.values()) this.#deadlines.cancel(deadline)
    active.timers.clear()
  }

  #tell(active: ActiveCall): void {
    const tell = callTell(active.call, this.#deps.endpoint)
    if (tell) this.#deps.emit({ type: 'tell', tell })
  }

  /** A port of the range is another program's: another pair is tried, as long as it is only that. */
  #openOthers(now: MonotonicMs, active: ActiveCall, why: string): boolean {
    const { call, machine } = active
    this.#lacking(now, why)
    if (machine.state !== 'opening' || !call.ports || lacksDescriptors(why)) return false
    if (++active.portRefusals >= pairsAtMost) return false
    const { ports, emit } = this.#deps
    const others = ports.both(now)
    if (typeof others === 'string') return false
    ports.give(now, call.ports.caller)
    ports.give(now, call.ports.callee)
    call.ports = others
    emit({ type: 'media', command: { type: 'open', session: call.session, ports: others } })
    return true
  }

  /** Says what to raise, once in a while: each call which is refused for it has its own record. */
  #lacking(now: MonotonicMs, why: string): void {
    if (now < this.#lackSaidAt + lackEveryMs) return
    this.#lackSaidAt = now
    const raise = /descriptor|MFILE|ENFILE/.test(why)
      ? 'the limit of open files (ulimit -n, LimitNOFILE): a call takes four'
      : 'RTP_PORTS: a call takes two pairs which no other program has'
    this.#deps.emit({ type: 'note', level: 'warn', event: 'media.lacking', fields: { why, raise } })
  }
}

/** The scopes of its decision, and every provider which is being called or has answered. */
function scopesOf({ decision, branches }: Call): Scope[] {
  const wanted = branches.filter(({ state }) => state !== 'over' && state !== 'abandoned')
  const providers = wanted.flatMap(({ provider }): Scope[] =>
    provider?.provider_id ? [{ kind: 'provider', id: provider.provider_id }] : [],
  )
  return [...(decision?.scopes ?? []), ...providers]
}

function concluded(client: CallTransaction): void {
  if (client.open) client.active.outstanding--
  client.open = false
}

function timerKey(timer: CallTimer): string {
  if ('branch' in timer) return `${timer.timer}${timer.branch.index}`
  return 'side' in timer ? `${timer.timer}${timer.side}` : timer.timer
}
