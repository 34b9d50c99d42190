import type { MonotonicMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import { RTP_HEADER } from './packet-shape.ts'
import { writeWord } from './words.ts'

/** Milliseconds a packet may be away from where the one before ended, and still follow it. */
const JOINT_MS = 10
/** Ticks a millisecond of every sound which is ours. */
export const OWN_TICKS = 8
const MARKER = 0x80
/**
 * Our numbers begin low: a party which hears another one after us is mostly sent higher ones then, and jitter buffers are about
 * (baresip 1.0) to which a lower number is late, whatever its SSRC, so that nothing is heard any more.
 */
const FIRST_BELOW = 2 ** 8

/**
 * The RTP which we send a leg's party as ourselves: one stream as long as the leg lives, under our SSRC (RFC 3550 §8). Its
 * sequence goes on however long nothing was sent, and its timestamp as time does, so that a pause is one to its hearer, too.
 */
export class OwnStream {
  /** As a signed word, as those are which are read. */
  readonly ssrc: number
  packets = 0
  octets = 0
  #sequence: number
  #timestamp: number
  /** When the last packet's sound is over, ms; undefined: none was sent. */
  #endsAt: number | undefined

  constructor(entropy: Pick<Entropy, 'below'>) {
    this.ssrc = entropy.below(2 ** 32) | 0
    this.#sequence = entropy.below(FIRST_BELOW)
    this.#timestamp = entropy.below(2 ** 31)
  }

  /** Writes the header of a packet whose sound of `ms` begins at `at`; the first behind a pause is marked (RFC 3551 §4.1). */
  head(packet: Uint8Array, at: number, ms: number, type: number): void {
    const isNext = this.#endsAt !== undefined && Math.abs(at - this.#endsAt) <= JOINT_MS
    const begins = isNext ? (this.#endsAt as number) : at
    if (!isNext && this.#endsAt !== undefined) this.#pause(at - this.#endsAt)
    packet[0] = 0x80
    packet[1] = isNext ? type : MARKER | type
    packet[2] = this.#sequence >>> 8
    packet[3] = this.#sequence
    writeWord(packet, 4, this.#timestamp)
    writeWord(packet, 8, this.ssrc)
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.#timestamp = (this.#timestamp + ms * OWN_TICKS) >>> 0
    this.#endsAt = begins + ms
  }

  /** A packet of `length` bytes was sent, as plain RTP. */
  sent(length: number): void {
    this.packets++
    this.octets += length - RTP_HEADER
  }

  /** The RTP time which is due at a moment (RFC 3550 §6.4.1). */
  timeAt(now: MonotonicMs): number {
    return (this.#timestamp + Math.round((now - (this.#endsAt ?? now)) * OWN_TICKS)) >>> 0
  }

  #pause(ms: number): void {
    this.#timestamp = (this.#timestamp + Math.max(0, Math.round(ms * OWN_TICKS))) >>> 0
  }
}
