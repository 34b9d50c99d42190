import { type Flow, sameFlow } from '../ground/flow.ts'
import type { Request } from '../sip/message.ts'

/** INVITEs and REGISTERs which wait for the edge to say whose they are: repeats are absorbed, and one may be taken back. */
export class PendingRequests {
  readonly #waitingByTransaction = new Map<string, { readonly flow: Flow; cancelled: boolean }>()

  has(request: Request): boolean {
    return this.#waitingByTransaction.size > 0 && this.#waitingByTransaction.has(keyOf(request))
  }

  begin(request: Request, flow: Flow): void {
    this.#waitingByTransaction.set(keyOf(request), { flow, cancelled: false })
  }

  /** Ends the wait; true when the caller has given up meanwhile. */
  end(request: Request): boolean {
    const key = keyOf(request)
    const cancelled = this.#waitingByTransaction.get(key)?.cancelled ?? false
    this.#waitingByTransaction.delete(key)
    return cancelled
  }

  /** Takes back the INVITE which a CANCEL means; false: none of this flow waits. */
  cancel(cancel: Request, flow: Flow): boolean {
    const waiting = this.#waitingByTransaction.get(keyOf(cancel))
    if (!waiting || !sameFlow(waiting.flow, flow)) return false
    waiting.cancelled = true
    return true
  }
}

/** What an INVITE and its CANCEL have in common before there is a transaction (§9.2). */
function keyOf({ via, callId, cseq }: Request): string {
  return `${callId}\n${cseq.number}\n${via.branch}\n${via.host}`
}
