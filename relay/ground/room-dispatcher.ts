import type { MonotonicMs } from '#contract'
import type { Effect } from './effects.ts'

/** A room: something happens there, and this follows. */
interface RelayRoom<Event, Out> {
  /** Effects, and events for the rooms above; undefined: it is none of this room's business. */
  receive(event: Event, now: MonotonicMs): readonly (Effect | Out)[] | undefined
}

interface Named {
  readonly type: string
}

/** Which rooms hear of what, in this order. */
type Hearers<Event extends Named, Out> = {
  readonly [Name in Event['type']]: readonly RelayRoom<Extract<Event, { type: Name }>, Out>[]
}

/**
 * Brings events to the rooms which hear of them, and what these have to say to the rooms above at once to those.
 *
 * An event of `offered` is one room's business: the first's which takes it. Any other is every hearer's.
 */
export class RoomDispatcher<Event extends Named, Out extends Event> {
  readonly #hearers: Hearers<Event, Out>
  readonly #offered: ReadonlySet<Event['type']>

  constructor(hearers: Hearers<Event, Out>, offered: readonly Event['type'][]) {
    this.#hearers = hearers
    this.#offered = new Set(offered)
  }

  /** The effects of an event, in order. */
  dispatch(event: Event, now: MonotonicMs): Effect[] {
    const effects: Effect[] = []
    this.#dispatch(event, now, effects)
    return effects
  }

  #dispatch(event: Event, now: MonotonicMs, effects: Effect[]): void {
    const hearers: readonly RelayRoom<Event, Out>[] = this.#hearers[event.type as Event['type']]
    for (const room of hearers) {
      const answer = room.receive(event, now)
      if (!answer) continue
      for (const one of answer) {
        if (isEffect(one)) effects.push(one)
        else this.#dispatch(one, now, effects)
      }
      if (this.#offered.has(event.type)) return
    }
  }
}

const outwards: ReadonlySet<string> = new Set<Effect['type']>([
  'send',
  'ask',
  'tell',
  'keep',
  'discard',
  'confirmed',
  'media',
  'beat',
  'close',
  'note',
])

function isEffect<Out extends Named>(one: Effect | Out): one is Effect {
  return outwards.has(one.type)
}
