import type { MediaCommand, PlayedSound } from '../ground/media.ts'
import { RATE } from './dtmf.ts'
import type { SoundLibrary } from './sound-library.ts'
import { fileSource, madeSource, type PcmSource } from './sound-source.ts'

/** One order to play: its sounds, and how far they are played. */
export class Play {
  readonly number: number
  readonly #loops: boolean
  readonly #sources: PcmSource[]
  /** The sounds which are being read: where each stands, and its path. */
  readonly #missing: { readonly place: number; readonly path: string }[] = []
  /** Why one of them is not to be had; undefined: as far as is known all are. */
  why: string | undefined
  #source = 0
  /** Of that source, its next sample. */
  #at = 0
  #samples = 0

  constructor({ play, sounds, loop }: Extract<MediaCommand, { type: 'play' }>, library: SoundLibrary) {
    this.number = play
    this.#loops = loop === true
    this.#sources = sounds.map((sound, place) => this.#sourceOf(sound, place, library))
  }

  /** Whether all of its sounds are there. */
  get isReady(): boolean {
    return this.#missing.length === 0
  }

  get isOver(): boolean {
    return this.#source === this.#sources.length
  }

  /** Milliseconds which are played of it. */
  get ms(): number {
    return Math.round((this.#samples * 1000) / RATE)
  }

  /** A file was read, or is not to be had: `samples` is then why. */
  found(path: string, samples: Int16Array | string): void {
    for (let i = this.#missing.length - 1; i >= 0; i--) {
      const { place, path: missing } = this.#missing[i] as { place: number; path: string }
      if (missing !== path) continue
      if (typeof samples === 'string') this.why = `${path}: ${samples}`
      else this.#sources[place] = fileSource(samples)
      this.#missing.splice(i, 1)
    }
  }

  /** Writes its next samples, `count` at most; how many. To be asked only once it is ready. */
  read(into: Int16Array, place: number, count: number): number {
    let read = 0
    while (read < count && this.#isWithin()) {
      const source = this.#sources[this.#source] as PcmSource
      const taken = Math.min(count - read, source.length - this.#at)
      source.read(into, place + read, taken, this.#at)
      read += taken
      this.#at += taken
      if (this.#at === source.length) this.#goOn()
    }
    this.#samples += read
    return read
  }

  /** Passes over sounds of no length; false: there is nothing more. */
  #isWithin(): boolean {
    for (let tries = 0; !this.isOver && tries <= this.#sources.length; tries++) {
      if ((this.#sources[this.#source] as PcmSource).length > 0) return true
      this.#goOn()
    }
    // What loops without any sound would never be over.
    this.#source = this.#sources.length
    return false
  }

  #goOn(): void {
    this.#at = 0
    this.#source++
    if (this.#loops && this.isOver) this.#source = 0
  }

  #sourceOf(sound: PlayedSound, place: number, library: SoundLibrary): PcmSource {
    if (sound.kind !== 'file') return madeSource(sound)
    const { samples } = library.find(sound.path)
    if (samples !== undefined) return fileSource(samples)
    this.#missing.push({ place, path: sound.path })
    return nothing
  }
}

const nothing: PcmSource = { length: 0, read() {} }
