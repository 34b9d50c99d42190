import type { BeatAnswer } from '#contract'
import { keyOf } from './scope.ts'

const dayMs = 86_400_000

/**
 * Answered time of the current UTC day, by scope: what the edge knows of, and our own calls which are over.
 *
 * Calls which go on are added by whoever holds them, so that each is in exactly one of the three.
 */
export class Daily {
  #day = -1
  readonly #ownMs = new Map<string, number>()
  #elsewhere = new Map<string, { day: number; seconds: number }>()

  /** A call of a scope is over: answered from `from` to `to`, UTC ms. */
  add(key: string, from: number, to: number): void {
    this.#turn(to)
    this.#ownMs.set(key, (this.#ownMs.get(key) ?? 0) + todays(from, to))
  }

  hear(seconds: BeatAnswer['seconds']): void {
    this.#elsewhere = new Map(
      seconds.map(({ scope, day, seconds }) => [keyOf(scope), { day: Date.parse(day) / dayMs, seconds }]),
    )
  }

  /** Whole seconds of today; `since`: when the calls which go on were answered, UTC ms. */
  seconds(key: string, since: Iterable<number>, at: number): number {
    this.#turn(at)
    let ms = this.#ownMs.get(key) ?? 0
    for (const from of since) ms += todays(from, at)
    const elsewhere = this.#elsewhere.get(key)
    return Math.floor(ms / 1_000) + (elsewhere?.day === this.#day ? elsewhere.seconds : 0)
  }

  #turn(at: number): void {
    const day = Math.floor(at / dayMs)
    if (day === this.#day) return
    this.#day = day
    this.#ownMs.clear()
  }
}

/** Milliseconds of `from` to `to` which lie in the UTC day of `to`. */
function todays(from: number, to: number): number {
  return Math.max(0, to - Math.max(from, Math.floor(to / dayMs) * dayMs))
}
