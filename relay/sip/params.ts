import { isSpace, paramValueEnd, skipSpace, tokenEnd } from './grammar.ts'
import { type Letters, passingLetters } from './letters.ts'

/** Lower-case names, '' for none given. */
export type Params = ReadonlyMap<string, string>

/** No parameters: shared, since most addresses have none. */
export const noParams: Params = new Map()

const nowhere: readonly number[] = []

/**
 * Parameters which were found to be well-formed: one is looked up where it stands, and they are taken apart when all are asked
 * for. Most messages are asked for none of theirs.
 */
export class LateParams implements Params {
  readonly #text: string
  readonly #from: number
  readonly #to: number
  readonly #read: (text: string) => Params
  #params: Params | undefined
  /** Four for each: where its name begins and ends, and its value. None: they were not looked for. */
  #places: readonly number[] = nowhere

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
    if (this.#params !== undefined) return this.#params.get(name)
    const at = this.#find(name)
    return at < 0 ? undefined : this.#text.slice(this.#places[at + 2], this.#places[at + 3])
  }

  has(name: string): boolean {
    if (this.#params !== undefined) return this.#params.has(name)
    return this.#find(name) >= 0
  }

  /** Where the four of a parameter begin in `#places`; -1 where none is called so. */
  #find(name: string): number {
    if (this.#places.length === 0) this.#places = placesIn(this.#text, this.#from, this.#to)
    const places = this.#places
    for (let at = 0; at < places.length; at += 4) {
      const nameAt = places[at] ?? 0
      if (places[at + 1] === nameAt + name.length && isNamedIn(this.#text, nameAt, name)) return at
    }
    return -1
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

/** Where the names and values of parameters stand which are well-formed, four for each. */
function placesIn(text: string, from: number, to: number): number[] {
  const places: number[] = []
  for (let at = from; at < to; ) {
    while (at < to && isBetween(text.charCodeAt(at))) at++
    let nameEnd = at
    while (nameEnd < to && !endsName(text.charCodeAt(nameEnd))) nameEnd++
    const equals = spaceEndIn(text, nameEnd, to)
    const isSaid = equals < to && text.charCodeAt(equals) === 0x3d
    const valueAt = isSaid ? spaceEndIn(text, equals + 1, to) : equals
    const next = isSaid ? semicolonIn(text, valueAt, to) : equals
    let valueEnd = next
    while (valueEnd > valueAt && isSpace(text.charCodeAt(valueEnd - 1))) valueEnd--
    if (nameEnd > at) places.push(at, nameEnd, valueAt, valueEnd)
    at = next
  }
  return places
}

function isNamedIn(text: string, at: number, name: string): boolean {
  let i = 0
  while (i < name.length && lower(text.charCodeAt(at + i)) === name.charCodeAt(i)) i++
  return i === name.length
}

/** Index of the semicolon behind which the next parameter stands, none in quotes; or `to`. */
function semicolonIn(text: string, from: number, to: number): number {
  let isQuoted = false
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) isQuoted = !isQuoted
    else if (isQuoted && code === 0x5c) i++
    else if (!isQuoted && code === 0x3b) return i
  }
  return to
}

function spaceEndIn(text: string, from: number, to: number): number {
  let i = from
  while (i < to && isSpace(text.charCodeAt(i))) i++
  return i
}

function isBetween(code: number): boolean {
  return code === 0x3b || isSpace(code)
}

function endsName(code: number): boolean {
  return code === 0x3d || isBetween(code)
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
