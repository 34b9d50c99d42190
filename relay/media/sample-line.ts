import type { G711Types } from '../ground/media.ts'
import { sampleTables } from './g711.ts'
import { payloadEnd, payloadStart } from './packet-shape.ts'

/** Samples which lie between what was taken and the latest which may come: a second, as a power of two. */
const RING = 8192
/** A packet may be so many samples ahead of its arrival: after that the sender's clock has jumped. */
const AHEAD_AT_MOST = 3200
/** Samples its packets may be early or late on the whole, before they are moved one by one. */
const ASTRAY = 160
/** So many packets in a row may come too late; more are a clock which was put back. */
const STRAYED_AT_MOST = 5
/** Of so many packets the mean says how early or late they are. */
const MEAN_OF = 64

/** What a party which has not said otherwise speaks (RFC 3551 §6). */
const usual: G711Types = [
  { type: 0, law: 'PCMU' },
  { type: 8, law: 'PCMA' },
]

/**
 * One party's sound on the clock of a recording, in samples since that began. A packet lies where its timestamp says, counted from
 * where the first one came; what never came is silence. A sender whose clock is another's is followed sample by
 * sample, and one whose timestamps jump, from where its next packet comes.
 */
export class SampleLine {
  readonly #ring = new Int16Array(RING)
  #tables: readonly (Int16Array | undefined)[] = tablesOf(usual)
  /** What was taken; nothing is placed before it. */
  #taken = 0
  #ssrc = -1
  /** The newest packet: its timestamp, and where it lies; negative: none yet. */
  #timestamp = 0
  #at = -1
  /** Packets in a row which are of before what was taken. */
  #strayed = 0
  /** How late packets are on the whole, in samples. */
  #late = 0
  /** Payload types which came and are not decoded, but for comfort noise and events. */
  readonly #strange = new Set<number>()
  #understood = 0

  /** Another party speaks from now on. */
  begin(): void {
    this.#at = -1
  }

  /** By which payload types its party speaks what is decoded here; undefined: by the usual ones. */
  speaks(spoken: G711Types = usual): void {
    this.#tables = tablesOf(spoken)
  }

  /** Payload types of what was not decoded, where nothing was; else none. */
  get unheard(): readonly number[] {
    return this.#understood > 0 ? [] : [...this.#strange]
  }

  /** A whole RTP packet came when the recording's clock was at `arrival`. */
  place(arrival: number, packet: Uint8Array, length: number): void {
    const type = (packet[1] as number) & 0x7f
    const table = this.#tables[type]
    if (table === undefined) return this.#pass(type)
    this.#understood++
    const from = payloadStart(packet)
    const count = payloadEnd(packet, length) - from
    const at = count > 0 && count <= AHEAD_AT_MOST ? this.#placeOf(arrival, packet) : -1
    if (at < 0) return
    for (let i = Math.max(0, this.#taken - at); i < count; i++)
      this.#ring[(at + i) & (RING - 1)] = table[packet[from + i] as number] as number
  }

  /** Adds what lies between what was taken last and `to` to samples `stride` apart; it is gone from here. */
  take(to: number, into: Int16Array, offset: number, stride: number): void {
    for (let at = this.#taken, out = offset; at < to; at++, out += stride) {
      const slot = at & (RING - 1)
      into[out] = clipped((into[out] as number) + (this.#ring[slot] as number))
      this.#ring[slot] = 0
    }
    this.#taken = Math.max(this.#taken, to)
  }

  /** What lies here is not to be heard, nor what comes of the time before `at`. */
  drop(at: number): void {
    this.#ring.fill(0)
    this.#taken = Math.max(this.#taken, at)
    this.#at = -1
  }

  /** Where a packet lies; -1: it comes too late. */
  #placeOf(arrival: number, packet: Uint8Array): number {
    const ssrc = word(packet, 8)
    const timestamp = word(packet, 4)
    const later = (timestamp - this.#timestamp) | 0
    if (this.#at < 0 || ssrc !== this.#ssrc) return this.#begin(arrival, ssrc, timestamp)
    const at = this.#at + later
    if (later < 0 && (at >= this.#taken || this.#strayed++ < STRAYED_AT_MOST)) return at
    if (at < this.#taken || at > arrival + AHEAD_AT_MOST) return this.#begin(arrival, ssrc, timestamp)
    this.#strayed = 0
    this.#timestamp = timestamp
    this.#at = at
    return later === 0 ? at : this.#follow(arrival)
  }

  #begin(arrival: number, ssrc: number, timestamp: number): number {
    this.#ssrc = ssrc
    this.#timestamp = timestamp
    this.#late = 0
    this.#strayed = 0
    this.#at = Math.max(arrival, this.#taken)
    return this.#at
  }

  /** Moves a stream which is early or late on the whole by one sample; the one before is heard twice, or not. */
  #follow(arrival: number): number {
    this.#late += (arrival - this.#at - this.#late) / MEAN_OF
    if (Math.abs(this.#late) <= ASTRAY) return this.#at
    const by = Math.sign(this.#late)
    this.#late -= by
    this.#at += by
    const slot = (this.#at - 1) & (RING - 1)
    if (by > 0 && this.#at > this.#taken) this.#ring[slot] = this.#ring[(slot - 1) & (RING - 1)] as number
    return this.#at
  }

  /** Comfort noise is silence, and so are events, whose types a party chooses: those which are short are none of sound. */
  #pass(type: number): void {
    if (type !== COMFORT_NOISE && this.#understood === 0 && this.#strange.size < 8) this.#strange.add(type)
  }
}

/** RFC 3389 §4. */
const COMFORT_NOISE = 13

function tablesOf(spoken: G711Types): (Int16Array | undefined)[] {
  const tables: (Int16Array | undefined)[] = new Array(128).fill(undefined)
  for (const { type, law } of spoken) tables[type] = sampleTables[law]
  return tables
}

function word(packet: Uint8Array, at: number): number {
  return (
    (((packet[at] as number) << 24) |
      ((packet[at + 1] as number) << 16) |
      ((packet[at + 2] as number) << 8) |
      (packet[at + 3] as number)) >>>
    0
  )
}

function clipped(sample: number): number {
  return Math.max(-32768, Math.min(32767, sample))
}
