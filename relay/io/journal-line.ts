import { crc32 } from 'node:zlib'

/*
 * The lines of a journal: `keep <id> <order> <text>` and `drop <id>…`, each after its checksum, so that one torn by a
 * crash is known for what it is.
 */

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
export interface Segment {
  readonly path: string
  readonly number: number
  bytes: number
  lines: number
  /** Records in it which are still kept. */
  live: number
}

/** A record is where it was written last. */
export function settle(record: JournalRecord, segment: Segment): void {
  if (record.dropped) return
  if (record.segment !== undefined) record.segment.live--
  record.segment = segment
  segment.live++
}

/** A record's line, or the words of one, with its checksum. */
export function lineOf(record: JournalRecord | string): string {
  const words = typeof record === 'string' ? record : `keep ${record.id} ${record.order} ${record.text}`
  return `${crc32(words).toString(16).padStart(8, '0')} ${words}\n`
}

/** A line's words, without its checksum; undefined when it is not whole. */
export function unchecked(line: Buffer): Buffer | undefined {
  const words = line.subarray(9)
  const checksum = Number.parseInt(line.toString('latin1', 0, 8), 16)
  return line[8] === SPACE && checksum === crc32(words) ? words : undefined
}

/** What is kept by the words of a line; undefined where they keep nothing. `textAt`: where its text begins, in octets. */
export function keptBy(words: Buffer): { id: string; order: number; textAt: number } | undefined {
  if (words.toString('latin1', 0, idAt) !== 'keep ') return undefined
  const idEnd = words.indexOf(SPACE, idAt)
  const orderEnd = words.indexOf(SPACE, idEnd + 1)
  if (idEnd < 0 || orderEnd < 0) return undefined
  const order = Number(words.toString('latin1', idEnd + 1, orderEnd))
  return { id: words.toString('utf8', idAt, idEnd), order, textAt: orderEnd + 1 }
}

/** The ids which are dropped by the words of a line; undefined where they drop nothing. */
export function droppedBy(words: Buffer): string[] | undefined {
  return words.toString('latin1', 0, idAt) === 'drop ' ? words.toString('utf8', idAt).split(' ') : undefined
}

const SPACE = 0x20
const idAt = 'keep '.length
