import type { MonotonicMs } from '#contract'

/** Something to be woken for; keep it to cancel it. */
export interface Deadline<What> {
  /** Milliseconds on the monotonic clock. */
  readonly at: number
  /** Cleared when cancelled or rung. */
  what: What | undefined
}

/**
 * Who must be woken, and when: a binary heap of every timer in the relay.
 *
 * Cancelling only empties the entry; it leaves the heap when its time comes, or when more than half
 * of the heap is empty.
 */
export class Deadlines<What> {
  #heap: Deadline<What>[] = []
  #dead = 0

  /** Deadlines still waiting. */
  get size(): number {
    return this.#heap.length - this.#dead
  }

  set(at: number, what: What): Deadline<What> {
    const deadline: Deadline<What> = { at, what }
    this.#heap.push(deadline)
    this.#rise(this.#heap.length - 1)
    return deadline
  }

  cancel(deadline: Deadline<What> | undefined): void {
    if (deadline?.what === undefined) return
    deadline.what = undefined
    this.#dead++
    if (this.#dead > 1024 && this.#dead * 2 > this.#heap.length) this.#sweep()
  }

  /** When the earliest waiting deadline is due; undefined when none waits. */
  next(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].what === undefined) {
      this.#pop()
      this.#dead--
    }
    return this.#heap[0]?.at
  }

  /** Takes out the earliest deadline due at `now`; undefined when none is. */
  due(now: MonotonicMs): What | undefined {
    const at = this.next()
    if (at === undefined || at > now) return undefined
    const deadline = this.#pop()
    const what = deadline?.what
    if (deadline) deadline.what = undefined
    return what
  }

  #sweep(): void {
    const live = this.#heap.filter((deadline) => deadline.what !== undefined)
    this.#heap = live
    this.#dead = 0
    for (let i = (live.length >> 1) - 1; i >= 0; i--) this.#sink(i)
  }

  #pop(): Deadline<What> | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) {
      heap[0] = last
      this.#sink(0)
    }
    return top
  }

  #rise(i: number): void {
    const heap = this.#heap
    const moving = heap[i] as Deadline<What>
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Deadline<What>
      if (above.at <= moving.at) break
      heap[i] = above
      i = parent
    }
    heap[i] = moving
  }

  #sink(i: number): void {
    const heap = this.#heap
    const moving = heap[i] as Deadline<What>
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right.at < (heap[child] as Deadline<What>).at) child++
      const below = heap[child] as Deadline<What>
      if (below.at >= moving.at) break
      heap[i] = below
      i = child
    }
    heap[i] = moving
  }
}

/** The earlier of two deadlines; undefined: there is none. */
export function earlierOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

/** The first of several rooms' deadlines; undefined: none has one. */
export function earliestOf(rooms: readonly { nextDeadline(): number | undefined }[]): number | undefined {
  let earliest: number | undefined
  for (const room of rooms) {
    const at = room.nextDeadline()
    if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at
  }
  return earliest
}
