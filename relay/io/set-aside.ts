import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FilePieces } from './file-pieces.ts'
import { type FoundRecord, readLines } from './found-record.ts'
import { type JournalRecord, lineOf } from './journal-line.ts'
import type { Log } from './log.ts'

/** Makes of a record what it stands for; undefined, or an error, where this version cannot read it. */
export type RecordReader<T> = (kept: FoundRecord) => T | undefined

/** Records of a journal which another version wrote and this one cannot read: they wait for one which can. */
export class SetAside {
  readonly #path: string
  readonly #log: Log

  constructor(folder: string, log: Log) {
    this.#path = join(folder, 'set-aside')
    this.#log = log
  }

  /** Those which wait; none where there is no such file. */
  read(): FoundRecord[] {
    const found = new Map<string, FoundRecord>()
    if (existsSync(this.#path)) readLines({ path: this.#path, number: 0, bytes: 0, lines: 0, live: 0 }, found)
    const waiting = [...found.values()]
    // The file is about to be written anew.
    for (const record of waiting) record.wake()
    return waiting.map((record) => Object.assign(record, { segment: undefined }))
  }

  /** Writes down what cannot be read, in place of what could not before. */
  async replace(unread: readonly JournalRecord[]): Promise<void> {
    const path = this.#path
    const file = await open(`${path}.new`, 'w', 0o600)
    await file.writeFile(unread.map(lineOf).join('')).then(() => file.sync())
    await file.close()
    await rename(`${path}.new`, path)
    if (unread.length === 0) return rm(path)
    const sentence = 'These records were written by another version: they wait there for it.'
    this.#log('error', 'journal.set_aside', { file: path, records: unread.length, sentence })
  }
}

/** The records by whether this version can read them. */
export function sorted<T>(
  records: readonly FoundRecord[],
  read: RecordReader<T>,
): { found: T[]; unread: FoundRecord[] } {
  const found: T[] = []
  const unread: FoundRecord[] = []
  const pieces = new FilePieces()
  for (const record of records) {
    const made = attempt(() => {
      record.wake(pieces)
      return read(record)
    })
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
