import type { Scope } from '#contract'
import { joinedLegs } from './sides.ts'
import type { Branch, Call } from './state.ts'

/**
 * In whose limits a call counts: the scopes of its decision, those of whom it is sent on to, and every provider which is
 * being called or speaks.
 */
export function scopesOf(call: Call): Scope[] {
  const { decision, hunts, branches } = call
  const wanted = [
    ...branches.filter(({ state }) => state !== 'over' && state !== 'abandoned'),
    ...carried(call),
  ]
  const providers = wanted.flatMap(({ provider }): Scope[] =>
    provider?.provider_id ? [{ kind: 'provider', id: provider.provider_id }] : [],
  )
  const sought = hunts.flatMap((hunt) => (hunt.state === 'over' ? [] : (hunt.decision?.scopes ?? [])))
  return [...(decision?.scopes ?? []), ...sought, ...providers]
}

/** Whether minutes of it are paid for: it goes out, or is sent out, or a leg does which came into it by a transfer. */
export function costsMinutes(call: Call): boolean {
  const sentOut = call.callee?.hunt.decision?.direction === 'outgoing'
  return (
    call.record.direction === 'outgoing' ||
    sentOut ||
    carried(call).some(({ provider }) => provider?.provider_id)
  )
}

/** Legs which another call hunted, and which speak in this one. */
function carried(call: Call): Branch[] {
  return joinedLegs(call).filter((leg): leg is Branch => 'provider' in leg && leg !== call.callee)
}
