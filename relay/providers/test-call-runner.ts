import type { MonotonicMs } from '#contract'
import type { Deadline, Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import { turn } from '../ground/machine.ts'
import { SmallMap } from '../ground/small-map.ts'
import type { Leg, UacLeg } from '../leg/leg.ts'
import type { LegOwner, LegRequests, LegResult } from '../leg/leg-requests.ts'
import type { LegRole } from '../leg/orders.ts'
import { writeMessage } from '../sip/write.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { TestReport } from './report.ts'
import { type TestCall, type TestCallEvents, type TestCallOrder, table } from './test-call.ts'

/** The requests of all test calls. */
export type TestRequests = LegRequests<TestCallRunner, LegRole>

/** What a running test call stands on. */
interface TestCallDeps {
  readonly requests: TestRequests
  readonly effects: EffectBuffer<TransactionOutput>
  readonly deadlines: Deadlines<Wakeup>
}

/** Something to be woken for. */
export interface Wakeup {
  ring(now: MonotonicMs): void
}

/* Implementation */
/** One address may be silent so long. */
export const timeoutMs = 3_000
/** A test call is given up so late at the latest; what is still in the air is let go afterwards. */
const callMs = 18_000

/** Carries out what a test call orders, and brings it what happens. */
export class TestCallRunner implements LegOwner {
  readonly inviteIds = new SmallMap<Leg, number>()
  outstanding = 0
  readonly #deps: TestCallDeps
  readonly #call: TestCall
  readonly #found: (now: MonotonicMs, report: TestReport) => void
  #silence: Deadline<Wakeup> | undefined
  #limit: Deadline<Wakeup> | undefined

  constructor(deps: TestCallDeps, call: TestCall, found: (now: MonotonicMs, report: TestReport) => void) {
    this.#deps = deps
    this.#call = call
    this.#found = found
  }

  limit(now: MonotonicMs): void {
    this.#limit = this.#deps.deadlines.set(now + callMs, {
      ring: (later) => this.step(later, 'limit', { now: later }),
    })
  }

  step<E extends keyof TestCallEvents>(now: MonotonicMs, name: E, event: TestCallEvents[E]): void {
    for (const order of turn(table, this.#call, name, event)) this.#carryOut(now, order)
  }

  /** What came of one of its requests. */
  heard(now: MonotonicMs, result: LegResult<TestCallRunner, LegRole>): void {
    const { role, sent, flow } = result
    if (result.type === 'ended') return
    const response = result.type === 'response' ? result.response : undefined
    if (role.role === 'bye') return this.step(now, 'byeAnswered', { ...role, sent, flow, response })
    if (role.role !== 'invite') return
    const { leg } = role
    if (result.type === 'silence') return this.step(now, 'silence', { now, leg, why: result.why })
    const { status } = result.response
    const name = status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure'
    this.step(now, name, { now, leg, response: result.response })
  }

  #carryOut(now: MonotonicMs, order: TestCallOrder): void {
    const { requests, effects, deadlines } = this.#deps
    switch (order.type) {
      case 'request': {
        const inviter = order.role.role === 'invite' ? order.role.leg : undefined
        if (inviter) this.#listen(now, inviter)
        return effects.pass(requests.send(now, this, order, inviter))
      }
      case 'ack':
        return effects.emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'abandon':
        return effects.pass(requests.abandon(now, this, order.of))
      case 'found':
        deadlines.cancel(this.#silence)
        deadlines.cancel(this.#limit)
        return this.#found(now, order.report)
    }
  }

  /** From now on a leg may be silent for so long. */
  #listen(now: MonotonicMs, leg: UacLeg): void {
    const { deadlines } = this.#deps
    const why = `no response in ${timeoutMs / 1000} s`
    deadlines.cancel(this.#silence)
    this.#silence = deadlines.set(now + timeoutMs, {
      ring: (later) => this.step(later, 'silence', { now: later, leg, why }),
    })
  }
}
