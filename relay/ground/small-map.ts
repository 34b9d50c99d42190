interface SmallMapEntry<Key, Value> {
  readonly key: Key
  value: Value
  next: SmallMapEntry<Key, Value> | undefined
}

/**
 * A map of a few keys at most, in the order they were first set, which looks through all of them. A Map takes 184 octets
 * before it has any; a call has ten which stay empty, and there are thousands of calls.
 */
export class SmallMap<Key, Value> {
  #first: SmallMapEntry<Key, Value> | undefined

  /** Keys there are. */
  get size(): number {
    let count = 0
    for (let at = this.#first; at; at = at.next) count++
    return count
  }

  has(key: Key): boolean {
    return this.#entry(key) !== undefined
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return this.#entry(key)?.value
  }

  set(key: Key, value: Value): void {
    const known = this.#entry(key)
    if (known) {
      known.value = value
      return
    }
    const entry = { key, value, next: undefined }
    let last = this.#first
    while (last?.next) last = last.next
    if (last) last.next = entry
    else this.#first = entry
  }

  /** Forgets a key, if it is there. */
  delete(key: Key): void {
    let before: SmallMapEntry<Key, Value> | undefined
    for (let at = this.#first; at; before = at, at = at.next) {
      if (at.key !== key) continue
      if (before) before.next = at.next
      else this.#first = at.next
      return
    }
  }

  clear(): void {
    this.#first = undefined
  }

  /** A key may be deleted meanwhile. */
  *[Symbol.iterator](): IterableIterator<[Key, Value]> {
    for (let at = this.#first; at; at = at.next) yield [at.key, at.value]
  }

  values(): Value[] {
    return [...this].map(([, value]) => value)
  }

  #entry(key: Key): SmallMapEntry<Key, Value> | undefined {
    for (let at = this.#first; at; at = at.next) if (at.key === key) return at
    return undefined
  }
}
