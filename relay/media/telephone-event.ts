import type { DigitQueue } from './digit-queue.ts'
import { dtmfKeys, ticksBetween, timestampOf } from './dtmf.ts'
import { payloadStart } from './packet-shape.ts'

/*
 *  0                   1                   2                   3
 * |     event     |E|R|  volume   |          duration             |   (RFC 4733 §2.3)
 */
const BLOCK = 4
/** Events whose timestamps are remembered: what comes of one of them is none which is new. */
const REMEMBERED = 8
/** A longer one is told in segments (RFC 4733 §2.5.1.3): its next may begin from here on. */
const SEGMENT = 50_000
const LONGEST = 0xffff

/**
 * Hears key presses in telephone-event packets, each once: whichever of its packets comes first (RFC 4733 §2.5.2).
 *
 * All packets of one event have one timestamp, so that updates and the thrice repeated end may be lost, repeated, and
 * come in any order, also into the next event.
 */
export class TelephoneEventReader {
  readonly #timestamps = new Uint32Array(REMEMBERED)
  #heard = 0
  #code = -1
  #timestamp = 0
  #duration = 0
  #ended = false

  /** The event code of a key whose press begins with this packet, 0 to 15; -1: none does. */
  hear(packet: Uint8Array, length: number): number {
    const at = payloadStart(packet)
    if (length < at + BLOCK) return -1
    const timestamp = timestampOf(packet)
    const code = packet[at] as number
    const isKnown = this.#knows(timestamp)
    const continues = !isKnown && this.#continues(code, timestamp)
    if (!isKnown) this.#remember(timestamp, code)
    if (timestamp === this.#timestamp) this.#follow(packet, at)
    return isKnown || continues || code >= dtmfKeys.length ? -1 : code
  }

  #knows(timestamp: number): boolean {
    for (let at = Math.min(this.#heard, REMEMBERED) - 1; at >= 0; at--)
      if (this.#timestamps[at] === timestamp) return true
    return false
  }

  /** Whether it is the next segment of one which is longer than a packet can say. */
  #continues(code: number, timestamp: number): boolean {
    if (this.#ended || code !== this.#code || this.#duration < SEGMENT) return false
    const since = ticksBetween(this.#timestamp, timestamp)
    return since >= this.#duration && since <= LONGEST
  }

  #remember(timestamp: number, code: number): void {
    this.#timestamps[this.#heard++ % REMEMBERED] = timestamp
    this.#code = code
    this.#timestamp = timestamp
    this.#duration = 0
    this.#ended = false
  }

  #follow(packet: Uint8Array, at: number): void {
    if ((packet[at + 1] as number) & 0x80) this.#ended = true
    this.#duration = Math.max(this.#duration, ((packet[at + 2] as number) << 8) | (packet[at + 3] as number))
  }
}

/** dBm0 below zero (RFC 4733 §2.3.4). */
const VOLUME = 10
const END = 0x80
/** The end is sent so often (RFC 4733 §2.5.1.4). */
const ENDS = 3
/** Milliseconds between two keys. */
const PAUSE_MS = 60
/** What comes of the same key within so long is the same press. */
const TWICE_MS = 1_000

/**
 * Sends key presses in the place of the sound which passes meanwhile: its packets become those of events, so that they
 * keep source, sequence and pace. The sound is not heard while a key is pressed, as on a telephone.
 */
export class TelephoneEventWriter {
  readonly #queue: DigitQueue
  readonly #type: number
  /** Ticks of events, and of sound, in a millisecond. */
  readonly #ticks: number
  readonly #soundTicks: number
  #state: 'idle' | 'pressed' | 'pause' = 'idle'
  #began = 0
  #duration = 0
  #ends = 0
  /** Timestamp of the packet before; behind a key, of its end. */
  #last = 0
  /** Event code of the key before; -1: there was none. */
  #told = -1

  /**
   * `type`, `clock`: the payload type which its receiver has for telephone-event, and its ticks a second; `sound`: those of
   * the sound in whose place it is sent.
   */
  constructor(queue: DigitQueue, { type, clock, sound }: { type: number; clock: number; sound: number }) {
    this.#queue = queue
    this.#type = type
    this.#ticks = clock / 1000
    this.#soundTicks = sound / 1000
  }

  /**
   * Rewrites a packet of sound where it lies, if a key is to be told of. Its length from now on; -1: it is an event of a
   * key which was told of just now, for its sender tells of each in two ways.
   */
  rewrite(packet: Uint8Array, length: number): number {
    if (((packet[1] as number) & 0x7f) === this.#type) return this.#repeats(packet, length) ? -1 : length
    if (this.#state === 'idle' && this.#queue.isEmpty) return length
    const timestamp = timestampOf(packet)
    if (this.#state === 'pause' && !this.#rested(timestamp)) return length
    if (this.#queue.isEmpty) return length
    const begins = this.#state !== 'pressed'
    if (begins) this.#begin(timestamp)
    this.#advance(timestamp)
    return this.#write(packet, begins)
  }

  #repeats(packet: Uint8Array, length: number): boolean {
    const at = payloadStart(packet)
    const code = at < length ? packet[at] : undefined
    if (this.#state === 'pressed') return code === this.#queue.code
    return code === this.#told && this.#since(timestampOf(packet)) < TWICE_MS
  }

  #rested(timestamp: number): boolean {
    const rested = this.#since(timestamp) >= PAUSE_MS
    if (rested) this.#state = 'idle'
    return rested
  }

  /** Milliseconds since the packet before; where the sound began anew meanwhile, or paused, as many as a packet has. */
  #since(timestamp: number): number {
    const ms = ticksBetween(this.#last, timestamp) / this.#soundTicks
    if (this.#state === 'pause') return ms < 0 ? PAUSE_MS : ms
    return ms > 0 && ms < ANEW_MS ? ms : PACKET_MS
  }

  #begin(timestamp: number): void {
    this.#state = 'pressed'
    this.#began = timestamp
    this.#last = timestamp
    this.#duration = 0
    this.#ends = 0
  }

  /** The duration is what has passed, and of a packet which ends it once it is as long as wanted. */
  #advance(timestamp: number): void {
    if (this.#ends > 0) {
      this.#last = timestamp
      return void this.#ends++
    }
    this.#duration = Math.min(this.#duration + this.#since(timestamp) * this.#ticks, LONGEST)
    this.#last = timestamp
    if (this.#duration >= this.#queue.ms * this.#ticks) this.#ends = 1
  }

  #write(packet: Uint8Array, begins: boolean): number {
    const at = payloadStart(packet)
    packet[0] = (packet[0] as number) & ~0x20
    packet[1] = (begins ? 0x80 : 0) | this.#type
    for (let byte = 0; byte < 4; byte++) packet[4 + byte] = (this.#began >>> (24 - 8 * byte)) & 0xff
    packet[at] = this.#queue.code
    packet[at + 1] = (this.#ends > 0 ? END : 0) | VOLUME
    packet[at + 2] = this.#duration >>> 8
    packet[at + 3] = this.#duration & 0xff
    if (this.#ends === ENDS) {
      this.#told = this.#queue.code
      this.#queue.drop()
      this.#state = 'pause'
    }
    return at + BLOCK
  }
}

/** Milliseconds of a packet of sound, where the next is not there to tell. */
const PACKET_MS = 20
/** Sound which is further ahead than this has begun anew. */
const ANEW_MS = 1_000
