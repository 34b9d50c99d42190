import { joinedLegs } from './sides.ts'
import type { Branch, Call } from './state.ts'

/**
 * Calls which are over, while the leg they paid for speaks on in another call, where it was transferred: they count in
 * their limits until that leg ends.
 */
export class LastingCalls {
  /** By the call in which the leg is now. */
  readonly #byPlace = new Map<Call, Set<Call>>()

  /** Whether a call which is over counts on. */
  lasts(call: Call): boolean {
    const place = placeOfPaid(call)
    if (!place) return false
    const there = this.#byPlace.get(place) ?? new Set()
    this.#byPlace.set(place, there.add(call))
    return true
  }

  /** Something has happened in a call: those which counted on for a leg in it, and do so no longer. */
  over(place: Call): Call[] {
    const there = this.#byPlace.get(place)
    if (!there) return []
    this.#byPlace.delete(place)
    return [...there].filter((call) => !this.lasts(call))
  }
}

/** In which other call the leg is now which this one called at a provider; undefined: none left it, or it has ended. */
function placeOfPaid({ left }: Call): Call | undefined {
  const { provider } = (left?.leg ?? {}) as Partial<Branch>
  return left && provider?.provider_id ? placeOf(left) : undefined
}

function placeOf({ leg, to }: NonNullable<Call['left']>): Call | undefined {
  if (to.left?.leg === leg) return placeOf(to.left)
  const waits = to.joining?.party === leg && to.joining.state !== 'joined'
  const isThere = waits || joinedLegs(to).includes(leg)
  return isThere && to.record.endedAt === undefined ? to : undefined
}
