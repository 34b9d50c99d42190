interface TextEntry<Value> {
  readonly text: string
  value: Value
  /** Another text of the same number. */
  next: TextEntry<Value> | undefined
}

/**
 * A map by texts which are asked about for a moment and never again, as what names a transaction is. A Map has V8 lay each
 * such text down among all texts there are before it looks for it, which costs a microsecond. Here a number made of its
 * letters is looked for; a seed which no peer knows keeps it from choosing many texts of one number.
 */
export class TextMap<Value> {
  readonly #seed: number
  readonly #firstByNumber = new Map<number, TextEntry<Value>>()
  #size = 0
  /** What was asked about last is asked about again. */
  #lastText = ''
  #lastNumber: number

  constructor(seed: number) {
    this.#seed = seed
    this.#lastNumber = numberOf('', seed)
  }

  /** Texts there are. */
  get size(): number {
    return this.#size
  }

  has(text: string): boolean {
    return this.#entryOf(text) !== undefined
  }

  /** undefined: it was never set, or has gone. */
  get(text: string): Value | undefined {
    return this.#entryOf(text)?.value
  }

  set(text: string, value: Value): void {
    const known = this.#entryOf(text)
    if (known) {
      known.value = value
      return
    }
    const number = this.#numberOf(text)
    this.#firstByNumber.set(number, { text, value, next: this.#firstByNumber.get(number) })
    this.#size++
  }

  /** Forgets a text, if it is there. */
  delete(text: string): void {
    const number = this.#numberOf(text)
    let before: TextEntry<Value> | undefined
    for (let at = this.#firstByNumber.get(number); at; before = at, at = at.next) {
      if (at.text !== text) continue
      if (before) before.next = at.next
      else if (at.next) this.#firstByNumber.set(number, at.next)
      else this.#firstByNumber.delete(number)
      this.#size--
      return
    }
  }

  #entryOf(text: string): TextEntry<Value> | undefined {
    let at = this.#firstByNumber.get(this.#numberOf(text))
    while (at && at.text !== text) at = at.next
    return at
  }

  #numberOf(text: string): number {
    if (text !== this.#lastText) {
      this.#lastText = text
      this.#lastNumber = numberOf(text, this.#seed)
    }
    return this.#lastNumber
  }
}

/** 30 bits, which V8 keeps without a box of their own; MurmurHash2's factor. */
function numberOf(text: string, seed: number): number {
  let number = seed
  for (let i = 0; i < text.length; i++) {
    number = Math.imul(number ^ text.charCodeAt(i), 0x5bd1e995)
    number ^= number >>> 15
  }
  return number & 0x3fffffff
}
