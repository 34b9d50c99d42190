import type { MonotonicMs } from '#contract'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { ActiveCall, CallTimerDue, TimerSubject } from './call-index.ts'
import type { CallTimer } from './call-step.ts'

/** The timers of all calls: of each kind one a call or a leg. */
export class CallTimers {
  readonly #deadlines = new Deadlines<CallTimerDue>()

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  /** One which is due, and runs no longer; undefined: none is. */
  due(now: MonotonicMs): CallTimerDue | undefined {
    const due = this.#deadlines.due(now)
    // Of those which run it alone is cleared.
    if (due)
      takeOut(
        due.active,
        due.active.timers.findIndex(({ what }) => what === undefined),
      )
    return due
  }

  /** Sets one anew. */
  set(now: MonotonicMs, active: ActiveCall, ms: number, timer: CallTimer): void {
    this.stop(active, timer.timer, subjectOf(timer))
    active.timers = active.timers.concat(this.#deadlines.set(now + ms, { active, timer }))
  }

  stop(active: ActiveCall, timer: CallTimer['timer'], of?: TimerSubject): void {
    const at = active.timers.findIndex(
      ({ what }) => what?.timer.timer === timer && subjectOf(what.timer) === of,
    )
    this.#deadlines.cancel(active.timers[at])
    takeOut(active, at)
  }

  /** Stops all timers of a call. */
  forget(active: ActiveCall): void {
    for (const deadline of active.timers) this.#deadlines.cancel(deadline)
    active.timers = none
  }
}

/** `at`: its place; less than 0: it does not run. */
function takeOut(active: ActiveCall, at: number): void {
  if (at >= 0) active.timers = active.timers.toSpliced(at, 1)
}

const none: readonly Deadline<CallTimerDue>[] = []

function subjectOf(timer: CallTimer): TimerSubject {
  if ('branch' in timer) return timer.branch
  if ('hunt' in timer) return timer.hunt
  return 'leg' in timer ? timer.leg : undefined
}
