import type { CredentialAnswer, CredentialQuestion, MonotonicMs } from '#contract'
import { type Flow, sourcePrefix } from '../ground/flow.ts'
import type { RoutingClient } from '../policy/routing-client.ts'

/** What the edge said of an account; undefined: nothing, and why. */
type OnCredential = (now: MonotonicMs, answer: CredentialAnswer | undefined, why: string) => void

/** Who may wait at once: calls keep room beside registrations, and places beside each other. */
const waitingAtMost = { inAll: 200, perPlace: 100 }

/**
 * Requests which wait for what the edge says of their accounts.
 *
 * Of each account there is one question under way: a request which comes meanwhile waits for its answer as well, and they hear
 * it in the order they came.
 */
export class CredentialLookups {
  readonly #routing: Pick<RoutingClient, 'account'>
  readonly #waitingByAccount = new Map<string, { readonly prefix: string; readonly heard: OnCredential }[]>()
  readonly #countByPrefix = new Map<string, number>()
  #count = 0

  constructor(routing: Pick<RoutingClient, 'account'>) {
    this.#routing = routing
  }

  hasRoom({ address }: Flow): boolean {
    const here = this.#countByPrefix.get(sourcePrefix(address)) ?? 0
    return this.#count < waitingAtMost.inAll && here < waitingAtMost.perPlace
  }

  ask(now: MonotonicMs, question: CredentialQuestion, { address }: Flow, then: OnCredential): void {
    const prefix = sourcePrefix(address)
    this.#counts(prefix, 1)
    const account = `${question.realm}\n${question.username}`
    const waiting = this.#waitingByAccount.get(account)
    if (waiting) return void waiting.push({ prefix, heard: then })
    this.#waitingByAccount.set(account, [{ prefix, heard: then }])
    this.#routing.account(now, question, (later, answer, why) => {
      const all = this.#waitingByAccount.get(account) ?? []
      this.#waitingByAccount.delete(account)
      for (const { prefix } of all) this.#counts(prefix, -1)
      const said = answer?.ask === 'credential' ? answer.answer : undefined
      for (const { heard } of all) heard(later, said, why)
    })
  }

  #counts(prefix: string, by: 1 | -1): void {
    this.#count += by
    const here = (this.#countByPrefix.get(prefix) ?? 0) + by
    if (here > 0) this.#countByPrefix.set(prefix, here)
    else this.#countByPrefix.delete(prefix)
  }
}
