import { samplesOf } from './played-wav.ts'

/** A file which plays asked for: read, being read, or not to be had (`why`). */
export interface KeptSound {
  readonly samples?: Int16Array | undefined
  readonly why?: string | undefined
}

/** Octets of samples which are kept; the least lately played go first, when nothing plays them they are gone. */
const MOST_OCTETS = 64 * 1024 * 1024

const reading: KeptSound = {}

/**
 * The files which are played, each read once for all calls. What is not here is wanted of io; plays wait until it
 * came.
 */
export class SoundLibrary {
  /** Paths to be read; taken out by who reads them. */
  readonly wanted: string[] = []
  /** The least lately asked for first. */
  readonly #sounds = new Map<string, KeptSound>()
  readonly #most: number
  #octets = 0

  constructor(most = MOST_OCTETS) {
    this.#most = most
  }

  /** What is known of a file now; one which is not known is wanted from now on. */
  find(path: string): KeptSound {
    const known = this.#sounds.get(path)
    if (known === undefined) this.wanted.push(path)
    this.#sounds.delete(path)
    this.#sounds.set(path, known ?? reading)
    return known ?? reading
  }

  /** What stood in a file which was wanted. */
  read(path: string, file: Uint8Array): KeptSound {
    const samples = samplesOf(file)
    if (typeof samples === 'string') return this.failed(path, samples)
    const sound = { samples }
    this.#octets += samples.byteLength - (this.#sounds.get(path)?.samples?.byteLength ?? 0)
    this.#sounds.delete(path)
    this.#sounds.set(path, sound)
    this.#forget()
    return sound
  }

  /** It could not be had; who asks for it again has it read again. */
  failed(path: string, why: string): KeptSound {
    this.#sounds.delete(path)
    return { why }
  }

  #forget(): void {
    for (const [path, { samples }] of this.#sounds) {
      if (this.#octets <= this.#most) return
      if (samples === undefined) continue
      this.#sounds.delete(path)
      this.#octets -= samples.byteLength
    }
  }
}
