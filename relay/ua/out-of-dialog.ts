import type { MonotonicMs } from '#contract'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Located, LocateQuestion } from '../ground/effects.ts'
import { type Flow, sameFlow } from '../ground/flow.ts'
import { locatedBy, type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import { type Authorizations, type DigestAccount, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from './endpoint.ts'

/** A request to a host outside any dialog: OPTIONS, REGISTER. */
interface OutOfDialogRequest {
  readonly target: LocateQuestion
  /** Where it goes without looking: to a host which is known already. */
  readonly at?: Flow | undefined
  /** An address which is tried first where it is among those found. */
  readonly first?: Flow | undefined
  /** How long one address may be silent. */
  readonly timeoutMs: number
  /** With what a digest challenge is answered; null: it is not. */
  readonly credentials: DigestAccount | null
  /** So many addresses are tried whatever they say; 0: the first which answers is enough. */
  readonly every: number
  /** The request anew, under the next number: for the next address, or with proof. */
  build(flow: Flow, proof: readonly Header[]): Request
}

/** One address tried: its last word, or why there was none. */
export interface AddressResult {
  readonly flow: Flow
  /** 0: none came. */
  readonly status: number
  readonly why: string
  /** From the last request to that. */
  readonly ms: number
  /** Challenges answered. */
  readonly proofs: number
  readonly response: Response | undefined
  /** What it came over: with its connection, where there is one. */
  readonly over: Flow
  /** The request did not get there, as over a connection which is refused. */
  readonly unreachable: boolean
}

/** What became of a request at one address; without a response it was silent, or did not get there. */
type TryEnd = Pick<AddressResult, 'why'> & Partial<Pick<AddressResult, 'response' | 'over' | 'unreachable'>>

/** How a request ended: the addresses tried, the last one decides; none: `why` says why there was none. */
export interface RequestOutcome {
  /** Addresses found. */
  readonly found: readonly Flow[]
  readonly tries: readonly AddressResult[]
  /** Milliseconds it took to find the addresses. */
  readonly locateMs: number
  readonly why: string
}

/** What out-of-dialog requests stand on; `effects` are those of the room which sends them. */
interface OutOfDialogDeps {
  readonly endpoint: SipEndpoint
  readonly transactions: Transactions
  readonly effects: EffectBuffer<TransactionOutput>
  readonly numbers: QuestionNumbers
}

/** A request which is over. */
export interface RequestOver {
  readonly request: RequestInFlight
  readonly outcome: RequestOutcome
}

/** A request under way. */
export interface RequestInFlight {
  readonly request: OutOfDialogRequest
  readonly tries: AddressResult[]
  readonly since: number
  locateMs: number
  found: readonly Flow[]
  flows: readonly Flow[]
  /** The request in the air. */
  sent:
    | { readonly id: number; readonly request: Request; readonly flow: Flow; readonly at: number }
    | undefined
  proofs: Authorizations
  deadline: Deadline<RequestInFlight> | undefined
  over: boolean
}

/**
 * The UAC outside dialogs: a host is found (RFC 3263), its addresses are tried one after the other until one answers,
 * challenges are answered as often as `prove` finds it right.
 */
export class OutOfDialogRequests {
  readonly #deps: OutOfDialogDeps
  readonly #deadlines = new Deadlines<RequestInFlight>()
  readonly #questions: Questions<RequestInFlight>
  /** Requests in the air, by their transaction. */
  readonly #sent = new Map<number, RequestInFlight>()

  constructor(deps: OutOfDialogDeps) {
    this.#deps = deps
    this.#questions = new Questions(deps.effects, deps.numbers)
  }

  /** Gives the request which is over with that, if one is; undefined: it is about none of them. */
  receive(
    event: ClientOutput | Reply | { type: 'tick' },
    now: MonotonicMs,
  ): RequestOver | 'under way' | undefined {
    if (event.type === 'tick') return this.#tick(now)
    if (event.type === 'answered' || event.type === 'unanswered') {
      const run = this.#questions.answered(event)
      return run && (this.#located(now, run, locatedBy(event)) ?? 'under way')
    }
    const run = this.#sent.get(event.id)
    if (!run) return undefined
    if (event.type === 'ended') this.#sent.delete(event.id)
    if (event.type === 'ended' || run.sent?.id !== event.id) return 'under way'
    return this.#heard(now, run, event) ?? 'under way'
  }

  run(now: MonotonicMs, order: OutOfDialogRequest): RequestInFlight {
    const run: RequestInFlight = {
      request: order,
      tries: [],
      since: now,
      locateMs: 0,
      found: [],
      flows: [],
      sent: undefined,
      proofs: noAuthorizations,
      deadline: undefined,
      over: false,
    }
    if (order.at) {
      this.#send(now, run, order.at)
      return run
    }
    this.#questions.ask(run, { ask: 'locate', question: order.target })
    return run
  }

  /** Gives a request up: nothing more is heard of it. */
  abandon(now: MonotonicMs, run: RequestInFlight): void {
    if (run.over) return
    run.over = true
    this.#deadlines.cancel(run.deadline)
    this.#abandonSent(now, run)
  }

  /** As far as the first request which is over. */
  #tick(now: MonotonicMs): RequestOver | undefined {
    for (let run = this.#deadlines.due(now); run; run = this.#deadlines.due(now)) {
      const over = this.#silent(now, run)
      if (over) return over
    }
    return undefined
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #located(now: MonotonicMs, run: RequestInFlight, { flows, why }: Located): RequestOver | undefined {
    if (run.over) return undefined
    run.locateMs = now - run.since
    run.found = flows
    const { every, first } = run.request
    const best = first && flows.find((flow) => sameFlow(flow, first))
    const inTurn = best ? [best, ...flows.filter((flow) => flow !== best)] : flows
    run.flows = every > 0 ? inTurn.slice(0, every) : inTurn
    return this.#next(now, run, why ?? 'no address found')
  }

  #next(now: MonotonicMs, run: RequestInFlight, why: string): RequestOver | undefined {
    const [flow, ...rest] = run.flows
    run.flows = rest
    run.proofs = noAuthorizations
    return flow ? this.#send(now, run, flow) : this.#end(run, why)
  }

  #end(run: RequestInFlight, why: string): RequestOver {
    run.over = true
    const { found, tries, locateMs } = run
    return { request: run, outcome: { found, tries, locateMs, why } }
  }

  #send(now: MonotonicMs, run: RequestInFlight, flow: Flow): undefined {
    const { request: order } = run
    const request = order.build(flow, run.proofs.headers)
    run.deadline = this.#deadlines.set(now + order.timeoutMs, run)
    const { id, outputs } = this.#deps.transactions.request(now, request, flow)
    this.#sent.set(id, run)
    run.sent = { id, request, flow, at: now }
    this.#deps.effects.pass(outputs)
  }

  #heard(
    now: MonotonicMs,
    run: RequestInFlight,
    output: Exclude<ClientOutput, { type: 'ended' }>,
  ): RequestOver | undefined {
    if (output.type === 'timeout') return this.#tried(now, run, { why: 'no final response' })
    if (output.type === 'unreachable') return this.#tried(now, run, { why: output.why, unreachable: true })
    const { response, flow } = output
    if (response.status < 200) return undefined
    const { sent, request: order } = run
    const proofs = sent && prove(run.proofs, response, sent.request, order.credentials, this.#deps.endpoint)
    if (!proofs) return this.#tried(now, run, { why: statusLine(response), response, over: flow })
    this.#deadlines.cancel(run.deadline)
    run.proofs = proofs
    return this.#send(now, run, sent.flow)
  }

  #silent(now: MonotonicMs, run: RequestInFlight): RequestOver | undefined {
    if (!run.sent) return undefined
    this.#abandonSent(now, run)
    return this.#tried(now, run, { why: `no response in ${run.request.timeoutMs / 1000} s` })
  }

  #abandonSent(now: MonotonicMs, { sent }: RequestInFlight): void {
    if (sent) this.#deps.effects.pass(this.#deps.transactions.abandon(now, sent.id))
  }

  /** Silence, 408 and 503 lead to the next address (RFC 3263 §4.3); anything else is an answer. */
  #tried(
    now: MonotonicMs,
    run: RequestInFlight,
    { why, response, over, unreachable = false }: TryEnd,
  ): RequestOver | undefined {
    const { sent, request: order } = run
    if (!sent) return undefined
    const status = response?.status ?? 0
    this.#deadlines.cancel(run.deadline)
    const { flow } = sent
    const proofs = run.proofs.rounds
    run.tries.push({
      flow,
      status,
      why,
      ms: now - sent.at,
      proofs,
      response,
      over: over ?? flow,
      unreachable,
    })
    run.sent = undefined
    const further = order.every > 0 || status === 0 || status === 408 || status === 503
    return further ? this.#next(now, run, why) : this.#end(run, why)
  }
}

/** `486 Busy Here`. */
export function statusLine({ status, reason }: Response): string {
  return `${status} ${reason}`.trim()
}
