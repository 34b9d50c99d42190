import type { MonotonicMs } from '#contract'
import { withProof } from '../call/credentials.ts'
import type { Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Effect } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { type Authorizations, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Request } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { ClientResult, ClientTransactions } from '../ua/client-transactions.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import type { TestReport } from './report.ts'
import {
  type TestCall,
  type TestCallEvents,
  type TestCallOrder,
  type TestInvite,
  table,
} from './test-call.ts'

/** What a running test call needs of the engine around it. */
export interface TestCallDeps {
  readonly endpoint: SipEndpoint
  readonly clientTransactions: ClientTransactions
  emit(effect: Effect): void
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
export class TestCallRunner {
  readonly #deps: TestCallDeps
  readonly #deadlines: Deadlines<Wakeup>
  readonly #call: TestCall
  readonly #found: (now: MonotonicMs, report: TestReport) => void
  readonly #ids = new Map<TestInvite, number>()
  #silence: Deadline<Wakeup> | undefined
  #limit: Deadline<Wakeup> | undefined

  constructor(
    deps: TestCallDeps,
    deadlines: Deadlines<Wakeup>,
    call: TestCall,
    found: (now: MonotonicMs, report: TestReport) => void,
  ) {
    this.#deps = deps
    this.#deadlines = deadlines
    this.#call = call
    this.#found = found
  }

  limit(now: MonotonicMs): void {
    this.#limit = this.#deadlines.set(now + callMs, {
      ring: (later) => this.step(later, 'limit', { now: later }),
    })
  }

  step<E extends keyof TestCallEvents>(now: MonotonicMs, name: E, event: TestCallEvents[E]): void {
    for (const order of turn(table, this.#call, name, event)) this.#carryOut(now, order)
  }

  #carryOut(now: MonotonicMs, order: TestCallOrder): void {
    const { clientTransactions, emit } = this.#deps
    switch (order.type) {
      case 'invite':
        return this.#invite(now, order.invite)
      case 'send':
        return emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'request':
        return this.#request(now, order.request, order.flow, noAuthorizations)
      case 'abandon': {
        const id = this.#ids.get(order.invite)
        return id === undefined ? undefined : clientTransactions.abandon(now, id)
      }
      case 'found':
        this.#deadlines.cancel(this.#silence)
        this.#deadlines.cancel(this.#limit)
        return this.#found(now, order.report)
    }
  }

  #invite(now: MonotonicMs, invite: TestInvite): void {
    this.#deadlines.cancel(this.#silence)
    const ring = (later: MonotonicMs) =>
      this.step(later, 'silence', { now: later, invite, why: `no response in ${timeoutMs / 1000} s` })
    this.#silence = this.#deadlines.set(now + timeoutMs, { ring })
    this.#ids.set(
      invite,
      this.#deps.clientTransactions.request(now, invite.request, invite.flow, (later, heard) =>
        this.#heard(later, invite, heard),
      ),
    )
  }

  #heard(now: MonotonicMs, invite: TestInvite, heard: ClientResult): void {
    if (heard.type === 'silence') return this.step(now, 'silence', { now, invite, why: heard.why })
    const { response } = heard
    const name = response.status < 200 ? 'provisional' : response.status < 300 ? 'success' : 'failure'
    this.step(now, name, { now, invite, response })
  }

  /** A CANCEL or BYE; a BYE which is challenged goes out once more with proof. */
  #request(now: MonotonicMs, request: Request, flow: Flow, before: Authorizations): void {
    const { clientTransactions, endpoint } = this.#deps
    const account = accountOf(this.#call.memory.provider)
    clientTransactions.request(now, request, flow, (later, heard) => {
      if (heard.type === 'silence' || request.method !== 'BYE') return
      const proofs = prove(before, heard.response, request, account, endpoint)
      if (!proofs) return
      const again = withProof(request, request.cseq.number + 1, proofs, flow, endpoint)
      this.#request(later, again, flow, proofs)
    })
  }
}
