import { type PlannedRing, plannedRing, type RouteDecision } from '#contract'
import { plannedAs } from '#routing'
import type { Cause } from './reason.ts'
import type { Call, Hunt, SoughtTarget } from './state.ts'

/*
 * What the record says of the destinations of a call which is sent on.
 */

/** The record says of each destination what was decided, and whom it sends the call on to. */
export function noteDecided(call: Call, { sought }: Hunt, decision: RouteDecision): void {
  if (!sought) return
  note(call, sought, (planned) => [plannedAs(planned, decision), ...(decision.explanation?.plan ?? [])])
}

/** The record says of one which is not called any more that a call has no more hunts than so many. */
export function noteLeftOut(call: Call, sought: SoughtTarget, { reason, message }: Cause): void {
  note(call, sought, (planned) => [{ ...planned, outcome: 'reject', status: 483, reason, message }])
}

function note(
  { record }: Call,
  sought: SoughtTarget,
  become: (planned: PlannedRing) => readonly PlannedRing[],
): void {
  if (!record.decision) return
  const { plan } = record.decision
  const at = plan.findIndex((one) => isOf(one, sought))
  const place = at === -1 ? plan.length : at
  const changed = become(plan[at] ?? redirected(sought))
  record.decision = { ...record.decision, plan: plan.toSpliced(place, 1, ...changed) }
}

function isOf({ by, type, target, step, outcome }: PlannedRing, sought: SoughtTarget): boolean {
  const same = type === sought.type && target === sought.target && step === sought.step + 1
  return outcome === null && by === sought.forwarder.name && same
}

/** A phone's own word, which stands in no list. */
function redirected({ forwarder, target, host }: SoughtTarget): PlannedRing {
  const uri = host === '' ? `tel:${target}` : `sip:${target}@${host}`
  return plannedRing.parse({ type: 'sip', target: uri, by: forwarder.name, step: 1 })
}
