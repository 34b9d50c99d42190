/**
 * A state machine as a table, to be laid beside the figure it was drawn from.
 *
 * A row is a state, a column an event. A cell takes the event and the machine's memory, and says
 * where to go and what to do. A missing cell means: stay, do nothing.
 */
export type Table<State extends string, Events, Memory, Effect> = {
  readonly [S in State]: {
    readonly [E in keyof Events]?: (event: Events[E], memory: Memory) => Turn<State, Effect>
  }
}

/** One step: the next state (absent: the same one) and what is ordered on the way. */
export interface Turn<State extends string, Effect> {
  to?: State
  effects: Effect[]
}

/** A running machine: which row it stands in, and what it remembers. */
export interface Machine<State extends string, Memory> {
  state: State
  readonly memory: Memory
}

/** Takes one step of `machine` and returns what is to be done. */
export function turn<State extends string, Events, Memory, Effect, E extends keyof Events>(
  table: Table<State, Events, Memory, Effect>,
  machine: Machine<State, Memory>,
  name: E,
  event: Events[E],
): Effect[] {
  const cell = table[machine.state][name]
  if (cell === undefined) return []
  const { to, effects } = cell(event, machine.memory)
  if (to !== undefined) machine.state = to
  return effects
}
