import type { Resource, Scope, SliceHeld } from '#contract'

/** Which limit: a scope's channels or calls a second. */
export type LimitKey = string

/** A limit which relays share; null: there is none. */
export interface KnownLimit {
  readonly scope: Scope
  readonly resource: Resource
  readonly limit: number | null
}

/** How a limit is called here. */
export function keyOf({ scope: { kind, id }, resource }: Pick<SliceHeld, 'scope' | 'resource'>): LimitKey {
  return `${kind} ${id} ${resource}`
}

/** The limit of that name. */
export function nameOf(key: LimitKey): Pick<KnownLimit, 'scope' | 'resource'> {
  const [kind, id = '', resource] = key.split(' ')
  return { scope: { kind: kind as Scope['kind'], id }, resource: resource as Resource }
}
