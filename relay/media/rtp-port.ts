import type { MonotonicMs, Port } from '#contract'
import type { SessionId, Side } from '../ground/media.ts'
import { TokenBucket } from '../ground/token-bucket.ts'
import { Latch } from './latch.ts'
import { Statistics } from './statistics.ts'

/** One of our ports: it hears one party, and what crosses to that party leaves from it (RFC 4961). */
export class RtpPort {
  readonly session: SessionId
  readonly side: Side
  readonly port: Port
  /** True: the odd port beside, for RTCP. */
  readonly control: boolean
  /** Whatever io knows the socket by. */
  handle = -1
  readonly latch: Latch
  readonly statistics = new Statistics()
  readonly #bucket = new TokenBucket(packets)

  constructor(session: SessionId, side: Side, port: Port, control: boolean) {
    this.session = session
    this.side = side
    this.port = port
    this.control = control
    this.latch = new Latch(control)
  }

  /** Whether one more packet at `now` is still within what a call can need. */
  spare(now: MonotonicMs): boolean {
    return this.#bucket.take(now)
  }
}

/** Packets of one port: several times what audio at 10 ms or video needs, so that one which is flooded takes no other's time. */
const packets = { atOnce: 500, perSecond: 1_000 }
