import type { MonotonicMs } from '#contract'

const windowMs = 1_000

/** Calls which began in the last second, by id: one that is named twice began once. */
export class CpsWindow {
  readonly #begun = new Set<string>()
  /** The same in order; those before `#first` are out of the window. */
  #order: { readonly callId: string; readonly at: number }[] = []
  #first = 0
  #most = 0

  add(callId: string, now: MonotonicMs): void {
    this.count(now)
    if (this.#begun.has(callId)) return
    this.#begun.add(callId)
    this.#order.push({ callId, at: now })
    this.#most = Math.max(this.#most, this.#begun.size)
  }

  count(now: MonotonicMs): number {
    for (
      let call = this.#order[this.#first];
      call && call.at <= now - windowMs;
      call = this.#order[this.#first]
    ) {
      this.#begun.delete(call.callId)
      this.#first++
    }
    if (this.#first * 2 > this.#order.length) this.#tidy()
    return this.#begun.size
  }

  /** The most which ever began within one second since `settle` was last called. */
  most(now: MonotonicMs): number {
    return Math.max(this.#most, this.count(now))
  }

  settle(now: MonotonicMs): void {
    this.#most = this.count(now)
  }

  #tidy(): void {
    this.#order = this.#order.slice(this.#first)
    this.#first = 0
  }
}
