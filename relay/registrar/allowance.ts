/**
 * So many at once for each who asks, and so many a second again.
 *
 * Who was never seen has all of it. At most `remembered` are kept in mind; the one seen longest ago is forgotten.
 */
export class Allowance {
  readonly #atOnce: number
  readonly #perSecond: number
  readonly #remembered: number
  /** In the order they were last seen. */
  readonly #purses = new Map<string, { left: number; at: number }>()

  constructor(limits: { atOnce: number; perSecond: number; remembered?: number }) {
    this.#atOnce = limits.atOnce
    this.#perSecond = limits.perSecond
    this.#remembered = limits.remembered ?? 10_000
  }

  /** Spends one; false: there is none left. */
  take(now: number, who: string): boolean {
    const purse = this.#purses.get(who) ?? { left: this.#atOnce, at: now }
    const earned = ((now - purse.at) / 1000) * this.#perSecond
    purse.left = Math.min(this.#atOnce, purse.left + earned)
    purse.at = now
    this.#purses.delete(who)
    this.#purses.set(who, purse)
    if (this.#purses.size > this.#remembered) this.#purses.delete(this.#purses.keys().next().value ?? '')
    if (purse.left < 1) return false
    purse.left--
    return true
  }
}
