import { isSpace, skipSpace, tokenEnd } from './grammar.ts'
import { lineEnd, octetAt, takeIn } from './head-room.ts'
import { type Letters, passingLetters } from './letters.ts'
import { limits } from './limits.ts'
import { headerName, headerNumber, headerNumberIn, knownNames, nameOf } from './names.ts'

/** A header as it travels: lower-case long name, and its value unfolded and trimmed. */
export type Header = readonly [name: string, value: string]

/** Makes something of a value, from where it begins to where it ends. */
export type ValueReader<Value> = (letters: Letters, from: number, to: number) => Value

/** Which headers are there. */
export interface HeaderTally {
  /** Their bits. */
  readonly there: number
  /** The number of the first which comes again; 0 where none does. */
  readonly again: number
}

/** The headers of a message in their order. A name is asked for by its number (`names.ts`), a header by its position. */
export interface Headers {
  readonly list: readonly Header[]
  /** Position of the first of a name, behind a position; -1 where there is none. */
  find(number: number, behind?: number): number
  value(at: number): string
  read<Value>(at: number, read: ValueReader<Value>): Value
  /** Those of the names which are marked, by number. */
  chosen(marked: Uint8Array): Header[]
  /** Which are there of the names with a bit of their own, by number. */
  tally(bits: Uint8Array): HeaderTally
}

/** Headers as they came, of which nothing is cut out before it is asked for. */
export class HeaderIndex implements Headers {
  readonly #letters: Letters
  /** Three for each: its name's number, or where its name begins, below zero; where its value begins and ends. */
  readonly #marks: readonly number[]
  #list: readonly Header[] | undefined

  constructor(letters: Letters, marks: readonly number[]) {
    this.#letters = letters
    this.#marks = marks
  }

  get list(): readonly Header[] {
    this.#list ??= this.#cutOut()
    return this.#list
  }

  find(number: number, behind = -3): number {
    const marks = this.#marks
    for (let at = behind + 3; at < marks.length; at += 3) if (marks[at] === number) return at
    return -1
  }

  value(at: number): string {
    return this.#letters.text.slice(this.#marks[at + 1], this.#marks[at + 2])
  }

  read<Value>(at: number, read: ValueReader<Value>): Value {
    return read(this.#letters, this.#marks[at + 1] ?? 0, this.#marks[at + 2] ?? 0)
  }

  chosen(marked: Uint8Array): Header[] {
    const marks = this.#marks
    const list: Header[] = []
    for (let at = 0; at < marks.length; at += 3) {
      const number = marks[at] ?? 0
      if (number > 0 && marked[number] === 1) list.push([nameOf(number), this.value(at)])
    }
    return list
  }

  tally(bits: Uint8Array): HeaderTally {
    const marks = this.#marks
    let [there, again] = [0, 0]
    for (let at = 0; at < marks.length; at += 3) {
      const number = marks[at] ?? 0
      const bit = number > 0 ? (bits[number] ?? 0) : 0
      if ((there & bit) !== 0 && again === 0) again = number
      there |= bit
    }
    return { there, again }
  }

  #cutOut(): Header[] {
    const list: Header[] = []
    for (let at = 0; at < this.#marks.length; at += 3) list.push([this.#name(at), this.value(at)])
    return list
  }

  #name(at: number): string {
    const number = this.#marks[at] ?? 0
    if (number > 0) return nameOf(number)
    const { text, codes } = this.#letters
    return headerName(text.slice(-number, tokenEnd(codes, -number, codes.length)))
  }
}

/** Headers which are texts already. */
export class HeaderList implements Headers {
  readonly list: readonly Header[]

  constructor(list: readonly Header[]) {
    this.list = list
  }

  find(number: number, behind = -1): number {
    const name = nameOf(number)
    for (let at = behind + 1; at < this.list.length; at++) if (this.list[at]?.[0] === name) return at
    return -1
  }

  value(at: number): string {
    return this.list[at]?.[1] ?? ''
  }

  read<Value>(at: number, read: ValueReader<Value>): Value {
    const value = this.value(at)
    return read(passingLetters(value), 0, value.length)
  }

  chosen(marked: Uint8Array): Header[] {
    return this.list.filter(([name]) => marked[headerNumber(name)] === 1)
  }

  tally(bits: Uint8Array): HeaderTally {
    let [there, again] = [0, 0]
    for (const [name] of this.list) {
      const number = headerNumber(name)
      const bit = bits[number] ?? 0
      if ((there & bit) !== 0 && again === 0) again = number
      there |= bit
    }
    return { there, again }
  }
}

/** Where the parts of a head stand. */
export interface HeadMarks {
  /** Index of the CRLF which ends the first line. */
  readonly lineEnd: number
  /** Those of `HeaderIndex`. */
  readonly marks: readonly number[]
  /** Index behind the blank line. */
  readonly bodyAt: number
}

/**
 * Finds the headers of a head as nearly all write it: each on one line, none of them too long or too many, a blank line behind
 * them. Each octet is looked at once. undefined: it is another, and has to be read with more care (`readHeaders`).
 */
export function markHead(codes: Uint8Array, from: number): HeadMarks | undefined {
  takeIn(codes)
  const end = lineEnd(from)
  if (end < 0) return undefined
  let filled = 0
  let i = end + 2
  while (octetAt(i) !== 13) {
    const word = knownNames.find(i)
    const nameEnd = word > 0 ? i + knownNames.length(word) : tokenEnd(codes, i, codes.length)
    const colon = word > 0 ? nameEnd : skipSpace(codes, nameEnd, codes.length)
    if (nameEnd === i || octetAt(colon) !== 0x3a || filled === marked.length) return undefined
    let valueAt = colon + 1
    while (isSpace(octetAt(valueAt))) valueAt++
    let valueEnd = lineEnd(valueAt)
    const next = valueEnd + 2
    if (valueEnd < 0 || next - i > limits.header || isSpace(octetAt(next))) return undefined
    while (valueEnd > valueAt && isSpace(octetAt(valueEnd - 1))) valueEnd--
    marked[filled++] = word > 0 ? knownNames.number(word) : headerNumberIn(codes, i, nameEnd) || -i
    marked[filled++] = valueAt
    marked[filled++] = valueEnd
    i = next
  }
  return octetAt(i + 1) === 10 ? { lineEnd: end, marks: marked.slice(0, filled), bodyAt: i + 2 } : undefined
}

/** Room for the marks of one head. */
const marked = Array<number>(3 * limits.headers).fill(0)
