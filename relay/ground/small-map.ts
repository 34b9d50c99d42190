interface SmallMapEntry<Key, Value> {
  readonly key: Key
  value: Value
  next: SmallMapEntry<Key, Value> | undefined
  /** Once it is forgotten, for who goes through the map and stands here: after which one it stood; undefined: it is there. */
  gone: { readonly after: SmallMapEntry<Key, Value> | undefined } | undefined
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
    const entry = { key, value, next: undefined, gone: undefined }
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
      at.gone = { after: before }
      return
    }
  }

  clear(): void {
    for (let at = this.#first; at; at = at.next) at.gone = { after: undefined }
    this.#first = undefined
  }

  /** As of a Map: keys which are deleted meanwhile are not met, those which are set meanwhile are. */
  *[Symbol.iterator](): IterableIterator<[Key, Value]> {
    for (let at = this.#first; at; at = this.#following(at)) yield [at.key, at.value]
  }

  values(): Value[] {
    return [...this].map(([, value]) => value)
  }

  #following(entry: SmallMapEntry<Key, Value>): SmallMapEntry<Key, Value> | undefined {
    let met: SmallMapEntry<Key, Value> | undefined = entry
    while (met?.gone) met = met.gone.after
    return met ? met.next : this.#first
  }

  #entry(key: Key): SmallMapEntry<Key, Value> | undefined {
    for (let at = this.#first; at; at = at.next) if (at.key === key) return at
    return undefined
  }
}

/** From so many keys on a Map is quicker. */
const fewAtMost = 8

/** A map which as a rule has a key or two, and may come to have thousands: a small one until then. */
export class GrowingMap<Key, Value> {
  #map: SmallMap<Key, Value> | Map<Key, Value> = new SmallMap()

  /** Keys there are. */
  get size(): number {
    return this.#map.size
  }

  has(key: Key): boolean {
    return this.#map.has(key)
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  set(key: Key, value: Value): void {
    const isFull = this.#map instanceof SmallMap && this.#map.size >= fewAtMost
    if (isFull) this.#map = new Map(this.#map)
    this.#map.set(key, value)
  }

  delete(key: Key): void {
    this.#map.delete(key)
    if (this.#map instanceof Map && this.#map.size === 0) this.clear()
  }

  clear(): void {
    this.#map = new SmallMap()
  }

  /** Those which are there as it begins. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return [...this.#map].values()
  }

  values(): Value[] {
    return [...this.#map].map(([, value]) => value)
  }
}
