import type { SrtpKey } from '../ground/media.ts'
import { headerLength } from './packet-shape.ts'
import type { CipherMaker } from './srtp-cipher.ts'
import { CONTROL_CLEAR, SrtpLock } from './srtp-lock.ts'
import { rollover, SentStream, SrtpStreams } from './srtp-stream.ts'
import type { ProtectStage } from './stages.ts'
import { sequenceOf } from './statistics.ts'
import { readWord } from './words.ts'

/** RTCP's index has 31 bits; above it stands whether the packet is encrypted (RFC 3711 §3.4). */
const MOST_CONTROL = 0x7fff_ffff
const ENCRYPTED = 1 << 31

/** The packets a party is sent, under our key for it (RFC 3711 §3.3, §3.4). */
export class SrtpSender implements ProtectStage {
  readonly key: SrtpKey
  readonly #rtp: SrtpLock
  readonly #rtcp: SrtpLock
  readonly #streams = new SrtpStreams<SentStream>()
  /** Of the key before this one. */
  readonly #streamsBefore: SrtpStreams<SentStream> | undefined
  /** Index of the next RTCP packet, whatever its SSRC. */
  #control = 0

  /** `before`: the one whose place this takes; numbers go on where its did. */
  constructor(key: SrtpKey, make: CipherMaker, before?: SrtpSender) {
    this.key = key
    this.#rtp = new SrtpLock(key, make, false)
    this.#rtcp = new SrtpLock(key, make, true)
    if (before !== undefined) this.#streamsBefore = before.#streams
  }

  /**
   * Encrypts a packet in place, for which it needs room. No index is used twice, for that would show what both packets
   * carry: who starts its numbers again is given others.
   */
  protect(packet: Uint8Array, length: number, control: boolean): number {
    return control ? this.#protectControl(packet, length) : this.#protect(packet, length)
  }

  #protect(packet: Uint8Array, length: number): number {
    const clear = headerLength(packet, length)
    if (clear < 0) return -1
    const ssrc = readWord(packet, 8)
    const sequence = sequenceOf(packet)
    const stream = this.#streams.find(ssrc) ?? this.#begin(ssrc, sequence)
    const index = stream?.next(sequence) ?? -1
    if (stream === undefined || index < 0) return -1
    stream.add(index)
    packet[2] = index >>> 8
    packet[3] = index
    const rtp = this.#rtp
    rtp.aim(ssrc, rollover(index), index)
    return rtp.cipher.seal(packet, clear, length, rollover(index))
  }

  #protectControl(packet: Uint8Array, length: number): number {
    if (length < CONTROL_CLEAR || this.#control > MOST_CONTROL) return -1
    const index = this.#control++
    const rtcp = this.#rtcp
    rtcp.aim(readWord(packet, 4), index >>> 16, index)
    return rtcp.cipher.seal(packet, CONTROL_CLEAR, length, ENCRYPTED | index)
  }

  #begin(ssrc: number, sequence: number): SentStream | undefined {
    const stream = new SentStream(ssrc)
    stream.shift = this.#streamsBefore?.find(ssrc)?.shift ?? sequence & 0x8000
    return this.#streams.keep(stream) ? stream : undefined
  }
}
