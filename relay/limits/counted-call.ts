import type { Scope } from '#contract'
import { none } from '../ground/none.ts'
import type { ScopeUsage } from './scope-usage.ts'

/** One scope in which a call counts, or counted. */
export interface CountedScope {
  usage: ScopeUsage
  /** Places it has there; 0: it counts there no more. */
  places: number
  legs: readonly number[]
  /** The leg which began as the call itself did; undefined: none. */
  firstLeg: number | undefined
  /** It costs minutes there. */
  costs: boolean
}

/** One call which goes on. */
export interface CountedCall {
  readonly customerId: string
  /** Those it has left, too. */
  scopes: readonly CountedScope[]
  answered: boolean
}

/** The scopes in which a call counts. */
export function scopesHeld({ scopes }: CountedCall): CountedScope[] {
  return scopes.filter(({ places }) => places > 0)
}

/** The place of a call in a scope; undefined: it has none. */
export function placeIn(call: CountedCall | undefined, scope: Scope): CountedScope | undefined {
  const known = knownIn(call, scope)
  return known && known.places > 0 ? known : undefined
}

/** The same, or the place it had there; undefined: it never had one. */
export function knownIn(call: CountedCall | undefined, scope: Scope): CountedScope | undefined {
  return call?.scopes.find(({ usage }) => isSame(usage.scope, scope))
}

/** A call is to count in a scope in which it does not. */
export function enter(call: CountedCall, usage: ScopeUsage): CountedScope {
  const known = knownIn(call, usage.scope)
  if (known) known.usage = usage
  const counted = known ?? { usage, places: 0, legs: none, firstLeg: undefined, costs: false }
  if (!known) call.scopes = call.scopes.concat(counted)
  return counted
}

/** Under which name a beginning counts in calls per second: the first leg in a scope is the call itself. */
export function begunAs(counted: CountedScope, callId: string, leg: number | undefined): string {
  if (leg === undefined) return callId
  counted.firstLeg ??= leg
  return counted.firstLeg === leg ? callId : `${callId} ${leg}`
}

/** Whether two name one and the same. */
export function isSame(a: Scope, b: Scope): boolean {
  return a.id === b.id && a.kind === b.kind
}
