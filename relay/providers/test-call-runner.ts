import { withProof } from '../call/credentials.ts'
import type { Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Effect } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { type Authorizations, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Request } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import type { Clients, Heard } from '../ua/client-transactions.ts'
import type { Station } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import type { Finding } from './report.ts'
import { type Air, type Events, type Order, type TestCall, table } from './test-call.ts'

/** What a running test call needs of the engine around it. */
export interface Line {
  readonly station: Station
  readonly clients: Clients
  emit(effect: Effect): void
}

/** Something to be woken for. */
export interface Due {
  ring(now: number): void
}

/* Implementation */
/** One address may be silent so long. */
export const patienceMs = 3_000
/** A test call is given up so late at the latest; what is still in the air is let go afterwards. */
const callMs = 18_000

/** Carries out what a test call orders, and brings it what happens. */
export class RunningCall {
  readonly #lab: Line
  readonly #deadlines: Deadlines<Due>
  readonly #call: TestCall
  readonly #found: (now: number, finding: Finding) => void
  readonly #ids = new Map<Air, number>()
  #silence: Deadline<Due> | undefined
  #limit: Deadline<Due> | undefined

  constructor(
    lab: Line,
    deadlines: Deadlines<Due>,
    call: TestCall,
    found: (now: number, finding: Finding) => void,
  ) {
    this.#lab = lab
    this.#deadlines = deadlines
    this.#call = call
    this.#found = found
  }

  limit(now: number): void {
    this.#limit = this.#deadlines.set(now + callMs, {
      ring: (later) => this.step(later, 'limit', { now: later }),
    })
  }

  step<E extends keyof Events>(now: number, name: E, event: Events[E]): void {
    for (const order of turn(table, this.#call, name, event)) this.#carryOut(now, order)
  }

  #carryOut(now: number, order: Order): void {
    const { clients, emit } = this.#lab
    switch (order.type) {
      case 'invite':
        return this.#invite(now, order.air)
      case 'send':
        return emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'request':
        return this.#request(now, order.request, order.flow, noAuthorizations)
      case 'abandon': {
        const id = this.#ids.get(order.air)
        return id === undefined ? undefined : clients.abandon(now, id)
      }
      case 'found':
        this.#deadlines.cancel(this.#silence)
        this.#deadlines.cancel(this.#limit)
        return this.#found(now, order.finding)
    }
  }

  #invite(now: number, air: Air): void {
    this.#deadlines.cancel(this.#silence)
    const ring = (later: number) =>
      this.step(later, 'silence', { now: later, air, why: `no response in ${patienceMs / 1000} s` })
    this.#silence = this.#deadlines.set(now + patienceMs, { ring })
    this.#ids.set(
      air,
      this.#lab.clients.request(now, air.request, air.flow, (later, heard) => this.#heard(later, air, heard)),
    )
  }

  #heard(now: number, air: Air, heard: Heard): void {
    if (heard.type === 'silence') return this.step(now, 'silence', { now, air, why: heard.why })
    const { response } = heard
    const name = response.status < 200 ? 'provisional' : response.status < 300 ? 'success' : 'failure'
    this.step(now, name, { now, air, response })
  }

  /** A CANCEL or BYE; a BYE which is challenged goes out once more with proof. */
  #request(now: number, request: Request, flow: Flow, before: Authorizations): void {
    const { clients, station } = this.#lab
    const account = accountOf(this.#call.memory.provider)
    clients.request(now, request, flow, (later, heard) => {
      if (heard.type === 'silence' || request.method !== 'BYE') return
      const proofs = prove(before, heard.response, request, account, station.chance)
      if (!proofs) return
      const again = withProof(request, request.cseq.number + 1, proofs, flow, station)
      this.#request(later, again, flow, proofs)
    })
  }
}
