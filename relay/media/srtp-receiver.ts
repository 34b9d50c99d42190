import type { SrtpKey } from '../ground/media.ts'
import { headerLength } from './packet-shape.ts'
import { type CipherMaker, type SuiteSizes, suiteSizes } from './srtp-cipher.ts'
import { CONTROL_CLEAR, SrtpLock } from './srtp-lock.ts'
import { later, nearest, rollover, SrtpStream, SrtpStreams } from './srtp-stream.ts'
import type { UnprotectStage } from './stages.ts'
import { sequenceOf, ssrcOf } from './statistics.ts'
import { readWord } from './words.ts'

/** A stream which is not understood so often in a row is tried one roll-over later: a long pause may have hidden one. */
const PATIENCE = 16
/** Roll-overs which may be behind a party whose call was moved to a port of ours it had not spoken to: 23 hours of sound. */
const MOST_ROLLOVERS = 64
/** Not written by who has the key; came before, or too long ago for that to be known. */
const [UNAUTHENTIC, REPLAYED] = [-1, -2]

const none = new Uint8Array(0)

/** Packets which were dropped, and why. */
export interface SrtpFailures {
  unauthentic: number
  replayed: number
}

/**
 * The packets a party sends, under its key (RFC 3711 §3.3, §3.4). What is not authentic leaves no trace but a count.
 *
 * A key which takes another's place does so when the first packet under it comes; until then the one before it counts
 * (RFC 4568 §7.1.4). Of a stream which goes on, peers let the roll-over counter go on too (RFC 3711 §3.3.1) or start
 * it again (RFC 4568 §7.1.4): its first packet shows which.
 */
export class SrtpReceiver implements UnprotectStage {
  readonly key: SrtpKey
  readonly failures: SrtpFailures
  readonly #sizes: SuiteSizes
  readonly #mki: Uint8Array
  readonly #rtp: SrtpLock
  readonly #rtcp: SrtpLock
  readonly #streams = new SrtpStreams()
  readonly #control = new SrtpStreams()
  #before: SrtpReceiver | undefined
  /** The roll-over which is tried next for a stream nothing is known of. */
  #guess = 1

  /** `before`: the one whose place this takes. */
  constructor(key: SrtpKey, make: CipherMaker, before?: SrtpReceiver) {
    this.key = key
    this.failures = before?.failures ?? { unauthentic: 0, replayed: 0 }
    this.#sizes = suiteSizes[key.suite]
    this.#mki = key.mki ?? none
    this.#rtp = new SrtpLock(key, make, false)
    this.#rtcp = new SrtpLock(key, make, true)
    this.#before = before
    if (before !== undefined) before.#before = undefined
  }

  knows(packet: Uint8Array, control: boolean): boolean {
    const ssrc = ssrcOf(packet, control)
    const streams = control ? this.#control : this.#streams
    return streams.find(ssrc) !== undefined || this.#before?.knows(packet, control) === true
  }

  /** Decrypts a packet in place. */
  unprotect(packet: Uint8Array, length: number, control: boolean): number {
    const out = this.#unlock(packet, length, control)
    if (out >= 0 || this.#before === undefined) return this.#told(out, control)
    const old = this.#before.#unlock(packet, length, control)
    return old >= 0 ? old : this.#told(out, control)
  }

  /** What it cannot open it leaves as it came. */
  #unlock(packet: Uint8Array, length: number, control: boolean): number {
    const tag = control ? this.#sizes.controlTag : this.#sizes.tag
    const end = this.#withoutName(packet, length, tag)
    const out = control ? this.#openControl(packet, end) : this.#open(packet, end)
    if (out < 0 && end > 0) this.#name(packet, end, tag)
    return out
  }

  #told(out: number, control: boolean): number {
    if (out >= 0 && !control) this.#before = undefined
    if (out === REPLAYED) this.failures.replayed++
    else if (out < 0) this.failures.unauthentic++
    return out
  }

  #open(packet: Uint8Array, end: number): number {
    const clear = headerLength(packet, end - this.#sizes.tag)
    if (clear < 0) return UNAUTHENTIC
    const stream = this.#streams.find(readWord(packet, 8))
    if (stream === undefined) return this.#begin(packet, clear, end)
    return this.#goOn(stream, packet, clear, end)
  }

  #goOn(stream: SrtpStream, packet: Uint8Array, clear: number, end: number): number {
    const index = stream.near(sequenceOf(packet))
    const out = this.#try(stream, packet, clear, end, index)
    if (out >= 0 || ++stream.failures % PATIENCE !== 0) return out
    return this.#try(stream, packet, clear, end, later(index))
  }

  /**
   * An SSRC's first packet: those before it may have been lost, and a roll-over with them, or were spoken to another port of
   * ours (a transfer). Each packet which is not understood has the next roll-over tried: none costs more than three.
   */
  #begin(packet: Uint8Array, clear: number, end: number): number {
    if (this.#streams.isFull) return REPLAYED
    const ssrc = readWord(packet, 8)
    const sequence = sequenceOf(packet)
    const highest = this.#highestOf(ssrc)
    const gone = highest === undefined ? sequence : nearest(highest, sequence)
    const out = this.#beginAt(ssrc, packet, clear, end, gone)
    if (out >= 0) return out
    const again = gone === sequence ? out : this.#beginAt(ssrc, packet, clear, end, sequence)
    if (again >= 0) return again
    const soon = this.#beginAt(ssrc, packet, clear, end, later(sequence, this.#guess))
    this.#guess = soon >= 0 || this.#guess === MOST_ROLLOVERS ? 1 : this.#guess + 1
    return soon
  }

  /** Only what is authentic is worth the memory of a stream: a forged SSRC costs no more than its tries. */
  #beginAt(ssrc: number, packet: Uint8Array, clear: number, end: number, index: number): number {
    const out = index < 0 ? UNAUTHENTIC : this.#decrypt(ssrc, packet, clear, end, index)
    if (out >= 0) this.#streams.keep(begun(ssrc, index))
    return out
  }

  /** Of the stream under the key before this one. */
  #highestOf(ssrc: number): number | undefined {
    return this.#before === undefined ? undefined : this.#before.#streams.find(ssrc)?.highest
  }

  #try(stream: SrtpStream, packet: Uint8Array, clear: number, end: number, index: number): number {
    if (!stream.allows(index)) return REPLAYED
    const out = this.#decrypt(stream.ssrc, packet, clear, end, index)
    if (out >= 0) stream.add(index)
    return out
  }

  #decrypt(ssrc: number, packet: Uint8Array, clear: number, end: number, index: number): number {
    const rtp = this.#rtp
    rtp.aim(ssrc, rollover(index), index)
    const out = rtp.cipher.open(packet, clear, end, rollover(index))
    return out < 0 ? UNAUTHENTIC : out
  }

  #openControl(packet: Uint8Array, end: number): number {
    const { aead, controlTag } = this.#sizes
    const at = aead ? end - 4 : end - controlTag - 4
    if (at < CONTROL_CLEAR || end - controlTag - 4 < CONTROL_CLEAR) return UNAUTHENTIC
    const word = readWord(packet, at)
    // All or nothing is encrypted, and what was agreed on is all (RFC 4568 §6.3.2).
    if (word >= 0) return UNAUTHENTIC
    return this.#tryControl(packet, end, word)
  }

  #tryControl(packet: Uint8Array, end: number, word: number): number {
    const ssrc = readWord(packet, 4)
    const known = this.#control.find(ssrc)
    const index = word & 0x7fff_ffff
    if (known === undefined ? this.#control.isFull : !known.allows(index)) return REPLAYED
    const rtcp = this.#rtcp
    rtcp.aim(ssrc, index >>> 16, index)
    const out = rtcp.cipher.open(packet, CONTROL_CLEAR, end, word)
    if (out < 0) return UNAUTHENTIC
    if (known === undefined) this.#control.keep(begun(ssrc, index))
    else known.add(index)
    return out
  }

  /** The length without the name of the key: before counter mode's tag, behind all of GCM's; 0: it names another key. */
  #withoutName(packet: Uint8Array, length: number, tag: number): number {
    const mki = this.#mki
    if (mki.length === 0) return length
    const to = this.#sizes.aead ? length : length - tag
    const from = to - mki.length
    if (from < 0) return 0
    for (let i = 0; i < mki.length; i++) if (packet[from + i] !== mki[i]) return 0
    packet.copyWithin(from, to, length)
    return length - mki.length
  }

  /** Puts the name back where it stood. */
  #name(packet: Uint8Array, end: number, tag: number): void {
    const mki = this.#mki
    if (mki.length === 0) return
    const at = this.#sizes.aead ? end : end - tag
    packet.copyWithin(at + mki.length, at, end)
    packet.set(mki, at)
  }
}

/** A stream whose first packet had that index. */
function begun(ssrc: number, index: number): SrtpStream {
  const stream = new SrtpStream(ssrc)
  stream.add(index)
  return stream
}
