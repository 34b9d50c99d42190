import type { Flow } from '../ground/flow.ts'
import type { Machine, Table } from '../ground/machine.ts'
import type { Request, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { writeMessage } from '../sip/write.ts'
import type { TimerLengths, TransactionTimer } from './timers.ts'

/** The columns of the four machines: what can happen to a transaction. */
export type TransactionEvents = {
  /** Server: the request again. */
  request: undefined
  /** Server: an ACK for the INVITE. */
  ack: undefined
  /** Server: from the layer above. Client: from the wire. */
  provisional: Response
  success: Response
  failure: Response
  /** Client: the layer above has given up and only waits for it to be over. */
  abandon: undefined
  /** Nothing can be sent there. */
  unsent: undefined
} & { [T in TransactionTimer]: undefined }

/** What a transaction wants done. */
export type TransactionOrder =
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  | { readonly type: 'set'; readonly timer: TransactionTimer; readonly ms: number }
  /** No timer runs any more. */
  | { readonly type: 'stop' }
  /** The response concerns the layer above. */
  | { readonly type: 'pass'; readonly response: Response }
  | { readonly type: 'timeout' }
  | { readonly type: 'unreachable' }
  | { readonly type: 'unacknowledged' }

/** What a transaction remembers; whatever has become useless is dropped, for many linger. */
export interface TransactionMemory {
  readonly lengths: TimerLengths
  /** As long as a message may have to be made from it. */
  request: Request | undefined
  /** Server: where the request came from, for its Via. */
  readonly source: Flow | undefined
  /** What a repetition sends again. */
  last: Uint8Array | undefined
  /** How long the repeating timer runs now. */
  wait: number
  /** The user of the transaction waits for the final response no more. */
  abandoned: boolean
}

/** The figure of a transaction as a table. */
export type TransactionRows<State extends string> = Table<
  State | 'terminated',
  TransactionEvents,
  TransactionMemory,
  TransactionOrder
>

/** A machine about to start, and what it does first. */
export interface NewMachine<State extends string> {
  readonly rows: TransactionRows<State>
  readonly machine: Machine<State | 'terminated', TransactionMemory>
  readonly orders: TransactionOrder[]
}

/** Orders which need no words of their own. */
export const stop: TransactionOrder = { type: 'stop' }
export const timeout: TransactionOrder = { type: 'timeout' }
export const unreachable: TransactionOrder = { type: 'unreachable' }
export const unacknowledged: TransactionOrder = { type: 'unacknowledged' }

/** Sends octets to where the transaction belongs. */
export function send(bytes: Uint8Array): TransactionOrder {
  return { type: 'send', bytes }
}

/** Hands a response to the layer above. */
export function pass(response: Response): TransactionOrder {
  return { type: 'pass', response }
}

/** Starts a timer at its length in table 4. */
export function set(timer: TransactionTimer, memory: TransactionMemory): TransactionOrder {
  return { type: 'set', timer, ms: memory.lengths[timer] }
}

/** Starts a repeating timer with its wait doubled, but never beyond `cap`. */
export function double(timer: TransactionTimer, memory: TransactionMemory, cap: number): TransactionOrder {
  memory.wait = Math.min(memory.wait * 2, cap)
  return { type: 'set', timer, ms: memory.wait }
}

/** What was sent last, once more; nothing when nothing was. */
export function again({ last }: TransactionMemory): TransactionOrder[] {
  return last === undefined ? [] : [send(last)]
}

/** What a server knows when it begins. */
export function serverMemory(request: Request, source: Flow, lengths: TimerLengths): TransactionMemory {
  return { lengths, request, source, last: undefined, wait: lengths.t1, abandoned: false }
}

/** What a client knows when it begins; the request itself only where an ACK may be made from it. */
export function clientMemory(
  request: Request | undefined,
  last: Uint8Array,
  lengths: TimerLengths,
): TransactionMemory {
  return { lengths, request, source: undefined, last, wait: lengths.t1, abandoned: false }
}

/** Sends a response and keeps its bytes to be repeated; no further one is made from the request. */
export function answer(response: Response, memory: TransactionMemory): TransactionOrder {
  memory.request = undefined
  memory.last = writeMessage(response)
  return send(memory.last)
}

/** The 100 that quiets a client, unless an answer went out before (RFC 3261 §8.2.6.1). */
export function trying100({ request, source }: TransactionMemory): Response | undefined {
  return request && reply(request, 100, { flow: source })
}
