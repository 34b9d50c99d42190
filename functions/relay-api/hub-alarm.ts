import type { UtcMs } from '#contract'

/** Wakes the object where it died while relays were on the line, and none came back. */
const backstopMs = 30_000
/** What is due later than this is waited for by an alarm, so that the object may sleep until then. */
const timerAtMostMs = 7_000

/** Has an object told the time when that is due: by a timer soon, by its alarm later, which outlasts its memory. */
export class HubAlarm {
  readonly #storage: Pick<DurableObjectStorage, 'setAlarm'>
  readonly #tick: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #alarmAt = Number.NEGATIVE_INFINITY

  constructor(storage: Pick<DurableObjectStorage, 'setAlarm'>, tick: () => void) {
    this.#storage = storage
    this.#tick = tick
  }

  /** The alarm has come: none is set any more. */
  came(): void {
    this.#alarmAt = Number.NEGATIVE_INFINITY
  }

  /** `due`: UTC ms at which time is to be told; Infinity: not before something happens. */
  wait(due: number, now: UtcMs): void {
    if (due === Number.POSITIVE_INFINITY) return
    if (due > now + timerAtMostMs) return this.#alarmIn(due - now, now)
    this.#alarmIn(backstopMs, now)
    if (this.#timer !== undefined && this.#timerAt <= due) return
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timerAt = due
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#tick()
      },
      Math.max(0, due - now),
    )
  }

  /** Sees to it that the alarm comes within so many ms. */
  #alarmIn(ms: number, now: UtcMs): void {
    const at = now + ms
    if (this.#alarmAt > now && this.#alarmAt <= at) return
    this.#alarmAt = at
    void this.#storage.setAlarm(at)
  }
}
