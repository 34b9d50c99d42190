import { destinationName } from '#contract'
import type { FlowOrder } from '#flows'
import { planOf } from '#routing'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { after, concluded, letHeldGo } from './ending.ts'
import { noneAnswered } from './flow-left.ts'
import { hushRinging } from './flow-sound.ts'
import { staysNoLonger } from './flow-time.ts'
import { beginHunt } from './hunt.ts'
import { giveUp } from './hunts.ts'
import { newHunt } from './new-hunt.ts'
import { utcOf } from './record.ts'
import { reachesNone } from './registered-target.ts'
import { opposite } from './sides.ts'
import type { Call, ConnectDecision, FlowCall } from './state.ts'

/*
 * A `connect` of a flow: a hunt for a list of destinations, like that of a number. When it comes to nothing the flow goes on.
 */

type Option = Extract<FlowOrder, { type: 'connect' }>['option']

/** Looks for those whom it names. */
export function beginConnect(call: Call, flow: FlowCall, option: Option, endpoint: SipEndpoint): CallStep {
  if (!call.decision) return { effects: [] }
  const joined = decidedBefore(call)
  if (joined) return { effects: joinWith(call, flow, joined) }
  const { forwarder, called } = flow.decision
  const destinations = option.destinations.map((one) => ({ ...one, target: destinationName(one) }))
  const plan = planOf(destinations, forwarder, called)
  const decision = { ...shown(call.decision, flow, option), targets: { kind: 'plan' as const, plan } }
  // What callees see of the caller is as this connect says.
  call.decision = decision
  const hunt = newHunt(undefined, undefined)
  call.hunts.push(hunt)
  flow.hunt = hunt
  flow.hearsEarly = option.early_media
  return after(heardAnew(call, flow), beginHunt(call, hunt, decision, reachesNone, endpoint))
}

/** Where the destination is with which who was called first is joined: that was decided before it rang. */
function decidedBefore({ made }: Call): ConnectDecision | undefined {
  return made?.run.kind === 'join' && made.decision?.kind === 'connect' ? made.decision : undefined
}

function joinWith(call: Call, flow: FlowCall, decision: ConnectDecision): CallOrder[] {
  const hunt = newHunt(undefined, undefined)
  call.hunts.push(hunt)
  flow.hunt = hunt
  return [{ type: 'seek', hunt, decision }]
}

/** Whom the callees see: the number which is asked for, as far as it is the customer's; and whether they do. */
function shown(decision: ConnectDecision, { decision: first }: FlowCall, option: Option): ConnectDecision {
  const { source, anonymous } = option
  const { caller_id } = first
  const hidden = { yes: true, no: false, auto: caller_id.hidden, '': caller_id.hidden }[anonymous]
  if (!source) return { ...decision, caller_id: { ...caller_id, hidden } }
  const user = source.target || source.target_name || caller_id.user
  const display = source.name || caller_id.display
  const asserted = user === caller_id.user ? caller_id.asserted : null
  return { ...decision, caller_id: { ...caller_id, user, display, asserted, hidden } }
}

/** Who is called next is heard in the place of who was heard before. */
function heardAnew({ session }: Call, flow: FlowCall): CallOrder[] {
  if (!flow.wasHeard) return []
  flow.wasHeard = false
  return [
    {
      type: 'media',
      command: { type: 'connect', session, side: flow.side, to: { session, side: opposite(flow.side) } },
    },
  ]
}

/** They have rung for long enough. */
export function stopConnect(call: Call, flow: FlowCall, endpoint: SipEndpoint): CallOrder[] {
  const { hunt } = flow
  flow.hunt = undefined
  flow.last = tooLong
  if (!hunt) return []
  if (call.held) concluded(call, call.held.branch, 0, 'given up', 'final')
  const letting = [...letHeldGo(call, endpoint), ...giveUp(call, hunt)]
  return [...letting, ...hushRinging(call, flow), ...noneAnswered(call, flow, endpoint)]
}

const tooLong = {
  by: 'system',
  reason: 'noanswer',
  status: 480,
  why: 'no answer',
  because: cause('NO_ANSWER', 'Nobody whom the flow called answered in time.'),
  headers: [],
} as const

/** A callee has answered: the others are given up already. */
export function connected(call: Call, flow: FlowCall): CallOrder[] {
  flow.last = undefined
  flow.connectedAt = utcOf(call)
  return [staysNoLonger, ...hushRinging(call, flow)]
}
