import { causesOf, log } from '../log.ts'

/** Questions which are asked one after the other: those first whose answer is waited for, each kind in the order in which they came. */
export class QuestionQueue {
  readonly #awaited: (() => Promise<void>)[] = []
  readonly #others: (() => Promise<void>)[] = []
  #moves = false

  join(question: () => Promise<void>, awaited: boolean): void {
    if (awaited) this.#awaited.push(question)
    else this.#others.push(question)
    if (!this.#moves) void this.#move()
  }

  async #move(): Promise<void> {
    this.#moves = true
    const next = () => this.#awaited.shift() ?? this.#others.shift()
    for (let question = next(); question; question = next())
      await question().catch((error) => log('error', 'hub.failed', { causes: causesOf(error) }))
    this.#moves = false
  }
}
