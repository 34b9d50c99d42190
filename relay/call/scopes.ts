import type { Scope } from '#contract'
import type { Call } from './state.ts'

/**
 * In whose limits a call counts: the scopes of its decision, those of whom it is sent on to, and every provider which is
 * being called or speaks. A leg which came into it by a transfer counts in the call which it comes from (LastingCalls).
 */
export function scopesOf({ decision, hunts, branches }: Call): Scope[] {
  const wanted = branches.filter(({ state }) => state !== 'over' && state !== 'abandoned')
  const providers = wanted.flatMap(({ provider }): Scope[] =>
    provider?.provider_id ? [{ kind: 'provider', id: provider.provider_id }] : [],
  )
  const sought = hunts.flatMap((hunt) => (hunt.state === 'over' ? [] : (hunt.decision?.scopes ?? [])))
  return [...(decision?.scopes ?? []), ...sought, ...providers]
}

/** Whether minutes of it are paid for: it goes out, or is sent out. */
export function costsMinutes({ record, callee }: Call): boolean {
  return record.direction === 'outgoing' || callee?.hunt.decision?.direction === 'outgoing'
}
