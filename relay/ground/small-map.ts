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
    return entryIn(this.#first, key) !== undefined
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return entryIn(this.#first, key)?.value
  }

  set(key: Key, value: Value): void {
    const known = entryIn(this.#first, key)
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
    for (let at = this.#first; at; at = following(this.#first, at)) yield [at.key, at.value]
  }

  values(): Value[] {
    return [...this].map(([, value]) => value)
  }
}

/*
 * A private method of a class would take a field of each instance.
 */

function entryIn<Key, Value>(
  first: SmallMapEntry<Key, Value> | undefined,
  key: Key,
): SmallMapEntry<Key, Value> | undefined {
  for (let at = first; at; at = at.next) if (at.key === key) return at
  return undefined
}

function following<Key, Value>(
  first: SmallMapEntry<Key, Value> | undefined,
  entry: SmallMapEntry<Key, Value>,
): SmallMapEntry<Key, Value> | undefined {
  let met: SmallMapEntry<Key, Value> | undefined = entry
  while (met?.gone) met = met.gone.after
  return met ? met.next : first
}

/** From so many keys on a Map is quicker. */
const fewAtMost = 8

/** A map which as a rule has a key or two, and may come to have thousands: a small one until then. */
export class GrowingMap<Key, Value> {
  /** undefined: it is empty. */
  #map: SmallMap<Key, Value> | Map<Key, Value> | undefined

  /** Keys there are. */
  get size(): number {
    return this.#map?.size ?? 0
  }

  has(key: Key): boolean {
    return this.#map?.has(key) ?? false
  }

  /** undefined: it was never set, or has gone. */
  get(key: Key): Value | undefined {
    return this.#map?.get(key)
  }

  set(key: Key, value: Value): void {
    this.#map ??= new SmallMap()
    const isFull = this.#map instanceof SmallMap && this.#map.size >= fewAtMost
    if (isFull) this.#map = new Map(this.#map)
    this.#map.set(key, value)
  }

  delete(key: Key): void {
    this.#map?.delete(key)
    if (this.size === 0) this.clear()
  }

  clear(): void {
    this.#map = undefined
  }

  /** Those which are there as it begins. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return [...(this.#map ?? [])].values()
  }

  values(): Value[] {
    return [...(this.#map ?? [])].map(([, value]) => value)
  }
}
