import { type Consideration, type Limit, type PlannedRing, plannedRing, type RouteDecision } from '#contract'
import { plannedAs } from '#routing'
import { explained } from '../limits/admit-call.ts'
import type { Cause } from './reason.ts'
import type { Call, CalledPeer, Hunt, SoughtTarget } from './state.ts'

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

/** Why a candidate is not called though it was kept, and the limits which were looked at. */
interface SkippedCandidate {
  readonly code: string
  readonly why: string
  readonly looked?: readonly Limit[]
}

/** The record says of a provider which is passed over why it is: where the hunt's decision is told, the call's own or a destination's. */
export function noteSkipped(
  { record }: Call,
  { parent, sought }: Hunt,
  { provider_id }: CalledPeer,
  skipped: SkippedCandidate,
): void {
  const { decision } = record
  if (!decision) return
  const isKept = (one: Consideration) => one.kept && one.provider_id === provider_id
  const become = <Told extends ToldCandidates>(told: Told) => withSkipped(told, isKept, skipped)
  if (!parent || !sought) {
    record.decision = become(decision)
    return
  }
  const named = sought.type === 'redirect' ? redirected(sought) : sought
  const at = decision.plan.findIndex(
    ({ by, type, target, step, candidates }) =>
      by === sought.forwarder.name &&
      type === named.type &&
      target === named.target &&
      step === (sought.type === 'redirect' ? 1 : sought.step + 1) &&
      candidates.some(isKept),
  )
  const ring = decision.plan[at]
  if (ring) record.decision = { ...decision, plan: decision.plan.with(at, become(ring)) }
}

interface ToldCandidates {
  readonly candidates: readonly Consideration[]
  readonly limits: readonly Limit[]
}

function withSkipped<Told extends ToldCandidates>(
  told: Told,
  isIt: (one: Consideration) => boolean,
  { code, why, looked = [] }: SkippedCandidate,
): Told {
  const which = told.candidates.findIndex(isIt)
  const skipped = { kept: false, order: null, code, why, dialled: null, policy: null }
  const candidates = told.candidates.map((one, at) => (at === which ? { ...one, ...skipped } : one))
  return explained({ ...told, candidates }, looked)
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
