import type { ConnectDecision, PlannedRing, RouteDecision, RouteQuestion } from '#contract'
import { pathWith, plannedAs, planQuestion } from '#routing'

type Decide = (question: RouteQuestion) => Promise<RouteDecision>

/** More destinations than these are listed, and not decided: each is a question of its own. */
const DECIDED = 32

/**
 * Decides every destination of a plan, and of the plans to which those lead: what a call asks when it comes to each of
 * them. Destinations to which one sends the call on follow it in the list.
 */
export async function fillIn(
  plan: PlannedRing[],
  question: RouteQuestion,
  decision: ConnectDecision,
  decide: Decide,
): Promise<void> {
  const { caller_id: caller, customer_id } = decision
  const { diverting } = question.from
  const call = { callId: question.call_id, customerId: customer_id ?? '', caller, diverting }
  const room = { left: DECIDED }
  plan.splice(0, plan.length, ...(await decidedPlan(plan, decision, [], { call, room, decide })))
}

interface Filling {
  readonly call: Omit<Parameters<typeof planQuestion>[0], 'path'>
  readonly room: { left: number }
  readonly decide: Decide
}

async function decidedPlan(
  plan: readonly PlannedRing[],
  { targets }: ConnectDecision,
  before: readonly string[],
  filling: Filling,
): Promise<PlannedRing[]> {
  if (targets.kind !== 'plan') return [...plan]
  const path = pathWith(before, targets.plan.forwarder)
  const { call, room, decide } = filling
  const filled = plan.map(async (planned) => {
    if (room.left === 0) return [planned]
    room.left -= 1
    const to = { type: planned.type, user: planned.target, host: '' }
    const decision = await decide(planQuestion({ ...call, path }, targets.plan, to))
    const said = plannedAs(planned, decision)
    if (decision.kind !== 'connect' || !decision.explanation) return [said]
    return [said, ...(await decidedPlan(decision.explanation.plan, decision, path, filling))]
  })
  return (await Promise.all(filled)).flat()
}
