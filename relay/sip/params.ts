import { paramValueEnd, skipSpace, tokenEnd } from './grammar.ts'
import { type Letters, passingLetters } from './letters.ts'

/** Lower-case names, '' for none given. */
export type Params = ReadonlyMap<string, string>

/** No parameters: shared, since most addresses have none. */
export const noParams: Params = new Map()

/**
 * Parameters which were found to be well-formed, and are taken apart when one is asked for: most messages are asked for
 * none of theirs.
 */
export class LateParams implements Params {
  readonly #text: string
  readonly #read: (text: string) => Params
  #params: Params | undefined

  constructor(text: string, read: (text: string) => Params) {
    this.#text = text
    this.#read = read
  }

  get #all(): Params {
    this.#params ??= this.#read(this.#text)
    return this.#params
  }

  get size(): number {
    return this.#all.size
  }

  get(name: string): string | undefined {
    return this.#all.get(name)
  }

  has(name: string): boolean {
    return this.#all.has(name)
  }

  forEach(each: (value: string, name: string, all: Params) => void): void {
    for (const [name, value] of this.#all) each(value, name, this)
  }

  entries() {
    return this.#all.entries()
  }

  keys() {
    return this.#all.keys()
  }

  values() {
    return this.#all.values()
  }

  [Symbol.iterator]() {
    return this.#all[Symbol.iterator]()
  }
}

/** A parameter at a time: where its name and its value stand. */
class ParamCursor {
  readonly codes: Uint8Array
  readonly to: number
  at: number
  nameAt = 0
  nameEnd = 0
  valueAt = 0
  valueEnd = 0

  constructor(codes: Uint8Array, at: number, to: number) {
    this.codes = codes
    this.to = to
    this.at = skipSpace(codes, at, to)
  }

  /** generic-param = token [ EQUAL ( token / host / quoted-string ) ], behind a SEMI; false where none is to be read. */
  next(): boolean {
    const { codes, at, to } = this
    if (at >= to || codes[at] !== 0x3b) return false
    this.nameAt = skipSpace(codes, at + 1, to)
    this.nameEnd = tokenEnd(codes, this.nameAt, to)
    this.valueAt = this.valueEnd = this.nameEnd
    let end = skipSpace(codes, this.nameEnd, to)
    if (end < to && codes[end] === 0x3d) {
      this.valueAt = skipSpace(codes, end + 1, to)
      this.valueEnd = paramValueEnd(codes, this.valueAt, to)
      end = skipSpace(codes, this.valueEnd, to)
    }
    if (this.nameEnd === this.nameAt || this.valueEnd < 0) return false
    this.at = end
    return true
  }

  /** Whether all was read, up to the end or a comma. */
  get isDone(): boolean {
    return this.at === this.to || this.codes[this.at] === 0x2c
  }
}

/**
 * Takes parameters out into `params`: lower-case names, values as written, quotes included. Gives back the index of the
 * end or of a comma; -1 when something else stands there, or a name stands there twice.
 */
export function fillParams(
  { text, codes }: Letters,
  at: number,
  to: number,
  params: Map<string, string>,
): number {
  const cursor = new ParamCursor(codes, at, to)
  while (cursor.next()) {
    const name = text.slice(cursor.nameAt, cursor.nameEnd).toLowerCase()
    if (params.has(name)) return -1
    params.set(name, text.slice(cursor.valueAt, cursor.valueEnd))
  }
  return cursor.isDone ? cursor.at : -1
}

/** What was found of parameters which are well-formed. */
interface FoundParams {
  /** Index of the end or of a comma. */
  readonly end: number
  readonly params: Params
  /** The value of the one which was wanted, as written. */
  readonly wanted: string | undefined
}

/** Reads parameters as `fillParams` does, and takes out no more than one; undefined: they are malformed. */
export function findParams(
  letters: Letters,
  at: number,
  to: number,
  wanted: string,
): FoundParams | undefined {
  if (at === to) return { end: to, params: noParams, wanted: undefined }
  const { text, codes } = letters
  const cursor = new ParamCursor(codes, at, to)
  let value: string | undefined
  names.clear()
  while (cursor.next()) {
    const { nameAt, nameEnd } = cursor
    if (names.isFull) return findManyParams(letters, at, to, wanted)
    if (!names.add(codes, nameAt, nameEnd)) return undefined
    if (isNamed(codes, nameAt, nameEnd, wanted)) value = text.slice(cursor.valueAt, cursor.valueEnd)
  }
  if (!cursor.isDone) return undefined
  const end = cursor.at
  return { end, params: end === at ? noParams : new LateParams(text.slice(at, end), paramsOf), wanted: value }
}

function findManyParams(letters: Letters, at: number, to: number, wanted: string): FoundParams | undefined {
  const params = new Map<string, string>()
  const end = fillParams(letters, at, to, params)
  return end < 0 ? undefined : { end, params, wanted: params.get(wanted) }
}

function isNamed(codes: Uint8Array, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false
  for (let i = 0; i < name.length; i++) if (lower(codes[from + i]) !== name.charCodeAt(i)) return false
  return true
}

function paramsOf(text: string): Params {
  const params = new Map<string, string>()
  fillParams(passingLetters(text), 0, text.length, params)
  return params
}

/** A few names, to see whether one comes twice; of many a map sees that faster. */
export class FewNames {
  readonly #spans = new Int32Array(16)
  #end = 0

  clear(): void {
    this.#end = 0
  }

  get isFull(): boolean {
    return this.#end === this.#spans.length
  }

  /** false: it is there, in whatever case. */
  add(codes: Uint8Array, from: number, to: number): boolean {
    for (let i = 0; i < this.#end; i += 2)
      if (this.#spans[i + 1] === to - from && isSame(codes, this.#spans[i] ?? 0, from, to - from))
        return false
    this.#spans[this.#end++] = from
    this.#spans[this.#end++] = to - from
    return true
  }
}

const names = new FewNames()

function isSame(codes: Uint8Array, a: number, b: number, length: number): boolean {
  let i = 0
  while (i < length && lower(codes[a + i]) === lower(codes[b + i])) i++
  return i === length
}

function lower(code = 0): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code
}

/** `;name=value` for each parameter, values as they are. */
export function writeParams(params: Params): string {
  let text = ''
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${value}`
  return text
}
