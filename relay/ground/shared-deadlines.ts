import type { MonotonicMs } from '#contract'
import { type Deadline, Deadlines } from './deadlines.ts'

/**
 * Deadlines of which many fall on one instant: those lie in one list, so that to set one and to ring one costs the same
 * however many there are. Cancelling only empties the entry, which leaves with its list.
 */
export class SharedDeadlines<What> {
  readonly #lists = new Deadlines<Deadline<What>[]>()
  readonly #listByInstant = new Map<number, Deadline<What>[]>()
  /** What is left of the list whose time has come, the last first. */
  #ringing: Deadline<What>[] = []
  #size = 0

  /** Deadlines still waiting. */
  get size(): number {
    return this.#size
  }

  set(at: number, what: What): Deadline<What> {
    const deadline: Deadline<What> = { at, what }
    this.#size++
    const list = this.#listByInstant.get(at)
    if (list) list.push(deadline)
    else this.#begin(at, [deadline])
    return deadline
  }

  cancel(deadline: Deadline<What> | undefined): void {
    if (deadline?.what === undefined) return
    deadline.what = undefined
    this.#size--
  }

  /** No later than the earliest waiting deadline is due; undefined when none waits. */
  next(): number | undefined {
    if (this.#size === 0) return undefined
    return this.#ringing.at(-1)?.at ?? this.#lists.next()
  }

  /** Takes out the earliest deadline due at `now`; undefined when none is. */
  due(now: MonotonicMs): What | undefined {
    for (;;) {
      const deadline = this.#ringing.pop() ?? this.#begun(now)
      const what = deadline?.what
      if (deadline === undefined || what !== undefined) {
        this.cancel(deadline)
        return what
      }
    }
  }

  #begin(at: number, list: Deadline<What>[]): void {
    this.#listByInstant.set(at, list)
    this.#lists.set(at, list)
  }

  /** The first of the next list which is due; undefined: there is none. */
  #begun(now: MonotonicMs): Deadline<What> | undefined {
    const list = this.#lists.due(now)
    if (list === undefined) return undefined
    this.#ringing = list.reverse()
    const first = list.pop()
    if (first) this.#listByInstant.delete(first.at)
    return first
  }
}
