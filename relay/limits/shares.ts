import type { BeatAnswer, Resource, Scope } from '#contract'
import { keyOf } from './scope.ts'

/** How much of each limit is this relay's to use. A slice holds until another is granted, edge or no edge. */
export class Shares {
  readonly #slices = new Map<string, { readonly scope: Scope; readonly granted: Map<Resource, number> }>()
  #relays = 1

  hear({ relays, slices }: Pick<BeatAnswer, 'relays' | 'slices'>): void {
    this.#relays = Math.max(1, relays)
    for (const { scope, resource, amount } of slices) this.#slice(scope).granted.set(resource, amount)
  }

  /**
   * What of `limit` may be used here; null: as much as one likes.
   *
   * `limit` undefined: nobody here knows it, and only a slice holds. Until the edge has granted a slice an equal
   * share does, and all of it where no other relay is known of.
   */
  of(scope: Scope, resource: Resource, limit: number | null | undefined): number | null {
    if (limit === null) return null
    const slice = this.held(scope, resource)
    if (limit === undefined) return slice
    return Math.min(limit, slice ?? Math.max(1, Math.floor(limit / this.#relays)))
  }

  held(scope: Scope, resource: Resource): number | null {
    return this.#slices.get(keyOf(scope))?.granted.get(resource) ?? null
  }

  drop(scope: Scope): void {
    this.#slices.delete(keyOf(scope))
  }

  /** Everybody a slice is held of. */
  scopes(): Scope[] {
    return [...this.#slices.values()].map(({ scope }) => scope)
  }

  #slice(scope: Scope) {
    const key = keyOf(scope)
    const slice = this.#slices.get(key) ?? { scope, granted: new Map<Resource, number>() }
    this.#slices.set(key, slice)
    return slice
  }
}
