import type { MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'

/* Implementation */
const homeMs = 86_400_000
const prefixesAtMost = 4
const accountsAtMost = 50_000
/** A proof is written down anew after so long. */
const renewedAfterMs = 3_600_000

interface KnownSource {
  readonly prefix: string
  readonly at: number
}

/** Where accounts proved themselves within the last day: at most four source prefixes each, the latest. */
export class KnownSources {
  /** In the order of the latest proof, accounts as well as the prefixes of each. */
  readonly #sourcesByAccount = new BoundedMap<string, readonly KnownSource[]>(accountsAtMost)

  has(now: MonotonicMs, account: string, prefix: string): boolean {
    const source = this.#sourcesByAccount.get(account)?.find((one) => one.prefix === prefix)
    return source !== undefined && now - source.at <= homeMs
  }

  add(now: MonotonicMs, account: string, prefix: string): void {
    const known = this.#sourcesByAccount.get(account)?.find((one) => one.prefix === prefix)
    if (known !== undefined && now - known.at < renewedAfterMs) return
    const others = this.#sourcesByAccount.get(account)?.filter((one) => one.prefix !== prefix) ?? []
    this.#sourcesByAccount.set(account, [...others, { prefix, at: now }].slice(-prefixesAtMost))
  }
}
