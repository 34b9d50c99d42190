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

/** Reads a file's lines into `found`; gives back how many were torn. */
export function readLines(text: string, segment: Segment, found: Map<string, JournalRecord>): number {
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

/** A record's line, or the words of one, with its checksum. */
export function lineOf(record: JournalRecord | string): string {
  const words = typeof record === 'string' ? record : `keep ${record.id} ${record.order} ${record.text}`
  return `${crc32(words).toString(16).padStart(8, '0')} ${words}\n`
}

/** A line without its checksum; undefined when it is not whole. */
function unchecked(line: string): string | undefined {
  const words = line.slice(9)
  return line[8] === ' ' && Number.parseInt(line.slice(0, 8), 16) === crc32(words) ? words : undefined
}
