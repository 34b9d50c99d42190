import type { MonotonicMs } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { Request, Response } from '../sip/message.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'

/** What comes of a request of ours: each answer to it, or why there is none. */
export type ClientResult =
  | { readonly type: 'response'; readonly response: Response; readonly flow: Flow }
  | { readonly type: 'silence'; readonly why: string }

type OnResult = (now: MonotonicMs, heard: ClientResult) => void

/** Outputs which are about one client transaction. */
export type ClientOutput = Extract<
  TransactionOutput,
  { type: 'response' | 'timeout' | 'unreachable' | 'ended' }
>

/** Requests of ours outside any call, and who listens for what comes of each. */
export class ClientTransactions {
  readonly #transactions: Transactions
  readonly #carry: (now: MonotonicMs, outputs: readonly TransactionOutput[]) => void
  readonly #listeners = new Map<number, OnResult>()

  constructor(
    transactions: Transactions,
    carry: (now: MonotonicMs, outputs: readonly TransactionOutput[]) => void,
  ) {
    this.#transactions = transactions
    this.#carry = carry
  }

  /** Sends a request in a transaction of its own; its id is there to give it up by. */
  request(now: MonotonicMs, request: Request, flow: Flow, then: OnResult): number {
    const { id, outputs } = this.#transactions.request(now, request, flow)
    this.#listeners.set(id, then)
    this.#carry(now, outputs)
    return id
  }

  /** An INVITE is still listened to: what comes late must be hung up. Of anything else nothing is heard any more. */
  abandon(now: MonotonicMs, id: number): void {
    this.#carry(now, this.#transactions.abandon(now, id))
  }

  /** What the transaction layer heard; false: it is none of ours. */
  receive(now: MonotonicMs, output: ClientOutput): boolean {
    const then = this.#listeners.get(output.id)
    if (!then) return false
    switch (output.type) {
      case 'response':
        then(now, { type: 'response', response: output.response, flow: output.flow })
        break
      case 'timeout':
        then(now, { type: 'silence', why: 'no final response' })
        break
      case 'unreachable':
        then(now, { type: 'silence', why: output.why })
        break
      case 'ended':
        this.#listeners.delete(output.id)
    }
    return true
  }
}
