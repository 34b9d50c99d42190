/** A map of at most so many keys: the one set last is the youngest, and the oldest goes for one too many. */
export class BoundedMap<Key, Value> {
  readonly #atMost: number
  /** In the order they were last set. */
  readonly #valueByKey = new Map<Key, Value>()

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  /** Keys there are. */
  get size(): number {
    return this.#valueByKey.size
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return this.#valueByKey.get(key)
  }

  /** Sets a value; answers with the key which went for it. */
  set(key: Key, value: Value): Key | undefined {
    this.#valueByKey.delete(key)
    this.#valueByKey.set(key, value)
    if (this.#valueByKey.size <= this.#atMost) return undefined
    const [oldest] = this.#valueByKey.keys()
    if (oldest !== undefined) this.#valueByKey.delete(oldest)
    return oldest
  }

  /** Forgets a key, if it is there. */
  delete(key: Key): void {
    this.#valueByKey.delete(key)
  }

  /** The oldest first; a key may be deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#valueByKey.entries()
  }
}
