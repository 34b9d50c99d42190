import type { ConnectDecision, RouteDecision } from '#contract'
import { rungAccount } from '#routing'
import { AccountWays } from './account-ways.ts'
import type { Call, Hunt } from './state.ts'

/** So many calls from the phone network which called the same number may be sent on to the same number at once. */
const togetherAtMost = 10

/**
 * Calls which came from the phone network and go back there, and calls of accounts which lead back to them, at once or by
 * others. Carriers and PBXs may strip what tells of a circle, in which each round is a call of its own: all of them are sent
 * on from one number to one other, or are on the ways between some accounts.
 */
export class SentOutside {
  /** Ids of calls, by customer, number called and number they are sent on to. */
  readonly #going = new Map<string, Set<string>>()
  readonly #ways = new Map<string, Set<string>>()
  readonly #inside = new AccountWays()

  /** The decision where a hunt leads, or a refusal where too many calls have gone that way. */
  screen(call: Call, { sought }: Hunt, decision: RouteDecision): RouteDecision {
    if (!sought || decision.kind !== 'connect') return decision
    const { direction, customerId, trunkId, extensionId } = call.record
    if (direction === 'internal') return this.#back(call, trunkId ?? extensionId, decision)
    if (decision.targets.kind !== 'providers' || direction !== 'incoming') return decision
    const { target } = decision.destination
    const way = [customerId, sought.called, target].join(' ')
    return this.#counted(call, way, decision, `to ${sought.called} are sent on to ${target}`)
  }

  /** Likewise where a call leads at once. */
  screenFirst(call: Call, decision: RouteDecision): RouteDecision {
    // Whom a transfer names is its decision's account, and is called by no party.
    if (call.joining || decision.kind !== 'connect' || decision.direction !== 'internal') return decision
    return this.#back(call, decision.trunk_id ?? decision.extension_id, decision)
  }

  #back(call: Call, account: string | null, decision: ConnectDecision): RouteDecision {
    const called = rungAccount(decision)
    if (call.made || account === null || called === undefined) return decision
    const going = this.#inside.take(call.id, account, called)
    if (going === undefined) return decision
    const where = account === called ? 'to it' : 'to the one it calls, and as many from there back to it,'
    return circular(decision, `${going} calls of this account ${where} go on already`)
  }

  #counted(call: Call, way: string, decision: ConnectDecision, where: string): RouteDecision {
    const going = this.#going.get(way) ?? new Set()
    if (going.size >= togetherAtMost && !going.has(call.id))
      return circular(decision, `${togetherAtMost} calls ${where} already`)
    this.#going.set(way, going.add(call.id))
    this.#ways.set(call.id, (this.#ways.get(call.id) ?? new Set()).add(way))
    return decision
  }

  /** A call is over. */
  free({ id }: Call): void {
    for (const way of this.#ways.get(id) ?? []) {
      const going = this.#going.get(way)
      if (going?.delete(id) && going.size === 0) this.#going.delete(way)
    }
    this.#ways.delete(id)
    this.#inside.free(id)
  }
}

/** `many`: how many calls go on where. */
function circular(decision: ConnectDecision, many: string): RouteDecision {
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id, explanation } =
    decision
  const [status, reason] = [482, 'LOOP_DETECTED']
  const message = `${many}: they go round in a circle, or too many go there.`
  const why = explanation && { ...explanation, outcome: 'reject' as const, status, reason, message }
  const known = { customer_id, direction, source, destination, scopes, extension_id, trunk_id }
  return { kind: 'reject', status, reason, message, ...known, explanation: why }
}
