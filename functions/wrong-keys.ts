import type { UtcMs } from '#contract'
import { networkAt } from '#routing'

/*
 * How often an address may be wrong. An isolate of a Worker remembers for itself and until it ends; that keeps a guesser
 * from costing a question to the database each time. What keeps a key from being guessed are its 192 random bits.
 */

/** Wrong keys an address may try in a window: each counts once, and before it is known to be wrong. */
const MOST = 10
const WINDOW_MS = 60_000
/** Addresses remembered, and keys lately found right: the oldest is forgotten for a new one. */
const ADDRESSES = 4_096
const RIGHT = 1_024
/** Bits of an address by which requests are counted: one of IPv6 is one of a /64, all of which its owner has. */
export const SOURCE_PREFIX = { v4: 32, v6: 64 }

/** Keys an address has tried, by their hash, and whether each was found wrong. */
interface Tried {
  since: UtcMs
  keys: Map<string, boolean>
}

/** Counts wrong keys by the address they come from. */
export class WrongKeys {
  readonly #tried = new Map<string, Tried>()
  /** Who shares an address with a guesser goes on with these. */
  readonly #right = new Set<string>()

  /** Whether a key is to be looked up (`ask`), is known to be wrong, or how many ms its address has to wait. */
  judge(address: string, hash: string, now: UtcMs): 'ask' | 'wrong' | number {
    if (this.#right.has(hash)) return 'ask'
    const { since, keys } = this.#of(address, now)
    const wrong = keys.get(hash)
    if (wrong !== undefined) return wrong ? 'wrong' : 'ask'
    if (keys.size >= MOST) return since + WINDOW_MS - now
    keys.set(hash, false)
    return 'ask'
  }

  /** What the look-up found; undefined where it failed. */
  found(address: string, hash: string, right: boolean | undefined, now: UtcMs): void {
    const { keys } = this.#of(address, now)
    if (right === false) {
      keys.set(hash, true)
      this.#right.delete(hash)
      return
    }
    keys.delete(hash)
    if (right) remember(this.#right, RIGHT, () => this.#right.add(hash))
  }

  #of(address: string, now: UtcMs): Tried {
    const place = networkAt(address, SOURCE_PREFIX)
    const known = this.#tried.get(place)
    if (known && now - known.since < WINDOW_MS) return known
    const fresh: Tried = { since: now, keys: new Map() }
    this.#tried.delete(place)
    remember(this.#tried, ADDRESSES, () => this.#tried.set(place, fresh))
    return fresh
  }
}

interface Memory {
  readonly size: number
  keys(): IterableIterator<string>
  delete(key: string): boolean
}

/** Adds to a memory which holds so many at most: the oldest is forgotten. */
export function remember(memory: Memory, most: number, add: () => unknown): void {
  const [oldest] = memory.keys()
  if (memory.size >= most && oldest !== undefined) memory.delete(oldest)
  add()
}
