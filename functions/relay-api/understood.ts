import { protocolOfFlowInList, protocolOfKind, type RejectDecision, type RouteDecision } from '#contract'

/** A decision, or, to a relay which could not read it, a refusal which says so in words that it can. */
export function understood(decision: RouteDecision, protocol: number): RouteDecision {
  const needed = protocolOfKind[decision.kind] ?? 1
  if (protocol < needed) return tooOld(decision, protocol, needed)
  return protocol < protocolOfFlowInList ? withoutFlows(decision, protocol) : decision
}

/** A list without the flow at its end: those before it ring all the same. */
function withoutFlows(decision: RouteDecision, protocol: number): RouteDecision {
  if (decision.kind !== 'connect' || decision.targets.kind !== 'plan') return decision
  const { plan } = decision.targets
  const steps = plan.steps.filter(({ targets }) => targets.every(({ type }) => type !== 'flow'))
  if (steps.length === plan.steps.length) return decision
  if (steps.length === 0) return tooOld(decision, protocol, protocolOfFlowInList)
  const { explanation } = decision
  const listed = explanation && {
    ...explanation,
    plan: explanation.plan.filter(({ type }) => type !== 'flow'),
  }
  return { ...decision, targets: { kind: 'plan', plan: { ...plan, steps } }, explanation: listed }
}

/** What a relay says it understands; 1: it says nothing, or nothing which can be read. */
export function protocolIn(header: string | undefined): number {
  return /^\d{1,6}$/.test(header ?? '') ? Number(header) : 1
}

function tooOld(decision: RouteDecision, protocol: number, needed: number): RejectDecision {
  const { customer_id, direction, source, destination, explanation, scopes, extension_id, trunk_id } =
    decision
  const [status, reason] = [503, 'RELAY_TOO_OLD']
  const message = `The call needs a relay of protocol ${needed}, and this one speaks ${protocol}: update the relay.`
  return {
    kind: 'reject',
    status,
    reason,
    message,
    customer_id,
    direction,
    source,
    destination,
    explanation: explanation && { ...explanation, outcome: 'reject', status, reason, message },
    scopes,
    extension_id,
    trunk_id,
  }
}
