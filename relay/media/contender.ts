import type { MonotonicMs } from '#contract'
import { SocketAddress } from '../ground/socket-address.ts'

/** What a packet says of the stream it belongs to. One object serves for all packets. */
export interface Evidence {
  ssrc: number
  /** −1 where packets have none (UDPTL is not read). */
  sequence: number
  /** The stream already heard of this party goes on in this packet: its SSRC, and the numbers that come next. */
  continues: boolean
}

/** Packets in sequence before a source counts as one (RFC 3550 appendix A.1), and the time they must take at least. */
const IN_SEQUENCE = 3
const SPAN_MS = 30
/** Longest pause inside a sequence, and most packets lost on the way: a sprayer comes by once a round. */
const PAUSE_MS = 500
const LOST_AT_MOST = 16
/** Sources which may be on probation at one time. */
const SLOTS = 4

/** A source on probation. */
class Contender {
  readonly source = new SocketAddress()
  ssrc = 0
  sequence = 0
  count = 0
  since = 0
  at = Number.NEGATIVE_INFINITY

  begin(now: MonotonicMs, from: SocketAddress, { ssrc, sequence }: Evidence): void {
    this.source.copy(from)
    this.ssrc = ssrc
    this.sequence = sequence
    this.count = 1
    this.since = now
    this.at = now
  }

  /** Whether the packet is the next of its sequence; it is counted then. */
  goesOn(now: MonotonicMs, { ssrc, sequence }: Evidence): boolean {
    const ahead = (sequence - this.sequence) & 0xffff
    const next = sequence < 0 || (ahead > 0 && ahead <= LOST_AT_MOST)
    if (ssrc !== this.ssrc || !next || now - this.at > PAUSE_MS) return false
    this.sequence = sequence
    this.at = now
    this.count++
    return true
  }
}

/** Sources which may be the party, as long as nothing better is known than that they speak steadily. */
export class Contenders {
  readonly #slots: Contender[] = []

  /** Counts a packet; true when its source has spoken in sequence for long enough. */
  heard(now: MonotonicMs, from: SocketAddress, evidence: Evidence): boolean {
    const known = this.#slots.find(({ source: place }) => place.same(from))
    if (known?.goesOn(now, evidence) !== true) {
      const slot = known ?? this.#slot()
      slot.begin(now, from, evidence)
      return false
    }
    return known.count >= IN_SEQUENCE && now - known.since >= SPAN_MS
  }

  forget(): void {
    this.#slots.length = 0
  }

  /** A new one, or that of the source which was silent for longest. */
  #slot(): Contender {
    if (this.#slots.length < SLOTS) {
      const slot = new Contender()
      this.#slots.push(slot)
      return slot
    }
    return this.#slots.reduce((oldest, slot) => (slot.at < oldest.at ? slot : oldest))
  }
}
