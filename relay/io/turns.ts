/** At work for one customer at once, and waiting for that at most. */
const [AT_ONCE, WAITING_AT_MOST] = [4, 64]

interface Line {
  working: number
  readonly waiting: (() => void)[]
}

/** Work of many customers, a few pieces of each at once: none of them keeps the others waiting. */
export class Turns {
  readonly #lines = new Map<string, Line>()
  readonly #what: string

  /** `what` is worked on, in the plural, for who is told that too much waits. */
  constructor(what: string) {
    this.#what = what
  }

  /** Does it when it is this customer's turn. Rejects as the work does, and at once where too much waits already. */
  async take<Value>(customerId: string, work: () => Promise<Value>): Promise<Value> {
    const line = this.#lines.get(customerId) ?? { working: 0, waiting: [] }
    this.#lines.set(customerId, line)
    if (line.waiting.length >= WAITING_AT_MOST)
      throw new Error(`${WAITING_AT_MOST} ${this.#what} of this customer are waited for already`)
    if (line.working >= AT_ONCE) await new Promise<void>((turn) => line.waiting.push(turn))
    else line.working++
    try {
      return await work()
    } finally {
      this.#pass(customerId, line)
    }
  }

  /** The next takes the place of what is done. */
  #pass(customerId: string, line: Line): void {
    const next = line.waiting.shift()
    if (next !== undefined) return next()
    line.working--
    if (line.working === 0) this.#lines.delete(customerId)
  }
}
