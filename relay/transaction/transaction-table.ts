import type { Deadline } from '../ground/deadlines.ts'
import { type Flow, sameFlow } from '../ground/flow.ts'
import type { Machine } from '../ground/machine.ts'
import { TextMap } from '../ground/text-map.ts'
import type { TransactionMemory, TransactionRows } from './order.ts'
import type { TransactionTimer } from './timers.ts'

/** A running machine, what it is found by, and the two timers it has at most. */
export interface Transaction extends Machine<string, TransactionMemory> {
  readonly id: number
  readonly side: 'client' | 'server'
  readonly key: string
  /** What its merged copies would share; only where there may be some (RFC 3261 §8.2.2.2). */
  readonly merge: string | undefined
  /** Where its messages go. */
  readonly flow: Flow
  readonly rows: TransactionRows<string>
  /** The tag of a failure, by which an RFC 2543 client's ACK is told from others. */
  toTag: string | undefined
  /** The timer which repeats a message, or makes a 100. */
  repeating: Deadline<TransactionTimerDue> | undefined
  /** The timer which ends a state. */
  limit: Deadline<TransactionTimerDue> | undefined
}

/** A timer's time has come. */
export interface TransactionTimerDue {
  readonly transaction: Transaction
  readonly timer: TransactionTimer
}

/** Every transaction alive, under all the names it is asked for by. */
export class TransactionTable {
  readonly #byId = new Map<number, Transaction>()
  readonly #servers: TextMap<Transaction>
  readonly #clients: TextMap<Transaction>
  readonly #firstByMerge: TextMap<Transaction>
  readonly #byPeer: TextMap<Set<Transaction>>

  constructor(seed: number) {
    this.#servers = new TextMap(seed)
    this.#clients = new TextMap(seed)
    this.#firstByMerge = new TextMap(seed)
    this.#byPeer = new TextMap(seed)
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: number): Transaction | undefined {
    return this.#byId.get(id)
  }

  server(key: string): Transaction | undefined {
    return this.#servers.get(key)
  }

  client(key: string): Transaction | undefined {
    return this.#clients.get(key)
  }

  /** The first of those alive which share a merge key. */
  first(merge: string): Transaction | undefined {
    return this.#firstByMerge.get(merge)
  }

  /** All which send to this flow. */
  to(flow: Flow): Transaction[] {
    const there = this.#byPeer.get(peer(flow))
    return there === undefined ? [] : [...there].filter((transaction) => sameFlow(transaction.flow, flow))
  }

  add(transaction: Transaction): void {
    const { id, key, merge, flow } = transaction
    this.#byId.set(id, transaction)
    this.#side(transaction).set(key, transaction)
    if (merge !== undefined && !this.#firstByMerge.has(merge)) this.#firstByMerge.set(merge, transaction)
    const place = peer(flow)
    const there = this.#byPeer.get(place)
    if (there === undefined) this.#byPeer.set(place, new Set([transaction]))
    else there.add(transaction)
  }

  /** False: it was struck out before. */
  remove(transaction: Transaction): boolean {
    const { id, key, merge, flow } = transaction
    if (!this.#byId.delete(id)) return false
    removeOwn(this.#side(transaction), key, transaction)
    if (merge !== undefined) removeOwn(this.#firstByMerge, merge, transaction)
    const place = peer(flow)
    const there = this.#byPeer.get(place)
    there?.delete(transaction)
    if (there?.size === 0) this.#byPeer.delete(place)
    return true
  }

  #side({ side }: Transaction): TextMap<Transaction> {
    return side === 'client' ? this.#clients : this.#servers
  }
}

/** Another may have the same name by now. */
function removeOwn(map: TextMap<Transaction>, key: string, transaction: Transaction): void {
  if (map.get(key) === transaction) map.delete(key)
}

function peer({ transport, address, port }: Flow): string {
  return `${transport} ${address} ${port}`
}
