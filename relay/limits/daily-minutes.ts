import { type BeatAnswer, type MonotonicMs, type UtcMs, utcAt } from '#contract'
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
  readonly #clock: { readonly epoch: number }
  /** As it stood when a limit, or a call, was looked at last. */
  #epoch: number
  #day = -1
  readonly #days = new Map<string, DayUsage>()
  #elsewhere = new Map<string, { day: number; seconds: number }>()

  /** `epoch` of the clock: UTC ms at monotonic 0, as it stands. */
  constructor(clock: { readonly epoch: number }) {
    this.#clock = clock
    this.#epoch = clock.epoch
  }

  /** A call costs a scope time from now on. */
  begin(key: string, now: MonotonicMs): void {
    const at = this.#utc(now)
    const day = this.#of(key)
    day.calls++
    day.ms -= this.#intoDay(at)
  }

  /** One which did does so no more. */
  end(key: string, now: MonotonicMs): void {
    const at = this.#utc(now)
    const day = this.#of(key)
    day.calls--
    day.ms += this.#intoDay(at)
  }

  hear(seconds: BeatAnswer['seconds']): void {
    this.#elsewhere = new Map(
      seconds.map(({ scope, day, seconds }) => [keyOf(scope), { day: Date.parse(day) / dayMs, seconds }]),
    )
  }

  /** Whole seconds of today. */
  seconds(key: string, now: MonotonicMs): number {
    const at = this.#utc(now)
    const day = this.#of(key)
    const elsewhere = this.#elsewhere.get(key)
    const ms = day.ms + day.calls * this.#intoDay(at)
    return Math.floor(ms / 1_000) + (elsewhere?.day === this.#day ? elsewhere.seconds : 0)
  }

  #of(key: string): DayUsage {
    const day = this.#days.get(key) ?? { calls: 0, ms: 0 }
    this.#days.set(key, day)
    return day
  }

  /** What time it is, of the day which counts. A clock which was put right makes no call longer or shorter, in another day either. */
  #utc(now: MonotonicMs): UtcMs {
    const [before, at] = [utcAt(this.#epoch, now), utcAt(this.#clock.epoch, now)]
    this.#turn(dayOf(before))
    if (before === at) return at
    const intoDay = this.#intoDay(before)
    this.#epoch = this.#clock.epoch
    this.#day = dayOf(at)
    for (const day of this.#days.values()) day.ms -= day.calls * (this.#intoDay(at) - intoDay)
    return at
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

/** Since 1970. */
function dayOf(at: UtcMs): number {
  return Math.floor(at / dayMs)
}
