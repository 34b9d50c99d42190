import type { PlayedSound } from '../ground/media.ts'
import { RATE } from './dtmf.ts'

/** Something which is played from its beginning to its end, once or again and again. */
export interface PcmSource {
  /** Samples it has. */
  readonly length: number
  /** Writes `count` samples from number `at` on, which it has. They are asked for in order, or from the first again. */
  read(into: Int16Array, place: number, count: number, at: number): void
}

/** What a file holds. */
export function fileSource(samples: Int16Array): PcmSource {
  return {
    length: samples.length,
    read(into, place, count, at) {
      for (let i = 0; i < count; i++) into[place + i] = samples[at + i] as number
    },
  }
}

/** Silence, or a tone; one of no frequency is silent. */
export function madeSource(sound: Exclude<PlayedSound, { kind: 'file' }>): PcmSource {
  const length = Math.max(0, Math.round((sound.ms * RATE) / 1000)) || 0
  if (sound.kind === 'tone') return new ToneSource(sound.hz, length, amplitudeOf(sound.dbm0 ?? USUAL_DBM0))
  return { length, read: (into, place, count) => void into.fill(0, place, place + count) }
}

/** Of each frequency of a tone, where nothing is said. */
const USUAL_DBM0 = -13
/** The level of a sine wave which is as loud as G.711 can be (ITU-T G.711, table 5). */
const FULL_DBM0 = 3.17
/** Samples in which a tone begins and ends, for one which is cut off clicks: 4 ms. */
const SOFT = 32

/** As a 16-bit sample. */
function amplitudeOf(dbm0: number): number {
  return 32_767 * 10 ** ((Math.min(dbm0, FULL_DBM0) - FULL_DBM0) / 20)
}

/** Sine waves together, each by y(n) = 2 cos(w) y(n-1) - y(n-2). */
class ToneSource implements PcmSource {
  readonly length: number
  readonly #steps: Float64Array
  /** Of each wave, its first sample before the tone began. */
  readonly #first: Float64Array
  readonly #one: Float64Array
  readonly #two: Float64Array

  constructor(hz: readonly number[], length: number, amplitude: number) {
    const turns = hz.filter((each) => each > 0 && each < RATE / 2).map((each) => (2 * Math.PI * each) / RATE)
    this.length = length
    this.#steps = Float64Array.from(turns, (turn) => 2 * Math.cos(turn))
    this.#first = Float64Array.from(turns, (turn) => -amplitude * Math.sin(turn))
    this.#one = new Float64Array(turns.length)
    this.#two = new Float64Array(turns.length)
  }

  read(into: Int16Array, place: number, count: number, at: number): void {
    if (at === 0) this.#begin()
    for (let i = 0; i < count; i++) {
      const edge = Math.min(1, (at + i) / SOFT, (this.length - at - i) / SOFT)
      into[place + i] = clamped(this.#next() * edge)
    }
  }

  #begin(): void {
    this.#one.fill(0)
    this.#two.set(this.#first)
  }

  #next(): number {
    const [steps, one, two] = [this.#steps, this.#one, this.#two]
    let sum = 0
    for (let wave = 0; wave < steps.length; wave++) {
      const now = one[wave] as number
      sum += now
      one[wave] = (steps[wave] as number) * now - (two[wave] as number)
      two[wave] = now
    }
    return sum
  }
}

function clamped(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample)))
}
