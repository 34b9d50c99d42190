import type { MonotonicMs } from '#contract'
import type { MediaCounters } from '../ground/media.ts'
import type { SourceReport } from './rtcp-writer.ts'

/** Sequence numbers ahead by less are a gap; further away is a restart (RFC 3550 appendix A.1). */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
/** Numbers of which we know whether each came: more than may be out of order. */
const WINDOW = 256
/** Payload type of RFC 3389. */
const COMFORT_NOISE = 13

/** Counts one direction of one RTP stream; a packet costs no allocation. */
export class Statistics {
  packets = 0
  bytes = 0
  dropped = 0
  reordered = 0
  /** Packets which had come before; all the other figures count each once. */
  duplicates = 0
  gaps = 0
  longestGapMs = 0
  /** Payload type of the sound (RFC 3551 §6); undefined: none came yet. */
  payloadType: number | undefined
  /** Ticks per millisecond of the sender's clock. */
  ticks = 8
  #ssrc = 0
  #started = false
  #base = 0
  #highest = 0
  #cycles = 0
  #received = 0
  /** Of the last 256 numbers, a bit each: whether it came. */
  readonly #came = new Int32Array(WINDOW / 32)
  /** How many were expected and how many came by the last report. */
  #expectedBefore = 0
  #receivedBefore = 0
  /** Lost by sources which came before the present one. */
  #lostBefore = 0
  #bad = -1
  #transit = 0
  #rtpTime = 0
  /** In ticks (RFC 3550 appendix A.8). */
  #jitter = 0
  #heardAt: number | undefined
  #typeBefore = -1

  /** The SSRC of the stream counted here; undefined: none came yet. */
  get ssrc(): number | undefined {
    return this.#started ? this.#ssrc : undefined
  }

  count(length: number): void {
    this.packets++
    this.bytes += length
  }

  /**
   * Reads the RTP header (RFC 3550 §5.1), of which at least 12 bytes are there.
   *
   *   0: V P X CC   1: M PT   2–3: sequence   4–7: timestamp   8–11: SSRC
   */
  hear(now: MonotonicMs, packet: Uint8Array): void {
    const sequence = sequenceOf(packet)
    const rtpTime = word(packet, 4)
    const ssrc = ssrcOf(packet, false)
    if (!this.#started || ssrc !== this.#ssrc) this.#begin(now, ssrc, sequence, rtpTime)
    else if (!this.#advance(sequence)) {
      this.duplicates++
      return
    }
    this.#received++
    this.#type(byte(packet, 1) & 0x7f, rtpTime)
    this.#measure(now, rtpTime)
    if (this.#heardAt !== undefined && now - this.#heardAt > this.longestGapMs)
      this.longestGapMs = now - this.#heardAt
    this.#heardAt = now
  }

  /** What follows may begin when it likes: the time until then is no gap. */
  rest(): void {
    this.#heardAt = undefined
  }

  /** Whether a packet with this SSRC belongs to the stream counted here, and comes next in it; RTCP's sequence is −1. */
  isOf(ssrc: number, sequence: number): boolean {
    if (!this.#started || ssrc !== this.#ssrc) return false
    const ahead = (sequence - this.#highest) & 0xffff
    return sequence < 0 || (ahead > 0 && ahead < MAX_DROPOUT)
  }

  /** Bytes of sound, without RTP headers of the usual length. */
  get octets(): number {
    return Math.max(0, this.bytes - 12 * this.packets)
  }

  /** The RTP time which the stream is at; undefined: it has not begun, or rests. */
  rtpTimeAt(now: MonotonicMs): number | undefined {
    if (this.#heardAt === undefined) return undefined
    return (this.#rtpTime + Math.round((now - this.#heardAt) * this.ticks)) >>> 0
  }

  /**
   * What a report says of the stream (§6.4.1); undefined: none came. Its fraction counts from the report taken before. A
   * duplicate makes up for no loss here: who hears the report wants to know what was missing.
   */
  takeReport(): Pick<SourceReport, 'ssrc' | 'fraction' | 'lost' | 'highest' | 'jitter'> | undefined {
    if (!this.#started) return undefined
    const expected = this.#expected - this.#expectedBefore
    const missing = expected - (this.#received - this.#receivedBefore)
    const fraction = expected > 0 && missing > 0 ? Math.min(255, Math.floor((missing * 256) / expected)) : 0
    this.#expectedBefore = this.#expected
    this.#receivedBefore = this.#received
    return {
      ssrc: this.#ssrc,
      fraction,
      lost: Math.min(this.#lostNow, 0x7fffff),
      highest: (this.#cycles + this.#highest) >>> 0,
      jitter: Math.floor(this.#jitter),
    }
  }

  /** Lost so far (appendix A.3, but that a duplicate makes up for none). */
  get lost(): number {
    return this.#lostBefore + this.#lostNow
  }

  get jitterMs(): number {
    return Math.round((this.#jitter / this.ticks) * 100) / 100
  }

  summary(): MediaCounters {
    const { packets, bytes, lost, dropped, jitterMs } = this
    return { packets, bytes, lost, dropped, jitterMs }
  }

  get #lostNow(): number {
    if (!this.#started) return 0
    return Math.max(0, this.#expected - this.#received)
  }

  get #expected(): number {
    return this.#cycles + this.#highest - this.#base + 1
  }

  #begin(now: MonotonicMs, ssrc: number, sequence: number, rtpTime: number): void {
    this.#lostBefore += this.#lostNow
    this.#started = true
    this.#ssrc = ssrc
    this.#restart(sequence)
    this.#rtpTime = rtpTime
    this.#transit = this.#arrival(now, rtpTime)
  }

  #restart(sequence: number): void {
    this.#base = sequence
    this.#highest = sequence
    this.#cycles = 0
    this.#received = 0
    this.#expectedBefore = 0
    this.#receivedBefore = 0
    this.#bad = -1
    this.#came.fill(0)
    this.#note(sequence)
  }

  /** False: it is a duplicate. */
  #advance(sequence: number): boolean {
    const ahead = (sequence - this.#highest) & 0xffff
    if (ahead < MAX_DROPOUT) return ahead > 0 && this.#goOn(sequence, ahead)
    if (ahead <= 0x10000 - MAX_MISORDER) this.#leap(sequence)
    else if (this.#has(sequence)) return false
    else this.#late(sequence)
    return true
  }

  #goOn(sequence: number, ahead: number): true {
    if (ahead > 1) this.#skip(ahead)
    if (sequence < this.#highest) this.#cycles += 0x10000
    this.#highest = sequence
    this.#note(sequence)
    return true
  }

  /** One from before the first which came is no more than was expected: it would hide one which is lost. */
  #late(sequence: number): void {
    this.reordered++
    this.#note(sequence)
    const number = this.#cycles + this.#highest - ((this.#highest - sequence) & 0xffff)
    this.#base = Math.min(this.#base, number)
  }

  /** The numbers between have not come yet. */
  #skip(ahead: number): void {
    this.gaps++
    for (let i = 1; i < ahead && i <= WINDOW; i++) {
      const sequence = this.#highest + i
      const at = (sequence & (WINDOW - 1)) >> 5
      this.#came[at] = (this.#came[at] as number) & ~(1 << (sequence & 31))
    }
  }

  #note(sequence: number): void {
    const at = (sequence & (WINDOW - 1)) >> 5
    this.#came[at] = (this.#came[at] as number) | (1 << (sequence & 31))
  }

  #has(sequence: number): boolean {
    return (((this.#came[(sequence & (WINDOW - 1)) >> 5] as number) >>> (sequence & 31)) & 1) === 1
  }

  /** Of two packets in a row: comfort noise comes alone, and all of a key press are of one instant. */
  #type(type: number, rtpTime: number): void {
    if (type !== COMFORT_NOISE && type === this.#typeBefore && rtpTime !== this.#rtpTime)
      this.payloadType = type
    this.#typeBefore = type
  }

  /** Two in a row at a far away number: the sender restarted without changing its SSRC. */
  #leap(sequence: number): void {
    if (sequence !== this.#bad) {
      this.#bad = (sequence + 1) & 0xffff
      this.#received--
      return
    }
    this.#lostBefore += this.#lostNow
    this.#restart(sequence)
  }

  /** Packets of one instant (a key press, a video frame) say nothing about jitter. */
  #measure(now: MonotonicMs, rtpTime: number): void {
    if (rtpTime === this.#rtpTime) return
    this.#rtpTime = rtpTime
    const transit = this.#arrival(now, rtpTime)
    const difference = Math.abs((transit - this.#transit) | 0)
    this.#transit = transit
    this.#jitter += (difference - this.#jitter) / 16
  }

  #arrival(now: MonotonicMs, rtpTime: number): number {
    return (now * this.ticks - rtpTime) | 0
  }
}

/** Of an RTP packet. */
export function sequenceOf(packet: Uint8Array): number {
  return (byte(packet, 2) << 8) | byte(packet, 3)
}

/** Of an RTP packet, or of an RTCP packet's sender (RFC 3550 §5.1, §6.4). */
export function ssrcOf(packet: Uint8Array, control: boolean): number {
  return word(packet, control ? 4 : 8)
}

function byte(packet: Uint8Array, at: number): number {
  return packet[at] as number
}

function word(packet: Uint8Array, at: number): number {
  return (
    (byte(packet, at) << 24) |
    (byte(packet, at + 1) << 16) |
    (byte(packet, at + 2) << 8) |
    byte(packet, at + 3)
  )
}
