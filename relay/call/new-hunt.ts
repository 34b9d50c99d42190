import type { Hunt, SoughtTarget } from './state.ts'

/** A hunt before it is known where it leads. */
export function newHunt(parent: Hunt | undefined, sought: SoughtTarget | undefined): Hunt {
  return {
    parent,
    sought,
    state: 'deciding',
    decision: undefined,
    path: parent && sought ? pathTo(parent, sought) : [],
    contacts: [],
    unreached: [],
    lookedAgain: 'no',
    rounds: { contacts: [], ms: 0 },
    waiting: [],
    rang: false,
    failures: [],
    steps: [],
    ending: undefined,
    leads: undefined,
  }
}

/** A phone which sends a call on does so for its extension, which may have sent it to its phones itself. */
function pathTo({ path }: Hunt, { forwarder: { kind, name } }: SoughtTarget): readonly string[] {
  return kind === 'extension' && path.at(-1) !== name ? [...path, name] : path
}
