import type { MonotonicMs, RouteQuestion } from '#contract'
import type { CallsOutput, SendOn } from '../call/call-orders.ts'
import type { Calls } from '../call/calls.ts'
import type { Effect } from '../ground/effects.ts'
import type { CallDecided, QuotaWait } from './quota-wait.ts'
import type { Routed } from './routing-events.ts'

/** Asks where calls under way are to be sent on to, and tells them. */
export class CallForwarding {
  readonly #quotaWait: Pick<QuotaWait, 'route'>
  readonly #calls: Pick<Calls, 'sentOn'>
  readonly #asked = new Map<RouteQuestion, SendOn>()

  constructor({ quotaWait, calls }: { quotaWait: Pick<QuotaWait, 'route'>; calls: Pick<Calls, 'sentOn'> }) {
    this.#quotaWait = quotaWait
    this.#calls = calls
  }

  receive(event: SendOn | CallDecided, now: MonotonicMs): readonly (CallsOutput | Effect)[] {
    if (event.type === 'decided') return this.#decided(now, event.question, event)
    this.#asked.set(event.question, event)
    const routed = this.#quotaWait.route(now, event.question)
    return 'why' in routed ? this.#decided(now, event.question, routed) : routed
  }

  #decided(now: MonotonicMs, question: RouteQuestion, routed: Routed): readonly CallsOutput[] {
    const asked = this.#asked.get(question)
    this.#asked.delete(question)
    return asked ? this.#calls.sentOn(now, asked, routed) : []
  }
}
