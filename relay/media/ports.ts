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
  readonly #socketsAtMost: number
  /** Pairs which can be out at one time, each with two sockets. */
  readonly atMost: number
  /** Sockets of the pairs which are out. */
  #sockets = 0
  /** Pairs with one: RTCP comes by the port of RTP (RFC 5761). */
  readonly #shared = new Set<Port>()

  /** `range` includes both ends; a pair which does not fit whole is left out. `socketsAtMost` are open at one time. */
  constructor(
    range: readonly [low: number, high: number],
    below: (below: number) => number,
    socketsAtMost = Number.POSITIVE_INFINITY,
  ) {
    this.#below = below
    this.#socketsAtMost = socketsAtMost
    for (let port = range[0] + (range[0] & 1); port + 1 <= range[1]; port += 2)
      this.#ready.push(portNumber(port))
    this.atMost = Math.min(Math.floor(socketsAtMost / 2), this.#ready.length)
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
    return this.#sockets + 4 > this.#socketsAtMost ? 'no descriptor left for the sound' : 'no media port'
  }

  /** undefined: none is left. */
  take(now: MonotonicMs): Port | undefined {
    if (this.#sockets + 2 > this.#socketsAtMost) return undefined
    this.#wake(now, REST_MS)
    if (this.#ready.length === 0) this.#wake(now, SHORT_REST_MS)
    const ready = this.#ready
    const last = ready.length - 1
    if (last < 0) return undefined
    const i = this.#below(ready.length)
    const port = ready[i]
    ready[i] = ready[last] as Port
    ready.pop()
    this.#sockets += 2
    return port
  }

  give(now: MonotonicMs, port: Port): void {
    this.#sockets -= this.#shared.delete(port) ? 1 : 2
    this.#resting.push({ port, since: now })
  }

  /** A pair which is out has one socket from now on, or two again. False: there is no second one to be had. */
  share(port: Port, isShared: boolean): boolean {
    if (this.#shared.has(port) === isShared) return true
    if (!isShared && this.#sockets >= this.#socketsAtMost) return false
    if (isShared) this.#shared.add(port)
    else this.#shared.delete(port)
    this.#sockets += isShared ? -1 : 1
    return true
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
