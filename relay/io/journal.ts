import { appendFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Log } from './log.ts'

/** A record which stays on disk until it is dropped. */
export interface JournalRecord {
  readonly id: string
  /** Rises with every record ever kept; never holds a line break, nor does `text`. */
  readonly order: number
  readonly text: string
  /** The file which holds it; undefined: not written yet. The journal's to set. */
  segment: Segment | undefined
  dropped: boolean
}

/** One file of a journal. */
interface Segment {
  readonly path: string
  readonly number: number
  bytes: number
  lines: number
  /** Records in it which are still kept. */
  live: number
}

interface JournalOptions {
  readonly folder: string
  readonly log: Log
  /** A new file is begun after this many bytes. */
  readonly segmentBytes: number
}

/** Makes of a record what it stands for; undefined, or an error, where this version cannot read it. */
type RecordReader<T> = (kept: JournalRecord) => T | undefined

/* Implementation */
const gatherMs = 20
const syncMs = 100
const retryMs = 1_000
/** A disk which is full costs no more than these each time it is tried. */
const linesTogether = 1_000
const asideName = 'set-aside'

/**
 * Records in files: with the kernel after 20 ms, or at once where `write` is called; on the disk after 100.
 *
 * Each line carries its checksum, so that one torn by a crash is known for what it is. A file whose records
 * were all dropped is deleted; the oldest hands its last few to the newest. Records which another version wrote and
 * this one cannot read wait in `set-aside`, and are taken up again by one which can.
 */
export class Journal {
  /** All records kept now; set by their holder. */
  kept: () => JournalRecord[] = () => []
  readonly #options: JournalOptions
  readonly #segments: Segment[] = []
  #file: FileHandle | undefined
  #unwritten: (JournalRecord | string)[] = []
  /** Files which hold an older record of those not written yet. */
  readonly #replaced = new Map<JournalRecord, Segment>()
  /** The disk took the last piece in part or not at all: its file may end in half a line. */
  #refusing = false
  /** Written, and not yet known to be on disk. */
  #unsynced = false
  #syncing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Opens the folder, making it where there is none; `found` is what it kept, oldest first, as `read` makes it. */
  static async open<T>(
    options: JournalOptions,
    read: RecordReader<T>,
  ): Promise<{ journal: Journal; found: T[] }> {
    const journal = new Journal(options)
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    const { records, waiting } = await journal.#recall()
    const { found, unread } = sorted(records, read)
    if (waiting.length > 0 || unread.length > 0) await journal.#setAside(unread)
    await journal.#begin([])
    journal.drop(unread)
    for (const record of waiting) if (!unread.includes(record)) journal.keep(record)
    return { journal, found }
  }

  keep(record: JournalRecord): void {
    this.#write(record)
  }

  /** Keeps a record in place of an older one of the same id: of two found, the later counts. */
  replace(older: JournalRecord, record: JournalRecord): void {
    older.dropped = true
    // Its file is needed until the newer one is written.
    const holding = older.segment ?? this.#replaced.get(older)
    this.#replaced.delete(older)
    if (holding !== undefined) this.#replaced.set(record, holding)
    this.#write(record)
  }

  drop(records: readonly JournalRecord[]): void {
    const written: string[] = []
    for (const record of records) {
      if (record.dropped) continue
      record.dropped = true
      if (record.segment === undefined && !this.#replaced.has(record)) continue
      if (record.segment !== undefined) record.segment.live--
      written.push(record.id)
    }
    if (written.length > 0) this.#write(`drop ${written.join(' ')}`)
  }

  /**
   * Hands everything given so far to the kernel: what ends this process ends none of it, a power cut may. A disk which
   * refused lately is not asked for each record: it is tried again every second.
   */
  write(): void {
    if (!this.#closed && !this.#refusing) this.#append()
  }

  /** Resolves when everything given so far is on disk. */
  async flush(): Promise<void> {
    this.#append()
    while (this.#syncing !== undefined || this.#unsynced) await this.#sync()
  }

  /** Writes what has gathered; a disk which refuses it then is not tried again. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.flush()
    await this.#file?.close()
    this.#file = undefined
  }

  #write(record: JournalRecord | string): void {
    if (this.#closed) return
    if (this.#unwritten.push(record) === 1) setTimeout(() => this.#append(), gatherMs)
  }

  /** Hands what has gathered to the kernel, where a death of this process cannot reach it. */
  #append(): void {
    const group = this.#unwritten
    if (group.length === 0) return
    let done = 0
    try {
      for (; done < group.length; done += linesTogether) this.#put(group.slice(done, done + linesTogether))
      this.#unwritten = []
      this.#later(syncMs)
    } catch (error) {
      this.#refused(error as Error, group.slice(done))
    }
  }

  #put(group: readonly (JournalRecord | string)[]): void {
    const segment = this.#segments.at(-1)
    if (segment === undefined || this.#file === undefined) throw new Error('the journal is closed')
    const lines = group.filter((record) => typeof record === 'string' || !record.dropped)
    const text = `${this.#refusing ? '\n' : ''}${lines.map(lineOf).join('')}`
    appendFileSync(this.#file.fd, text)
    if (this.#refusing) this.#options.log('info', 'journal.written', { lines: lines.length })
    this.#refusing = false
    this.#unsynced = true
    segment.bytes += text.length
    segment.lines += lines.length
    for (const record of group) if (typeof record !== 'string') this.#written(record, segment)
  }

  /**
   * Written only in part or not at all: what is not needless by now waits. The checksums tell the parts apart, and twice
   * written is once kept.
   */
  #refused({ message: why }: Error, group: readonly (JournalRecord | string)[]): void {
    if (!this.#refusing) this.#options.log('error', 'journal.unwritten', { why, lines: group.length })
    this.#refusing = true
    this.#unwritten = this.#closed
      ? []
      : group.filter((record) => typeof record === 'string' || !record.dropped || this.#replaced.has(record))
    if (!this.#closed) this.#later(retryMs)
  }

  #written(record: JournalRecord, segment: Segment): void {
    settle(record, segment)
    const before = this.#replaced.get(record)
    if (before === undefined) return
    before.live--
    this.#replaced.delete(record)
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#append()
      void this.#sync()
    }, ms)
  }

  /** Makes the disk keep what the kernel holds, many turns at a time, and does the housekeeping. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncOnce().finally(() => {
      this.#syncing = undefined
    })
    return this.#syncing
  }

  async #syncOnce(): Promise<void> {
    this.#unsynced = false
    try {
      await this.#file?.datasync()
      // From here on all is safe, whatever becomes of the housekeeping: the next time tries it again.
      await this.#tidy()
      const segment = this.#segments.at(-1)
      if (segment && segment.bytes > this.#options.segmentBytes) await this.#begin(this.#stragglers())
    } catch (error) {
      this.#options.log('warn', 'journal.untidy', { why: (error as Error).message })
    }
  }

  async #begin(carried: readonly JournalRecord[]): Promise<void> {
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    const path = join(this.#options.folder, `${String(number).padStart(10, '0')}.journal`)
    const file = await open(path, 'ax', 0o600)
    const before = this.#file
    // Both at once: what is written meanwhile must find the new file, never a closed one.
    this.#file = file
    this.#segments.push({ path, number, bytes: 0, lines: 0, live: 0 })
    this.#unwritten.unshift(...carried)
    if (carried.length > 0) this.#append()
    await before?.close()
  }

  /** The oldest file's records, when few are left of them. */
  #stragglers(): JournalRecord[] {
    const [oldest] = this.#segments
    if (oldest === undefined || oldest.live * 4 > oldest.lines) return []
    return this.kept().filter((record) => record.segment === oldest)
  }

  /** Deletes files which are not needed, oldest first, never the newest. */
  async #tidy(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.live > 0) continue
      await rm(segment.path, { force: true })
      this.#segments.splice(this.#segments.indexOf(segment), 1)
    }
  }

  /** Writes down what cannot be read, in place of what could not before. */
  async #setAside(unread: readonly JournalRecord[]): Promise<void> {
    const { folder, log } = this.#options
    const path = join(folder, asideName)
    const file = await open(`${path}.new`, 'w', 0o600)
    await file.writeFile(unread.map(lineOf).join('')).then(() => file.sync())
    await file.close()
    await rename(`${path}.new`, path)
    if (unread.length === 0) return rm(path)
    const sentence = 'These records were written by another version: they wait there for it.'
    log('error', 'journal.set_aside', { file: path, records: unread.length, sentence })
  }

  /** All records, oldest first; `waiting`: those of them which stand in no journal, since they were set aside. */
  async #recall(): Promise<{ records: JournalRecord[]; waiting: JournalRecord[] }> {
    const names = (await readdir(this.#options.folder)).filter((name) => /^\d{10}\.journal$/.test(name))
    const found = new Map<string, JournalRecord>()
    for (const name of names.sort()) {
      const path = join(this.#options.folder, name)
      const text = await readFile(path, 'utf8')
      const number = Number.parseInt(name, 10)
      const segment = { path, number, bytes: text.length, lines: 0, live: 0 }
      this.#segments.push(segment)
      const torn = readLines(text, segment, found)
      if (torn > 0) this.#options.log('warn', 'journal.torn', { file: name, lines: torn })
    }
    const waiting = (await this.#aside()).filter(({ id }) => !found.has(id))
    return { records: [...found.values(), ...waiting].sort((a, b) => a.order - b.order), waiting }
  }

  async #aside(): Promise<JournalRecord[]> {
    const text = await readFile(join(this.#options.folder, asideName), 'utf8').catch(() => '')
    const found = new Map<string, JournalRecord>()
    readLines(text, { path: asideName, number: 0, bytes: 0, lines: 0, live: 0 }, found)
    return [...found.values()].map((record) => Object.assign(record, { segment: undefined }))
  }
}

/** The records by whether this version can read them. */
function sorted<T>(
  records: readonly JournalRecord[],
  read: RecordReader<T>,
): { found: T[]; unread: JournalRecord[] } {
  const found: T[] = []
  const unread: JournalRecord[] = []
  for (const record of records) {
    const made = attempt(() => read(record))
    if (made === undefined) unread.push(record)
    else found.push(made)
  }
  return { found, unread }
}

function attempt<T>(make: () => T | undefined): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

/** A record is where it was written last. */
function settle(record: JournalRecord, segment: Segment): void {
  if (record.dropped) return
  if (record.segment !== undefined) record.segment.live--
  record.segment = segment
  segment.live++
}

/** Reads a file's lines into `found`; gives back how many were torn. */
function readLines(text: string, segment: Segment, found: Map<string, JournalRecord>): number {
  let torn = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    segment.lines++
    const words = unchecked(line) ?? ''
    if (words.startsWith('keep ')) keepFound(found, words.slice(5), segment)
    else if (words.startsWith('drop ')) for (const id of words.slice(5).split(' ')) dropFound(found, id)
    else torn++
  }
  return torn
}

/** `<id> <order> <text>`. A record carried over is found twice, and stands where it was found last. */
function keepFound(found: Map<string, JournalRecord>, words: string, segment: Segment): void {
  const [first, second] = [words.indexOf(' '), words.indexOf(' ', words.indexOf(' ') + 1)]
  const id = words.slice(0, first)
  dropFound(found, id)
  const order = Number(words.slice(first + 1, second))
  const record = { id, order, text: words.slice(second + 1), segment: undefined, dropped: false }
  settle(record, segment)
  found.set(id, record)
}

function dropFound(found: Map<string, JournalRecord>, id: string): void {
  const record = found.get(id)
  if (record?.segment !== undefined) record.segment.live--
  found.delete(id)
}

function lineOf(record: JournalRecord | string): string {
  const words = typeof record === 'string' ? record : `keep ${record.id} ${record.order} ${record.text}`
  return `${crc32(words).toString(16).padStart(8, '0')} ${words}\n`
}

/** A line without its checksum; undefined when it is not whole. */
function unchecked(line: string): string | undefined {
  const words = line.slice(9)
  return line[8] === ' ' && Number.parseInt(line.slice(0, 8), 16) === crc32(words) ? words : undefined
}
