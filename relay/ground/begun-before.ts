import type { Scope, Velocity } from '#contract'

/** Calls out of one scope whose beginning still counts in how fast they may begin, as one process tells the next. */
export interface BegunBefore {
  readonly scope: Scope
  /** null: whose it is was not said. */
  readonly customerId: string | null
  readonly velocity: Velocity
  /** When the scope was released last, as its guard said: ISO 8601; null: never. */
  readonly releasedAt: string | null
  /** How long ago, in ms, and how many then. */
  readonly begun: readonly (readonly [agoMs: number, calls: number])[]
}
