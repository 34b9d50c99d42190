import { tokenEnd } from './grammar.ts'
import type { HeadMarks } from './head-room.ts'
import { type Letters, passingLetters } from './letters.ts'
import { bitOf, headerName, headerNumber, nameOf } from './names.ts'

/** A header as it travels: lower-case long name, and its value unfolded and trimmed. */
export type Header = readonly [name: string, value: string]

/** Makes something of a value, from where it begins to where it ends. */
export type ValueReader<Value> = (letters: Letters, from: number, to: number) => Value

/** The headers of a message in their order. A name is asked for by its number (`names.ts`), a header by its position. */
export interface Headers {
  readonly list: readonly Header[]
  /** The bits of those which are there, and of those which come again. */
  readonly there: number
  readonly again: number
  /** Position of the first of a name, behind a position; -1 where there is none. */
  find(number: number, behind?: number): number
  value(at: number): string
  read<Value>(at: number, read: ValueReader<Value>): Value
  /** Those of the names which are marked, by number. */
  chosen(marked: Uint8Array): Header[]
}

/** Headers as they came, of which nothing is cut out before it is asked for. */
export class HeaderIndex implements Headers {
  readonly #letters: Letters
  /** Three for each: its name's number, or where its name begins, below zero; where its value begins and ends. */
  readonly #marks: readonly number[]
  readonly there: number
  readonly again: number
  #list: readonly Header[] | undefined

  constructor(letters: Letters, { marks, there, again }: HeadMarks) {
    this.#letters = letters
    this.#marks = marks
    this.there = there
    this.again = again
  }

  get list(): readonly Header[] {
    this.#list ??= this.#cutOut()
    return this.#list
  }

  find(number: number, behind = -3): number {
    const bit = bitOf(number)
    if (bit !== 0 && ((behind < 0 ? this.there : this.again) & bit) === 0) return -1
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

  get there(): number {
    return this.list.reduce((bits, [name]) => bits | bitOf(headerNumber(name)), 0)
  }

  get again(): number {
    let [there, again] = [0, 0]
    for (const [name] of this.list) {
      const bit = bitOf(headerNumber(name))
      again |= there & bit
      there |= bit
    }
    return again
  }
}
