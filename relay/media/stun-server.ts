import type { MonotonicMs } from '#contract'
import { RateLimiter } from '../ground/rate-limiter.ts'
import type { SocketAddress } from '../ground/socket-address.ts'
import { sourcePrefix } from '../ground/source-prefix.ts'
import { TokenBucket } from '../ground/token-bucket.ts'
import { looksLikeStun, readBinding, STUN_ANSWER, writeRefusal, writeSuccess } from './stun.ts'

/** Phones behind one NAT which each keep it open (RFC 5626 §4.4.2) are answered; a victim is never sent more. */
const perSource = { atOnce: 20, perSecond: 10 }
/** An answer costs little; a flood of questions must not cost calls their time. */
const all = { atOnce: 500, perSecond: 500 }

/**
 * Tells who asks without credentials where it is seen from (RFC 8489 §6.3.1). A sender may be forged: an answer is at most a dozen
 * bytes longer than its question, IPv6's two dozen, and each address is sent few.
 */
export class StunServer {
  /** The answer, until the next. */
  readonly answer = new Uint8Array(STUN_ANSWER)
  readonly #sources = new RateLimiter(perSource)
  readonly #all = new TokenBucket(all)

  /** Whether an answer may be sent to who has proved nothing: it counts as one. Who was refused takes nothing from others. */
  spares(now: MonotonicMs, from: SocketAddress): boolean {
    return from.port !== 0 && this.#sources.take(now, sourcePrefix(from.address)) && this.#all.take(now)
  }

  /** The length of `answer`; 0: none is given. */
  asked(now: MonotonicMs, packet: Uint8Array, length: number, from: SocketAddress): number {
    if (!looksLikeStun(packet, length) || !this.#all.has(now)) return 0
    const request = readBinding(packet, length)
    if (request === undefined || request.username !== '' || request.integrityAt !== undefined) return 0
    if (!this.spares(now, from)) return 0
    const { fingerprinted, unknown } = request
    const terms = { into: this.answer, packet, fingerprinted }
    return unknown.length > 0 ? writeRefusal(terms, 420, unknown) : writeSuccess(terms, from)
  }
}
