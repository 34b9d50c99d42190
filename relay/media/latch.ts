import { Place } from './place.ts'

/** Milliseconds of silence after which a lock may be taken over, by an allowed source only. */
const RELEARN_MS = 10_000

/**
 * Learns where a party behind NAT really is, from its first packet (RFC 7362), and from then on hears nobody else.
 *
 * Only the allowed addresses may latch; the port is free until then, and locked after. A new offer or answer opens the
 * latch again, as does a long silence: the peer it had is still sent to until another allowed one speaks.
 */
export class Latch {
  /** Whom we hear and answer, once `known`. */
  readonly peer = new Place()
  known = false
  locked = false
  /** When the last packet was accepted. */
  heardAt = 0
  #sources: readonly Place[] = []
  #target: Place | undefined

  /** `target` is where to send before the peer is known; undefined: nowhere. */
  aim(target: Place | undefined, sources: readonly Place[]): void {
    const moved = target !== undefined && this.#target?.same(target) !== true
    this.#target = target ?? this.#target
    this.#sources = sources
    this.locked = false
    if (moved || !this.#allows(this.peer)) this.known = false
    if (target === undefined && !this.known) this.#target = undefined
  }

  /** Whether a packet from there is this party's; locks on the first that may be. */
  accepts(now: number, from: Place): boolean {
    if (!(this.locked && this.peer.same(from)) && !this.#learn(now, from)) return false
    this.heardAt = now
    return true
  }

  /** Where this party's packets go; undefined: nowhere yet. */
  get destination(): Place | undefined {
    return this.known ? this.peer : this.#target
  }

  /** Whether a silence has been long enough for another allowed source to take over. */
  isAbandoned(now: number): boolean {
    return this.locked && now - this.heardAt >= RELEARN_MS
  }

  #learn(now: number, from: Place): boolean {
    if (this.locked && !this.isAbandoned(now)) return false
    if (!this.#allows(from)) return false
    this.peer.copy(from)
    this.known = true
    this.locked = true
    return true
  }

  #allows(from: Place): boolean {
    for (const source of this.#sources) if (source.sameAddress(from)) return true
    return false
  }
}
