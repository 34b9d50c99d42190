import type { BeatAnswer, UtcMs } from '#contract'
import { keyOf } from './scope.ts'

const dayMs = 86_400_000

/** Answered time of one scope in the current day. */
interface DayUsage {
  /** Of calls which are over: ms. */
  overMs: number
  /** Calls which go on. */
  calls: number
  /** Ms after midnight since when they cost something, added up: a limit is looked at in one step however many go on. */
  sinceSum: number
}

/**
 * Answered time of the current UTC day, by scope: what the edge knows of, our calls which are over, and those
 * which go on. Each call is in exactly one of the three: who keeps it keeps since when it costs, too.
 */
export class DailyMinutes {
  #day = -1
  /** Midnights so far: what began before the last of them began at that. */
  #turns = 0
  readonly #days = new Map<string, DayUsage>()
  #elsewhere = new Map<string, { day: number; seconds: number }>()

  /** A call costs a scope time from `at` on, UTC ms; answers with what `end` is to be told. */
  begin(key: string, at: UtcMs): number {
    const day = this.#of(key, at)
    day.calls++
    day.sinceSum += this.#intoDay(at)
    return this.#turns * dayMs + this.#intoDay(at)
  }

  /** One which did `since` does so no more. */
  end(key: string, since: number, at: UtcMs): void {
    const day = this.#of(key, at)
    const sinceMs = Math.max(0, since - this.#turns * dayMs)
    day.calls--
    day.sinceSum -= sinceMs
    day.overMs += this.#intoDay(at) - sinceMs
  }

  hear(seconds: BeatAnswer['seconds']): void {
    this.#elsewhere = new Map(
      seconds.map(({ scope, day, seconds }) => [keyOf(scope), { day: Date.parse(day) / dayMs, seconds }]),
    )
  }

  /** Whole seconds of today. */
  seconds(key: string, at: UtcMs): number {
    const { overMs, calls, sinceSum } = this.#of(key, at)
    const elsewhere = this.#elsewhere.get(key)
    const ms = overMs + calls * this.#intoDay(at) - sinceSum
    return Math.floor(ms / 1_000) + (elsewhere?.day === this.#day ? elsewhere.seconds : 0)
  }

  #of(key: string, at: UtcMs): DayUsage {
    this.#turn(Math.floor(at / dayMs))
    const day = this.#days.get(key) ?? { overMs: 0, calls: 0, sinceSum: 0 }
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
    this.#turns++
    for (const [key, { calls }] of this.#days) {
      if (calls === 0) this.#days.delete(key)
      else this.#days.set(key, { overMs: 0, calls, sinceSum: 0 })
    }
  }
}
