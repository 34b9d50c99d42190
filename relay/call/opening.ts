import type { FlowDecision, FlowTransport, Port } from '#contract'
import { isEncrypted } from '../ground/flow.ts'
import { keysToAnswer } from '../leg/keying.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents, Reachable } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause, notEncrypted, sipsInTheOpen, unheard } from './cause.ts'
import { after, end, refuse, remember, soon } from './ending.ts'
import { flowHappened, flowOf, flowTargets } from './flow.ts'
import { flowWith, partyOffered } from './flow-reached.ts'
import { mayStay, unansweredMs } from './flow-time.ts'
import { beginHunt } from './hunt.ts'
import { type MadeCall, ringingFor } from './made-call.ts'
import { aim, faultOf, offerOf } from './offer-answer.ts'
import { reachesNone } from './registered-target.ts'
import { mediaOn } from './sides.ts'
import { isSips, sipsNotAllowed } from './sips.ts'
import type { CallSockets } from './spare-sessions.ts'
import type { Branch, Call, ConnectDecision, Hunt, Side, UnansweredEnd } from './state.ts'

/** How long our own sockets may be waited for. */
const openingMs = 2_000

/** It is decided where the call goes. */
export function decided(call: Call, event: CallEvents['decided'], endpoint: SipEndpoint): CallStep {
  const { decision, reachable, sockets } = event
  if (call.made) return beginMade(call, call.made, event, endpoint)
  if (decision.kind === 'reject') return refuse(call, decision, endpoint)
  return decision.kind === 'flow'
    ? beginFlow(call, decision, sockets, endpoint)
    : begin(call, decision, reachable, sockets, endpoint)
}

/** Neither edge nor snapshot could say where it goes. */
export function undecided(call: Call, why: string, endpoint: SipEndpoint): CallStep {
  const because = cause('NOT_DECIDED', `The edge did not say where the call goes: ${why}.`)
  const ending = { by: 'system', reason: 'failed', status: 503, why, because } as const
  return end(call, endpoint, ending, [['retry-after', '5']])
}

/** The edge said where. Sockets for the sound come first, if none were open already: nothing is answered which could not be heard. */
function begin(
  call: Call,
  decision: ConnectDecision,
  { contacts, unreached }: Reachable,
  sockets: CallSockets | string,
  endpoint: SipEndpoint,
): CallStep {
  remember(call, decision)
  call.decision = decision
  Object.assign(call.hunts[0], { contacts, unreached })
  call.caller.secure = call.made ? 'allowed' : (call.joining?.party.secure ?? decision.secure ?? 'allowed')
  if (typeof sockets === 'string') return mediaFailed(call, sockets, endpoint)
  const { ports, session } = sockets
  call.ports = ports
  call.caller.media = mediaOn(call, 'caller')
  const obstacle = obstacleOf(call, endpoint)
  if (obstacle) return end(call, endpoint, { by: 'system', reason: 'failed', ...obstacle })
  if (session !== undefined) return opened(call, undefined, endpoint)
  return {
    to: 'opening',
    effects: [
      { type: 'media', command: { type: 'open', session: call.session, ports } },
      { type: 'set', ms: openingMs, timer: { timer: 'search' } },
    ],
  }
}

/** A flow says what becomes of it: the sockets come first, too. */
function beginFlow(
  call: Call,
  decision: FlowDecision,
  sockets: CallSockets | string,
  endpoint: SipEndpoint,
): CallStep {
  call.flow = call.joining
    ? flowWith(call, call.joining, decision, endpoint)
    : flowOf(call, decision, endpoint)
  return begin(call, flowTargets(decision), reachesNone, sockets, endpoint)
}

/** It is decided of a call which no party asked for: one which is to follow a flow leads to no other. */
function beginMade(
  call: Call,
  made: MadeCall<Branch>,
  { decision, reachable, sockets }: CallEvents['decided'],
  endpoint: SipEndpoint,
): CallStep {
  if (decision.kind === 'reject' || (decision.kind === 'flow' && made.run.kind === 'flow'))
    return refuse(call, decision, endpoint)
  const caller_id = { ...decision.caller_id, hidden: made.hidden ?? decision.caller_id.hidden }
  const known = { ...decision, caller_id }
  made.decision = known.kind === 'flow' ? known : ringingFor(known, made.ringMs)
  const leads = made.decision.kind === 'flow' ? flowTargets(made.decision) : made.decision
  return begin(call, leads, reachable, sockets, endpoint)
}

/** The sockets are there, at other `ports` where they are another program's: starts with the best target. */
export function opened(
  call: Call,
  ports: Readonly<Record<Side, Port>> | undefined,
  endpoint: SipEndpoint,
): CallStep {
  if (ports) {
    call.ports = ports
    call.caller.media = mediaOn(call, 'caller')
  }
  const { caller, decision } = call
  const [own] = call.hunts
  const offer = offerOf(caller.invite, endpoint, caller.secure)
  if (offer?.ok) keysToAnswer(caller, offer.value, endpoint)
  // A party which is transferred speaks with another still.
  const aimed = offer?.ok && !call.joining ? aim(call, caller, offer.value, endpoint) : []
  const stopped: CallOrder = { type: 'stop', timer: 'search' }
  if (call.flow && call.joining)
    return {
      to: 'answered',
      effects: [stopped, ...partyOffered(call, call.joining, endpoint)],
    }
  const step = call.flow
    ? after([{ type: 'tell' }, mayStay(unansweredMs)], { ...flowHappened(call, { type: 'begun' }, endpoint) })
    : decision
      ? ownHunt(call, own, decision, endpoint)
      : { effects: [] }
  const effects: CallOrder[] = [stopped, ...aimed, ...step.effects]
  return { to: step.to ?? (call.flow ? 'flow' : 'hunting'), effects }
}

/** Whom the call is for is looked for; or, where another is called first, that one. */
function ownHunt(call: Call, own: Hunt, decision: ConnectDecision, endpoint: SipEndpoint): CallStep {
  if (call.made?.first) return { effects: [{ type: 'decide', hunt: own }] }
  return beginHunt(call, own, decision, own, endpoint)
}

/** There are no sockets for its sound: no provider is called. A caller who finds us full may come again. */
export function mediaFailed(call: Call, why: string, endpoint: SipEndpoint): CallStep {
  const because = cause('MEDIA_UNAVAILABLE', `The relay has no way for the sound: ${why}.`)
  return end(call, endpoint, { by: 'system', reason: 'failed', status: 503, why, because }, soon(503))
}

/** What no branch could mend: no hop left (RFC 7332), or an offer which cannot be served (RFC 3261 §13.3.1.3). */
function obstacleOf(call: Call, endpoint: SipEndpoint): Omit<UnansweredEnd, 'by' | 'reason'> | undefined {
  const { invite, trusted, secure, flow } = call.caller
  if (invite.maxForwards <= 0) {
    const because = cause('TOO_MANY_HOPS', 'The call has passed too many servers (Max-Forwards is 0).')
    return { status: 483, why: 'too many hops', because }
  }
  if (secure === 'required' && !isEncrypted(flow)) return inTheOpen(flow.transport)
  if (isSips(call) && !isEncrypted(flow)) return sipsOver(flow.transport)
  const fault = faultOf(call, offerOf(invite, endpoint, secure), trusted)
  return fault && { ...fault, because: unheard('caller', fault.why) }
}

/** It asks for TLS on every hop, and has come without: who calls may ask for less, and is told so (RFC 5630 §5.1.2). */
function sipsOver(transport: FlowTransport): Omit<UnansweredEnd, 'by' | 'reason'> {
  const because = sipsInTheOpen(`the caller calls over ${transport}`)
  return { status: 480, code: sipsNotAllowed, why: `SIPS Not Allowed over ${transport}`, because }
}

/** Its sound must be encrypted, and its keys have come in the open. */
function inTheOpen(transport: FlowTransport): Omit<UnansweredEnd, 'by' | 'reason'> {
  const because = notEncrypted('The caller', `it calls over ${transport}, not TLS`)
  return { status: 488, code: 399, why: 'calls are to come over TLS', because }
}
