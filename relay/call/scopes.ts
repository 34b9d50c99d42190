import type { Scope, UtcMs } from '#contract'
import type { Call } from './state.ts'

interface CallPlace {
  readonly scope: Scope
  readonly leg: number | undefined
}

/**
 * In whose limits a call counts: the scopes of its decision, those of whom it is sent on to, and every provider which is
 * being called or speaks. Each hunt of it which goes out counts by its number, so that none is free beside another. A leg
 * which came into it by a transfer counts in the call which it comes from (LastingCalls).
 */
export function placesOf({ decision, hunts, branches }: Call): CallPlace[] {
  const places: CallPlace[] = []
  if (decision) for (const scope of decision.scopes) places.push({ scope, leg: undefined })
  hunts.forEach((hunt, at) => {
    // The call's own are there already.
    if (hunt.state === 'over' || !hunt.decision || (!hunt.parent && hunt.decision === decision)) return
    const leg = hunt.parent && hunt.decision.targets.kind === 'providers' ? at : undefined
    for (const scope of hunt.decision.scopes) places.push({ scope, leg })
  })
  for (const { state, provider, hunt } of branches) {
    if (state === 'over' || state === 'abandoned' || !provider?.provider_id) continue
    places.push({ scope: { kind: 'provider', id: provider.provider_id }, leg: hunts.indexOf(hunt) })
  }
  return places
}

/** UTC ms from which on its minutes are paid for: a flow's, from when its callee has answered; undefined: none has. */
export function minutesFrom({ flow, made, record }: Call): UtcMs | undefined {
  const first = made?.run.kind === 'flow' && record.direction === 'outgoing'
  return flow && !first ? flow.connectedAt : record.answeredAt
}

/** Whether minutes of it are paid for: it goes out, or is sent out. */
export function costsMinutes({ record, callee }: Call): boolean {
  return record.direction === 'outgoing' || callee?.hunt.decision?.direction === 'outgoing'
}
