/** Requests which wait for a relay's word of a command: that it has it, or what it came to. */
export class WaitingOrders {
  readonly #results = new Map<string, (result: unknown) => void>()
  readonly #receipts = new Map<string, (has: boolean) => void>()

  /** What a command came to; undefined: nothing within that time. */
  result(commandId: string, withinMs: number): Promise<unknown> {
    return new Promise((heard) => {
      const late = setTimeout(() => answered(undefined), withinMs)
      const answered = (result: unknown) => {
        clearTimeout(late)
        this.#results.delete(commandId)
        heard(result)
      }
      this.#results.set(commandId, answered)
    })
  }

  /** It came to that. */
  concluded(commandId: string, result: unknown): void {
    this.#results.get(commandId)?.(result)
  }

  /** Whether their relay has these commands, once that is known of one of them. */
  receipt(commands: readonly string[]): Promise<boolean> {
    return new Promise((has) => {
      for (const id of commands) this.#receipts.set(id, has)
    })
  }

  /** They are known to be at their relay, or not to be. */
  received(commands: readonly string[], has: boolean): void {
    for (const id of commands) {
      this.#receipts.get(id)?.(has)
      this.#receipts.delete(id)
    }
  }
}
