import type { MonotonicMs } from '#contract'
import { type Deadline, Deadlines, earlierOf } from '../ground/deadlines.ts'
import { type Flow, reliable } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { SharedDeadlines } from '../ground/shared-deadlines.ts'
import type { Message, Request, Response } from '../sip/message.ts'
import { responseFlow } from '../sip/via.ts'
import { client } from './client.ts'
import { inviteClient } from './invite-client.ts'
import { inviteServer } from './invite-server.ts'
import { clientKey, mergeKey, modern, serverKey } from './match.ts'
import type { NewMachine, TransactionEvents, TransactionOrder } from './order.ts'
import { server } from './server.ts'
import { lengths, type TimerBase, type TimerLengths, type TransactionTimer, timerBase } from './timers.ts'
import { type Transaction, TransactionTable, type TransactionTimerDue } from './transaction-table.ts'

/** What the transaction layer has done or heard; `id` is a transaction's. */
export type TransactionOutput =
  | { readonly type: 'send'; readonly flow: Flow; readonly bytes: Uint8Array }
  /** A request of no transaction: a new one, an ACK for a 2xx, a CANCEL. Nothing was created for it. */
  | { readonly type: 'request'; readonly request: Request; readonly flow: Flow }
  /** For the user of client transaction `id`: each provisional, the final, every further 2xx. */
  | { readonly type: 'response'; readonly id: number; readonly response: Response; readonly flow: Flow }
  /** A response of no transaction; it goes no further (RFC 6026 §8.2). */
  | { readonly type: 'stray'; readonly response: Response; readonly flow: Flow }
  /** Client: no final response came (timers B and F). */
  | { readonly type: 'timeout'; readonly id: number }
  /** Nothing can be sent there (RFC 3261 §18.4). */
  | { readonly type: 'unreachable'; readonly id: number; readonly why: string }
  /** INVITE server: no ACK came for a failure (timer H). */
  | { readonly type: 'unacknowledged'; readonly id: number }
  /** The transaction is forgotten: its id means nothing any more. */
  | { readonly type: 'ended'; readonly id: number }

/** Outputs which are about one client transaction. */
export type ClientOutput = Extract<
  TransactionOutput,
  { type: 'response' | 'timeout' | 'unreachable' | 'ended' }
>

/** What happens to the transaction layer: a message from the wire, a flow to which nothing can be sent, time. */
export type TransactionInput =
  | { readonly type: 'message'; readonly message: Message; readonly flow: Flow }
  | { readonly type: 'unsent'; readonly flow: Flow; readonly why: string }
  | { readonly type: 'closed'; readonly flow: Flow }
  | { readonly type: 'tick' }

/** Timers after which a transaction is only forgotten. */
const lingering: ReadonlySet<TransactionTimer> = new Set<TransactionTimer>(['D', 'I', 'J', 'K', 'L', 'M'])
/** Those ring together, up to so many ms late: the relay wakes a few times a second for them, not once for each. */
const togetherMs = 250

/** Timers which repeat a message or make one; the others end a state. One of each kind runs at most. */
const repeating: ReadonlySet<TransactionTimer> = new Set<TransactionTimer>(['A', 'E', 'G', 'trying', 'late'])

/**
 * All transactions of a relay (RFC 3261 §17): repeats what UDP may lose, absorbs what comes twice.
 *
 * A stranger's request costs nothing until it is opened, so it may be answered statelessly (§8.2.7).
 */
export class Transactions {
  #overUdp: TimerLengths
  #overStreams: TimerLengths
  #lastId = 0
  readonly #table: TransactionTable
  #deadlines = new Deadlines<TransactionTimerDue>()
  /** Of those which only wait to be forgotten: nearly all, at each instant many. */
  #lingering = new SharedDeadlines<TransactionTimerDue>()

  /** `seed`: a number which no peer knows. */
  constructor(options: { timers?: Partial<TimerBase>; seed?: number } = {}) {
    this.#table = new TransactionTable(options.seed ?? 0)
    const own = { ...timerBase, ...options.timers }
    this.#overUdp = lengths(own, false)
    this.#overStreams = lengths(own, true)
  }

  /** Transactions alive, the lingering ones included. */
  get size(): number {
    return this.#table.size
  }

  /** Timers running. */
  get timers(): number {
    return this.#deadlines.size + this.#lingering.size
  }

  receive(event: TransactionInput, now: MonotonicMs): TransactionOutput[] {
    switch (event.type) {
      case 'message':
        return event.message.kind === 'request'
          ? this.#asked(now, event.message, event.flow)
          : this.#answered(now, event.message, event.flow)
      case 'unsent':
        return this.#unsent(now, event.flow, event.why)
      case 'closed':
        return this.#unsent(now, event.flow, 'connection closed')
      case 'tick':
        return this.#tick(now)
    }
  }

  /**
   * Begins the server transaction of a stranger's request, anything but an ACK; respond() answers it.
   *
   * An INVITE gets its 100 after 200 ms, any other request when RFC 4320 asks for it. `forceRport`
   * false keeps to the letter of RFC 3581: without `rport` the answer goes to the port of the Via.
   */
  open(now: MonotonicMs, request: Request, flow: Flow, forceRport = true): number {
    const over = this.#lengths(flow)
    const start =
      request.method === 'INVITE' ? inviteServer(request, flow, over) : server(request, flow, over)
    const back = responseFlow(request.via, flow, forceRport)
    const transaction = this.#begin('server', serverKey(request), back, start, mergeKey(request))
    this.#carryOut(now, transaction, start.orders, back)
    return transaction.id
  }

  /**
   * Answers a stranger's request at once, anything but an INVITE or an ACK: its transaction begins answered, and is there
   * for what comes twice. One which is not sent (1xx, 408: RFC 4320 §4) leaves it as open() does.
   */
  answer(now: MonotonicMs, request: Request, flow: Flow, response: Response): TransactionOutput[] {
    const back = responseFlow(request.via, flow, true)
    const start = server(request, flow, this.#lengths(flow))
    const transaction = this.#begin('server', serverKey(request), back, start, mergeKey(request))
    if (response.status >= 300) transaction.toTag = response.to.tag
    const outputs = this.#step(now, transaction, kind(response), response)
    return outputs.length > 0 ? outputs : this.#carryOut(now, transaction, start.orders, back)
  }

  /**
   * Answers a server transaction; an id no longer known is answered by nothing.
   *
   * After a 2xx to an INVITE only further 2xx are sent, each at once: repeating it until the ACK is
   * the caller's task (RFC 6026 §8.5).
   */
  respond(now: MonotonicMs, id: number, response: Response): TransactionOutput[] {
    const transaction = this.#table.get(id)
    if (transaction?.side !== 'server') return []
    if (response.status >= 300) transaction.toTag ??= response.to.tag
    return this.#step(now, transaction, kind(response), response)
  }

  /** Begins a client transaction. The request is complete: its topmost Via has a branch never used before. */
  request(now: MonotonicMs, request: Request, flow: Flow): { id: number; outputs: TransactionOutput[] } {
    const over = this.#lengths(flow)
    const start = request.method === 'INVITE' ? inviteClient(request, over) : client(request, over)
    const transaction = this.#begin('client', clientKey(request), flow, start, undefined)
    return { id: transaction.id, outputs: this.#carryOut(now, transaction, start.orders, flow) }
  }

  /**
   * The user of a client transaction has given up on it, of an INVITE usually by a CANCEL (§9.1).
   *
   * It is repeated until it is heard of, and over in 64·T1 at the latest; what still comes is reported as
   * ever: a provisional, that it may be cancelled, and a 2xx, that it may be hung up. Any other request is
   * over at once: whatever comes of it late is no transaction's.
   */
  abandon(now: MonotonicMs, id: number): TransactionOutput[] {
    const transaction = this.#table.get(id)
    return transaction === undefined ? [] : this.#step(now, transaction, 'abandon', undefined)
  }

  /** The INVITE server transaction a CANCEL means (§9.2); undefined when it is over or was never there. */
  cancelled(cancel: Request): number | undefined {
    return this.#table.server(serverKey(cancel, 'INVITE'))?.id
  }

  /** Whether the request is a copy of one that came before by another way and is still alive (§8.2.2.2). */
  merged(request: Request): boolean {
    const merge = mergeKey(request)
    const first = merge === undefined ? undefined : this.#table.first(merge)
    return first !== undefined && first.key !== serverKey(request)
  }

  /**
   * Nothing can be sent to this flow: client transactions there end at once (RFC 3261 §18.4).
   *
   * An INVITE's server transaction only tells, and goes on absorbing (RFC 6026 §7.1).
   */
  #unsent(now: MonotonicMs, flow: Flow, why: string): TransactionOutput[] {
    const there = this.#table.to(flow)
    return there.flatMap((transaction) => this.#step(now, transaction, 'unsent', undefined, flow, why))
  }

  /** Rings every timer which is due. */
  #tick(now: MonotonicMs): TransactionOutput[] {
    const outputs: TransactionOutput[] = []
    for (let ring = this.#due(now); ring !== undefined; ring = this.#due(now)) {
      const { transaction, timer } = ring
      outputs.push(...this.#step(now, transaction, timer, undefined))
    }
    return outputs
  }

  #due(now: MonotonicMs): TransactionTimerDue | undefined {
    return this.#deadlines.due(now) ?? this.#lingering.due(now)
  }

  /** When time is next to be told; undefined: not until something happens. */
  nextDeadline(): number | undefined {
    return earlierOf(this.#deadlines.next(), this.#lingering.next())
  }

  #asked(now: MonotonicMs, request: Request, flow: Flow): TransactionOutput[] {
    const transaction = this.#table.server(serverKey(request))
    if (transaction === undefined) return [{ type: 'request', request, flow }]
    if (request.method !== 'ACK') return this.#step(now, transaction, 'request', undefined)
    if (!acknowledges(request, transaction)) return [{ type: 'request', request, flow }]
    return this.#step(now, transaction, 'ack', undefined)
  }

  #answered(now: MonotonicMs, response: Response, flow: Flow): TransactionOutput[] {
    const transaction = this.#table.client(clientKey(response))
    if (transaction === undefined) return [{ type: 'stray', response, flow }]
    return this.#step(now, transaction, kind(response), response, flow)
  }

  #begin(
    side: 'client' | 'server',
    key: string,
    flow: Flow,
    { rows, machine }: NewMachine<string>,
    merge: string | undefined,
  ): Transaction {
    const id = ++this.#lastId
    const { state, memory } = machine
    const still = { toTag: undefined, repeating: undefined, limit: undefined }
    const transaction: Transaction = { id, key, side, flow, rows, state, memory, merge, ...still }
    this.#table.add(transaction)
    return transaction
  }

  #step<E extends keyof TransactionEvents>(
    now: MonotonicMs,
    transaction: Transaction,
    name: E,
    event: TransactionEvents[E],
    flow = transaction.flow,
    why = '',
  ): TransactionOutput[] {
    return this.#carryOut(now, transaction, turn(transaction.rows, transaction, name, event), flow, why)
  }

  /** Makes a transaction's orders true; `flow` is where the message that caused them came from. */
  #carryOut(
    now: MonotonicMs,
    transaction: Transaction,
    orders: TransactionOrder[],
    flow: Flow,
    why = '',
  ): TransactionOutput[] {
    const { id } = transaction
    const outputs: TransactionOutput[] = []
    for (const order of orders) {
      if (order.type === 'send') outputs.push({ type: 'send', flow: transaction.flow, bytes: order.bytes })
      else if (order.type === 'pass') outputs.push({ type: 'response', id, response: order.response, flow })
      else if (order.type === 'stop') this.#stop(transaction)
      else if (order.type === 'unreachable') outputs.push({ type: 'unreachable', id, why })
      else if (order.type !== 'set') outputs.push({ type: order.type, id })
      else if (order.ms > 0) this.#set(now, transaction, order.timer, order.ms)
      else outputs.push(...this.#step(now, transaction, order.timer, undefined))
    }
    if (transaction.state === 'terminated') this.#forget(transaction, outputs)
    return outputs
  }

  #set(now: MonotonicMs, transaction: Transaction, timer: TransactionTimer, ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return
    const slot = repeating.has(timer) ? 'repeating' : 'limit'
    this.#cancel(transaction[slot])
    const due = { transaction, timer }
    transaction[slot] = lingering.has(timer)
      ? this.#lingering.set(Math.ceil((now + ms) / togetherMs) * togetherMs, due)
      : this.#deadlines.set(now + ms, due)
  }

  #cancel(deadline: Deadline<TransactionTimerDue> | undefined): void {
    const timer = deadline?.what?.timer
    if (timer !== undefined) (lingering.has(timer) ? this.#lingering : this.#deadlines).cancel(deadline)
  }

  #stop(transaction: Transaction): void {
    this.#cancel(transaction.repeating)
    this.#cancel(transaction.limit)
    transaction.repeating = undefined
    transaction.limit = undefined
  }

  #forget(transaction: Transaction, outputs: TransactionOutput[]): void {
    if (!this.#table.remove(transaction)) return
    this.#stop(transaction)
    outputs.push({ type: 'ended', id: transaction.id })
  }

  #lengths(flow: Flow): TimerLengths {
    return reliable(flow) ? this.#overStreams : this.#overUdp
  }
}

function kind({ status }: Response): 'provisional' | 'success' | 'failure' {
  if (status < 200) return 'provisional'
  return status < 300 ? 'success' : 'failure'
}

/** An ACK for a 2xx is not the transaction's own (RFC 6026 §7.1); nor one for another's failure (RFC 3261 §17.2.3). */
function acknowledges(ack: Request, { state, toTag }: Transaction): boolean {
  return state !== 'accepted' && (modern(ack.via) || toTag === undefined || ack.to.tag === toTag)
}
