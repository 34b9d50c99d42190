import type { BindingTell, RouteDecision, RouteQuestion } from '#contract'
import { admits } from './call/path.ts'
import { codecsOf } from './call/sound.ts'
import { allow, type Station } from './call/station.ts'
import { receiveInDialog } from './dialog/dialog.ts'
import type { Answer, Effect, Input, Note, Question } from './effects.ts'
import { type Flow, reliable, sameFlow } from './flow.ts'
import { Ports } from './media/ports.ts'
import { type Admission, type House, Reception } from './reception.ts'
import { Challenger } from './registrar/challenge.ts'
import { Registrar } from './registrar/register.ts'
import type { Header, Request, Response } from './sip/message.ts'
import { parseMessage } from './sip/parse.ts'
import { reply } from './sip/reply.ts'
import { responseFlow } from './sip/via.ts'
import { writeMessage } from './sip/write.ts'
import { type LegFound, type Line, questionOf, routeQuestion, Switchboard } from './switchboard.ts'
import { type Output, Transactions } from './transaction/layer.ts'

/** How the engine is set up. */
export interface Setup {
  readonly station: Station
  readonly house: House
  /** First and last RTP port of our range. */
  readonly rtpPorts: readonly [number, number]
}

/** Above so many open transactions or unanswered questions, strangers are asked to come back (RFC 3261 §21.5.4). */
const crowd = { transactions: 200_000, questions: 2_000, accounts: 200 }

type Then = (now: number, answer: Answer | undefined, why: string) => void

/**
 * The whole relay without its sockets: what happens goes in, what to do comes out.
 *
 *   packet → parse → transaction ─┬─ a stranger's → reception ─┬─ refused, challenged: stateless
 *                                 │                            ├─ REGISTER → registrar
 *                                 │                            └─ INVITE → switchboard → call
 *                                 ├─ inside a dialog → the call's leg
 *                                 └─ a response → the call's branch
 *
 * `now` is monotonic milliseconds. There is no telephony in this file: an `if` about it has lost its room.
 */
export class Engine {
  readonly #station: Station
  readonly #house: House
  readonly #transactions = new Transactions()
  readonly #challenger: Challenger
  readonly #registrar: Registrar
  readonly #reception: Reception
  readonly #switchboard: Switchboard
  readonly #questions = new Map<number, Then>()
  /** INVITEs and REGISTERs which wait for the edge before they are anybody's, by transaction. */
  readonly #waiting = new Map<string, { readonly flow: Flow; cancelled: boolean }>()
  /** Questions about accounts which are not answered yet: calls keep room beside them. */
  #accountsAsked = 0
  #lastQuestion = 0
  #effects: Effect[] = []

  constructor({ station, house, rtpPorts }: Setup) {
    this.#station = station
    this.#house = house
    const { chance, relayId } = station
    this.#challenger = new Challenger(chance, { hosts: [...house.names] })
    this.#registrar = new Registrar({ relayId, chance })
    this.#reception = new Reception(house, this.#challenger, (extensionId, from) =>
      this.#registrar.isAt(extensionId, from),
    )
    this.#switchboard = new Switchboard({
      station,
      transactions: this.#transactions,
      ports: new Ports(rtpPorts, chance.below),
      contacts: (customerId, extensionId) => this.#registrar.contacts(customerId, extensionId, this.#at),
      emit: (effect) => this.#effects.push(effect),
      carry: (now, outputs) => this.#carry(now, outputs),
      ask: (question, then) => this.#ask(question, then),
    })
  }

  /** Calls under way, calls remembered, bindings held, transactions open: for whoever watches. */
  get load() {
    return {
      calls: this.#switchboard.active,
      legs: this.#switchboard.size,
      bindings: this.#registrar.size,
      transactions: this.#transactions.size,
    }
  }

  /** Whether phones or calls hang on this connection: silent or not, it must stay. */
  needs(flow: Flow): boolean {
    return this.#registrar.needs(flow) || this.#switchboard.needs(flow)
  }

  /** Something happened; these are its consequences. */
  receive(now: number, input: Input): Effect[] {
    this.#now = now
    this.#hear(now, input)
    return this.#taken()
  }

  /** Time passed. */
  tick(now: number): Effect[] {
    this.#now = now
    this.#carry(now, this.#transactions.tick(now))
    this.#switchboard.tick(now)
    this.#tell(this.#registrar.tick(now, this.#at))
    return this.#taken()
  }

  /** When to call tick() next; undefined: not before something happens. */
  nextDeadline(): number | undefined {
    const all = [
      this.#transactions.nextDeadline(),
      this.#switchboard.nextDeadline(),
      this.#registrar.nextDeadline(),
    ]
    let earliest: number | undefined
    for (const at of all) if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at
    return earliest
  }

  #now = 0

  /** UTC of the event being handled, in whole milliseconds. */
  get #at(): number {
    return Math.floor(this.#station.epoch + this.#now)
  }

  #taken(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #hear(now: number, input: Input): void {
    switch (input.type) {
      case 'packet':
        return this.#packet(now, input.flow, input.bytes)
      case 'closed':
      case 'unsent':
        return this.#unsent(now, input)
      case 'answered':
        return this.#answered(now, input.id, input.answer, '')
      case 'unanswered':
        return this.#answered(now, input.id, undefined, input.why)
      case 'media':
        return this.#switchboard.media(now, input.report)
      case 'restored':
        return this.#tell(this.#registrar.restore(now, this.#at, input.list))
      case 'drain':
        this.#reception.closed = true
        return
      case 'stop':
        return this.#switchboard.stop(now)
    }
  }

  #packet(now: number, flow: Flow, bytes: Uint8Array): void {
    const parsed = parseMessage(bytes, { stream: reliable(flow) })
    if (parsed.ok) return this.#carry(now, this.#transactions.receive(now, parsed.value, flow))
    const { where, why, status, answerable } = parsed.fault
    this.#note('debug', 'sip.fault', { where, why, status, from: flow.address })
    if (answerable) this.#refuse(answerable, flow, status, why)
  }

  #carry(now: number, outputs: readonly Output[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'send':
          this.#effects.push(output)
          break
        case 'stranger':
          this.#stranger(now, output.request, output.flow)
          break
        case 'response':
        case 'timeout':
        case 'unreachable':
        case 'ended':
          this.#switchboard.heard(now, output)
          break
        case 'stray':
          this.#note('debug', 'sip.stray', { status: output.response.status, from: output.flow.address })
          break
        case 'unacknowledged':
          break
      }
    }
  }

  #stranger(now: number, request: Request, flow: Flow): void {
    if (request.method === 'CANCEL') return this.#cancel(now, request, flow)
    if (request.to.tag !== undefined) return this.#inDialog(now, request, flow)
    if (request.method === 'ACK') return
    if (this.#transactions.merged(request)) return this.#refuse(request, flow, 482)
    if (this.#switchboard.isOwn(request.callId))
      return this.#refuse(request, flow, 482, 'this call is already here')
    if (this.#waiting.has(waitingKey(request))) return
    this.#admit(now, request, flow)
  }

  #admit(now: number, request: Request, flow: Flow): void {
    const busy = this.#transactions.size > crowd.transactions || this.#questions.size > crowd.questions
    this.#let(now, request, flow, this.#reception.admit(now, this.#at, request, flow, busy))
  }

  #let(now: number, request: Request, flow: Flow, admission: Admission): void {
    switch (admission.to) {
      case 'drop':
        return this.#note('debug', 'sip.dropped', {
          why: admission.why,
          method: request.method,
          from: flow.address,
        })
      case 'refuse':
        return this.#refuse(request, flow, admission.status, admission.reason, admission.headers)
      case 'challenge':
        if (admission.blocked)
          this.#note('warn', 'auth.blocked', { ...admission.blocked, from: flow.address })
        return this.#send(
          this.#challenger.challenge(this.#at, request, { ...admission, flow }),
          request,
          flow,
        )
      case 'ask':
        return this.#askAccount(now, request, flow, admission.question)
      case 'register':
        return this.#register(now, request, flow, admission)
      case 'call':
        return admission.account
          ? this.#call(now, request, flow, admission.account)
          : this.#incoming(request, flow)
    }
  }

  #askAccount(
    now: number,
    request: Request,
    flow: Flow,
    question: Extract<Question, { ask: 'credential' }>['question'],
  ): void {
    if (this.#accountsAsked >= crowd.accounts) return this.#recall(now, request, flow)
    this.#wait(request, flow)
    this.#accountsAsked++
    this.#ask({ ask: 'credential', question }, (later, answer, why) => {
      this.#accountsAsked--
      const cancelled = this.#waited(request)
      if (answer?.ask === 'credential') this.#reception.remember(later, question, answer.answer)
      if (cancelled) return this.#refuse(request, flow, 487)
      if (answer?.ask === 'credential') return this.#admit(later, request, flow)
      this.#unanswered(why, request)
      this.#recall(later, request, flow)
    })
  }

  /** The edge cannot be asked: whom we knew lately comes in all the same, others come back later. */
  #recall(now: number, request: Request, flow: Flow): void {
    const recalled = this.#reception.recall(now, this.#at, request, flow)
    if (recalled) this.#let(now, request, flow, recalled)
    else this.#later(request, flow)
  }

  #register(
    now: number,
    request: Request,
    flow: Flow,
    admission: Extract<Admission, { to: 'register' }>,
  ): void {
    const id = this.#transactions.open(now, request, flow)
    const { response, tells } = this.#registrar.register(now, this.#at, request, flow, admission.verified)
    this.#tell(tells)
    this.#carry(now, this.#transactions.respond(now, id, response))
  }

  /** A phone which proved itself calls. */
  #call(
    now: number,
    request: Request,
    flow: Flow,
    account: { customer_id: string; extension_id: string },
  ): void {
    const { customer_id, extension_id } = account
    const line = this.#open(now, request, flow, false)
    const question = routeQuestion(line, { kind: 'extension', customer_id, extension_id }, codecsOf(request))
    this.#ask({ ask: 'route', question }, (later, answer, why) => {
      if (answer?.ask === 'route') this.#switchboard.decided(later, line, answer.answer)
      else this.#switchboard.step(later, line, 'undecided', { why })
    })
  }

  /** Somebody calls from the phone network: only the edge knows whether the address is a provider's. */
  #incoming(request: Request, flow: Flow): void {
    const { address, port, transport } = flow
    const caller: RouteQuestion['caller'] = { kind: 'source', address, port, transport }
    const callId = this.#station.chance.uuid(this.#at)
    this.#wait(request, flow)
    this.#ask(
      { ask: 'route', question: questionOf(callId, request, caller, codecsOf(request)) },
      (later, answer, why) => {
        const cancelled = this.#waited(request)
        const decision = answer?.ask === 'route' ? answer.answer : undefined
        this.#settle(later, request, flow, decision)
        if (!decision) {
          this.#unanswered(why, request)
          return this.#later(request, flow)
        }
        if (cancelled) return this.#refuse(request, flow, 487)
        this.#arrived(later, request, flow, decision)
      },
    )
  }

  /** Remembers whether an address is anybody's; one that is not is noted once, not for every packet. */
  #settle(now: number, request: Request, flow: Flow, decision: RouteDecision | undefined): void {
    const nobody = decision && isNobody(decision)
    const news = this.#reception.settle(now, flow, decision && !nobody)
    if (news && nobody)
      this.#note('info', 'call.unknown_source', { from: flow.address, to: request.requestUri.slice(0, 200) })
  }

  #arrived(now: number, request: Request, flow: Flow, decision: RouteDecision): void {
    if (decision.kind === 'connect' || (!isNobody(decision) && decision.customer_id !== null))
      return this.#switchboard.decided(now, this.#open(now, request, flow, true), decision)
    if (this.#house.strangers === 'refuse' && decision.status > 0)
      this.#refuse(request, flow, decision.status)
  }

  #open(now: number, request: Request, flow: Flow, trusted: boolean): Line {
    const id = this.#transactions.open(now, request, flow)
    const line = this.#switchboard.open(now, request, flow, id, trusted)
    this.#carry(now, this.#transactions.respond(now, id, reply(request, 100, { flow })))
    return line
  }

  #cancel(now: number, request: Request, flow: Flow): void {
    const waiting = this.#waiting.get(waitingKey(request))
    if (waiting && sameFlow(waiting.flow, flow)) {
      waiting.cancelled = true
      return this.#refuse(request, flow, 200)
    }
    const transaction = this.#transactions.cancelled(request)
    const line = transaction === undefined ? undefined : this.#switchboard.byServer(transaction)
    if (!line || line.call.caller.flow.address !== flow.address) return this.#refuse(request, flow, 481)
    const id = this.#transactions.open(now, request, flow)
    this.#carry(
      now,
      this.#transactions.respond(now, id, reply(request, 200, { flow, toTag: line.call.caller.localTag })),
    )
    this.#switchboard.step(now, line, 'cancel', { reason: request.header('reason') })
  }

  #inDialog(now: number, request: Request, flow: Flow): void {
    const found = this.#switchboard.leg(request)
    if (!found || !admits(found.line.call, found.side, flow)) {
      return request.method === 'ACK' ? undefined : this.#refuse(request, flow, 481)
    }
    if (request.method === 'ACK') return this.#acked(now, request, found)
    const leg = found.side === 'caller' ? found.line.call.caller : found.line.call.callee
    if (leg?.dialog && receiveInDialog(leg.dialog, request) === 'old') return this.#refuse(request, flow, 500)
    this.#withinCall(now, request, flow, found)
  }

  #acked(now: number, request: Request, { line, side }: LegFound): void {
    const first = side === 'caller' && request.cseq.number === line.call.caller.invite.cseq.number
    if (first) this.#switchboard.step(now, line, 'acked', { request })
    else this.#switchboard.step(now, line, 'passedAck', { side, request })
  }

  #withinCall(now: number, request: Request, flow: Flow, { line, side }: LegFound): void {
    switch (request.method) {
      case 'BYE': {
        const id = this.#transactions.open(now, request, flow)
        this.#carry(now, this.#transactions.respond(now, id, reply(request, 200, { flow })))
        return this.#switchboard.step(now, line, 'bye', { side, reason: request.header('reason') })
      }
      case 'INVITE':
      case 'UPDATE':
      case 'INFO': {
        if (line.machine.state !== 'answered')
          return this.#refuse(request, flow, request.method === 'INFO' ? 481 : 491)
        const transaction = this.#transactions.open(now, request, flow)
        return this.#switchboard.step(now, line, 'request', { side, request, transaction, source: flow })
      }
      case 'OPTIONS':
        return this.#refuse(request, flow, 200, undefined, [['allow', allow]])
      default:
        return this.#refuse(request, flow, 405, undefined, [['allow', allow]])
    }
  }

  #unsent(now: number, input: Extract<Input, { type: 'closed' | 'unsent' }>): void {
    const { flow } = input
    this.#carry(
      now,
      this.#transactions.unsent(now, flow, input.type === 'unsent' ? input.why : 'connection closed'),
    )
    if (input.type === 'closed') {
      this.#tell(this.#registrar.flowLost(this.#at, flow))
    }
  }

  #ask(question: Question, then: Then): void {
    const id = ++this.#lastQuestion
    this.#questions.set(id, then)
    this.#effects.push({ type: 'ask', id, question })
  }

  #answered(now: number, id: number, answer: Answer | undefined, why: string): void {
    const then = this.#questions.get(id)
    this.#questions.delete(id)
    then?.(now, answer, why)
  }

  #wait(request: Request, flow: Flow): void {
    this.#waiting.set(waitingKey(request), { flow, cancelled: false })
  }

  /** Ends the wait; true when the caller has given up meanwhile. */
  #waited(request: Request): boolean {
    const key = waitingKey(request)
    const cancelled = this.#waiting.get(key)?.cancelled ?? false
    this.#waiting.delete(key)
    return cancelled
  }

  #unanswered(why: string, { method }: Request): void {
    this.#note('warn', 'edge.unanswered', { why, method })
  }

  /** The edge does not answer: come back soon. */
  #later(request: Request, flow: Flow): void {
    this.#refuse(request, flow, 503, undefined, [['retry-after', String(5 + this.#station.chance.below(10))]])
  }

  /** Answers without keeping anything; the tag is the same for every repeat (RFC 3261 §8.2.7). */
  #refuse(
    request: Request,
    flow: Flow,
    status: number,
    reason?: string,
    headers: readonly Header[] = [],
  ): void {
    const { callId, from, cseq, via } = request
    const toTag = this.#station.chance
      .mac(`${callId}\n${from.tag}\n${cseq.number}\n${via.branch}`)
      .slice(0, 16)
    this.#send(
      reply(request, status, { ...(reason ? { reason } : {}), headers: [...headers], toTag, flow }),
      request,
      flow,
    )
  }

  #send(response: Response, request: Request, flow: Flow): void {
    const back = responseFlow(request.via, flow, true)
    this.#effects.push({ type: 'send', flow: back, bytes: writeMessage(response) })
  }

  #tell(tells: readonly BindingTell[]): void {
    for (const tell of tells) this.#effects.push({ type: 'tell', tell })
  }

  #note(level: Note['level'], event: string, fields: Note['fields']): void {
    this.#effects.push({ type: 'note', level, event, fields })
  }
}

/** The edge knows no provider at this address. */
function isNobody(decision: RouteDecision): boolean {
  return decision.kind === 'reject' && decision.reason === 'UNKNOWN_SOURCE'
}

/** What an INVITE and its CANCEL have in common before there is a transaction (§9.2). */
function waitingKey({ via, callId, cseq }: Request): string {
  return `${callId}\n${cseq.number}\n${via.branch}\n${via.host}`
}
