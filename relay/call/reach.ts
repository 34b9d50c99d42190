import type { MonotonicMs, TargetQuestion } from '#contract'
import { wholeUtcAt } from '../ground/clock.ts'
import type { Neighbours } from '../registrar/neighbours.ts'
import type { Contact, Registrar } from '../registrar/registrar.ts'
import { type SipEndpoint, sipUri } from '../ua/endpoint.ts'
import type { Reachable } from './call-events.ts'
import { questionOf, type RegisteredTarget } from './registered-target.ts'

/*
 * Where a callee can be rung: at its phones which registered here, and through the relays of the fleet where it has others.
 */

interface ReachDeps {
  readonly endpoint: SipEndpoint
  readonly registrar: Pick<Registrar, 'contacts'>
  readonly neighbours: Pick<Neighbours, 'any' | 'edgeAway' | 'elsewhere' | 'placeOf'>
}

/** Looks where callees are. */
export class CalleeFinder {
  readonly #deps: ReachDeps

  constructor(deps: ReachDeps) {
    this.#deps = deps
  }

  /** What has to be asked before it is known where to ring; undefined: something is known, be it old, or there is no other relay. */
  first(now: MonotonicMs, target: RegisteredTarget): TargetQuestion | undefined {
    const { neighbours } = this.#deps
    if (!neighbours.any || neighbours.elsewhere(now, target.id)) return undefined
    return this.#here(now, target).length > 0 ? undefined : questionOf(target)
  }

  /** What is asked while it rings already; undefined: it was just now, or the edge is away, which is asked no more than it must be. */
  meanwhile(now: MonotonicMs, target: RegisteredTarget): TargetQuestion | undefined {
    const { neighbours } = this.#deps
    return neighbours.any && !neighbours.edgeAway && !neighbours.elsewhere(now, target.id)?.fresh
      ? questionOf(target)
      : undefined
  }

  /** Where it can be rung, as far as is known. `handedOn`: another relay rings it here, and it is handed to no third. */
  of(now: MonotonicMs, target: RegisteredTarget, handedOn = false): Reachable {
    const here = this.#here(now, target)
    if (handedOn) return { contacts: here, unreached: [] }
    const places = this.#deps.neighbours.elsewhere(now, target.id)?.places ?? []
    const there = places.map((place) => ({ ...place, flow: this.#deps.neighbours.placeOf(place.relayId) }))
    const contacts = there.flatMap(({ relayId: relay, q, flow }): Contact[] =>
      flow ? [{ ...atRelay, requestUri: sipUri(target.user, target.realm), q, flow, relay }] : [],
    )
    const unreached = there.flatMap(({ relayId, flow }) => (flow ? [] : relayId))
    return { contacts: [...here, ...contacts], unreached }
  }

  #here(now: MonotonicMs, { customerId, id }: RegisteredTarget): Contact[] {
    const { registrar, endpoint } = this.#deps
    return registrar.contacts(customerId, id, wholeUtcAt(endpoint, now))
  }
}

/** That relay knows the rest. */
const atRelay = { bindingId: '', path: [], userAgent: '' }
