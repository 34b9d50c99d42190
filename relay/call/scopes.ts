import type { Scope } from '#contract'
import type { Call } from './state.ts'

/**
 * In whose limits a call counts: the scopes of its decision, those of whom it is sent on to, and every provider which is
 * being called or speaks. Each hunt of it which goes out counts by its number, so that none is free beside another. A leg
 * which came into it by a transfer counts in the call which it comes from (LastingCalls).
 */
export function placesOf({
  decision,
  hunts,
  branches,
}: Call): { readonly scope: Scope; readonly leg?: number | undefined }[] {
  const wanted = branches.filter(({ state }) => state !== 'over' && state !== 'abandoned')
  const providers = wanted.flatMap(({ provider, hunt }) =>
    provider?.provider_id
      ? [{ scope: { kind: 'provider', id: provider.provider_id } as const, leg: hunts.indexOf(hunt) }]
      : [],
  )
  const sought = hunts.flatMap((hunt, at) => {
    if (hunt.state === 'over' || !hunt.decision) return []
    const leg = hunt.parent && hunt.decision.targets.kind === 'providers' ? at : undefined
    return hunt.decision.scopes.map((scope) => ({ scope, leg }))
  })
  return [...(decision?.scopes ?? []).map((scope) => ({ scope })), ...sought, ...providers]
}

/** Whether minutes of it are paid for: it goes out, or is sent out. */
export function costsMinutes({ record, callee }: Call): boolean {
  return record.direction === 'outgoing' || callee?.hunt.decision?.direction === 'outgoing'
}
