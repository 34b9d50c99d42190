import type { Scope } from '#contract'
import { joinedLegs } from './sides.ts'
import type { Branch, Call } from './state.ts'

/** In whose limits a call counts: the scopes of its decision, and every provider which is being called or speaks. */
export function scopesOf(call: Call): Scope[] {
  const { decision, branches } = call
  const wanted = [
    ...branches.filter(({ state }) => state !== 'over' && state !== 'abandoned'),
    ...carried(call),
  ]
  const providers = wanted.flatMap(({ provider }): Scope[] =>
    provider?.provider_id ? [{ kind: 'provider', id: provider.provider_id }] : [],
  )
  return [...(decision?.scopes ?? []), ...providers]
}

/** Whether minutes of it are paid for: it goes out, or a leg does which came into it by a transfer. */
export function costsMinutes(call: Call): boolean {
  return call.record.direction === 'outgoing' || carried(call).some(({ provider }) => provider?.provider_id)
}

/** Legs which another call hunted, and which speak in this one. */
function carried(call: Call): Branch[] {
  return joinedLegs(call).filter((leg): leg is Branch => 'provider' in leg && leg !== call.callee)
}
