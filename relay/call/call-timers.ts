import type { MonotonicMs } from '#contract'
import { Deadlines } from '../ground/deadlines.ts'
import type { ActiveCall, CallTimerDue, TimerSubject, TimersByName } from './call-index.ts'
import type { CallTimer } from './state.ts'

/** The timers of all calls: of each kind one a call or a leg. */
export class CallTimers {
  readonly #deadlines = new Deadlines<CallTimerDue>()

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  /** One which is due, and runs no longer; undefined: none is. */
  due(now: MonotonicMs): CallTimerDue | undefined {
    const due = this.#deadlines.due(now)
    if (due) due.active.timers.get(subjectOf(due.timer))?.delete(due.timer.timer)
    return due
  }

  /** Sets one anew. */
  set(now: MonotonicMs, active: ActiveCall, ms: number, timer: CallTimer): void {
    const timers = timersOf(active, subjectOf(timer))
    this.#deadlines.cancel(timers.get(timer.timer))
    timers.set(timer.timer, this.#deadlines.set(now + ms, { active, timer }))
  }

  stop(active: ActiveCall, timer: CallTimer['timer'], of?: TimerSubject): void {
    const timers = active.timers.get(of)
    this.#deadlines.cancel(timers?.get(timer))
    timers?.delete(timer)
  }

  /** Stops all timers of a call. */
  forget(active: ActiveCall): void {
    for (const timers of active.timers.values())
      for (const deadline of timers.values()) this.#deadlines.cancel(deadline)
    active.timers.clear()
  }
}

function timersOf({ timers }: ActiveCall, subject: TimerSubject): TimersByName {
  const known = timers.get(subject)
  if (known) return known
  const none: TimersByName = new Map()
  timers.set(subject, none)
  return none
}

function subjectOf(timer: CallTimer): TimerSubject {
  if ('branch' in timer) return timer.branch
  if ('hunt' in timer) return timer.hunt
  return 'leg' in timer ? timer.leg : undefined
}
