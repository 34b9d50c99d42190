import type { BeatAnswer, UtcMs } from '#contract'
import { GrowingMap } from '../ground/small-map.ts'
import { keyOf } from './scope.ts'

const dayMs = 86_400_000

/** Answered time of one scope in the current day. */
interface DayUsage {
  /** Of calls which are over: ms. */
  overMs: number
  /** Calls which go on, by id: ms after midnight since when they cost something. */
  readonly since: GrowingMap<string, number>
  /** All of `since` added up, so that a limit is looked at in one step however many calls go on. */
  sinceSum: number
}

/**
 * Answered time of the current UTC day, by scope: what the edge knows of, our calls which are over, and those
 * which go on. Each call is in exactly one of the three.
 */
export class DailyMinutes {
  #day = -1
  readonly #days = new Map<string, DayUsage>()
  #elsewhere = new Map<string, { day: number; seconds: number }>()

  /** A call costs a scope time from `at` on, UTC ms. */
  begin(key: string, callId: string, at: UtcMs): void {
    const day = this.#of(key, at)
    if (day.since.has(callId)) return
    day.since.set(callId, this.#intoDay(at))
    day.sinceSum += this.#intoDay(at)
  }

  /** It does so no more. */
  end(key: string, callId: string, at: UtcMs): void {
    const day = this.#of(key, at)
    const since = day.since.get(callId)
    if (since === undefined) return
    day.since.delete(callId)
    day.sinceSum -= since
    day.overMs += this.#intoDay(at) - since
  }

  hear(seconds: BeatAnswer['seconds']): void {
    this.#elsewhere = new Map(
      seconds.map(({ scope, day, seconds }) => [keyOf(scope), { day: Date.parse(day) / dayMs, seconds }]),
    )
  }

  /** Whole seconds of today. */
  seconds(key: string, at: UtcMs): number {
    const { overMs, since, sinceSum } = this.#of(key, at)
    const elsewhere = this.#elsewhere.get(key)
    const ms = overMs + since.size * this.#intoDay(at) - sinceSum
    return Math.floor(ms / 1_000) + (elsewhere?.day === this.#day ? elsewhere.seconds : 0)
  }

  #of(key: string, at: UtcMs): DayUsage {
    this.#turn(Math.floor(at / dayMs))
    const day = this.#days.get(key) ?? { overMs: 0, since: new GrowingMap(), sinceSum: 0 }
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
    for (const [key, { since }] of this.#days) {
      if (since.size === 0) this.#days.delete(key)
      else {
        for (const [id] of since) since.set(id, 0)
        this.#days.set(key, { overMs: 0, since, sinceSum: 0 })
      }
    }
  }
}
