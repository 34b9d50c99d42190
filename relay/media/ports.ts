import { type MonotonicMs, type Port, portNumber } from '#contract'
import type { Side } from '../ground/media.ts'

/** Milliseconds a port rests after a call, so that late packets of one call are not heard in the next. */
const REST_MS = 30_000
/** And so many at least when there is no other: a call refused is worse than a short rest. */
const SHORT_REST_MS = 5_000

/**
 * The even RTP ports of a range; RTCP stands one above each (RFC 3550 §11).
 *
 * Ports come out at random, since a port which can be guessed can be sprayed.
 */
export class Ports {
  readonly #ready: Port[] = []
  /** A ring of resting ports, in the order they were given back. */
  #resting: { readonly port: Port; readonly since: number }[] = []
  #rested = 0
  readonly #below: (below: number) => number
  readonly #atMost: number
  /** Pairs which can be out at one time. */
  readonly atMost: number
  #taken = 0

  /** `range` includes both ends; a pair which does not fit whole is left out. `atMost` pairs are out at one time. */
  constructor(
    range: readonly [low: number, high: number],
    below: (below: number) => number,
    atMost = Number.POSITIVE_INFINITY,
  ) {
    this.#below = below
    this.#atMost = atMost
    for (let port = range[0] + (range[0] & 1); port + 1 <= range[1]; port += 2)
      this.#ready.push(portNumber(port))
    this.atMost = Math.min(atMost, this.#ready.length)
  }

  /** Ports which could be taken now, or soon. */
  get free(): number {
    return this.#ready.length + this.#resting.length - this.#rested
  }

  /** Both pairs of a call, or why they cannot be had. */
  both(now: MonotonicMs): Record<Side, Port> | string {
    const caller = this.take(now)
    const callee = caller === undefined ? undefined : this.take(now)
    if (caller !== undefined && callee !== undefined) return { caller, callee }
    if (caller !== undefined) this.give(now, caller)
    return this.#taken + 2 > this.#atMost ? 'no descriptor left for the sound' : 'no media port'
  }

  /** undefined: none is left. */
  take(now: MonotonicMs): Port | undefined {
    if (this.#taken >= this.atMost) return undefined
    this.#wake(now, REST_MS)
    if (this.#ready.length === 0) this.#wake(now, SHORT_REST_MS)
    const ready = this.#ready
    const last = ready.length - 1
    if (last < 0) return undefined
    const i = this.#below(ready.length)
    const port = ready[i]
    ready[i] = ready[last] as Port
    ready.pop()
    this.#taken++
    return port
  }

  give(now: MonotonicMs, port: Port): void {
    this.#taken--
    this.#resting.push({ port, since: now })
  }

  #wake(now: MonotonicMs, restMs: number): void {
    let next = this.#resting[this.#rested]
    while (next !== undefined && next.since + restMs <= now) {
      this.#ready.push(next.port)
      next = this.#resting[++this.#rested]
    }
    if (this.#rested > 256 && this.#rested * 2 > this.#resting.length) {
      this.#resting = this.#resting.slice(this.#rested)
      this.#rested = 0
    }
  }
}
