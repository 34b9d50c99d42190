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
    const purse = { left: this.#left(now, who), at: now }
    const enough = purse.left >= 1
    if (enough) purse.left--
    this.#purses.delete(who)
    this.#purses.set(who, purse)
    if (this.#purses.size > this.#remembered) this.#purses.delete(this.#purses.keys().next().value ?? '')
    return enough
  }

  /** Whether there is one left. */
  has(now: number, who: string): boolean {
    return this.#left(now, who) >= 1
  }

  /** Gives all of it back. */
  forget(who: string): void {
    this.#purses.delete(who)
  }

  /** What was taken was not spent after all. */
  giveBack(now: number, who: string): void {
    const purse = this.#purses.get(who)
    if (purse) Object.assign(purse, { left: Math.min(this.#atOnce, this.#left(now, who) + 1), at: now })
  }

  #left(now: number, who: string): number {
    const purse = this.#purses.get(who)
    if (purse === undefined) return this.#atOnce
    return Math.min(this.#atOnce, purse.left + ((now - purse.at) / 1000) * this.#perSecond)
  }
}
