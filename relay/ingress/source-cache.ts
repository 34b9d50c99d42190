import type { MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import { type Flow, reliable } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { sourceNetwork } from '../ground/source-prefix.ts'

/** An address the edge does not know is not asked about again for so long. */
const unknownMs = 5_000
/** One it knows needs no leave to call for so long. */
const familiarMs = 3_600_000
const rememberedAtMost = 10_000
/** As many as a flood can name before a carrier repeats itself. */
const waitingAtMost = 50_000

/** A datagram's sender who is not forged says it again: not sooner, and not later (RFC 3261 §17.1.1.2, T1 and 64·T1). */
const repeats = { fromMs: 400, toMs: 32_000 }

/** Questions about addresses of one network, about those heard for the first time, and about those who came again. */
const perNetwork = { atOnce: 10, perSecond: 2 }
const perKind = { atOnce: 50, perSecond: 25, remembered: 2 }

/**
 * Bare addresses which call: only the edge knows which are a provider's.
 *
 * A flood from forged addresses must not become a flood of questions, nor keep a new carrier out: each address is asked
 * about once at a time, each network now and then, and all together so many times a second. Half of that is for those
 * who said it twice or connected, for their addresses are not forged; the others hear nothing until they repeat
 * themselves. Addresses which were a provider's lately are not held up by any of it.
 */
export class SourceCache {
  readonly #familiar = new BoundedMap<string, number>(rememberedAtMost)
  readonly #unknown = new BoundedMap<string, number>(rememberedAtMost)
  readonly #asked = new Set<string>()
  /** Since when an address waits to be asked about: until it repeats itself. */
  readonly #waiting = new BoundedMap<string, number>(waitingAtMost)
  readonly #ofNetwork = new RateLimiter(perNetwork)
  readonly #ofKind = new RateLimiter(perKind)

  /**
   * Whether the edge may be asked; or it is known to say no, or is just being asked, or was asked too often.
   *
   * `realm`: whether the address is one of this trunk's is another question than whether any customer knows it.
   */
  meet(now: MonotonicMs, flow: Flow, realm = ''): 'ask' | 'unknown' | 'asked' | 'tooMany' {
    const address = keyOf(flow, realm)
    if ((this.#unknown.get(address) ?? 0) > now) return 'unknown'
    if ((this.#familiar.get(address) ?? 0) > now) return 'ask'
    // Who came over UDP will repeat himself.
    if (this.#asked.has(address) && !reliable(flow)) return 'asked'
    if (!this.#mayAsk(now, flow, address)) return 'tooMany'
    this.#waiting.delete(address)
    this.#asked.add(address)
    return 'ask'
  }

  /**
   * The edge knows the address, does not, or did not answer; true when it is news that no provider calls from there.
   * A carrier whom some know stays familiar when it rings the number of a customer who does not.
   */
  settle(now: MonotonicMs, flow: Flow, known: boolean | undefined, realm = ''): boolean {
    const address = keyOf(flow, realm)
    this.#asked.delete(address)
    if (known) this.#familiar.set(address, now + familiarMs)
    if (known !== false || (this.#familiar.get(address) ?? 0) > now) return false
    const news = (this.#unknown.get(address) ?? 0) <= now
    this.#unknown.set(address, now + unknownMs)
    return news
  }

  #mayAsk(now: MonotonicMs, flow: Flow, address: string): boolean {
    const waited = now - (this.#waiting.get(address) ?? now)
    const kind = reliable(flow) || waited >= repeats.fromMs ? 'real' : 'new'
    const network = sourceNetwork(flow.address)
    if (this.#ofNetwork.has(now, network) && this.#ofKind.take(now, kind))
      return this.#ofNetwork.take(now, network)
    if (waited === 0 || waited > repeats.toMs) this.#waiting.set(address, now)
    return false
  }
}

function keyOf({ address }: Flow, realm: string): string {
  return realm === '' ? address : `${address} ${realm}`
}
