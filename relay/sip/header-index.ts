import { isSpace, skipSpace, tokenEnd } from './grammar.ts'
import { type Letters, passingLetters } from './letters.ts'
import { limits } from './limits.ts'
import { headerName, headerNumber, headerNumberIn, nameOf } from './names.ts'

/** A header as it travels: lower-case long name, and its value unfolded and trimmed. */
export type Header = readonly [name: string, value: string]

/** Makes something of a value, from where it begins to where it ends. */
export type ValueReader<Value> = (letters: Letters, from: number, to: number) => Value

/** The headers of a message in their order. A name is asked for by its number (`names.ts`), a header by its position. */
export interface Headers {
  readonly list: readonly Header[]
  /** Position of the first of a name, behind a position; -1 where there is none. */
  find(number: number, behind?: number): number
  value(at: number): string
  read<Value>(at: number, read: ValueReader<Value>): Value
  /** The first which comes again of the names with a bit of their own, by number; 0 where none does. */
  repeated(bits: Uint8Array): number
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

  repeated(bits: Uint8Array): number {
    const marks = this.#marks
    let seen = 0
    for (let at = 0; at < marks.length; at += 3) {
      const number = marks[at] ?? 0
      const bit = number > 0 ? (bits[number] ?? 0) : 0
      if ((seen & bit) !== 0) return number
      seen |= bit
    }
    return 0
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

  repeated(bits: Uint8Array): number {
    let seen = 0
    for (const [name] of this.list) {
      const number = headerNumber(name)
      const bit = bits[number] ?? 0
      if ((seen & bit) !== 0) return number
      seen |= bit
    }
    return 0
  }
}

/** Where the parts of a head stand. */
export interface HeadMarks {
  /** Index of the CRLF which ends the first line. */
  readonly lineEnd: number
  /** Those of `HeaderIndex`. */
  readonly marks: readonly number[]
}

/**
 * Finds the headers of a head as nearly all write it: each on one line, none of them too long or too many.
 * undefined: it is another, and has to be read with more care (`readHeaders`).
 */
export function markHead({ text, codes }: Letters, from: number): HeadMarks | undefined {
  const to = text.length
  const end = lineEnd(text, from)
  let filled = 0
  for (let i = end + 2; end > 0; ) {
    if (codes[i] === 13 && codes[i + 1] === 10) return { lineEnd: end, marks: marked.slice(0, filled) }
    const next = lineEnd(text, i) + 2
    const nameEnd = tokenEnd(codes, i, to)
    const colon = skipSpace(codes, nameEnd, to)
    const isOne = nameEnd > i && codes[colon] === 0x3a && next > 1 && !isSpace(codes[next])
    if (!isOne || next - i > limits.header || filled === marked.length) return undefined
    const valueAt = skipSpace(codes, colon + 1, to)
    let valueEnd = next - 2
    while (valueEnd > valueAt && isSpace(codes[valueEnd - 1])) valueEnd--
    marked[filled++] = headerNumberIn(codes, i, nameEnd) || -i
    marked[filled++] = valueAt
    marked[filled++] = valueEnd
    i = next
  }
  return undefined
}

/** Room for the marks of one head. */
const marked = Array<number>(3 * limits.headers).fill(0)

/** Index of the CRLF which ends a line; -1 where half a line break comes before it, or none comes. */
function lineEnd(text: string, from: number): number {
  // A search for one letter is four times as fast as a loop.
  const end = text.indexOf('\r', from)
  return text.indexOf('\n', from) === end + 1 ? end : -1
}
