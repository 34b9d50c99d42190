import type { RouteDecision, Scope } from '#contract'
import type { Observation } from '#routing'
import { Deadlines } from '../ground/deadlines.ts'
import type { Answer, Effect, Located, Question } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { lacksDescriptors, type MediaReport } from '../ground/media.ts'
import { admitCall } from '../limits/admit-call.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Ports } from '../media/ports.ts'
import type { Contact } from '../registrar/registrar.ts'
import type { Request, Response } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { Output, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { newCall } from './arrival.ts'
import { spoke } from './branch.ts'
import { table } from './call.ts'
import { type Due, type Line, Lines } from './call-index.ts'
import { hostQuestion, leadOf, learn, lookUpMs } from './hosts.ts'
import { refuseRequest } from './pending.ts'
import { callTell, endedNote } from './record.ts'
import { Reputation } from './reputation.ts'
import { unknownHost } from './sound.ts'
import { soundOf } from './sound-record.ts'
import type { Asked, Branch, Call, Connect, Events, Order, Role, Timer } from './state.ts'

/** What calls need of the engine around it. */
export interface Exchange {
  readonly endpoint: SipEndpoint
  readonly transactions: Transactions
  readonly ports: Ports
  readonly ledger: Ledger
  contacts(customerId: string, extensionId: string): readonly Contact[]
  emit(effect: Effect): void
  /** How a call to a provider went says how the provider is. */
  observe(now: number, providerId: string, seen: Observation): void
  /** The route which a provider's registrar gave us for calls out, first hop first; empty: none. */
  serviceRoute(providerId: string): readonly string[]
  /** Carries what the transaction layer ordered. */
  carry(now: number, outputs: readonly Output[]): void
  ask(
    question: Question,
    then: (now: number, answer: Answer | undefined, why: string) => void,
    withinMs?: number,
  ): void
}

/** Pairs of ports a call tries, since another program may have one of them. */
const pairsAtMost = 4
const lackEveryMs = 10_000

/** One of our client transactions; `open` until its final answer came. */
interface Client {
  readonly line: Line
  readonly role: Role
  readonly sent: Request
  readonly flow: Flow
  open: boolean
}

/** All calls: carries out what their machines order, and brings them what happens. */
export class Switchboard {
  readonly #exchange: Exchange
  readonly #deadlines = new Deadlines<Due>()
  readonly #lines = new Lines()
  readonly #byClient = new Map<number, Client>()
  readonly #reputation = new Reputation()
  /** Requests which wait until it is known where the host in their offer leads, by transaction. */
  readonly #lookedUp = new Map<number, Asked>()
  #sessions = 0
  #lackSaidAt = Number.NEGATIVE_INFINITY

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  get active(): number {
    return this.#lines.active
  }

  get legs(): number {
    return this.#lines.legs
  }

  /** How what comes in finds its call. */
  get lines(): Omit<Lines, 'enter' | 'strike' | 'serves' | 'served' | 'meets' | 'sent'> {
    return this.#lines
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  tick(now: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      const { line, timer } = due
      line.timers.delete(timerKey(timer))
      if (timer.timer === 'media') this.#mediaOver(now, line)
      else this.#ring(now, line, timer)
    }
  }

  /** A call begins: its INVITE's server transaction is open. `ask` is left to the caller. */
  open(now: number, request: Request, flow: Flow, transaction: number, trusted: boolean): Line {
    const { endpoint, ledger, serviceRoute } = this.#exchange
    const arrival = { request, flow, transaction, trusted }
    const call = newCall(now, ++this.#sessions, arrival, endpoint, ledger, serviceRoute)
    const line: Line = {
      machine: { state: 'routing', memory: { call, endpoint } },
      call,
      timers: new Map(),
      clients: new Map(),
      outstanding: 0,
      silent: true,
      refusals: 0,
      told: false,
      said: false,
    }
    this.#lines.enter(line)
    return line
  }

  /** It is decided; ports and contacts are fetched only for a call which connects and which no limit stops. */
  decided(now: number, line: Line, decided: RouteDecision): void {
    // The caller may have left while we asked.
    if (line.machine.state !== 'routing') return
    const host =
      decided.kind === 'connect' && unknownHost(line.call, line.call.caller.invite, this.#exchange.endpoint)
    if (host) return this.#lookUp(line, host, (later) => this.decided(later, line, decided))
    const decision = admitCall(this.#exchange.ledger, now, line.call.id, decided)
    const connect = decision.kind === 'connect' ? decision : undefined
    const ports = connect ? this.#exchange.ports.both(now) : ''
    if (connect && typeof ports === 'string') this.#lacking(now, ports)
    const contacts = connect ? this.#contacts(connect.targets) : []
    if (typeof ports === 'object') line.silent = false
    this.step(now, line, 'decided', { decision, contacts, ports })
  }

  /** One side asks something inside its dialog; the host its offer names is looked up first. */
  request(now: number, line: Line, asked: Asked): void {
    const host = unknownHost(line.call, asked.request, this.#exchange.endpoint)
    if (!host) return this.step(now, line, 'request', asked)
    if (asked.request.method === 'INVITE') this.#lines.serves(line, asked.side, asked.transaction)
    this.#lookedUp.set(asked.transaction, asked)
    this.#lookUp(line, host, (later) => {
      if (this.#lookedUp.delete(asked.transaction)) this.request(later, line, asked)
    })
  }

  /** One side takes its INVITE back. */
  cancel(now: number, line: Line, cancelled: Events['cancel']): void {
    const asked = this.#lookedUp.get(cancelled.transaction)
    if (!asked) return this.step(now, line, 'cancel', cancelled)
    this.#lookedUp.delete(cancelled.transaction)
    this.#carryOut(now, line, refuseRequest(asked, 487))
  }

  /** Brings one event to a call. */
  step<E extends keyof Events>(now: number, line: Line, name: E, event: Events[E]): void {
    line.call.now = now
    const orders = turn(table, line.machine, name, event)
    this.#count(now, line)
    for (const order of orders) this.#carryOut(now, line, order)
    this.#settle(now, line)
  }

  /** What a client transaction brought; false when it is none of ours. */
  heard(
    now: number,
    output: Extract<Output, { type: 'response' | 'timeout' | 'unreachable' | 'ended' }>,
  ): boolean {
    const client = this.#byClient.get(output.id)
    if (!client) return false
    if (output.type === 'response') this.#responded(now, client, output.response)
    else if (output.type === 'ended') {
      this.#byClient.delete(output.id)
      concluded(client)
      this.#settle(now, client.line)
    } else this.#silence(now, client, output.type === 'timeout' ? 'no final response' : output.why)
    return true
  }

  media(now: number, report: MediaReport): void {
    const line = this.#lines.session(report.session)
    if (!line) return
    line.call.now = now
    if (report.type === 'closed') {
      line.call.record.media = { caller: report.caller, callee: report.callee }
      this.#mediaOver(now, line)
    } else if (report.type === 'counted') {
      line.call.record.media = { caller: report.caller, callee: report.callee }
      if (line.machine.state === 'answered') this.#tell(line)
    } else if (report.type === 'failed') {
      if (this.#openOthers(now, line, report.why)) return
      line.silent = true
      this.step(now, line, 'media', { report })
    } else this.step(now, line, 'media', { report })
  }

  stop(now: number): void {
    for (const line of this.#lines.all()) this.step(now, line, 'stop', undefined)
  }

  /** Where an extension, or a PBX without a host of its own, has registered. */
  #contacts(targets: Connect['targets']): readonly Contact[] {
    const { contacts } = this.#exchange
    if (targets.kind === 'extension')
      return contacts(targets.extension.customer_id, targets.extension.extension_id)
    if (targets.kind === 'trunk' && targets.trunk.hostname === null)
      return contacts(targets.trunk.customer_id, targets.trunk.trunk_id)
    return []
  }

  #carryOut(now: number, line: Line, order: Order): void {
    const { transactions, emit } = this.#exchange
    switch (order.type) {
      case 'respond':
        if (order.response.status >= 200 && order.transaction !== line.call.caller.transaction)
          this.#lines.served(order.transaction)
        return this.#exchange.carry(now, transactions.respond(now, order.transaction, order.response))
      case 'request':
        return this.#request(now, line, order)
      case 'ack':
        return emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'abandon': {
        const id = line.clients.get(order.of)
        return id === undefined ? undefined : this.#exchange.carry(now, transactions.abandon(now, id))
      }
      case 'locate':
        return this.#locate(line, order.branch, order.question)
      case 'resolve':
        return this.#lookUp(line, order.host, (now) => this.step(now, line, 'resolved', order))
      case 'set':
        return this.#set(now, line, order.ms, order.timer)
      case 'stop':
        return this.#stopTimer(line, order)
      case 'media':
        return emit({ type: 'media', command: order.command })
      case 'dialog':
        return this.#lines.meets(line, order.side, order.dialog)
      case 'tell':
        return this.#tell(line)
      case 'cool':
        return this.#reputation.cool(now, order.provider, order.flow, order.ms)
      case 'observed':
        return this.#exchange.observe(now, order.providerId, order.seen)
      case 'release':
        line.silent = true
        return
      case 'note':
        return emit(order)
    }
  }

  #request(now: number, line: Line, { request, flow, role }: Extract<Order, { type: 'request' }>): void {
    const { id, outputs } = this.#exchange.transactions.request(now, request, flow)
    this.#byClient.set(id, { line, role, sent: request, flow, open: true })
    line.outstanding++
    if (role.role === 'invite') {
      line.clients.set(role.branch, id)
      this.#lines.sent(role.branch)
    } else if (role.role === 'passed' && request.method === 'INVITE') {
      line.clients.set(role.asked.side, id)
      this.#lines.serves(line, role.asked.side, role.asked.transaction)
    }
    this.#exchange.carry(now, outputs)
  }

  #responded(now: number, client: Client, response: Response): void {
    const { line, role, sent, flow } = client
    if (response.status >= 200) concluded(client)
    switch (role.role) {
      case 'invite':
        return this.#inviteAnswered(now, line, role.branch, response)
      case 'passed':
        return this.step(now, line, 'passed', { ...role, sent, flow, response })
      case 'bye':
        return this.step(now, line, 'byeAnswered', { ...role, sent, flow, response })
      default:
        return this.#settle(now, line)
    }
  }

  #inviteAnswered(now: number, line: Line, branch: Branch, response: Response): void {
    const { status, reason } = response
    line.call.now = now
    spoke(line.call, branch, status)
    if (branch.provider?.provider_id && branch.flow)
      this.#reputation.spoke(branch.provider.provider_id, branch.flow)
    if (status < 200) this.step(now, line, 'provisional', { branch, response })
    else if (status < 300) this.step(now, line, 'success', { branch, response })
    else this.step(now, line, 'failure', { branch, status, why: reason, response })
  }

  #silence(now: number, client: Client, why: string): void {
    const { line, role, sent, flow } = client
    concluded(client)
    if (role.role === 'invite') {
      this.#unheard(now, role.branch)
      this.step(now, line, 'failure', { branch: role.branch, status: 0, why, response: undefined })
    } else if (role.role === 'passed') {
      this.step(now, line, 'passed', { ...role, sent, flow, response: undefined })
    } else if (role.role === 'bye') {
      this.step(now, line, 'byeAnswered', { ...role, sent, flow, response: undefined })
    } else this.#settle(now, line)
  }

  #locate(line: Line, branch: Branch, question: Extract<Question, { ask: 'locate' }>['question']): void {
    this.#exchange.ask({ ask: 'locate', question }, (now, answer, why) => {
      const located: Located = answer?.ask === 'locate' ? answer.answer : { flows: [], why }
      this.step(now, line, 'located', { branch, located: this.#inTurn(now, line, branch, located) })
    })
  }

  #lookUp({ call }: Line, host: string, then: (now: number) => void): void {
    const { ask, endpoint } = this.#exchange
    const found = (now: number, answer: Answer | undefined, why: string) => {
      learn(call, host, leadOf(endpoint.address, host, answer, why))
      then(now)
    }
    ask(hostQuestion(host), found, lookUpMs)
  }

  #inTurn(now: number, { call }: Line, { provider }: Branch, located: Located): Located {
    const id = provider?.provider_id
    return id ? this.#reputation.inTurn(now, id, located, call.waiting.length > 0) : located
  }

  /** A provider which is called gave no sign of life yet, and now it is late; or it cannot be reached. */
  #unheard(now: number, { provider, flow, heard, state }: Branch): void {
    if (provider?.provider_id && flow && heard === 'nothing' && state === 'calling')
      this.#reputation.silent(now, provider.provider_id, flow)
  }

  #set(now: number, line: Line, ms: number, timer: Timer): void {
    const key = timerKey(timer)
    this.#deadlines.cancel(line.timers.get(key))
    line.timers.set(key, this.#deadlines.set(now + ms, { line, timer }))
  }

  #stopTimer(line: Line, { timer, of }: Extract<Order, { type: 'stop' }>): void {
    const key = `${timer}${typeof of === 'object' ? of.index : (of ?? '')}`
    this.#deadlines.cancel(line.timers.get(key))
    line.timers.delete(key)
  }

  #ring(now: number, line: Line, timer: Timer): void {
    switch (timer.timer) {
      case 'silence':
        this.#unheard(now, timer.branch)
        return this.step(now, line, timer.timer, { branch: timer.branch })
      case 'progress':
      case 'ring':
        return this.step(now, line, timer.timer, { branch: timer.branch })
      case 'repeatPending':
      case 'unacknowledgedPending':
      case 'stalledPending':
        return this.step(now, line, timer.timer, { side: timer.side })
      case 'search':
      case 'repeat':
      case 'unacknowledged':
        return this.step(now, line, timer.timer, undefined)
    }
  }

  /** Whose limits a call counts in is read off the call after each event: nobody has to remember to let go. */
  #count(now: number, { call, machine }: Line): void {
    const { ledger } = this.#exchange
    if (machine.state === 'ended') return ledger.free(now, call.id)
    if (machine.state === 'routing') return
    ledger.keep(now, call.id, scopesOf(call))
    const { direction, answeredAt } = call.record
    // Calls in and calls inside cost nobody minutes.
    if (direction === 'outgoing' && answeredAt !== undefined) ledger.answered(call.id, answeredAt)
  }

  #mediaOver(now: number, line: Line): void {
    const { call, machine } = line
    line.silent = true
    this.#stopTimer(line, { type: 'stop', timer: 'media' })
    call.record.soundOver = true
    if (machine.state === 'ended' && !line.told && soundOf(call, this.#exchange.endpoint)) {
      line.told = true
      this.#tell(line)
    }
    this.#settle(now, line)
  }

  /** Ends what is over: ports back at once, the rest when nobody waits for anything any more. */
  #settle(now: number, line: Line): void {
    const { call } = line
    if (line.machine.state !== 'ended' || !line.silent) return
    this.#sayEnded(line)
    if (call.ports) {
      this.#exchange.ports.give(now, call.ports.caller)
      this.#exchange.ports.give(now, call.ports.callee)
      call.ports = undefined
    }
    if (line.outstanding > 0 || call.caller.answer || !this.#lines.has(line)) return
    this.#forget(line)
  }

  /** Its record is whole now, but for what never came. */
  #sayEnded(line: Line): void {
    if (line.said || line.call.record.customerId === undefined) return
    line.said = true
    this.#exchange.emit(endedNote(line.call))
  }

  #forget(line: Line): void {
    this.#lines.strike(line)
    for (const deadline of line.timers.values()) this.#deadlines.cancel(deadline)
    line.timers.clear()
  }

  #tell(line: Line): void {
    const tell = callTell(line.call, this.#exchange.endpoint)
    if (tell) this.#exchange.emit({ type: 'tell', tell })
  }

  /** A port of the range is another program's: another pair is tried, as long as it is only that. */
  #openOthers(now: number, line: Line, why: string): boolean {
    const { call, machine } = line
    this.#lacking(now, why)
    if (machine.state !== 'opening' || !call.ports || lacksDescriptors(why)) return false
    if (++line.refusals >= pairsAtMost) return false
    const { ports, emit } = this.#exchange
    const others = ports.both(now)
    if (typeof others === 'string') return false
    ports.give(now, call.ports.caller)
    ports.give(now, call.ports.callee)
    call.ports = others
    emit({ type: 'media', command: { type: 'open', session: call.session, ports: others } })
    return true
  }

  /** Says what to raise, once in a while: each call which is refused for it has its own record. */
  #lacking(now: number, why: string): void {
    if (now < this.#lackSaidAt + lackEveryMs) return
    this.#lackSaidAt = now
    const raise = /descriptor|MFILE|ENFILE/.test(why)
      ? 'the limit of open files (ulimit -n, LimitNOFILE): a call takes four'
      : 'RTP_PORTS: a call takes two pairs which no other program has'
    this.#exchange.emit({ type: 'note', level: 'warn', event: 'media.lacking', fields: { why, raise } })
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

function concluded(client: Client): void {
  if (client.open) client.line.outstanding--
  client.open = false
}

function timerKey(timer: Timer): string {
  if ('branch' in timer) return `${timer.timer}${timer.branch.index}`
  return 'side' in timer ? `${timer.timer}${timer.side}` : timer.timer
}
