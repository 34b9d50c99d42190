import type { FlowServerQuestion } from '#contract'
import type { FlowEvent, FlowOrder } from '#flows'
import type { Reply } from '../ground/questions.ts'
import type { Call, FlowCall } from './state.ts'

/*
 * What a flow asks its customer's own server. The edge asks it, and checks what it says (`functions/config/flow-server.ts`).
 */

type FetchOrder = Extract<FlowOrder, { type: 'fetch' }>

/** What the edge is to ask for a call. */
export function serverQuestion(
  call: Call,
  { decision: { program } }: FlowCall,
  { action, variables }: FetchOrder,
): FlowServerQuestion {
  const common = {
    customer_id: call.record.customerId ?? '',
    call_id: call.id,
    flow_id: program.id,
    version: program.version,
    timeout_ms: action.option.timeout,
    variables: { ...variables },
  }
  if (action.type === 'fetch') {
    const { event_url: url, event_method: method } = action.option
    return { ...common, asks: 'actions', url, method, content_type: 'application/json', body: null }
  }
  const { uri: url, method, data_type: content_type, data } = action.option
  return { ...common, asks: 'variables', url, method, content_type, body: data === '' ? null : data }
}

/** What a flow hears of the question with this number. */
export function serverSaid(fetch: number, reply: Reply): FlowEvent {
  if (reply.type === 'answered' && reply.answer.ask === 'flow-server') {
    const { result, status, why, actions, programs, variables } = reply.answer.answer
    return {
      type: 'fetched',
      fetch,
      result,
      programs,
      variables,
      ...(actions && { actions }),
      ...(status !== null && { status }),
      ...(why !== null && { why }),
    }
  }
  const why = reply.type === 'unanswered' ? reply.why : 'the answer was about something else'
  return { type: 'fetched', fetch, result: 'unreachable', why: `the edge did not ask it: ${why}` }
}
