/** A map of at most so many keys: the one set last is the youngest, and the oldest goes for one too many. */
export class BoundedMap<Key, Value> {
  readonly #atMost: number
  /** In the order they were last set; one which is empty takes no room. */
  #valueByKey: Map<Key, Value> | undefined

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  /** Keys there are. */
  get size(): number {
    return this.#valueByKey?.size ?? 0
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return this.#valueByKey?.get(key)
  }

  /** Sets a value; answers with the key which went for it. */
  set(key: Key, value: Value): Key | undefined {
    this.#valueByKey ??= new Map()
    this.#valueByKey.delete(key)
    this.#valueByKey.set(key, value)
    if (this.#valueByKey.size <= this.#atMost) return undefined
    const [oldest] = this.#valueByKey.keys()
    if (oldest !== undefined) this.#valueByKey.delete(oldest)
    return oldest
  }

  /** Forgets a key, if it is there. */
  delete(key: Key): void {
    this.#valueByKey?.delete(key)
  }

  /** The oldest first; a key may be deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return (this.#valueByKey ?? new Map<Key, Value>()).entries()
  }
}
