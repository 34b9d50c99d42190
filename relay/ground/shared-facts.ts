/** Plain facts which many have alike, once each; of more than there may be all are forgotten, and shared anew. */
export class SharedFacts<Fact extends object> {
  readonly #atMost: number
  readonly #facts = new Map<string, Fact>()

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  /** One for all who have the same. It is not to be changed by any of them. */
  once(fact: Fact): Fact {
    const all = JSON.stringify(fact)
    const known = this.#facts.get(all)
    if (known) return known
    if (this.#facts.size >= this.#atMost) this.#facts.clear()
    this.#facts.set(all, fact)
    return fact
  }
}
