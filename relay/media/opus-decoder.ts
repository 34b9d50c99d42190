import type { OpusAim } from '../ground/media.ts'
import { encoded, type Law } from './g711.ts'
import { OPUS_FRAME, OPUS_LONGEST, type OpusCodec } from './opus.ts'
import { payloadEnd, payloadStart, RTP_HEADER } from './packet-shape.ts'
import type { TranscodeStage } from './stages.ts'
import { readWord, writeWord } from './words.ts'

/** Ticks of Opus' clock in a sample (RFC 7587 §4.1). */
export const OPUS_TICKS = 6
/** A packet behind the newest by so many is late; further behind, its sender has begun anew. */
export const LATE_AT_MOST = 100
const MARKER = 0x80
/** What libopus conceals is a multiple of 2.5 ms. */
const STEP = 20
/** The static numbers of both laws (RFC 3551 §6). */
const typeOf: Readonly<Record<Law, number>> = { PCMU: 0, PCMA: 8 }

/**
 * What a party says in Opus, as G.711 in packets of one length, whatever length its own have. They leave as theirs come:
 * nothing waits for what may be late, and what is lost is guessed, or read from the copy in the packet behind it.
 */
export class OpusDecoder implements TranscodeStage {
  #aim: OpusAim
  readonly #codec: OpusCodec
  readonly #isOpus = new Uint8Array(128)
  /** Samples of a packet which leaves. */
  #count = 0
  /** What has been decoded and has not left, from the first of these to the last. */
  readonly #line = new Int16Array(4 * OPUS_LONGEST)
  #first = 0
  #last = 0
  #begun = false
  #ssrc = 0
  #sequence = 0
  /** Of the newest packet: its timestamp, how many samples it held, and what the first of them is in ours. */
  #timestamp = 0
  #span = OPUS_FRAME
  #ourTime = 0
  /** Of the next packet which leaves. */
  #ourSequence = 0
  #nextTime = 0
  #marks = true
  spent = 0

  constructor(codec: OpusCodec, aim: OpusAim) {
    this.#codec = codec
    this.#aim = aim
    this.aim(aim)
  }

  /** What comes from now on, and becomes of it; numbers go on. */
  aim(aim: OpusAim): void {
    this.#aim = aim
    this.#count = aim.ms * 8
    this.#isOpus.fill(0)
    for (const type of aim.from) this.#isOpus[type] = 1
  }

  take(packet: Uint8Array, length: number): boolean {
    if (this.#isOpus[(packet[1] as number) & 0x7f] !== 1) return false
    const sequence = ((packet[2] as number) << 8) | (packet[3] as number)
    const [timestamp, ssrc] = [readWord(packet, 4), readWord(packet, 8)]
    const [from, to] = [payloadStart(packet), payloadEnd(packet, length)]
    const ahead = ((sequence - this.#sequence) << 16) >> 16
    if (!this.#begun || ssrc !== this.#ssrc || ahead < -LATE_AT_MOST) this.#begin(ssrc, sequence, timestamp)
    else if (ahead <= 0) return true
    else this.#follow(ahead, timestamp, packet, from, to)
    this.#sequence = sequence
    this.#timestamp = timestamp
    this.#ourTime = (this.#nextTime + this.#last - this.#first) >>> 0
    const count = this.#codec.decode(packet, from, to)
    if (count > 0) this.#span = count
    this.#add(count > 0 ? count : this.#codec.conceal(this.#span))
    return true
  }

  next(into: Uint8Array): number {
    const count = this.#count
    if (this.#last - this.#first < count) {
      this.#line.copyWithin(0, this.#first, this.#last)
      this.#last -= this.#first
      this.#first = 0
      return 0
    }
    const { law } = this.#aim
    into[0] = 0x80
    into[1] = this.#marks ? MARKER | typeOf[law] : typeOf[law]
    into[2] = this.#ourSequence >>> 8
    into[3] = this.#ourSequence
    writeWord(into, 4, this.#nextTime)
    writeWord(into, 8, this.#ssrc)
    for (let i = 0; i < count; i++) into[RTP_HEADER + i] = encoded(law, this.#line[this.#first + i] as number)
    this.#first += count
    this.#ourSequence = (this.#ourSequence + 1) & 0xffff
    this.#nextTime = (this.#nextTime + count) >>> 0
    this.#marks = false
    return RTP_HEADER + count
  }

  timeOf(ssrc: number, rtpTime: number): number {
    if (!this.#begun || ssrc !== this.#ssrc) return rtpTime
    return (this.#ourTime + Math.trunc(((rtpTime - this.#timestamp) | 0) / OPUS_TICKS)) >>> 0
  }

  /** Its numbers begin where the party's do. */
  #begin(ssrc: number, sequence: number, timestamp: number): void {
    if (this.#begun) this.#codec.reset()
    else this.#nextTime = timestamp >>> 0
    if (!this.#begun || ssrc !== this.#ssrc) this.#ourSequence = sequence
    this.#begun = true
    this.#ssrc = ssrc
    this.#pause(0)
  }

  /** What lies between this packet and the newest before: lost, or never said (DTX, a hold). */
  #follow(ahead: number, timestamp: number, packet: Uint8Array, from: number, to: number): void {
    const samples = Math.trunc(((timestamp - this.#timestamp) | 0) / OPUS_TICKS) - this.#span
    const missing = samples - (samples % STEP)
    if (missing <= 0) return
    if (ahead === 1 || missing > OPUS_LONGEST) return this.#pause(missing)
    const copied = Math.min(missing, this.#span)
    if (missing > copied) this.#add(this.#codec.conceal(missing - copied))
    this.#add(this.#codec.recover(packet, from, to, copied))
  }

  /** What was said before it is over: less than a packet of that is left, and leaves no more. */
  #pause(missing: number): void {
    this.#nextTime = (this.#nextTime + this.#last - this.#first + missing) >>> 0
    this.#first = 0
    this.#last = 0
    this.#marks = true
  }

  #add(count: number): void {
    const { samples } = this.#codec
    this.spent += count
    if (this.#last + count > this.#line.length) this.#pause(0)
    for (let i = 0; i < count; i++) this.#line[this.#last++] = samples[i] as number
  }
}
