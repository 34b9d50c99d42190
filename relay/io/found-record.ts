import { closeSync, openSync, readSync } from 'node:fs'
import { detached } from '../ground/texts.ts'
import { type JournalRecord, type Segment, settle, textOf, unchecked } from './journal-line.ts'

/** A record as it was found in a file. Its text can be let go of, and is read there when it is asked for again. */
export class FoundRecord implements JournalRecord {
  readonly id: string
  readonly order: number
  segment: Segment | undefined = undefined
  dropped = false
  /** Where its line stands in its file, and how long it is without its line break, in octets. */
  readonly #at: number
  readonly #octets: number
  #text: string | undefined

  /** `words`: `<id> <order> <text>`. */
  constructor(words: string, at: number, octets: number) {
    const [id = '', order] = words.split(' ', 2)
    this.id = detached(id)
    this.order = Number(order)
    this.#at = at
    this.#octets = octets
    this.#text = textOf(words)
  }

  /** Throws where its file has been taken away. */
  get text(): string {
    this.#text ??= this.#read()
    return this.#text
  }

  /** Lets go of the text until it is asked for; not of one which stands in no file of the journal. */
  rest(): void {
    if (this.segment !== undefined) this.#text = undefined
  }

  /** It was not written anew since: who did so asked for its text, and that stayed. */
  #read(): string {
    const path = this.segment?.path ?? ''
    const line = Buffer.alloc(this.#octets)
    const file = openSync(path, 'r')
    try {
      readSync(file, line, 0, line.length, this.#at)
    } finally {
      closeSync(file)
    }
    const words = unchecked(utf8.decode(line))
    if (words === undefined) throw new Error(`${path} is not what it was`)
    return textOf(words.slice('keep '.length))
  }
}

/** Reads a file's lines into `found`; gives back how many were torn. */
export function readLines(file: Uint8Array, segment: Segment, found: Map<string, FoundRecord>): number {
  let torn = 0
  for (let at = 0, end = 0; at < file.length; at = end + 1) {
    end = file.indexOf(LINE_FEED, at)
    if (end < 0) end = file.length
    if (end === at) continue
    segment.lines++
    const words = unchecked(utf8.decode(file.subarray(at, end))) ?? ''
    if (words.startsWith('keep '))
      keepFound(found, new FoundRecord(words.slice('keep '.length), at, end - at), segment)
    else if (words.startsWith('drop ')) for (const id of words.slice(5).split(' ')) dropFound(found, id)
    else torn++
  }
  return torn
}

const LINE_FEED = 10
const utf8 = new TextDecoder()

/** A record carried over is found twice, and stands where it was found last. */
function keepFound(found: Map<string, FoundRecord>, record: FoundRecord, segment: Segment): void {
  dropFound(found, record.id)
  settle(record, segment)
  found.set(record.id, record)
}

function dropFound(found: Map<string, FoundRecord>, id: string): void {
  const record = found.get(id)
  if (record?.segment !== undefined) record.segment.live--
  found.delete(id)
}
