import type { CredentialQuestion, MonotonicMs } from '#contract'
import type { Effect } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { sourcePrefix } from '../ground/source-prefix.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { AccountReply } from '../policy/routing-events.ts'

/** Who may wait at once: calls keep room beside registrations, and places beside each other. */
const waitingAtMost = { inAll: 200, perPlace: 100 }

/**
 * Requests which wait for what the edge says of their accounts.
 *
 * Of each account there is one question under way: a request which comes meanwhile waits for its answer as well, and they hear
 * it in the order they came.
 */
export class CredentialLookups<Waiting> {
  readonly #routing: Pick<RoutingClient, 'account'>
  readonly #waitingByAccount = new Map<string, { readonly prefix: string; readonly waiting: Waiting }[]>()
  readonly #countByPrefix = new Map<string, number>()
  #count = 0

  constructor(routing: Pick<RoutingClient, 'account'>) {
    this.#routing = routing
  }

  hasRoom({ address }: Flow): boolean {
    const here = this.#countByPrefix.get(sourcePrefix(address)) ?? 0
    return this.#count < waitingAtMost.inAll && here < waitingAtMost.perPlace
  }

  /** Lets a request wait, and asks where that is not under way; or says at once why that is of no use. */
  ask(
    now: MonotonicMs,
    question: CredentialQuestion,
    { address }: Flow,
    waiting: Waiting,
  ): AccountReply | readonly Effect[] {
    const known = this.#waitingByAccount.get(keyOf(question))
    const asked = known ? [] : this.#routing.account(now, question)
    if ('why' in asked) return asked
    const prefix = sourcePrefix(address)
    this.#counts(prefix, 1)
    if (known) known.push({ prefix, waiting })
    else this.#waitingByAccount.set(keyOf(question), [{ prefix, waiting }])
    return asked
  }

  /** What waited for this question, and waits no longer. */
  answered(question: CredentialQuestion): Waiting[] {
    const all = this.#waitingByAccount.get(keyOf(question)) ?? []
    this.#waitingByAccount.delete(keyOf(question))
    for (const { prefix } of all) this.#counts(prefix, -1)
    return all.map(({ waiting }) => waiting)
  }

  #counts(prefix: string, by: 1 | -1): void {
    this.#count += by
    const here = (this.#countByPrefix.get(prefix) ?? 0) + by
    if (here > 0) this.#countByPrefix.set(prefix, here)
    else this.#countByPrefix.delete(prefix)
  }
}

function keyOf({ realm, username }: CredentialQuestion): string {
  return `${realm}\n${username}`
}
