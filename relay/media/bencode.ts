/** What bencode can say: whole numbers, strings, lists and dictionaries. */
export type Bencoded =
  | number
  | string
  | Uint8Array
  | readonly Bencoded[]
  | { readonly [key: string]: Bencoded | undefined }

/** Deeper than anything rtpengine says; what is deeper is an attack on our stack. */
const DEEPEST = 32

/** Writes a value, dictionaries in the order of their keys. Entries which are undefined are left out. */
export function bencode(value: Bencoded): Uint8Array {
  const pieces: Uint8Array[] = []
  write(value, pieces)
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function write(value: Bencoded, pieces: Uint8Array[]): void {
  if (typeof value === 'number') return put(pieces, `i${Math.trunc(value)}e`)
  if (typeof value === 'string') return writeBytes(octets.encode(value), pieces)
  if (value instanceof Uint8Array) return writeBytes(value, pieces)
  if (Array.isArray(value)) {
    put(pieces, 'l')
    for (const each of value as readonly Bencoded[]) write(each, pieces)
    return put(pieces, 'e')
  }
  put(pieces, 'd')
  for (const [key, each] of Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (each === undefined) continue
    writeBytes(octets.encode(key), pieces)
    write(each, pieces)
  }
  put(pieces, 'e')
}

function writeBytes(bytes: Uint8Array, pieces: Uint8Array[]): void {
  put(pieces, `${bytes.length}:`)
  pieces.push(bytes)
}

function put(pieces: Uint8Array[], text: string): void {
  pieces.push(octets.encode(text))
}

const octets = new TextEncoder()
const letters = new TextDecoder()

/** Reads one value, strings as UTF-8; undefined: it is none, or not only one. */
export function readBencoded(bytes: Uint8Array): Bencoded | undefined {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  return reader.at === bytes.length ? value : undefined
}

class Reader {
  at = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  value(depth: number): Bencoded | undefined {
    if (depth > DEEPEST) return undefined
    switch (this.#bytes[this.at]) {
      case 0x69: // i
        return this.#number()
      case 0x6c: // l
        return this.#list(depth)
      case 0x64: // d
        return this.#dictionary(depth)
      default:
        return this.#string()
    }
  }

  #number(): number | undefined {
    const digits = this.#until(0x65)
    return digits !== undefined && /^i-?\d{1,19}$/.test(digits) ? Number(digits.slice(1)) : undefined
  }

  #string(): string | undefined {
    const length = this.#until(0x3a)
    if (length === undefined || !/^\d{1,8}$/.test(length)) return undefined
    const from = this.at
    this.at += Number(length)
    if (this.at > this.#bytes.length) return undefined
    return letters.decode(this.#bytes.subarray(from, this.at))
  }

  #list(depth: number): Bencoded[] | undefined {
    const list: Bencoded[] = []
    this.at++
    while (!this.#ends()) {
      const value = this.value(depth + 1)
      if (value === undefined) return undefined
      list.push(value)
    }
    return list
  }

  #dictionary(depth: number): { [key: string]: Bencoded } | undefined {
    const entries: [string, Bencoded][] = []
    this.at++
    while (!this.#ends()) {
      const key = this.#string()
      const value = key === undefined ? undefined : this.value(depth + 1)
      if (key === undefined || value === undefined) return undefined
      entries.push([key, value])
    }
    return Object.fromEntries(entries)
  }

  /** Whether a list or dictionary is over; its end is read. */
  #ends(): boolean {
    if (this.#bytes[this.at] !== 0x65) return false
    this.at++
    return true
  }

  /** What stands before an octet, which is read too; undefined: it does not come soon. */
  #until(octet: number): string | undefined {
    const end = this.#bytes.indexOf(octet, this.at)
    if (end < 0 || end - this.at > 20) return undefined
    const text = letters.decode(this.#bytes.subarray(this.at, end))
    this.at = end + 1
    return text
  }
}
