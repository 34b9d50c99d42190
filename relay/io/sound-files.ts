import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { PlayedSound } from '../ground/media.ts'
import type { SoundFile } from '../ground/sound.ts'
import { samplesOf } from '../media/played-wav.ts'
import { fileSource, madeSource, type PcmSource } from '../media/sound-source.ts'
import { msOf, WAV_HEADER, wavHeader } from '../media/wav.ts'

/** Renderings which are remembered: what is played again and again is rendered once. */
const REMEMBERED = 1000

/** What is played, one sound after the other, as one WAV file: another program plays files alone. */
export class SoundFiles {
  readonly #folder: string
  readonly #rendered = new Map<string, Promise<SoundFile>>()

  constructor(folder: string) {
    this.#folder = resolve(folder)
  }

  /** Throws in words where one of them is no sound, or the disk takes no file. */
  render(sounds: readonly PlayedSound[]): Promise<SoundFile> {
    const id = createHash('sha256').update(JSON.stringify(sounds)).digest('hex')
    const known = this.#rendered.get(id)
    if (known !== undefined) return known
    const rendered = this.#render(id, sounds)
    this.#rendered.set(id, rendered)
    rendered.catch(() => this.#rendered.delete(id))
    const [oldest] = this.#rendered.keys()
    if (this.#rendered.size > REMEMBERED && oldest !== undefined) this.#rendered.delete(oldest)
    return rendered
  }

  async #render(id: string, sounds: readonly PlayedSound[]): Promise<SoundFile> {
    const path = join(this.#folder, `${id}.wav`)
    const before = await stat(path).catch(() => undefined)
    if (before !== undefined) return { path, ms: msOf((before.size - WAV_HEADER) / 2) }
    const sources = await Promise.all(sounds.map(sourceOf))
    const samples = new Int16Array(sources.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const source of sources) {
      source.read(samples, at, source.length, 0)
      at += source.length
    }
    await mkdir(this.#folder, { recursive: true })
    // Whole or not at all: who plays it may be asked for it meanwhile.
    const partial = `${path}.${process.pid}`
    const bytes = new Uint8Array(samples.buffer)
    await writeFile(partial, Buffer.concat([wavHeader(1, bytes.length), bytes]))
    await rename(partial, path)
    return { path, ms: msOf(samples.length) }
  }
}

async function sourceOf(sound: PlayedSound): Promise<PcmSource> {
  if (sound.kind !== 'file') return madeSource(sound)
  const samples = samplesOf(await readFile(sound.path))
  if (typeof samples === 'string') throw new Error(samples)
  return fileSource(samples)
}
