import type { MonotonicMs, Neighbour, TargetAnswer } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Input } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'

/** A relay of the fleet where an extension or PBX has phones, and the highest preference of those. */
export interface Elsewhere {
  readonly relayId: string
  readonly q: number
}

interface Remembered {
  /** Until when the edge is not asked again (monotonic ms). */
  freshUntil: number
  readonly until: number
  readonly places: readonly Elsewhere[]
}

/** Where an extension or PBX has phones beside here; `fresh`: it was heard just now. */
interface HeardElsewhere {
  readonly places: readonly Elsewhere[]
  readonly fresh: boolean
}

/* Implementation */
/** How long an answer is not asked for again, ms, and how long calls go by it while it is. */
const freshMs = 250
const believedMs = 600_000
const rememberedAtMost = 20_000

/** The other relays of the fleet, as beats name them, and what was heard of where phones are beside here. */
export class Neighbours {
  readonly #relayId: string
  #byId = new Map<string, Neighbour>()
  #elsewhere = new BoundedMap<string, Remembered>(rememberedAtMost)
  #edgeAway = false

  constructor({ relayId }: { readonly relayId: string }) {
    this.#relayId = relayId
  }

  /** Whether there are any: where there are none, phones are nowhere else. */
  get any(): boolean {
    return this.#byId.size > 0
  }

  /** An edge which is older says nothing, and what it said before it was rolled back goes on. */
  receive(event: Extract<Input, { type: 'beat' | 'news' | 'unbeaten' }>): never[] {
    this.#edgeAway = event.type === 'unbeaten' && event.away
    if (event.type === 'unbeaten') return []
    const { neighbours } = event.type === 'beat' ? event.answer : event.news
    if (neighbours === undefined) return []
    const before = this.#byId
    this.#byId = new Map(neighbours.map((one) => [one.relay_id, one]))
    const same = before.size === this.#byId.size && neighbours.every(({ relay_id: id }) => before.has(id))
    if (!same) this.#elsewhere = new BoundedMap(rememberedAtMost)
    return []
  }

  /** The living relay which shows a certificate of this fingerprint; undefined: it is none's. */
  named(fingerprint: string): string | undefined {
    for (const [id, one] of this.#byId) if (one.fingerprint === fingerprint) return id
    return undefined
  }

  /** Whether the edge, as far as is known, would not say where phones are. */
  get edgeAway(): boolean {
    return this.#edgeAway
  }

  /** Whether a relay lives, as far as is known. */
  has(relayId: string): boolean {
    return this.#byId.has(relayId)
  }

  /** Where a relay is reached, over which it proves to be that; undefined: it lives no longer, or does not say. */
  placeOf(relayId: string): Flow | undefined {
    const found = this.#byId.get(relayId)
    if (!found) return undefined
    const { address, port, fingerprint } = found
    return {
      transport: 'tls',
      address,
      port,
      tls: { name: address, verify: 'fingerprint', fingerprint },
      neighbour: relayId,
    }
  }

  /** Where else an extension or PBX has phones, as was heard last; undefined: nothing was. */
  elsewhere(now: MonotonicMs, id: string): HeardElsewhere | undefined {
    const found = this.#elsewhere.get(id)
    return found && found.until > now ? { places: found.places, fresh: found.freshUntil > now } : undefined
  }

  /** The edge says where it has phones; undefined: it does not say, and what it said before goes on. */
  heard(now: MonotonicMs, id: string, answer: TargetAnswer | undefined): void {
    const freshUntil = now + freshMs
    const before = this.#elsewhere.get(id)
    if (!answer && before && before.until > now) {
      before.freshUntil = freshUntil
      return
    }
    const others = answer?.at.filter((one) => one.id === id && one.relay_id !== this.#relayId) ?? []
    const places = others.map(({ relay_id: relayId, q }): Elsewhere => ({ relayId, q }))
    this.#elsewhere.set(id, { freshUntil, until: answer ? now + believedMs : freshUntil, places })
  }
}
