import { appendFileSync, readdirSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FoundRecord, readLines } from './found-record.ts'
import { type JournalRecord, lineOf, type Segment, settle } from './journal-line.ts'
import type { Log } from './log.ts'
import { type RecordReader, SetAside, sorted } from './set-aside.ts'

interface JournalOptions {
  readonly folder: string
  readonly log: Log
  /** A new file is begun after this many bytes. */
  readonly segmentBytes: number
}

/* Implementation */
const gatherMs = 20
const syncMs = 100
const retryMs = 1_000
/** A disk which is full costs no more than these each time it is tried. */
const linesTogether = 1_000

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
  readonly #setAside: SetAside
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
    this.#setAside = new SetAside(options.folder, options.log)
  }

  /** Opens the folder, making it where there is none; `found` is what it kept, oldest first, as `read` makes it. */
  static async open<T>(
    options: JournalOptions,
    read: RecordReader<T>,
  ): Promise<{ journal: Journal; found: T[] }> {
    const journal = new Journal(options)
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    const { records, waiting } = journal.#recall()
    const { found, unread } = sorted(records, read)
    if (waiting.length > 0 || unread.length > 0) await journal.#setAside.replace(unread)
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
    // To close it is to wait for the disk, and then for the file: nothing is asked of that meanwhile.
    if (this.#closed) return
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
    return this.kept().filter((record) => record.segment === oldest && isReadable(record))
  }

  /** Deletes files which are not needed, oldest first, never the newest. */
  async #tidy(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.live > 0) continue
      await rm(segment.path, { force: true })
      this.#segments.splice(this.#segments.indexOf(segment), 1)
    }
  }

  /** All records, oldest first; `waiting`: those of them which stand in no journal, since they were set aside. */
  #recall(): { records: FoundRecord[]; waiting: FoundRecord[] } {
    const names = readdirSync(this.#options.folder).filter((name) => /^\d{10}\.journal$/.test(name))
    const found = new Map<string, FoundRecord>()
    for (const name of names.sort()) {
      const path = join(this.#options.folder, name)
      const segment = { path, number: Number.parseInt(name, 10), bytes: 0, lines: 0, live: 0 }
      this.#segments.push(segment)
      const torn = readLines(segment, found)
      if (torn > 0) this.#options.log('warn', 'journal.torn', { file: name, lines: torn })
    }
    const waiting = this.#setAside.read().filter(({ id }) => !found.has(id))
    return { records: [...found.values(), ...waiting].sort((a, b) => a.order - b.order), waiting }
  }
}

/** Whether its text is there: of one which stands in a file alone that file may have been taken away. */
function isReadable(record: JournalRecord): boolean {
  try {
    return record.text !== ''
  } catch {
    return false
  }
}
