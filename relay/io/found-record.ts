import { type FileLine, type FilePieces, linesOf, pieceOf } from './file-pieces.ts'
import { droppedBy, type JournalRecord, keptBy, type Segment, settle, unchecked } from './journal-line.ts'

/** A record as it was found in a file. Its text stays there, and is read when it is asked for. */
export class FoundRecord implements JournalRecord {
  readonly id: string
  readonly order: number
  segment: Segment | undefined = undefined
  dropped = false
  /** Its file; where its line stands in it, and how long that is without its line break, in octets. */
  readonly #in: Segment
  readonly #at: number
  readonly #octets: number
  #text: string | undefined = undefined

  constructor({ id, order }: { id: string; order: number }, segment: Segment, { at, octets }: FileLine) {
    this.id = id
    this.order = order
    this.#in = segment
    this.#at = at
    this.#octets = octets.length
  }

  /** Stays here once it was asked for. Throws where its file has been taken away. */
  get text(): string {
    return this.wake()
  }

  /** Its text, as `text` gives it; `pieces`: where it lies beside what was read last. */
  wake(pieces?: FilePieces): string {
    this.#text ??= this.#read(pieces)
    return this.#text
  }

  /** Lets go of the text until it is asked for; not of one which stands elsewhere by now. */
  rest(): void {
    if (this.segment === this.#in) this.#text = undefined
  }

  #read(pieces?: FilePieces): string {
    const { path } = this.#in
    const line = pieces?.read(path, this.#at, this.#octets) ?? pieceOf(path, this.#at, this.#octets)
    const words = unchecked(line)
    const kept = words && keptBy(words)
    if (kept?.id !== this.id) throw new Error(`${path} is not what it was`)
    return words?.toString('utf8', kept.textAt) ?? ''
  }
}

/** Reads a file's lines into `found`; gives back how many were torn. Throws where it cannot be read. */
export function readLines(segment: Segment, found: Map<string, FoundRecord>): number {
  let torn = 0
  for (const line of linesOf(segment.path)) {
    segment.bytes = line.at + line.octets.length + 1
    if (line.octets.length === 0) continue
    segment.lines++
    const words = unchecked(line.octets)
    const kept = words && keptBy(words)
    const dropped = words && droppedBy(words)
    if (kept) keepFound(found, new FoundRecord(kept, segment, line), segment)
    else if (dropped) for (const id of dropped) dropFound(found, id)
    else torn++
  }
  return torn
}

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
