import type { MonotonicMs } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { SmallMap } from '../ground/small-map.ts'
import type { Request, Response } from '../sip/message.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { Leg } from './leg.ts'

/** Whose legs they are: a call's, or another script's over legs. */
export interface LegOwner {
  /** The INVITE in the air: a leg's own, or, once it has answered, the one passed on for it. */
  readonly inviteIds: SmallMap<Leg, number>
  /** Our requests which have no final answer yet. */
  outstanding: number
}

/** What came of a request of a leg: an answer, the end of its transaction, or why no answer came. */
export type LegResult<Owner, Role> = {
  readonly owner: Owner
  readonly role: Role
  readonly sent: Request
  readonly flow: Flow
} & (
  | { readonly type: 'response'; readonly response: Response }
  | { readonly type: 'silence'; readonly why: string }
  | { readonly type: 'ended' }
)

/** One of our client transactions; `open` until its final answer came. */
interface LegTransaction<Owner, Role> {
  readonly owner: Owner
  readonly role: Role
  readonly sent: Request
  readonly flow: Flow
  open: boolean
}

/** Requests which legs send, each in a client transaction, and whose is what comes of them. */
export class LegRequests<Owner extends LegOwner, Role> {
  readonly #transactions: Transactions
  readonly #byClient = new Map<number, LegTransaction<Owner, Role>>()

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  /** `inviter`: the leg whose INVITE it is; absent: it is none, or is never given up. */
  send(
    now: MonotonicMs,
    owner: Owner,
    { request, flow, role }: { readonly request: Request; readonly flow: Flow; readonly role: Role },
    inviter?: Leg,
  ): readonly TransactionOutput[] {
    const { id, outputs } = this.#transactions.request(now, request, flow)
    this.#byClient.set(id, { owner, role, sent: request, flow, open: true })
    owner.outstanding++
    if (inviter) owner.inviteIds.set(inviter, id)
    return outputs
  }

  /** The INVITE of a leg, or the one passed on for it, is wanted no more. */
  abandon(now: MonotonicMs, { inviteIds }: Owner, of: Leg): readonly TransactionOutput[] {
    const id = inviteIds.get(of)
    return id === undefined ? [] : this.#transactions.abandon(now, id)
  }

  /** What the transaction layer heard; undefined: it is of no leg here. */
  heard(output: ClientOutput): LegResult<Owner, Role> | undefined {
    const client = this.#byClient.get(output.id)
    if (!client) return undefined
    const { owner, role, sent, flow } = client
    const of = { owner, role, sent, flow }
    const status = output.type === 'response' ? output.response.status : undefined
    if (status === undefined || status >= 200) concluded(client)
    // After it nothing comes but the end of the transaction, half a minute later; after a 2xx to an INVITE that of another callee may.
    if (status !== undefined && (status >= 300 || (status >= 200 && sent.method !== 'INVITE')))
      this.#byClient.delete(output.id)
    switch (output.type) {
      case 'response':
        return { ...of, type: 'response', response: output.response }
      case 'ended':
        this.#byClient.delete(output.id)
        for (const [leg, id] of owner.inviteIds) if (id === output.id) owner.inviteIds.delete(leg)
        return { ...of, type: 'ended' }
      case 'timeout':
        return { ...of, type: 'silence', why: 'no final response' }
      case 'unreachable':
        return { ...of, type: 'silence', why: output.why }
    }
  }
}

function concluded(client: LegTransaction<LegOwner, unknown>): void {
  if (client.open) client.owner.outstanding--
  client.open = false
}
