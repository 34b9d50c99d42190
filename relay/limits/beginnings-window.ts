import { type MonotonicMs, monotonicMs } from '#contract'
import { GrowingMap } from '../ground/small-map.ts'

/** Calls which began within a window, a second unless it is another, by id: one that is named twice began once, and when it was named first. */
export class BeginningsWindow {
  readonly #windowMs: number
  readonly #begun = new GrowingMap<string, number>()
  /** The same in order; those before `#first` are out of the window. */
  #order: { readonly callId: string; readonly at: number }[] = []
  #first = 0
  #most = 0

  constructor(windowMs = 1_000) {
    this.#windowMs = windowMs
  }

  /** `anew`: it begins again, and did not before. */
  add(callId: string, now: MonotonicMs, anew = false): void {
    this.count(now)
    if (this.#begun.has(callId) && !anew) return
    this.#begun.set(callId, now)
    this.#order.push({ callId, at: now })
    this.#most = Math.max(this.#most, this.#begun.size)
  }

  /** It did not begin after all. That it was to counts in `most`. */
  forget(callId: string): void {
    this.#begun.delete(callId)
  }

  has(callId: string, now: MonotonicMs): boolean {
    this.count(now)
    return this.#begun.has(callId)
  }

  count(now: MonotonicMs): number {
    for (
      let call = this.#order[this.#first];
      call && call.at <= now - this.#windowMs;
      call = this.#order[this.#first]
    ) {
      if (this.#begun.get(call.callId) === call.at) this.#begun.delete(call.callId)
      this.#first++
    }
    if (this.#first * 2 > this.#order.length) this.#tidy()
    return this.#begun.size
  }

  /** How long ago they began, in ms, and how many then: those within a sixtieth of the window as the last of them. */
  ages(now: MonotonicMs): [agoMs: number, calls: number][] {
    this.count(now)
    const grain = this.#windowMs / 60
    const calls = new Map<number, { at: number; calls: number }>()
    for (const at of this.#begun.values()) {
      const held = calls.get(Math.floor(at / grain))
      calls.set(Math.floor(at / grain), { at: Math.max(at, held?.at ?? at), calls: (held?.calls ?? 0) + 1 })
    }
    return [...calls.values()].map((one) => [now - one.at, one.calls])
  }

  /** Others began before, as `ages` said. */
  remember(now: MonotonicMs, ages: readonly (readonly [agoMs: number, calls: number])[]): void {
    for (const [agoMs, calls] of [...ages].sort(([a], [b]) => b - a))
      for (let nth = 0; nth < calls; nth++) this.add(`before ${agoMs} ${nth}`, monotonicMs(now - agoMs))
    this.count(now)
  }

  /** Whatever began is forgiven. */
  clear(): void {
    this.#begun.clear()
    this.#order = []
    this.#first = 0
    this.#most = 0
  }

  /** The most which ever began within one window since `settle` was last called. */
  most(now: MonotonicMs): number {
    return Math.max(this.#most, this.count(now))
  }

  /** Answers with how many count still. */
  settle(now: MonotonicMs): number {
    this.#most = this.count(now)
    return this.#most
  }

  #tidy(): void {
    this.#order = this.#order.slice(this.#first)
    this.#first = 0
  }
}
