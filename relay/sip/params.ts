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
  readonly #from: number
  readonly #to: number
  readonly #read: (text: string) => Params
  #params: Params | undefined

  /** `read`: takes apart what stands in `text` between the two indexes. */
  constructor({ text }: Letters, from: number, to: number, read: (text: string) => Params) {
    this.#text = text
    this.#from = from
    this.#to = to
    this.#read = read
  }

  get #all(): Params {
    this.#params ??= this.#read(this.#text.slice(this.#from, this.#to))
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

/** A parameter at a time: where its name and its value stand. One is read after the other, so there is one for all. */
const param = { at: 0, nameAt: 0, nameEnd: 0, valueAt: 0, valueEnd: 0 }

/** Goes to where parameters begin. */
function beginParams(codes: Uint8Array, at: number, to: number): void {
  param.at = skipSpace(codes, at, to)
}

/** generic-param = token [ EQUAL ( token / host / quoted-string ) ], behind a SEMI; false where none is to be read. */
function nextParam(codes: Uint8Array, to: number): boolean {
  const { at } = param
  if (at >= to || codes[at] !== 0x3b) return false
  const nameAt = skipSpace(codes, at + 1, to)
  const nameEnd = tokenEnd(codes, nameAt, to)
  let valueAt = nameEnd
  let valueEnd = nameEnd
  let end = skipSpace(codes, nameEnd, to)
  if (end < to && codes[end] === 0x3d) {
    valueAt = skipSpace(codes, end + 1, to)
    valueEnd = paramValueEnd(codes, valueAt, to)
    end = skipSpace(codes, valueEnd, to)
  }
  if (nameEnd === nameAt || valueEnd < 0) return false
  param.at = end
  param.nameAt = nameAt
  param.nameEnd = nameEnd
  param.valueAt = valueAt
  param.valueEnd = valueEnd
  return true
}

/** Whether all was read, up to the end or a comma. */
function areParamsRead(codes: Uint8Array, to: number): boolean {
  return param.at === to || codes[param.at] === 0x2c
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
  beginParams(codes, at, to)
  while (nextParam(codes, to)) {
    const name = text.slice(param.nameAt, param.nameEnd).toLowerCase()
    if (params.has(name)) return -1
    params.set(name, text.slice(param.valueAt, param.valueEnd))
  }
  return areParamsRead(codes, to) ? param.at : -1
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
  let value: string | undefined
  names.clear()
  beginParams(codes, at, to)
  while (nextParam(codes, to)) {
    const { nameAt, nameEnd } = param
    if (names.isFull) return findManyParams(letters, at, to, wanted)
    if (!names.add(codes, nameAt, nameEnd)) return undefined
    if (isNamed(codes, nameAt, nameEnd, wanted)) value = text.slice(param.valueAt, param.valueEnd)
  }
  if (!areParamsRead(codes, to)) return undefined
  const end = param.at
  return { end, params: end === at ? noParams : new LateParams(letters, at, end, paramsOf), wanted: value }
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
