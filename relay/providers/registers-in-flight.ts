import type { MonotonicMs, ProviderFacts } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { DigestAccount } from '../sip/authorization.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { OutOfDialogRequests, RequestInFlight, RequestOver } from '../ua/out-of-dialog.ts'
import type { AssignedRegistration } from './assigned-registration.ts'
import { accountOf, targetOf } from './options.ts'
import { type RegisterAnswer, registerAnswer } from './register-answer.ts'
import { registerFor } from './register-request.ts'

/** What REGISTERs are sent with. */
interface RegistersDeps {
  readonly endpoint: SipEndpoint
  readonly outOfDialog: OutOfDialogRequests
}

/* Implementation */
/** One address may be silent so long: a second one is then heard within the time a hand-over may take. */
const timeoutMs = 4_000

interface AskedRegistration {
  readonly held: AssignedRegistration
  readonly facts: ProviderFacts
  /** Seconds. */
  readonly wanted: number
}

/** REGISTERs under way: those which ask for a registration, one for each, and those which take a contact back. */
export class RegistersInFlight {
  readonly #deps: RegistersDeps
  readonly #asked = new Map<RequestInFlight, AskedRegistration>()
  readonly #leaving = new Set<RequestInFlight>()

  constructor(deps: RegistersDeps) {
    this.#deps = deps
  }

  /** Contacts which are being taken back. */
  get leaving(): number {
    return this.#leaving.size
  }

  /** Asks for so many seconds, at the address first which granted it last. */
  ask(
    now: MonotonicMs,
    held: AssignedRegistration,
    facts: ProviderFacts,
    credentials: DigestAccount,
    wanted: number,
  ): void {
    const { outOfDialog, endpoint } = this.#deps
    held.inFlight = outOfDialog.run(now, {
      target: targetOf(facts),
      first: held.at,
      timeoutMs,
      credentials,
      every: 0,
      build: registerFor(facts, endpoint, held.series, wanted),
    })
    this.#asked.set(held.inFlight, { held, facts, wanted })
  }

  /** Takes our contact back where it stands. */
  takeBack(now: MonotonicMs, held: AssignedRegistration, facts: ProviderFacts, at: Flow): void {
    const { outOfDialog, endpoint } = this.#deps
    const request = outOfDialog.run(now, {
      target: targetOf(facts),
      at,
      timeoutMs,
      credentials: accountOf(facts),
      every: 0,
      build: registerFor(facts, endpoint, held.series, 0),
    })
    this.#leaving.add(request)
  }

  /** Nothing more is heard of what a registration asks, if it asks anything. */
  giveUp(now: MonotonicMs, held: AssignedRegistration): void {
    if (!held.inFlight) return
    this.#asked.delete(held.inFlight)
    this.#deps.outOfDialog.abandon(now, held.inFlight)
    held.inFlight = undefined
  }

  /** A request is over: what it means for which registration; undefined: it is no REGISTER of ours. */
  over(
    now: MonotonicMs,
    { request, outcome }: RequestOver,
  ): { held: AssignedRegistration; answer: RegisterAnswer } | 'taken back' | undefined {
    const asked = this.#asked.get(request)
    this.#asked.delete(request)
    if (!asked) return this.#leaving.delete(request) ? 'taken back' : undefined
    const { held, facts, wanted } = asked
    held.inFlight = undefined
    return { held, answer: registerAnswer(now, facts, wanted, outcome, this.#deps.endpoint) }
  }
}
