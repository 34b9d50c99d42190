import type { ConnectDecision, RouteDecision } from '#contract'
import type { Call, Hunt } from './state.ts'

/** So many calls from the phone network which called the same number may be sent on to the same number at once. */
const togetherAtMost = 10

/**
 * Calls which came from the phone network and go back there. Carriers may strip what tells of a circle, in which each
 * round is a call of its own: all of them are sent on from one number to one other.
 */
export class SentOutside {
  /** Ids of calls, by customer, number called and number they are sent on to. */
  readonly #going = new Map<string, Set<string>>()
  readonly #ways = new Map<string, Set<string>>()

  /** The decision where a hunt leads, or a refusal where too many calls have gone that way. */
  screen(call: Call, { sought }: Hunt, decision: RouteDecision): RouteDecision {
    if (
      !sought ||
      decision.kind !== 'connect' ||
      decision.targets.kind !== 'providers' ||
      call.record.direction !== 'incoming'
    )
      return decision
    const way = [call.record.customerId, sought.called, decision.destination.target].join(' ')
    const going = this.#going.get(way) ?? new Set()
    if (going.size >= togetherAtMost && !going.has(call.id)) return circular(decision, sought.called)
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
  }
}

function circular(decision: ConnectDecision, called: string): RouteDecision {
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id, explanation } =
    decision
  const [status, reason] = [482, 'LOOP_DETECTED']
  const message = `${togetherAtMost} calls to ${called} are sent on to ${destination.target} already: they go round in a circle, or too many go there.`
  const why = explanation && { ...explanation, outcome: 'reject' as const, status, reason, message }
  const known = { customer_id, direction, source, destination, scopes, extension_id, trunk_id }
  return { kind: 'reject', status, reason, message, ...known, explanation: why }
}
