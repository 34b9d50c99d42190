import type { FlowDecision } from '#contract'
import { ourSound } from '../sdp/ours.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { after } from './ending.ts'
import { flowHappened, flowOf } from './flow.ts'
import { noneAnswered } from './flow-left.ts'
import { mayStay, unansweredMs } from './flow-time.ts'
import type { Call, FlowCall, Joining } from './state.ts'
import { partyComes } from './transferred-call.ts'

/*
 * A call comes to a flow late: no callee of a list answered, or a party is transferred there.
 */

/** Where a list leads at last: the caller follows that flow, after all who rang. */
export function flowReached(call: Call, decision: FlowDecision, endpoint: SipEndpoint): CallStep {
  const { record, joining } = call
  const shown = call.decision?.caller_id ?? decision.caller_id
  const known = { ...decision, caller_id: shown }
  const { flow } = decision.explanation ?? {}
  if (record.decision && flow) record.decision = { ...record.decision, flow }
  if (joining) {
    call.flow = flowWith(call, joining, known, endpoint)
    return { to: 'answered', effects: partyOffered(call, joining, endpoint) }
  }
  call.flow = flowOf(call, known, endpoint)
  const quiet = noneAnswered(call, call.flow, endpoint)
  const begun = flowHappened(call, { type: 'begun' }, endpoint)
  const stays: CallOrder[] = begun.to === 'ended' ? [] : [{ type: 'tell' }, mayStay(unansweredMs)]
  return after([...quiet, ...stays], { ...begun, to: begun.to ?? 'flow' })
}

/** A party which is transferred to a flow, as its flow has it: it speaks with no other party, and is up. */
export function flowWith(
  call: Call,
  { party }: Joining,
  decision: FlowDecision,
  endpoint: SipEndpoint,
): FlowCall {
  return flowOf(call, decision, endpoint, { side: 'caller', party, ours: ourSound, answered: true })
}

/** It comes, and is offered our sound: the flow begins when it has taken that. */
export function partyOffered(call: Call, joining: Joining, endpoint: SipEndpoint): CallOrder[] {
  return [...partyComes(call, joining, endpoint, ourSound), { type: 'tell' }]
}
