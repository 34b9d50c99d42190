import type { Scope } from '#contract'
import type { Call } from './state.ts'

/** In whose limits a call counts: the scopes of its decision, and every provider which is being called or has answered. */
export function scopesOf({ decision, branches }: Call): Scope[] {
  const wanted = branches.filter(({ state }) => state !== 'over' && state !== 'abandoned')
  const providers = wanted.flatMap(({ provider }): Scope[] =>
    provider?.provider_id ? [{ kind: 'provider', id: provider.provider_id }] : [],
  )
  return [...(decision?.scopes ?? []), ...providers]
}
