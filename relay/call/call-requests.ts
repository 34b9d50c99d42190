import type { MonotonicMs } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { Leg } from '../leg/leg.ts'
import type { Request, Response } from '../sip/message.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrder, ClientRole } from './state.ts'

/** What came of a request of a call: an answer, the end of its transaction, or why no answer came. */
export type CallResult = {
  readonly active: ActiveCall
  readonly role: ClientRole
  readonly sent: Request
  readonly flow: Flow
} & (
  | { readonly type: 'response'; readonly response: Response }
  | { readonly type: 'silence'; readonly why: string }
  | { readonly type: 'ended' }
)

/** One of our client transactions; `open` until its final answer came. */
interface CallTransaction {
  readonly active: ActiveCall
  readonly role: ClientRole
  readonly sent: Request
  readonly flow: Flow
  open: boolean
}

/** Requests which calls send, each in a client transaction, and whose is what comes of them. */
export class CallRequests {
  readonly #transactions: Transactions
  readonly #byClient = new Map<number, CallTransaction>()

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  send(
    now: MonotonicMs,
    active: ActiveCall,
    { request, flow, role }: Extract<CallOrder, { type: 'request' }>,
  ): readonly TransactionOutput[] {
    const { id, outputs } = this.#transactions.request(now, request, flow)
    this.#byClient.set(id, { active, role, sent: request, flow, open: true })
    active.outstanding++
    if (role.role === 'invite') active.inviteIds.set(role.leg, id)
    else if (role.role === 'passed' && request.method === 'INVITE') active.inviteIds.set(role.asked.leg, id)
    return outputs
  }

  /** The INVITE of a leg, or the one passed on for it, is wanted no more. */
  abandon(now: MonotonicMs, active: ActiveCall, of: Leg): readonly TransactionOutput[] {
    const id = active.inviteIds.get(of)
    return id === undefined ? [] : this.#transactions.abandon(now, id)
  }

  /** What the transaction layer heard; undefined: it is of no call. */
  heard(output: ClientOutput): CallResult | undefined {
    const client = this.#byClient.get(output.id)
    if (!client) return undefined
    const { active, role, sent, flow } = client
    const of = { active, role, sent, flow }
    if (output.type !== 'response' || output.response.status >= 200) concluded(client)
    switch (output.type) {
      case 'response':
        return { ...of, type: 'response', response: output.response }
      case 'ended':
        this.#byClient.delete(output.id)
        return { ...of, type: 'ended' }
      case 'timeout':
        return { ...of, type: 'silence', why: 'no final response' }
      case 'unreachable':
        return { ...of, type: 'silence', why: output.why }
    }
  }
}

function concluded(client: CallTransaction): void {
  if (client.open) client.active.outstanding--
  client.open = false
}
