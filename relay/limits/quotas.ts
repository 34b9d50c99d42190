import type { BeatAnswer, Resource, Scope } from '#contract'
import { keyOf } from './scope.ts'

type QuotaKey = { readonly scope: Scope; readonly resource: Resource }

/** How much of each limit is this relay's to use. A slice holds until another is granted, edge or no edge. */
export class QuotaShares {
  readonly #slices = new Map<string, number>()
  #relays = 1

  /** True: less of something is ours than before, which others get only once the edge hears that we know. */
  hear({ relays, slices = [] }: Partial<Pick<BeatAnswer, 'relays' | 'slices'>>): boolean {
    if (relays !== undefined) this.#relays = Math.max(1, relays)
    let less = false
    for (const slice of slices) {
      if (slice.amount < (this.held(slice) ?? 0)) less = true
      this.#slices.set(sliceKey(slice), slice.amount)
    }
    return less
  }

  /** Whether others have shares, too. */
  get shared(): boolean {
    return this.#relays > 1
  }

  /**
   * What of `limit` may be used here.
   *
   * Until the edge has granted a slice an equal share, and all of it where no other relay is known of.
   */
  of(slice: QuotaKey, limit: number): number {
    return Math.min(limit, this.held(slice) ?? Math.max(1, Math.floor(limit / this.#relays)))
  }

  /** What of a limit which holds over all relays together: nothing but what was granted. */
  granted(slice: QuotaKey, limit: number): number {
    return Math.min(limit, this.held(slice) ?? 0)
  }

  /** null: none was ever granted. */
  held(slice: QuotaKey): number | null {
    return this.#slices.get(sliceKey(slice)) ?? null
  }

  /** Gives back every slice but these. */
  keep(slices: readonly QuotaKey[]): void {
    const kept = new Set(slices.map(sliceKey))
    for (const key of this.#slices.keys()) if (!kept.has(key)) this.#slices.delete(key)
  }
}

function sliceKey({ scope, resource }: QuotaKey): string {
  return `${resource} of ${keyOf(scope)}`
}
