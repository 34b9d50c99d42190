import type { Result } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { remember } from '../wrong-keys.ts'

/** Paths remembered; the longest known is forgotten for a new one. One with two ids is shorter than this. */
const KNOWN = 512
const LONGEST = 128

/**
 * Finds what answers a path, and remembers it: most questions are put to few paths, and the tree is walked with every pattern in
 * it. Hono's other router takes no such paths as ours (`/flows/:id` beside `/flows/simulate`).
 */
export class KnownPaths<T> extends TrieRouter<T> {
  readonly #found = new Map<string, Result<T>>()

  override add(method: string, path: string, handler: T): void {
    this.#found.clear()
    super.add(method, path, handler)
  }

  override match(method: string, path: string): Result<T> {
    if (path.length > LONGEST) return super.match(method, path)
    const asked = `${method} ${path}`
    const known = this.#found.get(asked)
    if (known) return known
    const found = super.match(method, path)
    remember(this.#found, KNOWN, () => this.#found.set(asked, found))
    return found
  }
}
