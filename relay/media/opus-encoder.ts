import { sampleTables } from './g711.ts'
import { OPUS_FRAME, type OpusCodec } from './opus.ts'
import { LATE_AT_MOST, OPUS_TICKS } from './opus-decoder.ts'
import { payloadEnd, payloadStart, RTP_HEADER } from './packet-shape.ts'
import type { TranscodeStage } from './stages.ts'
import { readWord, writeWord } from './words.ts'

const MARKER = 0x80
/** Streams which are known: the partner's, ours of sounds and of keys, and one which was before. */
const STREAMS = 4
/** What is missing for longer was never said. */
const LOST_AT_MOST = 8_000
const COMFORT_NOISE = 13
/** What is louder is no room's noise, −dBov; and what says no level is none (RFC 3389 §3.1). */
const [LOUDEST, SILENT] = [30, 127]
/** Octets of a packet which is no sound: a key. */
const BESIDES = 64

/** One source's numbers, as they come and as they leave. */
class Stream {
  ssrc = 0
  isKnown = false
  /** Of its newest packet. */
  sequence = 0
  /** The timestamp which comes next. */
  end = 0
  /** Samples of its newest packet of sound. */
  span = OPUS_FRAME
  ourSequence = 0
  /** What the first sample which waits has in ours. */
  ourTime = 0
}

/**
 * What a party is sent as Opus: G.711 of both laws under their static numbers, in packets of any length, becomes frames of
 * 20 ms. What is lost on the way here is left to the party, whose decoder is told by the numbers. Keys pass, on Opus' clock.
 * Comfort noise (RFC 3389), which says how loud a pause is, becomes 20 ms of that: by those the party's decoder goes on.
 */
export class OpusEncoder implements TranscodeStage {
  readonly #codec: OpusCodec
  #type: number
  readonly #streams = Array.from({ length: STREAMS }, () => new Stream())
  #stream = this.#streams[0] as Stream
  #oldest = 0
  /** What waits to be encoded, all of one stream. */
  readonly #line = new Int16Array(2_048)
  #first = 0
  #last = 0
  #marks = true
  readonly #beside = new Uint8Array(BESIDES)
  #besideLength = 0
  #dice = 1
  spent = 0

  /** `type`: the party's number for Opus. */
  constructor(codec: OpusCodec, type: number) {
    this.#codec = codec
    this.#type = type
  }

  /** Its number from now on; those of packets go on. */
  aim(type: number): void {
    this.#type = type
  }

  take(packet: Uint8Array, length: number): boolean {
    const type = (packet[1] as number) & 0x7f
    const table = type === 0 ? sampleTables.PCMU : type === 8 ? sampleTables.PCMA : undefined
    const isNoise = type === COMFORT_NOISE
    if (table === undefined && !isNoise && length > BESIDES) return false
    const sequence = ((packet[2] as number) << 8) | (packet[3] as number)
    const timestamp = readWord(packet, 4)
    const kind = table !== undefined ? 'sound' : isNoise ? 'noise' : 'beside'
    if (!this.#follow(readWord(packet, 8), sequence, timestamp, kind)) return false
    const [from, to] = [payloadStart(packet), payloadEnd(packet, length)]
    if (table !== undefined) this.#add(table, packet, from, to)
    else if (isNoise) this.#addNoise(to > from ? (packet[from] as number) & 0x7f : SILENT)
    else this.#pass(packet, length, timestamp)
    return true
  }

  next(into: Uint8Array): number {
    if (this.#besideLength > 0) return this.#nextBeside(into)
    while (this.#last - this.#first >= OPUS_FRAME) {
      const octets = this.#codec.encode(this.#line, this.#first)
      this.#first += OPUS_FRAME
      this.#head(into, this.#type, this.#stream.ourTime)
      this.#stream.ourTime = (this.#stream.ourTime + OPUS_FRAME * OPUS_TICKS) >>> 0
      for (let i = 0; i < octets; i++) into[RTP_HEADER + i] = this.#codec.octets[i] as number
      if (octets > 0) return RTP_HEADER + octets
    }
    this.#line.copyWithin(0, this.#first, this.#last)
    this.#last -= this.#first
    this.#first = 0
    return 0
  }

  timeOf(ssrc: number, rtpTime: number): number {
    const stream = this.#streams.find((one) => one.isKnown && one.ssrc === ssrc)
    if (stream === undefined) return rtpTime
    const waiting = stream === this.#stream ? this.#last - this.#first : 0
    return (stream.ourTime + Math.imul((rtpTime - stream.end + waiting) | 0, OPUS_TICKS)) >>> 0
  }

  /** False: it comes late, or twice. */
  #follow(ssrc: number, sequence: number, timestamp: number, kind: 'sound' | 'noise' | 'beside'): boolean {
    const stream = this.#streamOf(ssrc, sequence, timestamp)
    const ahead = ((sequence - stream.sequence) << 16) >> 16
    if (ahead <= 0 && ahead >= -LATE_AT_MOST) return false
    stream.sequence = sequence
    if (kind === 'beside') return true
    const missing = (timestamp - stream.end) | 0
    // Of packets shorter than a frame the next word of noise lies within what was made of the last.
    if (kind === 'noise' && missing < 0 && missing > -2 * OPUS_FRAME) return false
    if (ahead > 0 && missing > 0) this.#skip(stream, missing, Math.min(missing, (ahead - 1) * stream.span))
    stream.end = timestamp | 0
    return true
  }

  /** Who speaks now; one of which nothing is known begins where its own numbers do. */
  #streamOf(ssrc: number, sequence: number, timestamp: number): Stream {
    if (this.#stream.isKnown && this.#stream.ssrc === ssrc) return this.#stream
    this.#skip(this.#stream, 0, 0)
    const known = this.#streams.find((one) => one.isKnown && one.ssrc === ssrc)
    this.#stream = known ?? (this.#streams[this.#oldest++ % STREAMS] as Stream)
    if (known !== undefined) return known
    Object.assign(this.#stream, {
      ssrc,
      isKnown: true,
      sequence: (sequence - 1) & 0xffff,
      end: timestamp | 0,
    })
    Object.assign(this.#stream, { ourSequence: sequence, ourTime: timestamp >>> 0 })
    return this.#stream
  }

  /** Samples are missing: the `lost` of them take numbers, so that the party guesses those; behind a pause sound begins anew. */
  #skip(stream: Stream, missing: number, lost: number): void {
    const waiting = this.#last - this.#first
    stream.ourTime = (stream.ourTime + Math.imul(waiting + missing, OPUS_TICKS)) >>> 0
    this.#first = 0
    this.#last = 0
    if (lost < missing || missing === 0 || missing > LOST_AT_MOST) this.#marks = true
    if (lost > 0 && missing <= LOST_AT_MOST)
      stream.ourSequence = (stream.ourSequence + Math.max(1, Math.round(lost / OPUS_FRAME))) & 0xffff
  }

  #add(table: Int16Array, packet: Uint8Array, from: number, to: number): void {
    if (this.#last + to - from > this.#line.length) this.#skip(this.#stream, 0, 0)
    for (let at = from; at < to; at++) this.#line[this.#last++] = table[packet[at] as number] as number
    this.#heard(to - from)
    this.#stream.span = to - from
  }

  /** White, as loud as is said, −dBov: what a frame lacks of which a part waits, and one more. */
  #addNoise(level: number): void {
    const waiting = this.#last - this.#first
    const count = OPUS_FRAME + ((OPUS_FRAME - (waiting % OPUS_FRAME)) % OPUS_FRAME)
    // Evenly spread, so that its peaks are above its level by √3.
    const peak = level >= SILENT ? 0 : 32_768 * Math.sqrt(3) * 10 ** (-Math.max(level, LOUDEST) / 20)
    for (let left = count; left > 0; left--) {
      this.#dice = (Math.imul(this.#dice, 1_103_515_245) + 12_345) >>> 0
      this.#line[this.#last++] = (this.#dice / 2 ** 31 - 1) * peak
    }
    this.#heard(count)
  }

  #heard(count: number): void {
    this.#stream.end = (this.#stream.end + count) | 0
    this.spent += count
  }

  #pass(packet: Uint8Array, length: number, timestamp: number): void {
    for (let at = 0; at < length; at++) this.#beside[at] = packet[at] as number
    writeWord(this.#beside, 4, this.timeOf(this.#stream.ssrc, timestamp))
    this.#besideLength = length
  }

  #nextBeside(into: Uint8Array): number {
    const length = this.#besideLength
    const time = readWord(this.#beside, 4)
    for (let at = RTP_HEADER; at < length; at++) into[at] = this.#beside[at] as number
    const [first, second] = [this.#beside[0] as number, this.#beside[1] as number]
    this.#head(into, second & 0x7f, time)
    into[0] = first
    into[1] = second
    this.#besideLength = 0
    return length
  }

  #head(into: Uint8Array, type: number, time: number): void {
    const stream = this.#stream
    into[0] = 0x80
    into[1] = this.#marks ? MARKER | type : type
    into[2] = stream.ourSequence >>> 8
    into[3] = stream.ourSequence
    writeWord(into, 4, time)
    writeWord(into, 8, stream.ssrc)
    stream.ourSequence = (stream.ourSequence + 1) & 0xffff
    this.#marks = false
  }
}
