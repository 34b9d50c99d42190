import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Answer, Located, LocateQuestion, Question } from '../ground/effects.ts'
import { type Flow, sameFlow } from '../ground/flow.ts'
import { type Account, type Authorizations, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import type { Clients, Heard } from './client-transactions.ts'
import type { Station } from './endpoint.ts'

/** Something asked of a host outside any call. */
export interface Errand {
  readonly place: LocateQuestion
  /** Where it goes without looking: to a host which is known already. */
  readonly at?: Flow | undefined
  /** An address which is tried first where it is among those found. */
  readonly first?: Flow | undefined
  /** How long one address may be silent. */
  readonly patienceMs: number
  /** With what a digest challenge is answered; null: it is not. */
  readonly credentials: Account | null
  /** So many addresses are tried whatever they say; 0: the first which answers is enough. */
  readonly every: number
  /** The request anew, under the next number: for the next address, or with proof. */
  build(flow: Flow, proof: readonly Header[]): Request
  done(now: number, outcome: Outcome): void
}

/** One address tried: its last word, or why there was none. */
export interface Try {
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

/** How an errand ended: the addresses tried, the last one decides; none: `why` says why there was none. */
export interface Outcome {
  /** Addresses found. */
  readonly found: readonly Flow[]
  readonly tries: readonly Try[]
  /** Milliseconds it took to find the addresses. */
  readonly locateMs: number
  readonly why: string
}

/** What errands need of the engine around them. */
export interface Office {
  readonly station: Station
  readonly clients: Clients
  ask(question: Question, then: (now: number, answer: Answer | undefined, why: string) => void): void
}

/** An errand under way. */
export interface Trip {
  readonly errand: Errand
  readonly tries: Try[]
  readonly since: number
  locateMs: number
  found: readonly Flow[]
  flows: readonly Flow[]
  /** The request in the air. */
  air:
    | { readonly id: number; readonly request: Request; readonly flow: Flow; readonly at: number }
    | undefined
  proofs: Authorizations
  deadline: Deadline<Trip> | undefined
  over: boolean
}

/**
 * Errands: a host is found (RFC 3263), its addresses are tried one after the other until one answers,
 * challenges are answered as often as `prove` finds it right.
 */
export class Errands {
  readonly #office: Office
  readonly #deadlines = new Deadlines<Trip>()

  constructor(office: Office) {
    this.#office = office
  }

  run(now: number, errand: Errand): Trip {
    const trip: Trip = {
      errand,
      tries: [],
      since: now,
      locateMs: 0,
      found: [],
      flows: [],
      air: undefined,
      proofs: noAuthorizations,
      deadline: undefined,
      over: false,
    }
    if (errand.at) {
      this.#send(now, trip, errand.at)
      return trip
    }
    this.#office.ask({ ask: 'locate', question: errand.place }, (later, answer, why) => {
      const located: Located = answer?.ask === 'locate' ? answer.answer : { flows: [], why }
      this.#located(later, trip, located)
    })
    return trip
  }

  /** Nobody waits for it any more. */
  giveUp(now: number, trip: Trip): void {
    if (trip.over) return
    trip.over = true
    this.#deadlines.cancel(trip.deadline)
    if (trip.air) this.#office.clients.abandon(now, trip.air.id)
  }

  tick(now: number): void {
    for (let trip = this.#deadlines.due(now); trip; trip = this.#deadlines.due(now)) this.#silent(now, trip)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #located(now: number, trip: Trip, { flows, why }: Located): void {
    if (trip.over) return
    trip.locateMs = now - trip.since
    trip.found = flows
    const { every, first } = trip.errand
    const best = first && flows.find((flow) => sameFlow(flow, first))
    const inTurn = best ? [best, ...flows.filter((flow) => flow !== best)] : flows
    trip.flows = every > 0 ? inTurn.slice(0, every) : inTurn
    this.#next(now, trip, why ?? 'no address found')
  }

  #next(now: number, trip: Trip, why: string): void {
    const [flow, ...rest] = trip.flows
    trip.flows = rest
    trip.proofs = noAuthorizations
    if (flow) return this.#send(now, trip, flow)
    this.#end(now, trip, why)
  }

  #end(now: number, trip: Trip, why: string): void {
    trip.over = true
    const { found, tries, locateMs } = trip
    trip.errand.done(now, { found, tries, locateMs, why })
  }

  #send(now: number, trip: Trip, flow: Flow): void {
    const { errand } = trip
    const request = errand.build(flow, trip.proofs.headers)
    const hear = (later: number, heard: Heard) => {
      if (trip.air?.request === request) this.#heard(later, trip, heard)
    }
    trip.deadline = this.#deadlines.set(now + errand.patienceMs, trip)
    // Nothing is heard before this turn is over.
    const id = this.#office.clients.request(now, request, flow, hear)
    trip.air = { id, request, flow, at: now }
  }

  #heard(now: number, trip: Trip, heard: Heard): void {
    if (heard.type === 'silence') return this.#tried(now, trip, heard.why)
    const { response, flow } = heard
    if (response.status < 200) return
    const { air, errand } = trip
    const { chance } = this.#office.station
    const proofs = air && prove(trip.proofs, response, air.request, errand.credentials, chance)
    if (!proofs) return this.#tried(now, trip, words(response), response, flow)
    this.#deadlines.cancel(trip.deadline)
    trip.proofs = proofs
    this.#send(now, trip, air.flow)
  }

  #silent(now: number, trip: Trip): void {
    if (!trip.air) return
    this.#office.clients.abandon(now, trip.air.id)
    this.#tried(now, trip, `no response in ${trip.errand.patienceMs / 1000} s`)
  }

  /** Silence, 408 and 503 lead to the next address (RFC 3263 §4.3); anything else is an answer. */
  #tried(now: number, trip: Trip, why: string, response?: Response, over?: Flow): void {
    const { air, errand } = trip
    if (!air) return
    const status = response?.status ?? 0
    this.#deadlines.cancel(trip.deadline)
    const { flow } = air
    const proofs = trip.proofs.rounds
    trip.tries.push({ flow, status, why, ms: now - air.at, proofs, response, over: over ?? flow })
    trip.air = undefined
    if (errand.every > 0 || status === 0 || status === 408 || status === 503) this.#next(now, trip, why)
    else this.#end(now, trip, why)
  }
}

/** `486 Busy Here`. */
export function words({ status, reason }: Response): string {
  return `${status} ${reason}`.trim()
}
