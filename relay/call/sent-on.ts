import type { FlowDecision, RejectDecision, RouteDecision, RouteQuestion } from '#contract'
import { planQuestion } from '#routing'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { refusedEnding } from './ending.ts'
import { beginHunt } from './hunt.ts'
import { over } from './hunts.ts'
import { ringingFor } from './made-call.ts'
import { noteDecided } from './planned-rings.ts'
import type { Call, Hunt, HuntEnding } from './state.ts'

/** The question where a hunt leads which is not the call's own. undefined where there is none. */
export function huntQuestion(call: Call, hunt: Hunt): RouteQuestion | undefined {
  const { sought, path } = hunt
  // Of one which no party asked for it says itself where who is called first is.
  if (call.made?.first && call.hunts[0] === hunt) return call.made.first
  const { customer_id: customerId, caller_id: caller } = call.decision ?? {}
  if (!sought || !customerId || !caller) return undefined
  const { type, target: user, host } = sought
  const asked = { callId: call.id, customerId, caller, diverting: [], path }
  return planQuestion(asked, sought, { type, user, host })
}

/** Where a PBX sends a call on, that counts in the limits of its trunk, too. */
export function countedWithPbx({ parent, sought }: Hunt, decision: RouteDecision): RouteDecision {
  const targets = parent?.decision?.targets
  if (sought?.type !== 'redirect' || targets?.kind !== 'trunk') return decision
  return { ...decision, scopes: [...decision.scopes, { kind: 'trunk', id: targets.trunk.trunk_id }] }
}

/** It is decided where a hunt leads: it begins, or is over. */
export function sentOn(call: Call, event: CallEvents['sentOn'], endpoint: SipEndpoint): CallStep {
  const { hunt, decision, why, reachable } = event
  if (hunt.state !== 'deciding') return { effects: [] }
  if (!decision) return over(call, hunt, endpoint, undecided(why))
  noteDecided(call, hunt, decision)
  if (decision.kind === 'reject') return over(call, hunt, endpoint, refusal(hunt, decision))
  // Each time a call is sent on is a hop (RFC 7332).
  if (call.caller.invite.maxForwards <= hunt.path.length) return over(call, hunt, endpoint, tooManyHops)
  if (decision.kind === 'flow') {
    // Of a call which no party asked for no party is there yet to follow it.
    if (!call.made || call.made.party) hunt.leads = decision
    return over(call, hunt, endpoint, refusal(hunt, decision))
  }
  const first = call.made?.first && call.hunts[0] === hunt ? call.made : undefined
  const known = first ? ringingFor(decision, first.ringMs) : decision
  return beginHunt(call, hunt, known, reachable, endpoint)
}

function undecided(why: string): HuntEnding {
  const because = cause('NOT_DECIDED', `The edge did not say where the call is sent on to: ${why}.`)
  return { by: 'system', reason: 'failed', status: 503, why, because, headers: [] }
}

/** Where a phone sends its calls concerns its customer: their caller hears no more than that none is there. */
function refusal({ sought }: Hunt, decision: RejectDecision | FlowDecision): HuntEnding {
  const ending = refusedEnding(decision)
  const kept = sought?.type !== 'redirect' || ending.status === 482 || ending.status === 486
  return kept ? ending : { ...ending, status: 480, cause: ending.status }
}

const tooManyHops: HuntEnding = {
  by: 'system',
  reason: 'failed',
  status: 483,
  why: 'too many hops',
  because: cause('TOO_MANY_HOPS', 'The call has passed too many servers (Max-Forwards is used up).'),
  headers: [],
}
