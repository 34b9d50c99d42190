import { columns, keypad, RATE, rows, ticksBetween, timestampOf } from './dtmf.ts'
import { type Law, silence, valueOfPcma, valueOfPcmu } from './g711.ts'
import { payloadEnd, payloadStart } from './packet-shape.ts'

/** Samples which are judged together: 12.75 ms, so that the shortest key (40 ms, ITU-T Q.24) holds two such blocks. */
const BLOCK = 102
/** A key has been let go when so many blocks in a row are without it. */
const MISSES = 2
/** Milliseconds which may be lost of a key, or of the pause before the next, until they count as a pause. */
const LOST_MS = 60
const PAUSE_MS = 40
/** Energy of a block below which all is noise: each tone at -36 dBm0 or so. */
const QUIET = 2e7
/** How much louder the column's tone may be than the row's, and the other way around: 8 and 4 dB. */
const [TWIST, REVERSE_TWIST] = [6.3, 2.5]
/** How much louder a tone has to be than any other of its group: 8 dB. */
const PEAK = 6.3
/** Of the whole energy so much is that of the two tones, of which BLOCK / 2 would be all. */
const SHARE = 0.8 * (BLOCK / 2)

const coefficients = [...rows, ...columns].map((hertz) => 2 * Math.cos((2 * Math.PI * hertz) / RATE))
const values: Readonly<Record<Law, Int16Array>> = {
  PCMU: Int16Array.from({ length: 256 }, (_, octet) => valueOfPcmu(octet)),
  PCMA: Int16Array.from({ length: 256 }, (_, octet) => valueOfPcma(octet)),
}

/**
 * Hears key presses in the sound itself, by Goertzel's algorithm over the eight tones of ITU-T Q.23, each once.
 *
 * Sound which was lost is neither tone nor silence: a key goes on behind it, unless as much is missing as a pause is long.
 */
export class ToneDetector {
  readonly #types: readonly (Law | undefined)[]
  readonly #mutes: boolean
  readonly #one = new Float64Array(8)
  readonly #two = new Float64Array(8)
  #energy = 0
  #samples = 0
  /** Where the next packet is to begin, and whether one came before. */
  #next = 0
  #began = false
  /** The key which is pressed; the one of the last block; -1: none. */
  #pressed = -1
  #before = -1
  #misses = 0
  /** Timestamp at the end of the last block with the key which is pressed. */
  #heardUntil = 0

  /** `types`: the law of each payload type which is G.711. `mutes`: a key is silenced as it is heard. */
  constructor(types: readonly (Law | undefined)[], mutes: boolean) {
    this.#types = types
    this.#mutes = mutes
  }

  /** The event code of a key whose press is sure with this packet, 0 to 15; -1: none is. */
  hear(packet: Uint8Array, length: number): number {
    const law = this.#types[(packet[1] as number) & 0x7f]
    if (law === undefined) return -1
    const [start, end] = [payloadStart(packet), payloadEnd(packet, length)]
    const timestamp = timestampOf(packet)
    const ahead = ticksBetween(this.#next, timestamp)
    // What comes late, or again, was taken for lost.
    if (this.#began && ahead < 0 && ahead > -RATE) return -1
    if (!this.#began || ahead !== 0) this.#restart()
    this.#began = true
    this.#next = (timestamp + end - start) >>> 0
    const code = this.#listen(packet, start, end, timestamp, values[law])
    if (this.#mutes && this.#pressed >= 0) packet.fill(silence[law], start, end)
    return code
  }

  #listen(packet: Uint8Array, start: number, end: number, timestamp: number, value: Int16Array): number {
    let found = -1
    for (let at = start; at < end; at++) {
      this.#take(value[packet[at] as number] as number)
      if (this.#samples < BLOCK) continue
      const code = this.#judge(this.#keyOf(), (timestamp + at + 1 - start) >>> 0)
      if (code >= 0) found = code
      this.#restart()
    }
    return found
  }

  #take(sample: number): void {
    this.#samples++
    this.#energy += sample * sample
    const [one, two] = [this.#one, this.#two]
    for (let tone = 0; tone < 8; tone++) {
      const now = sample + (coefficients[tone] as number) * (one[tone] as number) - (two[tone] as number)
      two[tone] = one[tone] as number
      one[tone] = now
    }
  }

  #restart(): void {
    this.#one.fill(0)
    this.#two.fill(0)
    this.#energy = 0
    this.#samples = 0
  }

  /** One more block is over, at `until`, with the tones of `key`, or of none (-1). */
  #judge(key: number, until: number): number {
    const before = this.#before
    this.#before = key
    if (this.#pressed >= 0) {
      if (key === this.#pressed && !this.#wasPaused(until)) {
        this.#misses = 0
        this.#heardUntil = until
        return -1
      }
      if (key < 0 && ++this.#misses < MISSES) return -1
      this.#pressed = -1
      this.#misses = 0
    }
    if (key < 0 || key !== before) return -1
    this.#pressed = key
    this.#heardUntil = until
    return key
  }

  /** Whether there was a pause between the last block of the key and the one which ends at `until`, or one was lost. */
  #wasPaused(until: number): boolean {
    const apart = ticksBetween(this.#heardUntil, until) - BLOCK
    const limit = this.#misses > 0 ? PAUSE_MS : LOST_MS
    return apart > (limit * RATE) / 1000
  }

  #keyOf(): number {
    if (this.#energy < QUIET) return -1
    const row = this.#loudest(0)
    const column = this.#loudest(4)
    if (row < 0 || column < 0) return -1
    const [low, high] = [this.#power(row), this.#power(column)]
    if (high > low * TWIST || low > high * REVERSE_TWIST || low + high < SHARE * this.#energy) return -1
    return keypad[row * 4 + column - 4] as number
  }

  /** Of four tones from `first` on the one which stands out; -1: none does. */
  #loudest(first: number): number {
    let best = first
    for (let tone = first + 1; tone < first + 4; tone++)
      if (this.#power(tone) > this.#power(best)) best = tone
    for (let tone = first; tone < first + 4; tone++)
      if (tone !== best && this.#power(tone) * PEAK > this.#power(best)) return -1
    return best
  }

  #power(tone: number): number {
    const [one, two] = [this.#one[tone] as number, this.#two[tone] as number]
    return one * one + two * two - one * two * (coefficients[tone] as number)
  }
}
