import type { MonotonicMs } from '#contract'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Answer, Located, LocateQuestion, Question } from '../ground/effects.ts'
import { type Flow, sameFlow } from '../ground/flow.ts'
import { type Authorizations, type DigestAccount, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import type { ClientResult, ClientTransactions } from './client-transactions.ts'
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
  done(now: MonotonicMs, outcome: RequestOutcome): void
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
}

/** How a request ended: the addresses tried, the last one decides; none: `why` says why there was none. */
export interface RequestOutcome {
  /** Addresses found. */
  readonly found: readonly Flow[]
  readonly tries: readonly AddressResult[]
  /** Milliseconds it took to find the addresses. */
  readonly locateMs: number
  readonly why: string
}

/** What out-of-dialog requests need of the engine around them. */
interface OutOfDialogDeps {
  readonly endpoint: SipEndpoint
  readonly clientTransactions: ClientTransactions
  ask(question: Question, then: (now: MonotonicMs, answer: Answer | undefined, why: string) => void): void
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

  constructor(deps: OutOfDialogDeps) {
    this.#deps = deps
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
    this.#deps.ask({ ask: 'locate', question: order.target }, (later, answer, why) => {
      const located: Located = answer?.ask === 'locate' ? answer.answer : { flows: [], why }
      this.#located(later, run, located)
    })
    return run
  }

  /** Gives a request up: `done` is not called. */
  abandon(now: MonotonicMs, run: RequestInFlight): void {
    if (run.over) return
    run.over = true
    this.#deadlines.cancel(run.deadline)
    if (run.sent) this.#deps.clientTransactions.abandon(now, run.sent.id)
  }

  tick(now: MonotonicMs): void {
    for (let run = this.#deadlines.due(now); run; run = this.#deadlines.due(now)) this.#silent(now, run)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #located(now: MonotonicMs, run: RequestInFlight, { flows, why }: Located): void {
    if (run.over) return
    run.locateMs = now - run.since
    run.found = flows
    const { every, first } = run.request
    const best = first && flows.find((flow) => sameFlow(flow, first))
    const inTurn = best ? [best, ...flows.filter((flow) => flow !== best)] : flows
    run.flows = every > 0 ? inTurn.slice(0, every) : inTurn
    this.#next(now, run, why ?? 'no address found')
  }

  #next(now: MonotonicMs, run: RequestInFlight, why: string): void {
    const [flow, ...rest] = run.flows
    run.flows = rest
    run.proofs = noAuthorizations
    if (flow) return this.#send(now, run, flow)
    this.#end(now, run, why)
  }

  #end(now: MonotonicMs, run: RequestInFlight, why: string): void {
    run.over = true
    const { found, tries, locateMs } = run
    run.request.done(now, { found, tries, locateMs, why })
  }

  #send(now: MonotonicMs, run: RequestInFlight, flow: Flow): void {
    const { request: order } = run
    const request = order.build(flow, run.proofs.headers)
    const then = (later: MonotonicMs, result: ClientResult) => {
      if (run.sent?.request === request) this.#heard(later, run, result)
    }
    run.deadline = this.#deadlines.set(now + order.timeoutMs, run)
    // Nothing is heard before this turn is over.
    const id = this.#deps.clientTransactions.request(now, request, flow, then)
    run.sent = { id, request, flow, at: now }
  }

  #heard(now: MonotonicMs, run: RequestInFlight, result: ClientResult): void {
    if (result.type === 'silence') return this.#tried(now, run, result.why)
    const { response, flow } = result
    if (response.status < 200) return
    const { sent, request: order } = run
    const proofs = sent && prove(run.proofs, response, sent.request, order.credentials, this.#deps.endpoint)
    if (!proofs) return this.#tried(now, run, statusLine(response), response, flow)
    this.#deadlines.cancel(run.deadline)
    run.proofs = proofs
    this.#send(now, run, sent.flow)
  }

  #silent(now: MonotonicMs, run: RequestInFlight): void {
    if (!run.sent) return
    this.#deps.clientTransactions.abandon(now, run.sent.id)
    this.#tried(now, run, `no response in ${run.request.timeoutMs / 1000} s`)
  }

  /** Silence, 408 and 503 lead to the next address (RFC 3263 §4.3); anything else is an answer. */
  #tried(now: MonotonicMs, run: RequestInFlight, why: string, response?: Response, over?: Flow): void {
    const { sent, request: order } = run
    if (!sent) return
    const status = response?.status ?? 0
    this.#deadlines.cancel(run.deadline)
    const { flow } = sent
    const proofs = run.proofs.rounds
    run.tries.push({ flow, status, why, ms: now - sent.at, proofs, response, over: over ?? flow })
    run.sent = undefined
    if (order.every > 0 || status === 0 || status === 408 || status === 503) this.#next(now, run, why)
    else this.#end(now, run, why)
  }
}

/** `486 Busy Here`. */
export function statusLine({ status, reason }: Response): string {
  return `${status} ${reason}`.trim()
}
