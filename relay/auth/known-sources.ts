/* Implementation */
const homeMs = 86_400_000
const placesAtMost = 4
const accountsAtMost = 50_000

interface Home {
  readonly place: string
  readonly at: number
}

/** Where accounts proved themselves within the last day: at most four places each, the latest. */
export class Homes {
  /** In the order of the latest proof, accounts as well as the places of each. */
  readonly #homesByAccount = new Map<string, readonly Home[]>()

  has(now: number, account: string, place: string): boolean {
    const home = this.#homesByAccount.get(account)?.find((one) => one.place === place)
    return home !== undefined && now - home.at <= homeMs
  }

  add(now: number, account: string, place: string): void {
    const others = this.#homesByAccount.get(account)?.filter((one) => one.place !== place) ?? []
    this.#homesByAccount.delete(account)
    this.#homesByAccount.set(account, [...others, { place, at: now }].slice(-placesAtMost))
    if (this.#homesByAccount.size > accountsAtMost)
      this.#homesByAccount.delete(this.#homesByAccount.keys().next().value ?? '')
  }
}
