import type { UtcMs } from '#contract'
import type { PresentedKey } from './relay-key.ts'
import { remember } from './wrong-keys.ts'

/** So long an isolate goes by what it found out of a key: one which is revoked is cut off within a second. */
const BELIEVED_MS = 800
/** Keys remembered; the longest known is forgotten for a new one. */
const KNOWN = 4_096

/** When this isolate last found each relay's key good, by its hash. */
export class KnownRelayKeys {
  readonly #foundAt = new Map<string, UtcMs>()

  /** It was good once, as this isolate found. */
  has({ hash }: PresentedKey): boolean {
    return this.#foundAt.has(hash)
  }

  /** It was good so lately that it need not be asked about. */
  isGood({ hash }: PresentedKey, now: UtcMs): boolean {
    const foundAt = this.#foundAt.get(hash)
    return foundAt !== undefined && now - foundAt < BELIEVED_MS
  }

  found({ hash }: PresentedKey, good: boolean, now: UtcMs): void {
    this.#foundAt.delete(hash)
    if (good) remember(this.#foundAt, KNOWN, () => this.#foundAt.set(hash, now))
  }
}
