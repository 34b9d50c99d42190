import type { CredentialAnswer, CredentialQuestion } from '#contract'
import { type Flow, sourcePrefix } from '../ground/flow.ts'
import type { RoutingClient } from '../policy/routing-client.ts'

/** What the edge said of an account; undefined: nothing, and why. */
type OnCredential = (now: number, answer: CredentialAnswer | undefined, why: string) => void

/** Who may wait at once: calls keep room beside registrations, and places beside each other. */
const waitingAtMost = { inAll: 200, perPlace: 100 }

/**
 * Requests which wait for what the edge says of their accounts.
 *
 * Of each account there is one question under way: whoever comes meanwhile waits for its answer as well, and they hear
 * it in the order they came.
 */
export class CredentialLookups {
  readonly #routing: Pick<RoutingClient, 'account'>
  readonly #waitingByAccount = new Map<string, { readonly place: string; readonly heard: OnCredential }[]>()
  readonly #countByPlace = new Map<string, number>()
  #count = 0

  constructor(routing: Pick<RoutingClient, 'account'>) {
    this.#routing = routing
  }

  hasRoom({ address }: Flow): boolean {
    const here = this.#countByPlace.get(sourcePrefix(address)) ?? 0
    return this.#count < waitingAtMost.inAll && here < waitingAtMost.perPlace
  }

  ask(now: number, question: CredentialQuestion, { address }: Flow, then: OnCredential): void {
    const place = sourcePrefix(address)
    this.#counts(place, 1)
    const account = `${question.realm}\n${question.username}`
    const waiting = this.#waitingByAccount.get(account)
    if (waiting) return void waiting.push({ place, heard: then })
    this.#waitingByAccount.set(account, [{ place, heard: then }])
    this.#routing.account(now, question, (later, answer, why) => {
      const all = this.#waitingByAccount.get(account) ?? []
      this.#waitingByAccount.delete(account)
      for (const { place } of all) this.#counts(place, -1)
      const said = answer?.ask === 'credential' ? answer.answer : undefined
      for (const { heard } of all) heard(later, said, why)
    })
  }

  #counts(place: string, by: 1 | -1): void {
    this.#count += by
    const here = (this.#countByPlace.get(place) ?? 0) + by
    if (here > 0) this.#countByPlace.set(place, here)
    else this.#countByPlace.delete(place)
  }
}
