import type { ConnectDecision, PlannedRing, RingPlan, RouteDecision, RouteQuestion } from '#contract'

/** A call which is sent on: whose it is, what was called first, and who of its extensions sent it on before. */
export interface ForwardedCall {
  readonly callId: string
  readonly customerId: string
  /** What the callee of the first decision would have seen. */
  readonly caller: ConnectDecision['caller_id']
  /** The parties it says to come for (Diversion, History-Info). */
  readonly diverting: readonly string[]
  readonly path: readonly string[]
}

/** The question where one destination of a plan leads. */
export function planQuestion(
  { callId, customerId, caller, diverting, path }: ForwardedCall,
  { forwarder, called }: Pick<RingPlan, 'forwarder' | 'called'>,
  to: { type: Extract<RouteQuestion['caller'], { kind: 'forwarder' }>['type']; user: string; host: string },
): RouteQuestion {
  const { user, display, asserted } = caller
  return {
    call_id: callId,
    caller: { kind: 'forwarder', customer_id: customerId, forwarder, type: to.type, called, path: [...path] },
    from: { user, display, asserted, diverting: [...diverting] },
    to: { user: to.user, host: to.host },
    codecs: [],
  }
}

/** The extensions which have sent a call on, with this one, if it is one. */
export function pathWith(path: readonly string[], { kind, name }: RingPlan['forwarder']): string[] {
  return kind === 'extension' && path.at(-1) !== name ? [...path, name] : [...path]
}

/** A destination of a plan with what was decided of it. */
export function plannedAs(planned: PlannedRing, decision: RouteDecision): PlannedRing {
  const { explanation } = decision
  if (!explanation) return planned
  const { outcome, status, reason, message, caller_id, limits, candidates } = explanation
  return { ...planned, outcome, status, reason, message, caller_id, limits, candidates }
}
