import type { MonotonicMs } from '#contract'
import { SocketAddress } from '../ground/socket-address.ts'
import { Contenders, type Evidence } from './contender.ts'

/** The peer's own stream may come from elsewhere after so many milliseconds without it: its NAT has rebound. */
const MOVED_MS = 100
/** Another stream may after so many, while the peer is new or an offer was just made. */
const LEFT_MS = 200
/** And after so many at any other time, where the peer's port was never announced: a phone began anew. */
const ABANDONED_MS = 10_000
/** An engine which has the kernel turn others away hears them again when the peer was silent for so long. */
export const DEAF_MS = 400
/** Packets after which a peer is no longer new: half a second of speech. */
const SETTLED = 25

/**
 * Learns where a party really is (RFC 7362), and hears no other source. Only allowed addresses are looked at; of these,
 * best evidence first:
 *
 *   announced   its SDP names this very address and port: takes the place from any lesser one, at once and for good
 *   continuing  the stream heard before goes on, and where it came from is silent: a NAT gave it another port
 *   steady      packets in sequence, for as long as nothing better is known
 *
 * A new offer for the same place lets a steady source follow one which has gone silent; on hold none may. A steady
 * source is heard before it is answered: until it has settled, the announced port is sent to.
 *
 * Who spoofs an allowed address or sits behind the same NAT does not see the SSRC, and does not have the port. RTCP
 * (`control`) has no sequence: it must come from the announced port or name the SSRC its party speaks under.
 */
export class Latch {
  /** Whom we hear, once `locked`. */
  readonly peer = new SocketAddress()
  locked = false
  /** When the last packet was accepted. */
  heardAt = 0
  /** Where this party's packets go; undefined: nowhere yet. */
  destination: SocketAddress | undefined
  readonly #control: boolean
  readonly #contenders = new Contenders()
  #sources: readonly SocketAddress[] = []
  #target: SocketAddress | undefined
  #quiet = false
  #aimedAt = 0
  /** The peer spoke from the announced port, or its stream did before a NAT moved it. */
  #announced = false
  /** An offer came since the peer was heard last. */
  #reopened = false
  #settled = false
  /** Its place was proved by a check (ICE), and no other is heard. */
  #chosen = false
  #count = 0

  constructor(control = false) {
    this.#control = control
  }

  /** `target` is the announced place; undefined: none that is believed. `quiet`: the party said it will not send. */
  aim(
    now: MonotonicMs,
    target: SocketAddress | undefined,
    sources: readonly SocketAddress[],
    quiet = false,
  ): void {
    this.#chosen = false
    const moved = target !== undefined && this.#target?.same(target) !== true
    this.#target = target ?? (this.locked ? this.#target : undefined)
    this.#sources = sources
    this.#quiet = quiet
    this.#aimedAt = now
    this.#reopened = true
    if (moved || !this.allows(this.peer)) this.#forget()
    this.#point()
  }

  /** The peer is there: so it was proved, and nothing it sends from elsewhere counts (RFC 8445 §8.1.1). */
  choose(now: MonotonicMs, place: SocketAddress): void {
    if (this.#chosen && this.locked && this.peer.same(place)) return
    this.#sources = []
    this.#target = undefined
    this.#chosen = true
    this.#take(now, place, true)
  }

  /** No place is heard, nor sent anything, until one is chosen. */
  shut(): void {
    this.#sources = []
    this.#target = undefined
    this.#chosen = false
    this.destination = undefined
    this.#forget()
  }

  /** Whether a packet from there is the peer's. */
  hears(now: MonotonicMs, from: SocketAddress): boolean {
    if (!this.isPeer(from)) return false
    this.heardAt = now
    if (this.#reopened || !this.#settled) this.#settle()
    return true
  }

  /** Whether that is where the peer is: so it is allowed, too. */
  isPeer(from: SocketAddress): boolean {
    return this.locked && this.peer.same(from)
  }

  /** Whether a packet from elsewhere shows that its source is this party; undefined: it says nothing of any stream. */
  learns(now: MonotonicMs, from: SocketAddress, evidence: Evidence | undefined): boolean {
    if (this.#chosen || !this.allows(from)) return false
    if (!this.#announced && this.#target?.same(from) === true) return this.#take(now, from, true)
    if (evidence === undefined) return false
    if (evidence.continues && !this.locked) return this.#take(now, from, false)
    if (evidence.continues && now - this.heardAt >= MOVED_MS) return this.#follow(now, from)
    if (this.#control || !this.#contenders.heard(now, from, evidence)) return false
    return !this.locked || this.#isLeft(now) ? this.#take(now, from, false) : false
  }

  /** Whether a packet from there may be the party's at all. */
  allows(from: SocketAddress): boolean {
    for (const source of this.#sources) if (source.sameAddress(from)) return true
    return this.#chosen && this.peer.same(from)
  }

  /** Whether no source could have better evidence than the peer, as long as it speaks: others need not be heard. */
  get exclusive(): boolean {
    if (this.#chosen) return false
    return this.locked && this.#settled && !this.#reopened && (this.#announced || this.#target === undefined)
  }

  /** Whether the peer has been silent for so long that others must be heard. */
  isDeaf(now: MonotonicMs): boolean {
    return this.locked && now - this.heardAt >= DEAF_MS
  }

  #isLeft(now: MonotonicMs): boolean {
    if (this.#quiet) return false
    if (this.#reopened || !this.#settled) return now - Math.max(this.heardAt, this.#aimedAt) >= LEFT_MS
    return !this.#announced && now - this.heardAt >= ABANDONED_MS
  }

  #take(now: MonotonicMs, from: SocketAddress, announced: boolean): true {
    this.#contenders.forget()
    this.#announced = announced
    this.#settled = announced || this.#control
    this.#count = 0
    this.locked = true
    return this.#follow(now, from)
  }

  /** The same party at another place: what it has proved stays proved. */
  #follow(now: MonotonicMs, from: SocketAddress): true {
    this.peer.copy(from)
    this.heardAt = now
    this.#settle()
    return true
  }

  #settle(): void {
    this.#reopened = false
    if (++this.#count >= SETTLED) this.#settled = true
    this.#point()
  }

  #point(): void {
    const known = this.locked && (this.#settled || this.#target === undefined)
    this.destination = known ? this.peer : this.#target
  }

  #forget(): void {
    this.locked = false
    this.#announced = false
    this.#settled = false
    this.#contenders.forget()
  }
}
