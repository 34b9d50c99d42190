import type { Command, CommandResult, ProviderFacts } from '#contract'
import { withProof } from '../call/credentials.ts'
import type { Station } from '../call/station.ts'
import { type Deadline, Deadlines } from '../deadlines.ts'
import type { Answer, Effect, Located, Note, Question } from '../effects.ts'
import type { Clients, Heard } from '../errand/clients.ts'
import type { Errands } from '../errand/errand.ts'
import type { Flow } from '../flow.ts'
import { turn } from '../machine.ts'
import type { Ports } from '../media/ports.ts'
import type { Request } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import { inviteFor } from './invite.ts'
import { accountOf, optionsFor, placeOf } from './options.ts'
import { type Air, type Events, type Memory, type Order, prove, type TestCall, table } from './test-call.ts'
import { CallStory, type Finding, optionsFinding } from './words.ts'

/** What tests need of the engine around them. */
export interface Laboratory {
  readonly station: Station
  readonly clients: Clients
  readonly errands: Errands
  readonly ports: Ports
  /** The provider as it is configured now; undefined: it is not known here, or disabled. */
  facts(providerId: string): ProviderFacts | undefined
  ask(question: Question, then: (now: number, answer: Answer | undefined, why: string) => void): void
  emit(effect: Effect): void
  note(level: Note['level'], event: string, fields: Note['fields']): void
}

/* Implementation */
const patienceMs = 3_000
/** So many addresses of one host are tried. */
const addressesAtMost = 5
/** A test call is given up so late at the latest; what is still in the air is let go afterwards. */
const callMs = 18_000
const testsAtOnce = 20
/** A result that was heard is remembered so long, for its command may come once more. */
const rememberMs = 600_000

type Test = { readonly command: Command; readonly since: number; finding: Finding | undefined; heardAt: number | undefined }

interface Due {
  ring(now: number): void
}

/** Tries providers on command and says in words what came of it; results are kept until the edge has heard them. */
export class Examiner {
  readonly #lab: Laboratory
  readonly #tests = new Map<string, Test>()
  readonly #deadlines = new Deadlines<Due>()

  constructor(lab: Laboratory) {
    this.#lab = lab
  }

  /** A command from the edge; one which came before is not carried out again. */
  command(now: number, command: Command): void {
    this.#forget(now)
    if (this.#tests.has(command.command_id)) return
    const test: Test = { command, since: now, finding: undefined, heardAt: undefined }
    this.#tests.set(command.command_id, test)
    const provider = this.#lab.facts(command.provider_id)
    if (!provider) return this.#found(now, test, nothing('this relay does not know the provider, or it is disabled'))
    if (this.#running() > testsAtOnce) return this.#found(now, test, nothing('too many tests run at once; try again'))
    if (command.type === 'options') return this.#options(now, test, provider)
    if (command.to === null) return this.#found(now, test, nothing('a test call needs a number in `to`'))
    this.#call(now, test, provider, command.to)
  }

  /** For the beat: what the edge has not heard yet. */
  results(): CommandResult[] {
    return [...this.#tests.values()].flatMap(({ command, finding, heardAt }) =>
      finding === undefined || heardAt !== undefined
        ? []
        : { command_id: command.command_id, result: { type: command.type, ...finding } },
    )
  }

  /** A beat with these results was answered. */
  delivered(now: number, results: readonly CommandResult[]): void {
    for (const { command_id } of results) {
      const test = this.#tests.get(command_id)
      if (test) test.heardAt = now
    }
  }

  tick(now: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) due.ring(now)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #options(now: number, test: Test, provider: ProviderFacts): void {
    const { errands, station } = this.#lab
    errands.run(now, {
      place: placeOf(provider),
      patienceMs,
      credentials: accountOf(provider),
      every: addressesAtMost,
      build: optionsFor(provider, station),
      done: (later, outcome) => this.#found(later, test, optionsFinding(provider, outcome, station.address)),
    })
  }

  #call(now: number, test: Test, provider: ProviderFacts, to: string): void {
    const { ask, ports, station } = this.#lab
    const port = ports.take(now)
    if (port === undefined) return this.#found(now, test, nothing('no media port is free'))
    const memory: Memory = {
      provider,
      station,
      story: new CallStory(provider.hostname, now),
      build: inviteFor(provider, station, { to, from: test.command.from, port }),
      flows: [],
      air: undefined,
      proofs: 0,
    }
    const call = new RunningCall(this.#lab, this.#deadlines, { state: 'locating', memory }, (later, finding) => {
      ports.give(later, port)
      this.#found(later, test, finding)
    })
    call.limit(now)
    ask({ ask: 'locate', question: placeOf(provider) }, (later, answer, why) => {
      const located: Located = answer?.ask === 'locate' ? answer.answer : { flows: [], why }
      call.step(later, 'located', { now: later, located })
    })
  }

  #found(now: number, test: Test, finding: Finding): void {
    test.finding = finding
    const { provider_id, customer_id, type } = test.command
    const { ok, verdict, status } = finding
    const ms = Math.round(now - test.since)
    this.#lab.note('info', 'provider.tested', { provider_id, customer_id, type, ok, status, verdict, ms })
  }

  #running(): number {
    let count = 0
    for (const { finding } of this.#tests.values()) if (!finding) count++
    return count
  }

  #forget(now: number): void {
    for (const [id, { heardAt }] of this.#tests)
      if (heardAt !== undefined && now - heardAt > rememberMs) this.#tests.delete(id)
  }
}

/** Carries out what a test call orders, and brings it what happens. */
class RunningCall {
  readonly #lab: Laboratory
  readonly #deadlines: Deadlines<Due>
  readonly #call: TestCall
  readonly #found: (now: number, finding: Finding) => void
  readonly #ids = new Map<Air, number>()
  #silence: Deadline<Due> | undefined
  #limit: Deadline<Due> | undefined

  constructor(
    lab: Laboratory,
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
    this.#limit = this.#deadlines.set(now + callMs, { ring: (later) => this.step(later, 'limit', { now: later }) })
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
        return this.#request(now, order.request, order.flow, 0)
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
    this.#ids.set(air, this.#lab.clients.request(now, air.request, air.flow, (later, heard) => this.#heard(later, air, heard)))
  }

  #heard(now: number, air: Air, heard: Heard): void {
    if (heard.type === 'silence') return this.step(now, 'silence', { now, air, why: heard.why })
    const { response } = heard
    const name = response.status < 200 ? 'provisional' : response.status < 300 ? 'success' : 'failure'
    this.step(now, name, { now, air, response })
  }

  /** A CANCEL or BYE; a BYE which is challenged goes out once more with proof. */
  #request(now: number, request: Request, flow: Flow, proofs: number): void {
    const { clients, station } = this.#lab
    clients.request(now, request, flow, (later, heard) => {
      if (heard.type === 'silence' || request.method !== 'BYE') return
      const proof = prove(request, heard.response, proofs, this.#call.memory)
      if (!proof) return
      const again = withProof(request, request.cseq.number + 1, proof, flow, station)
      this.#request(later, again, flow, proofs + 1)
    })
  }
}

function nothing(verdict: string): Finding {
  return { ok: false, verdict, steps: [], status: 0 }
}
