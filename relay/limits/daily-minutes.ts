import type { BeatAnswer, UtcMs } from '#contract'
import { keyOf } from './scope.ts'

const dayMs = 86_400_000

/** Answered time of one scope in the current day. */
interface DayUsage {
  /** Calls which go on. */
  calls: number
  /** Ms after midnight at which calls ended, less those at which they began, those which go on among them. */
  ms: number
}

/**
 * Answered time of the current UTC day, by scope: what the edge knows of, and what our calls cost. A limit is looked at in one
 * step however many go on.
 */
export class DailyMinutes {
  #day = -1
  readonly #days = new Map<string, DayUsage>()
  #elsewhere = new Map<string, { day: number; seconds: number }>()

  /** A call costs a scope time from `at` on, UTC ms. */
  begin(key: string, at: UtcMs): void {
    const day = this.#of(key, at)
    day.calls++
    day.ms -= this.#intoDay(at)
  }

  /** One which did does so no more. */
  end(key: string, at: UtcMs): void {
    const day = this.#of(key, at)
    day.calls--
    day.ms += this.#intoDay(at)
  }

  hear(seconds: BeatAnswer['seconds']): void {
    this.#elsewhere = new Map(
      seconds.map(({ scope, day, seconds }) => [keyOf(scope), { day: Date.parse(day) / dayMs, seconds }]),
    )
  }

  /** Whole seconds of today. */
  seconds(key: string, at: UtcMs): number {
    const day = this.#of(key, at)
    const elsewhere = this.#elsewhere.get(key)
    const ms = day.ms + day.calls * this.#intoDay(at)
    return Math.floor(ms / 1_000) + (elsewhere?.day === this.#day ? elsewhere.seconds : 0)
  }

  #of(key: string, at: UtcMs): DayUsage {
    this.#turn(Math.floor(at / dayMs))
    const day = this.#days.get(key) ?? { calls: 0, ms: 0 }
    this.#days.set(key, day)
    return day
  }

  /** Whole ms after midnight. */
  #intoDay(at: UtcMs): number {
    return Math.floor(at) - this.#day * dayMs
  }

  /** At midnight every scope begins at nothing, and calls which go on begin again. */
  #turn(today: number): void {
    if (today === this.#day) return
    this.#day = today
    for (const [key, { calls }] of this.#days) {
      if (calls === 0) this.#days.delete(key)
      else this.#days.set(key, { calls, ms: 0 })
    }
  }
}
