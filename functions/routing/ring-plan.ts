import type { Forwarder, PlannedRing, RingDestination, RingPlan, RingStep } from '#contract'

/** A list of destinations as a relay rings them: one without `when` rings together with the one before it. */
export function planOf(
  destinations: readonly RingDestination[],
  forwarder: Forwarder,
  called: string,
): RingPlan {
  const steps: RingStep[] = []
  for (const { type, target, ring_seconds, delay_seconds, when } of destinations) {
    const ring_ms = ring_seconds === null ? null : ring_seconds * 1000
    const one = { type, target, ring_ms, delay_ms: delay_seconds * 1000 }
    const step = when.length === 0 ? steps.at(-1) : undefined
    if (step) step.targets.push(one)
    else steps.push({ when: [...when], targets: [one] })
  }
  return { forwarder, called, steps }
}

/** The same for a person, nothing of it decided yet. */
export function plannedRings(destinations: readonly RingDestination[], { name }: Forwarder): PlannedRing[] {
  let step = 0
  return destinations.map((destination, at) => {
    if (at === 0 || destination.when.length > 0) step += 1
    return { ...destination, by: name, step, ...undecided }
  })
}

const undecided = {
  outcome: null,
  status: null,
  reason: null,
  message: '',
  caller_id: null,
  limits: [],
  candidates: [],
}
