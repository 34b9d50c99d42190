import { keysToAnswer } from '../leg/keying.ts'
import { heardProvisional } from '../leg/prack.ts'
import { sendProvisional } from '../leg/reliable.ts'
import { rememberEarly } from '../leg/uac.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Response } from '../sip/message.ts'
import { rseqOf } from '../sip/reliability.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { ringMs } from './branch.ts'
import type { CallOrder } from './call-step.ts'
import { sdpForCaller } from './early-dialogs.ts'
import { since } from './ending.ts'
import { hushRinging, ringOn } from './flow-sound.ts'
import { isLate, mayOffer } from './late-offer.ts'
import { observation } from './observation.ts'
import { aim, aimFirstAnew, answerOf } from './offer-answer.ts'
import { utcOf } from './record.ts'
import { isAnswered } from './sides.ts'
import type { Branch, Call, FlowCall } from './state.ts'

/** 100 to 199: the provider is alive; from 101 on a phone rings, and no other is tried any more. */
export function branchProgressed(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): CallOrder[] {
  // One of its early dialogs is over (RFC 6228), which says nothing of the call: the caller has dialogs of ours.
  if (response.status === 199) return []
  const stops: CallOrder[] = [{ type: 'stop', timer: 'silence', of: branch }]
  if (response.status === 100) {
    if (branch.heard !== 'nothing') return []
    branch.heard = 'trying'
    return branch.provider
      ? [
          ...stops,
          { type: 'set', ms: branch.provider.policy.progress_ms, timer: { timer: 'progress', branch } },
        ]
      : stops
  }
  const { fresh, orders: pracks } = heardProvisional(branch, response, endpoint)
  if (!fresh) return []
  const first = branch.heard !== 'ringing'
  const seen = observation(branch, response.status, response.reason)
  branch.heard = 'ringing'
  branch.hunt.rang = true
  branch.attempt.pdd_ms ??= since(call) - branch.attempt.started_ms
  const timers: CallOrder[] = first
    ? [
        ...stops,
        { type: 'stop', timer: 'progress', of: branch },
        { type: 'stop', timer: 'search', of: branch.hunt },
        ...ringFrom(branch),
      ]
    : []
  return [...pracks, ...timers, ...seen, ...ringCaller(call, branch, response, endpoint)]
}

/** A provider's time to ring begins with its first ringing; phones share one, which began when they were called. */
function ringFrom(branch: Branch): CallOrder[] {
  return branch.provider ? [{ type: 'set', ms: ringMs(branch), timer: { timer: 'ring', branch } }] : []
}

/** A provisional goes on to the caller: with a session description where one provider rings, plain where phones do. */
function ringCaller(call: Call, branch: Branch, response: Response, endpoint: SipEndpoint): CallOrder[] {
  const { caller } = call
  const heard = remember18x(branch, response, endpoint)
  if (call.made && !call.made.party) return firstRings(call)
  const said = call.flow?.hearsEarly === false ? undefined : heard
  const alone = call.branches.filter((other) => other.state === 'calling').length === 1
  if (call.flow && isAnswered(call))
    return heardInFlow(call, call.flow, branch, alone ? said : undefined, endpoint)
  // Any other offer of the callee's has to wait for its 2xx (RFC 3261 §13.2.1).
  const passes = alone && (!isLate(call) || (!call.flow && mayOffer(call, branch, response)))
  const { length: before } = caller.told
  if (said && passes && !branch.sdp.sent) keysToAnswer(branch, said, endpoint)
  const early = said && passes ? sdpForCaller(call, call.flow?.ours ?? said, endpoint, 'early') : undefined
  // What was offered once is offered no more (RFC 6337 §3.1.1).
  const body = isLate(call) && caller.told.length === before ? undefined : early?.body
  const repeated = call.rang && !early && !branch.provider
  if (repeated) return []
  const reliably = rseqOf(response) !== undefined
  const first = !call.rang
  call.rang = true
  call.record.ringingAt ??= utcOf(call)
  return [
    ...(early && said ? aim(call, branch, said, endpoint) : []),
    ...(early ? aimFirstAnew(call, endpoint) : []),
    ...(early?.orders ?? []),
    ...sendProvisional(caller, endpoint, branch.provider ? response.status : 180, body, reliably),
    ...(first ? [{ type: 'tell', late: true } as CallOrder] : []),
  ]
}

/** Who is called first rings: no party waits for that. */
function firstRings(call: Call): CallOrder[] {
  if (call.rang) return []
  call.rang = true
  call.record.ringingAt = utcOf(call)
  return [{ type: 'tell' }]
}

/** A caller which was answered hears whom it is connected with before that one answers, or that its phone rings. */
function heardInFlow(
  call: Call,
  flow: FlowCall,
  branch: Branch,
  said: RelayedSdp | undefined,
  endpoint: SipEndpoint,
): CallOrder[] {
  if (!said) return ringOn(call, flow)
  return [...hushRinging(call, flow), ...aim(call, branch, said, endpoint), ...aimFirstAnew(call, endpoint)]
}

/** A hostile carrier may name tags without end. */
const mostEarly = 16

/** The session description a provisional brings; one which cannot be used rings all the same. */
function remember18x(branch: Branch, response: Response, endpoint: SipEndpoint): RelayedSdp | undefined {
  const said = answerOf(response, endpoint, branch.sdp.sent, branch.secure)
  if (!said?.ok) return undefined
  const tag = response.to.tag ?? ''
  const known = branch.early
  if (!known || known.has(tag) || known.size < mostEarly) rememberEarly(branch, tag, said.value)
  return said.value
}
