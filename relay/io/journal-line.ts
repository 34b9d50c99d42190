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

/** A line without its checksum; undefined when it is not whole. */
export function unchecked(line: string): string | undefined {
  const words = line.slice(9)
  return line[8] === ' ' && Number.parseInt(line.slice(0, 8), 16) === crc32(words) ? words : undefined
}

/** Of the words `<id> <order> <text>`. */
export function textOf(words: string): string {
  return words.slice(words.indexOf(' ', words.indexOf(' ') + 1) + 1)
}
