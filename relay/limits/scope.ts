import type { Caps, Scope } from '#contract'

/** Somebody with limits, as the configuration says. */
export interface Limited {
  readonly customerId: string
  readonly name: string
  readonly caps: Caps
}

/** Looks up whose limits a scope is; undefined: nothing is known of it here. */
export type LimitsOf = (scope: Scope) => Limited | undefined

/** A scope as the key of a map. */
export function keyOf({ kind, id }: Scope): string {
  return `${kind}:${id}`
}
