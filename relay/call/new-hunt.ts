import { none } from '../ground/none.ts'
import type { Hunt, RingRounds, SoughtTarget } from './state.ts'

/** A hunt before it is known where it leads. */
export function newHunt(parent: Hunt | undefined, sought: SoughtTarget | undefined): Hunt {
  return {
    parent,
    sought,
    state: 'deciding',
    decision: undefined,
    path: parent && sought ? pathTo(parent, sought) : none,
    contacts: none,
    unreached: none,
    lookedAgain: 'no',
    rounds: noRounds,
    waiting: [],
    rang: false,
    failures: none,
    steps: none,
    ending: undefined,
    leads: undefined,
  }
}

/** Whom it looked for was found, and nothing is repeated: lets go of who else there was. */
export function restHunt(hunt: Hunt): void {
  hunt.contacts = none
  hunt.unreached = none
  hunt.rounds = noRounds
  hunt.waiting = []
  hunt.failures = none
  hunt.steps = none
}

const noRounds: RingRounds = { contacts: none, ms: 0 }

/** A phone which sends a call on does so for its extension, which may have sent it to its phones itself. */
function pathTo({ path }: Hunt, { forwarder: { kind, name } }: SoughtTarget): readonly string[] {
  return kind === 'extension' && path.at(-1) !== name ? [...path, name] : path
}
