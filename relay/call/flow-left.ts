import type { Leg } from '../leg/leg.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { since } from './ending.ts'
import { aloneMs, mayStay } from './flow-time.ts'
import { giveUp } from './hunts.ts'
import { aimFirstAnew } from './offer-answer.ts'
import { dropPending, dropRefresh } from './pending-reinvite.ts'
import { firstLeg, opposite } from './sides.ts'
import type { Call, FlowCall } from './state.ts'

/*
 * A callee which leaves a call whose flow goes on, or was heard and never answered: its caller stays.
 */

/** The flow which goes on when this leg hangs up; undefined: the call is over then. */
export function flowAfter(call: Call, leg: Leg): FlowCall | undefined {
  const { flow, joined, transfer } = call
  if (!flow || flow.machine.isOver || transfer) return undefined
  const stays = leg === joined[opposite(flow.side)] && joined[flow.side] === firstLeg(call)
  return stays ? flow : undefined
}

/** The callee has left the caller to its flow; what it still sends is heard by no party. */
export function calleeLeft(call: Call, flow: FlowCall, leg: Leg, endpoint: SipEndpoint): CallStep {
  const open = [firstLeg(call), leg].flatMap((one) => dropPending(call, one, endpoint))
  const hunt = flow.hunt
  flow.hunt = undefined
  flow.left = leg
  flow.connectedAt = undefined
  call.joined[opposite(flow.side)] = undefined
  call.came = { ...call.came, [opposite(flow.side)]: undefined }
  for (const branch of call.branches) {
    if (branch !== leg) continue
    branch.state = 'over'
    branch.attempt.talked_ms = since(call) - (branch.attempt.answered_ms ?? since(call))
  }
  const ended = { type: 'connect-ended', result: 'answered', status: 200 } as const
  return {
    to: 'flow',
    effects: [
      ...open,
      ...dropRefresh(leg),
      { type: 'stop', timer: 'session', of: leg },
      ...(hunt ? giveUp(call, hunt) : []),
      // It was made of what the two said; and the flow may record, too.
      { type: 'changeRecording', change: 'stop', of: 'setting' },
      ...apart(call, flow, endpoint),
      mayStay(aloneMs),
      { type: 'onward', call, name: 'flowHappened', event: ended },
    ],
  }
}

/** No callee has answered: one which was heard before that, and hears the caller, does so no longer. */
export function noneAnswered(call: Call, flow: FlowCall, endpoint: SipEndpoint): CallOrder[] {
  return call.branches.some(({ side, aimed }) => aimed && side !== flow.side)
    ? apart(call, flow, endpoint)
    : []
}

/** The caller is heard by its flow alone, which hears its keys in whatever form they come. */
function apart(call: Call, flow: FlowCall, endpoint: SipEndpoint): CallOrder[] {
  const { session } = call
  flow.wasHeard = true
  const side = opposite(flow.side)
  for (const branch of call.branches) if (branch.side === side) branch.aimed = undefined
  return [
    { type: 'media', command: { type: 'disconnect', session, side: flow.side } },
    { type: 'media', command: { type: 'aim', session, side, aim: nowhere } },
    ...aimFirstAnew(call, endpoint),
  ]
}

const nowhere = { rtp: undefined, rtcp: undefined, sources: [], eager: false, mux: false, quiet: false }
