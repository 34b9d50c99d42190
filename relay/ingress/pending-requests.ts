import type { MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import { type Flow, reliable, sameFlow } from '../ground/flow.ts'
import type { Request } from '../sip/message.ts'

/** So long an INVITE is repeated at most (timer B, RFC 3261 §17.1.1.2). */
const repeatedMs = 32_000
/** More which were refused lately than these are not remembered. */
const refusedAtMost = 4_096

/** With what a request was refused: the edge said nothing, or it was taken back. */
type WaitRefusal = 503 | 487

/** INVITEs and REGISTERs which wait for the edge to say whose they are: repeats are absorbed, and one may be taken back. */
export class PendingRequests {
  readonly #refused = new BoundedMap<string, { readonly status: WaitRefusal; readonly until: number }>(
    refusedAtMost,
  )
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

  /** An INVITE had waited when it was refused: a copy may be on its way, and is to begin no call. */
  refuse(now: MonotonicMs, request: Request, flow: Flow, status: WaitRefusal): void {
    if (request.method === 'INVITE' && !reliable(flow))
      this.#refused.set(keyOf(request), { status, until: now + repeatedMs })
  }

  /** With what a copy is to be refused, as the one which came first (RFC 3261 §8.2.7); undefined: it is none of a refused one. */
  refusalOf(now: MonotonicMs, request: Request): WaitRefusal | undefined {
    const refused = this.#refused.size > 0 ? this.#refused.get(keyOf(request)) : undefined
    return refused && refused.until > now ? refused.status : undefined
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
