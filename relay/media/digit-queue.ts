import { dtmfKeys } from './dtmf.ts'

const SIZE = 64

/** Keys which wait to be sent, by their event codes, first in first out; more than 64 of them have no room. */
export class DigitQueue {
  readonly #codes = new Uint8Array(SIZE)
  readonly #milliseconds = new Uint16Array(SIZE)
  #first = 0
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** What is no key is passed over. `ms`: how long each is pressed. */
  add(keys: string, ms: number): void {
    for (const key of keys) {
      const code = dtmfKeys.indexOf(key.toUpperCase())
      if (code < 0 || this.#length === SIZE) continue
      const at = (this.#first + this.#length++) % SIZE
      this.#codes[at] = code
      this.#milliseconds[at] = ms
    }
  }

  /** The event code of the next one. To be asked only where there is one. */
  get code(): number {
    return this.#codes[this.#first] as number
  }

  /** How long the next one is pressed, ms. */
  get ms(): number {
    return this.#milliseconds[this.#first] as number
  }

  /** The next one is sent. */
  drop(): void {
    this.#first = (this.#first + 1) % SIZE
    this.#length--
  }
}
