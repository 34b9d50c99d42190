import type { MonotonicMs } from '#contract'
import type { Deadline, Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { type Authorizations, noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import type { Request, Response } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import type { TestReport } from './report.ts'
import {
  type TestCall,
  type TestCallEvents,
  type TestCallOrder,
  type TestInvite,
  table,
} from './test-call.ts'

/** What a running test call stands on. */
export interface TestCallDeps {
  readonly endpoint: SipEndpoint
  readonly transactions: Transactions
  readonly effects: EffectBuffer<TransactionOutput>
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

/** A request in the air: an INVITE of the test, or its CANCEL or BYE with what that has shown of us. */
type SentRequest =
  | { readonly invite: TestInvite }
  | { readonly request: Request; readonly flow: Flow; readonly before: Authorizations }

/** Carries out what a test call orders, and brings it what happens. */
export class TestCallRunner {
  readonly #deps: TestCallDeps & { readonly byClient: Map<number, TestCallRunner> }
  readonly #deadlines: Deadlines<Wakeup>
  readonly #call: TestCall
  readonly #found: (now: MonotonicMs, report: TestReport) => void
  readonly #ids = new Map<TestInvite, number>()
  readonly #sent = new Map<number, SentRequest>()
  #silence: Deadline<Wakeup> | undefined
  #limit: Deadline<Wakeup> | undefined

  constructor(
    deps: TestCallDeps & { readonly byClient: Map<number, TestCallRunner> },
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

  /** What came of one of its requests. */
  receive(event: ClientOutput, now: MonotonicMs): void {
    const sent = this.#sent.get(event.id)
    if (event.type === 'ended') this.#sent.delete(event.id)
    if (!sent || event.type === 'ended') return
    if ('invite' in sent) return this.#heard(now, sent.invite, event)
    if (event.type === 'response' && sent.request.method === 'BYE') this.#proveBye(now, sent, event.response)
  }

  #carryOut(now: MonotonicMs, order: TestCallOrder): void {
    const { transactions, effects } = this.#deps
    switch (order.type) {
      case 'invite':
        return this.#invite(now, order.invite)
      case 'send':
        return effects.emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'request':
        this.#send(now, order.request, order.flow, { ...order, before: noAuthorizations })
        return
      case 'abandon': {
        const id = this.#ids.get(order.invite)
        return id === undefined ? undefined : effects.pass(transactions.abandon(now, id))
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
    this.#ids.set(invite, this.#send(now, invite.request, invite.flow, { invite }))
  }

  #send(now: MonotonicMs, request: Request, flow: Flow, sent: SentRequest): number {
    const { transactions, effects, byClient } = this.#deps
    const { id, outputs } = transactions.request(now, request, flow)
    byClient.set(id, this)
    this.#sent.set(id, sent)
    effects.pass(outputs)
    return id
  }

  #heard(now: MonotonicMs, invite: TestInvite, heard: Exclude<ClientOutput, { type: 'ended' }>): void {
    if (heard.type === 'timeout') return this.step(now, 'silence', { now, invite, why: 'no final response' })
    if (heard.type === 'unreachable') return this.step(now, 'silence', { now, invite, why: heard.why })
    const { response } = heard
    const name = response.status < 200 ? 'provisional' : response.status < 300 ? 'success' : 'failure'
    this.step(now, name, { now, invite, response })
  }

  /** A BYE which is challenged goes out once more with proof. */
  #proveBye(
    now: MonotonicMs,
    { request, flow, before }: Exclude<SentRequest, { invite: TestInvite }>,
    response: Response,
  ): void {
    const { endpoint } = this.#deps
    const proofs = prove(before, response, request, accountOf(this.#call.memory.provider), endpoint)
    if (!proofs) return
    const again = withProof(request, request.cseq.number + 1, proofs, viaOf(endpoint, flow))
    this.#send(now, again, flow, { request: again, flow, before: proofs })
  }
}
