import type { Side } from '../ground/media.ts'
import { Latch } from './latch.ts'
import { Statistics } from './statistics.ts'

/** One of our ports: it hears one party, and what crosses to that party leaves from it (RFC 4961). */
export class RtpPort {
  readonly session: number
  readonly side: Side
  readonly port: number
  /** True: the odd port beside, for RTCP. */
  readonly control: boolean
  /** Whatever io knows the socket by. */
  handle = -1
  readonly latch: Latch
  readonly statistics = new Statistics()
  readonly #bucket = new TokenBucket()

  constructor(session: number, side: Side, port: number, control: boolean) {
    this.session = session
    this.side = side
    this.port = port
    this.control = control
    this.latch = new Latch(control)
  }

  /** Whether one more packet at `now` is still within what a call can need. */
  spare(now: number): boolean {
    return this.#bucket.spare(now)
  }
}

/** Packets per millisecond, and in one burst: several times what audio at 10 ms or video needs. */
const RATE = 1
const BURST = 500

/** A bucket of tokens, so that one flooded port cannot take the time of all others. */
class TokenBucket {
  #tokens = BURST
  #at = 0

  spare(now: number): boolean {
    if (now !== this.#at) this.#refill(now)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  #refill(now: number): void {
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#at) * RATE)
    this.#at = now
  }
}
