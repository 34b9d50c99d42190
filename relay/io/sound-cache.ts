import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { open, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { SoundFile } from '../ground/sound.ts'
import { systemUtc } from './clock.ts'
import type { Log } from './log.ts'

/** What is known of a sound beside its octets. */
export interface SoundMeta {
  readonly ms: number
  /** Until when it is good without asking, UTC ms; undefined: it never changes. */
  readonly freshUntil?: number | undefined
  /** By what its server knows it again (RFC 9110 §8.8). */
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** A sound which is on this disk. */
export interface CachedSound extends SoundFile, SoundMeta {}

const entry = z.object({
  content: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int(),
  ms: z.int(),
  freshUntil: z.number().optional(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
})
type Entry = z.infer<typeof entry>

/** A file of sound, and under which names it is known. */
interface Content {
  readonly size: number
  readonly names: Set<string>
  /** When it was last asked for, and when that was last written down, UTC ms. */
  usedAt: number
  notedAt: number
}

/** A call which was told where a sound is begins to play it within this. */
const IN_USE_MS = 5 * 60_000
/** What was not asked for in so long goes, whether or not there is room. */
const FORGOTTEN_MS = 30 * 86_400_000
/** Uses are written down to so much: the order in which sounds go needs no more. */
const NOTED_MS = 60_000

/**
 * Sounds on disk: each file once, by the hash of its octets, and a small one for each name it is known by. What was not asked for
 * longest goes first where there is no room. Files appear whole, or not at all.
 */
export class SoundCache {
  readonly #folder: string
  readonly #bytesAtMost: number
  readonly #entries = new Map<string, Entry>()
  /** In the order in which they were asked for, the longest ago first. */
  readonly #contents = new Map<string, Content>()
  #bytes = 0
  #written = 0

  /** Reads what is there; what is not whole is removed. */
  constructor(options: { readonly folder: string; readonly bytesAtMost: number; readonly log: Log }) {
    this.#folder = options.folder
    this.#bytesAtMost = options.bytesAtMost
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    this.#load()
    options.log('info', 'sounds.kept', { sounds: this.#contents.size, bytes: this.#bytes })
  }

  /** The sound of this name, which is lower-case hex; undefined: it is not here. */
  async get(name: string): Promise<CachedSound | undefined> {
    const found = this.#entries.get(name)
    if (found === undefined) return undefined
    const there = await stat(this.#path(found.content)).catch(() => undefined)
    if (there?.size !== found.size) return this.#drop(found.content)
    this.#use(found.content)
    return this.#cached(found)
  }

  /** Keeps a sound whose octets hash to `content`. Rejects where there is no room, here or on the disk. */
  async put(name: string, content: string, wav: Uint8Array, meta: SoundMeta): Promise<CachedSound> {
    const known = this.#contents.get(content)
    if (known === undefined) {
      await this.#makeRoom(wav.length)
      await this.#write(this.#path(content), wav)
    }
    return this.#note(name, { content, size: wav.length, ...meta })
  }

  /** The same sound is good for longer. */
  async renew(name: string, meta: SoundMeta): Promise<CachedSound | undefined> {
    const found = this.#entries.get(name)
    return found && this.#note(name, { ...found, ...meta })
  }

  async #note(name: string, noted: Entry): Promise<CachedSound> {
    await this.#write(join(this.#folder, `${name}.json`), JSON.stringify(noted))
    this.#enter(name, noted, systemUtc())
    return this.#cached(noted)
  }

  #enter(name: string, noted: Entry, usedAt: number): void {
    const before = this.#entries.get(name)
    if (before && before.content !== noted.content) this.#contents.get(before.content)?.names.delete(name)
    const content = this.#contents.get(noted.content) ?? {
      size: noted.size,
      names: new Set(),
      usedAt,
      notedAt: usedAt,
    }
    if (!this.#contents.has(noted.content)) this.#bytes += noted.size
    content.names.add(name)
    this.#entries.set(name, noted)
    this.#contents.set(noted.content, content)
  }

  #cached({ content, size: _, ...meta }: Entry): CachedSound {
    return { path: this.#path(content), ...meta }
  }

  #path(content: string): string {
    return join(this.#folder, `${content}.wav`)
  }

  #use(content: string): void {
    const used = this.#contents.get(content)
    if (used === undefined) return
    const now = systemUtc()
    this.#contents.delete(content)
    this.#contents.set(content, used)
    used.usedAt = now
    if (now - used.notedAt < NOTED_MS) return
    used.notedAt = now
    utimes(this.#path(content), now / 1000, now / 1000).catch(() => undefined)
  }

  async #makeRoom(size: number): Promise<void> {
    const now = systemUtc()
    for (const [content, { usedAt }] of this.#contents) {
      const idle = now - usedAt
      const full = this.#bytes + size > this.#bytesAtMost
      if (idle < IN_USE_MS || (!full && idle < FORGOTTEN_MS)) break
      this.#drop(content)
    }
    if (this.#bytes + size > this.#bytesAtMost)
      throw new Error('there is no room for it: all sounds of this relay are in use (SOUND_CACHE_MB)')
  }

  #drop(content: string): undefined {
    const { names = [], size = 0 } = this.#contents.get(content) ?? {}
    this.#contents.delete(content)
    this.#bytes -= size
    const files = [...names].map((name) => join(this.#folder, `${name}.json`))
    for (const name of names) this.#entries.delete(name)
    for (const file of [this.#path(content), ...files]) rm(file, { force: true }).catch(() => undefined)
  }

  async #write(path: string, octets: Uint8Array | string): Promise<void> {
    const beside = `${path}.${++this.#written}.new`
    try {
      const file = await open(beside, 'w', 0o600)
      try {
        await file.writeFile(octets)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, path)
    } catch (cause) {
      await rm(beside, { force: true }).catch(() => undefined)
      throw new Error(`it could not be written: ${(cause as Error).message}`, { cause })
    }
  }

  #load(): void {
    const files = readdirSync(this.#folder)
    const read = files
      .flatMap((file) => this.#read(file) ?? [])
      .sort((one, other) => one.usedAt - other.usedAt)
    for (const { name, noted, usedAt } of read) this.#enter(name, noted, usedAt)
    for (const file of files)
      if (!this.#isKnown(file)) rmSync(join(this.#folder, file), { recursive: true, force: true })
  }

  #read(file: string): { name: string; noted: Entry; usedAt: number } | undefined {
    const name = /^([0-9a-f]{64})\.json$/.exec(file)?.[1]
    if (name === undefined) return undefined
    try {
      const noted = entry.parse(JSON.parse(readFileSync(join(this.#folder, file), 'utf8')))
      const { size, mtimeMs } = statSync(this.#path(noted.content))
      return size === noted.size ? { name, noted, usedAt: mtimeMs } : undefined
    } catch {
      // It is written anew when it is asked for.
      return undefined
    }
  }

  #isKnown(file: string): boolean {
    const [name = '', ending] = file.split('.')
    return ending === 'json' ? this.#entries.has(name) : ending === 'wav' && this.#contents.has(name)
  }
}
