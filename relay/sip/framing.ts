import { contentLength } from './check.ts'
import { flaw, limits } from './limits.ts'
import type { ParseFlaw } from './message.ts'

/** What one piece of a stream completed. */
interface Framed {
  /** Whole messages, each for `parseMessage` with `stream`. */
  readonly messages: Uint8Array[]
  /** Double CRLFs between messages: each wants a CRLF back (RFC 5626 §3.5.1). */
  readonly pings: number
  /**
   * Set once it cannot be told any more where messages begin: answer the last of `messages`, then close.
   * Whatever comes later is not looked at.
   */
  readonly broken?: ParseFlaw
}

/**
 * Cuts a byte stream into messages (RFC 3261 §18.3), however it was cut before.
 *
 * Holds one unfinished message at most, and looks at each octet a bounded number of times.
 */
export class Framer {
  #bytes = new Uint8Array(0)
  #filled = 0
  /** Octets of the unfinished message in which the blank line is known not to be. */
  #searched = 0
  /** Size of the unfinished message, once its head is there. */
  #size: number | undefined
  /** How much of CRLF CRLF came between messages. */
  #breaks = 0
  #over = false

  /** Octets of the unfinished message. */
  get held(): number {
    return this.#over ? 0 : this.#filled
  }

  push(chunk: Uint8Array): Framed {
    if (this.#over) return { messages: [], pings: 0 }
    this.#append(chunk)
    const messages: Uint8Array[] = []
    let pings = 0
    for (let at = 0; ; ) {
      const start = this.#searched > 0 ? at : this.#passBreaks(at, () => pings++)
      const flaw = this.#measure(start)
      if (flaw !== undefined) return { messages: [...messages, this.#last(start)], pings, broken: flaw }
      if (this.#size === undefined || start + this.#size > this.#filled) {
        this.#keep(start)
        return { messages, pings }
      }
      messages.push(this.#bytes.slice(start, start + this.#size))
      at = start + this.#size
      this.#searched = 0
      this.#size = undefined
    }
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#filled + chunk.length
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#filled * 2))
      larger.set(this.#bytes.subarray(0, this.#filled))
      this.#bytes = larger
    }
    this.#bytes.set(chunk, this.#filled)
    this.#filled = needed
  }

  /** Skips line breaks and zeros between messages; every second CRLF in a row is a ping. */
  #passBreaks(from: number, ping: () => void): number {
    let i = from
    for (; i < this.#filled && isFiller(this.#bytes[i]); i++) {
      const expected = this.#breaks % 2 === 0 ? 13 : 10
      this.#breaks = this.#bytes[i] === expected ? this.#breaks + 1 : this.#bytes[i] === 13 ? 1 : 0
      if (this.#breaks < 4) continue
      this.#breaks = 0
      ping()
    }
    if (i < this.#filled) this.#breaks = 0
    return i
  }

  /** Finds how long the message at `start` is, as soon as its head is whole; a flaw when that can not be known. */
  #measure(start: number): ParseFlaw | undefined {
    if (this.#size !== undefined) return undefined
    const head = this.#headSize(start)
    if (head === undefined) return this.#filled - start > limits.message ? tooLong : undefined
    const length = contentLength(lengthValues(this.#bytes, start, start + head))
    this.#searched = head
    if (length === 'missing') return flaw('Content-Length', 'is missing on a stream')
    if (length === 'broken') return flaw('Content-Length', 'is no single number')
    if (head + length > limits.message) return tooLong
    this.#size = head + length
    return undefined
  }

  /** Octets up to the end of the blank line; undefined while it has not come. */
  #headSize(start: number): number | undefined {
    const bytes = this.#bytes
    const last = this.#filled - 3
    for (let i = start + Math.max(0, this.#searched - 3); i < last; i++) {
      if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) {
        return i + 4 - start
      }
    }
    this.#searched = this.#filled - start
    return undefined
  }

  /** What a broken stream's last message still has to be answered from: its head, or as much as we take. */
  #last(start: number): Uint8Array {
    const end = start + Math.min(this.#searched, limits.message + 1)
    const last = this.#bytes.slice(start, end)
    this.#over = true
    this.#bytes = new Uint8Array(0)
    return last
  }

  /** Forgets everything before `start`, and the room it took when nothing is left. */
  #keep(start: number): void {
    if (start === 0) return
    this.#filled -= start
    this.#bytes = this.#bytes.slice(start, start + this.#filled)
  }
}

const tooLong: ParseFlaw = flaw('message', 'is too long', 513)

/** What may come between messages: line breaks, and the zeros some phones keep a NAT's door open with. */
function isFiller(octet: number | undefined): boolean {
  return octet === 13 || octet === 10 || octet === 0
}

/** The Content-Length values of the head between `from` and `to`. */
function lengthValues(bytes: Uint8Array, from: number, to: number): string[] {
  const values: string[] = []
  for (let i = from; i < to; ) {
    const end = lineEnd(bytes, i, to)
    const colon = lengthName(bytes, i, end)
    if (colon > 0) values.push(latin1.decode(bytes.subarray(colon + 1, end)).trim())
    i = end + 2
  }
  return values
}

/** Index of the CRLF which ends a header; one followed by white space does not. */
function lineEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from
  for (; i < to - 1; i++) {
    if (bytes[i] !== 13 || bytes[i + 1] !== 10) continue
    if (bytes[i + 2] !== 32 && bytes[i + 2] !== 9) return i
  }
  return to
}

/** Index of the colon after `Content-Length` or `l`; -1 when another header stands there. */
function lengthName(bytes: Uint8Array, from: number, to: number): number {
  // 0x20 makes an ASCII letter lower case.
  const first = (bytes[from] ?? 0) | 0x20
  const name = first === 0x6c ? 'l' : 'content-length'
  let i = from
  for (const letter of name) if (((bytes[i++] ?? 0) | 0x20) !== (letter.charCodeAt(0) | 0x20)) return -1
  while (i < to && (bytes[i] === 32 || bytes[i] === 9)) i++
  return bytes[i] === 0x3a ? i : -1
}

const latin1 = new TextDecoder('latin1')
