import type { MonotonicMs } from '#contract'
import { RateLimiter } from '../ground/rate-limiter.ts'
import type { BucketSize } from '../ground/token-bucket.ts'

/** A connection which was made to us. */
export interface Visitor {
  /** The network it comes from: a peer with one address there may have them all. */
  readonly network: string
  /** Whether who made it has proved who he is, or comes from a provider's or PBX's address. */
  isKnown(): boolean
  shut(): void
}

interface VisitorLimits {
  /** Connections in all, taken and made. */
  readonly streams: number
  /** Taken from strangers. */
  readonly strangers: number
  /** How fast they may come from one network. */
  readonly newcomers?: BucketSize
}

/* Implementation */
/** How many known ones are looked at for one whose owner has gone, when nothing else can go. */
const looksAtMost = 64
/* As many as may be strangers at once; then what costs a tenth of a core at a millisecond for each handshake over TLS. */
const newcomers = { atOnce: 1_000, perSecond: 100 }

/**
 * Who is connected to us, over all ports.
 *
 * A stranger always finds a place; when there are too many, one of the network with the most strangers goes, the oldest
 * first, for it had the longest time to prove who it is. A known peer makes room for no other. Some places are kept for the
 * connections we make.
 */
export class Visitors {
  readonly #limits: VisitorLimits
  /** In the order they came. */
  readonly #strangersByNetwork = new Map<string, Set<Visitor>>()
  readonly #known = new Set<Visitor>()
  readonly #newcomers: RateLimiter
  #strangers = 0
  #made = 0

  constructor(limits: VisitorLimits) {
    this.#limits = limits
    this.#newcomers = new RateLimiter(limits.newcomers ?? newcomers)
  }

  /** Whether so many have come from a network lately that a stranger's next connection is not worth a handshake. */
  comesTooFast(network: string, now: MonotonicMs): boolean {
    return !this.#newcomers.take(now, network)
  }

  /** Connections there are, of those which were made to us and of those we made. */
  get size(): number {
    return this.#strangers + this.#known.size + this.#made
  }

  /** Takes a newcomer in, at a stranger's cost; false: there is no place for it. */
  enter(visitor: Visitor): boolean {
    const { streams, strangers } = this.#limits
    const ours = Math.max(1, Math.floor(streams / 8))
    this.#put(visitor)
    const network = this.#strangersByNetwork.get(visitor.network)
    while (network !== undefined && network.size > Math.max(2, strangers / 4)) this.#shutOne(network)
    while (this.#strangers > strangers && this.#shutOne(this.#largest()));
    const full = streams - Math.max(0, ours - this.#made)
    while (this.size > full && this.#strangers > 1 && this.#shutOne(this.#largest()));
    while (this.size > full && this.#shutGone());
    if (this.size <= full) return this.#has(visitor)
    this.leave(visitor)
    return false
  }

  leave(visitor: Visitor): void {
    if (this.#known.delete(visitor)) return
    const network = this.#strangersByNetwork.get(visitor.network)
    if (!network?.delete(visitor)) return
    this.#strangers--
    if (network.size === 0) this.#strangersByNetwork.delete(visitor.network)
  }

  /** A place for a connection of ours; false: all are taken by those who are known. */
  make(): boolean {
    while (this.size >= this.#limits.streams && this.#shutOne(this.#largest()));
    if (this.size >= this.#limits.streams && !this.#shutGone()) return false
    this.#made++
    return true
  }

  /** A connection of ours has ended. */
  unmake(): void {
    this.#made--
  }

  /** Whether one may stay silent for long; a peer found to be known is a stranger no more. */
  isKnown(visitor: Visitor): boolean {
    if (this.#known.has(visitor)) return true
    if (!visitor.isKnown()) return false
    this.leave(visitor)
    this.#known.add(visitor)
    return true
  }

  #put(visitor: Visitor): void {
    const network = this.#strangersByNetwork.get(visitor.network) ?? new Set()
    this.#strangersByNetwork.set(visitor.network, network.add(visitor))
    this.#strangers++
  }

  #has(visitor: Visitor): boolean {
    return this.#known.has(visitor) || (this.#strangersByNetwork.get(visitor.network)?.has(visitor) ?? false)
  }

  /** The network with the most strangers; of several the one which was here first. */
  #largest(): Set<Visitor> | undefined {
    let largest: Set<Visitor> | undefined
    for (const network of this.#strangersByNetwork.values())
      if (network.size > (largest?.size ?? 0)) largest = network
    return largest
  }

  /** Shuts the oldest stranger of a network, and passes by those who are known by now; false: there is none. */
  #shutOne(network: Set<Visitor> | undefined): boolean {
    const [oldest] = network ?? []
    if (oldest === undefined) return false
    if (!this.isKnown(oldest)) this.#shut(oldest)
    return true
  }

  /** Shuts one who was known once and is no more, as a phone which has unregistered. */
  #shutGone(): boolean {
    let looks = 0
    for (const visitor of this.#known) {
      if (++looks > looksAtMost) return false
      this.#known.delete(visitor)
      this.#known.add(visitor)
      if (visitor.isKnown()) continue
      this.#shut(visitor)
      return true
    }
    return false
  }

  #shut(visitor: Visitor): void {
    this.leave(visitor)
    visitor.shut()
  }
}

/** Of a port which stands alone: as many as a relay needs at most. */
export function usualVisitors(): Visitors {
  return new Visitors({ streams: 20_000, strangers: 4_000 })
}
