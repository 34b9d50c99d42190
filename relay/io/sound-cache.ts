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
  /** Who asked for it; of an older relay's it is not known. */
  customer: z.string().default(''),
  content: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int(),
  ms: z.int(),
  freshUntil: z.number().optional(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
})
type Entry = z.infer<typeof entry>

/** A file of sound, and under which names it is known, the one asked for longest ago first. */
interface Content {
  /** Whose room it takes, with its names: of the customer for whom it came first. */
  readonly customer: string
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
/** Octets a file takes beside what is in it; a name is one, and so is a sound. */
const FILE_BYTES = 4_096
/** So many names may one sound, and all of them together, have: each is in memory, too. */
const [NAMES_OF_ONE, NAMES_AT_MOST] = [256, 20_000]
/** One customer's sounds in use, which do not make way, take no more than one part in so many; and what is idle of more goes first. */
const SHARES = 8
/** Uses are written down to so much: the order in which sounds go needs no more. */
const NOTED_MS = 60_000

/**
 * Sounds on disk: each file once, by the hash of its octets, and a small one for each name it is known by. What was not asked for
 * longest goes first where there is no room, of a customer which has more than its share before others'. Files appear whole, or not at all.
 */
export class SoundCache {
  readonly #folder: string
  readonly #bytesAtMost: number
  readonly #namesAtMost: number
  readonly #entries = new Map<string, Entry>()
  /** By customer, each's in the order in which they were asked for. */
  readonly #names = new Map<string, Set<string>>()
  /** Octets by customer. */
  readonly #held = new Map<string, number>()
  /** In the order in which they were asked for, the longest ago first. */
  readonly #contents = new Map<string, Content>()
  #bytes = 0
  #written = 0

  /** Reads what is there; what is not whole is removed. */
  constructor(options: {
    readonly folder: string
    readonly bytesAtMost: number
    readonly namesAtMost?: number
    readonly log: Log
  }) {
    this.#folder = options.folder
    this.#namesAtMost = options.namesAtMost ?? NAMES_AT_MOST
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
    this.#useName(name, found)
    return this.#cached(found)
  }

  /** Keeps a customer's sound whose octets hash to `content`. Rejects where there is no room, here or on the disk. */
  async put(
    { name, customer }: { readonly name: string; readonly customer: string },
    content: string,
    wav: Uint8Array,
    meta: SoundMeta,
  ): Promise<CachedSound> {
    if (this.#contents.has(content)) this.#use(content)
    else {
      this.#makeRoom(wav.length + 2 * FILE_BYTES, customer)
      await this.#write(this.#path(content), wav)
    }
    return this.#note(name, { customer, content, size: wav.length, ...meta })
  }

  /** The same sound is good for longer. */
  async renew(name: string, meta: SoundMeta): Promise<CachedSound | undefined> {
    const found = this.#entries.get(name)
    return found && this.#note(name, { ...found, ...meta })
  }

  /** A name which is not good any more as it comes is remembered, for its tags, but not written down. */
  async #note(name: string, noted: Entry): Promise<CachedSound> {
    const path = join(this.#folder, `${name}.json`)
    if ((noted.freshUntil ?? Number.POSITIVE_INFINITY) > systemUtc())
      await this.#write(path, JSON.stringify(noted))
    else await rm(path, { force: true }).catch(() => undefined)
    this.#enter(name, noted, systemUtc())
    return this.#cached(noted)
  }

  #enter(name: string, noted: Entry, usedAt: number): void {
    const before = this.#entries.get(name)
    if (before && (before.content !== noted.content || before.customer !== noted.customer)) this.#unname(name)
    const content = this.#contents.get(noted.content) ?? this.#begin(noted, usedAt)
    if (!content.names.has(name)) this.#charge(content.customer, FILE_BYTES)
    content.names.add(name)
    this.#useName(name, noted)
    for (const oldest of content.names) {
      if (content.names.size <= NAMES_OF_ONE) break
      this.#forget(oldest)
    }
    while (this.#entries.size > this.#namesAtMost) this.#forget(this.#leastWanted())
  }

  #begin({ customer, content, size }: Entry, usedAt: number): Content {
    const begun = { customer, size, names: new Set<string>(), usedAt, notedAt: usedAt }
    this.#contents.set(content, begun)
    this.#charge(customer, size + FILE_BYTES)
    return begun
  }

  #charge(customer: string, bytes: number): void {
    this.#bytes += bytes
    const held = this.#heldBy(customer) + bytes
    if (held > 0) this.#held.set(customer, held)
    else this.#held.delete(customer)
  }

  #heldBy(customer: string): number {
    return this.#held.get(customer) ?? 0
  }

  /** Its name is the last one now which goes. */
  #useName(name: string, noted: Entry): void {
    this.#entries.set(name, noted)
    const { names } = this.#contents.get(noted.content) ?? {}
    if (names?.delete(name)) names.add(name)
    const own = this.#names.get(noted.customer) ?? new Set()
    own.delete(name)
    this.#names.set(noted.customer, own.add(name))
  }

  /** The oldest name of the customer which has most. */
  #leastWanted(): string {
    const all = [...this.#names.values()]
    const most = all.reduce((one, other) => (other.size > one.size ? other : one))
    const [oldest = ''] = most
    return oldest
  }

  #forget(name: string): void {
    this.#unname(name)
    rm(join(this.#folder, `${name}.json`), { force: true }).catch(() => undefined)
  }

  #unname(name: string): void {
    const noted = this.#entries.get(name)
    if (noted === undefined) return
    this.#entries.delete(name)
    const own = this.#names.get(noted.customer)
    own?.delete(name)
    if (own?.size === 0) this.#names.delete(noted.customer)
    const content = this.#contents.get(noted.content)
    if (content?.names.delete(name)) this.#charge(content.customer, -FILE_BYTES)
  }

  #cached({ content, size: _, customer: __, ...meta }: Entry): CachedSound {
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

  /** Throws where there is no room for so many octets of this customer's. */
  #makeRoom(size: number, customer: string): void {
    if (this.#inUseBy(customer) >= this.#bytesAtMost / SHARES)
      throw new Error(
        `there is no room for it: this customer's sounds in use take its share of this relay's, one in ${SHARES} (SOUND_CACHE_MB)`,
      )
    const isFull = () => this.#bytes + size > this.#bytesAtMost
    for (const [content, { usedAt }] of this.#contents)
      if (systemUtc() - usedAt >= FORGOTTEN_MS) this.#drop(content)
    if (isFull()) this.#dropIdle(isFull, (whose) => this.#heldBy(whose) > this.#bytesAtMost / SHARES)
    if (isFull()) this.#dropIdle(isFull, () => true)
    if (isFull())
      throw new Error('there is no room for it: all sounds of this relay are in use (SOUND_CACHE_MB)')
  }

  #dropIdle(isFull: () => boolean, mayGo: (customer: string) => boolean): void {
    for (const [content, { usedAt, customer }] of this.#contents) {
      if (!isFull() || systemUtc() - usedAt < IN_USE_MS) break
      if (mayGo(customer)) this.#drop(content)
    }
  }

  #inUseBy(customer: string): number {
    const now = systemUtc()
    let bytes = 0
    for (const one of this.#contents.values())
      if (one.customer === customer && now - one.usedAt < IN_USE_MS)
        bytes += one.size + FILE_BYTES * (1 + one.names.size)
    return bytes
  }

  #drop(content: string): undefined {
    const { names = [], size = 0, customer = '' } = this.#contents.get(content) ?? {}
    for (const name of [...names]) this.#forget(name)
    if (this.#contents.delete(content)) this.#charge(customer, -size - FILE_BYTES)
    rm(this.#path(content), { force: true }).catch(() => undefined)
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
