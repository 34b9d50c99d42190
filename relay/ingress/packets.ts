import type { MonotonicMs } from '#contract'
import type { Input } from '../ground/effects.ts'
import { type Flow, isFramed, reliable } from '../ground/flow.ts'
import { flaw } from '../sip/limits.ts'
import type { Fault } from '../sip/message.ts'
import { parseMessage } from '../sip/parse.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { IngressEffects, IngressOutput } from './ingress-effects.ts'
import type { KnownFlows } from './known-flows.ts'
import type { StatelessReplies } from './stateless-replies.ts'

const fromNowhere = flaw('Via', 'does not say from which address it came to the proxy')

interface PacketsDeps {
  readonly effects: IngressEffects
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly knownFlows: KnownFlows
}

/** Bytes from the wire: a message is its transaction's, and what is none is answered where that is possible. */
export class Packets {
  readonly #deps: PacketsDeps

  constructor(deps: PacketsDeps) {
    this.#deps = deps
  }

  receive(
    event: Extract<Input, { type: 'packet' }> | Extract<TransactionOutput, { type: 'stray' }>,
    now: MonotonicMs,
  ): IngressOutput[] {
    const { effects, transactions } = this.#deps
    const { flow } = event
    if (event.type === 'stray') {
      effects.note('debug', 'sip.stray', { status: event.response.status, from: flow.address })
      return effects.take()
    }
    const parsed = parseMessage(event.bytes, { stream: !isFramed(flow) })
    if (!parsed.ok) return this.#faulty(parsed.fault, flow)
    const message = parsed.value
    // As the proxy's own it would be charged to that, and have its rights.
    if (message.kind === 'request' && flow.proxy?.from === 'unknown')
      return this.#faulty(
        { ...fromNowhere, answerable: message.method === 'ACK' ? undefined : message },
        flow,
      )
    return transactions.receive({ type: 'message', message, flow }, now)
  }

  #faulty({ where, why, status, answerable }: Fault, flow: Flow): IngressOutput[] {
    const { effects, replies, knownFlows } = this.#deps
    effects.note('debug', 'sip.fault', { where, why, status, from: flow.address })
    if (answerable) {
      replies.refuse(answerable, flow, status, why)
    } else if (reliable(flow) && !knownFlows.knows(flow) && !knownFlows.needs(flow)) {
      // A stranger whose bytes are no message makes room for others.
      effects.emit({ type: 'close', flow })
    }
    return effects.take()
  }
}
