import type { MonotonicMs } from '#contract'
import { Deadlines } from '../ground/deadlines.ts'
import type { ActiveCall, CallTimerDue } from './call-index.ts'
import type { Branch, CallTimer, Side } from './state.ts'

/** The timers of all calls: of each kind one a call, a branch or a side. */
export class CallTimers {
  readonly #deadlines = new Deadlines<CallTimerDue>()

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  /** One which is due, and runs no longer; undefined: none is. */
  due(now: MonotonicMs): CallTimerDue | undefined {
    const due = this.#deadlines.due(now)
    due?.active.timers.delete(keyOf(due.timer))
    return due
  }

  /** Sets one anew. */
  set(now: MonotonicMs, active: ActiveCall, ms: number, timer: CallTimer): void {
    const key = keyOf(timer)
    this.#deadlines.cancel(active.timers.get(key))
    active.timers.set(key, this.#deadlines.set(now + ms, { active, timer }))
  }

  stop(active: ActiveCall, timer: CallTimer['timer'], of?: Branch | Side): void {
    const key = `${timer}${typeof of === 'object' ? of.index : (of ?? '')}`
    this.#deadlines.cancel(active.timers.get(key))
    active.timers.delete(key)
  }

  /** Stops all timers of a call. */
  forget(active: ActiveCall): void {
    for (const deadline of active.timers.values()) this.#deadlines.cancel(deadline)
    active.timers.clear()
  }
}

function keyOf(timer: CallTimer): string {
  if ('branch' in timer) return `${timer.timer}${timer.branch.index}`
  return 'side' in timer ? `${timer.timer}${timer.side}` : timer.timer
}
