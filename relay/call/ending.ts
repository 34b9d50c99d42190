import type { FlowDecision, HangupParty, HangupReason, RejectDecision, RouteDecision } from '#contract'
import { SharedTexts } from '../ground/texts.ts'
import { byeLate2xx, hangUpLeg } from '../leg/bye.ts'
import { endReliable } from '../leg/reliable.ts'
import { abandonInvite } from '../leg/uac.ts'
import { respond, responseTo } from '../leg/uas.ts'
import { isUrgent } from '../limits/admit-call.ts'
import type { Header, Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { staysNoLonger } from './flow-time.ts'
import { noCodec, warning } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import type { Cause } from './reason.ts'
import { refusalOf, sipReason, withReason } from './reason.ts'
import { utcOf } from './record.ts'
import type { Branch, Call, Hunt, HuntEnding, UnansweredEnd } from './state.ts'

/** The edge says no, or what this relay does not do: the caller hears its status and why. */
export function refuse(call: Call, decision: RejectDecision | FlowDecision, endpoint: SipEndpoint): CallStep {
  remember(call, decision)
  const ending = refusedEnding(decision)
  return end(call, endpoint, ending, ending.headers)
}

/** How a hunt ends which was refused. */
export function refusedEnding(decided: RejectDecision | FlowDecision): HuntEnding {
  const decision = decided.kind === 'flow' ? { ...decided, ...notFollowed } : decided
  const { reason, message } = decision
  const status = decision.status >= 300 ? decision.status : 403
  const because = { reason, message }
  return {
    by: 'system',
    reason: 'rejected',
    status,
    why: refusalOf(decision),
    because,
    headers: soon(status),
  }
}

const notFollowed = {
  status: 480,
  reason: 'FLOW_NOT_FOLLOWED',
  message:
    'Nobody is called there, since a flow follows, and the call is one which has no caller to follow it.',
}

/** Who finds us full may come again at once: a call ends every second. */
export function soon(status: number): Header[] {
  return status === 503 ? [['retry-after', '2']] : []
}

/** Ends a call before it was answered: every branch let go, the caller told, the record closed. */
export function end(
  call: Call,
  endpoint: SipEndpoint,
  ending: UnansweredEnd,
  headers: readonly Header[] = [],
): CallStep {
  const letting = [...letGo(call, endpoint), ...endReliable(call.caller)]
  close(call, ending.by, ending.reason, ending.because)
  call.record.sipStatus = ending.status
  const said = ending.why
    ? withReason(headers, sipReason(ending.cause ?? ending.status, ending.why))
    : headers
  const warns = said.some(([name]) => name === 'warning')
  const warnings = warns ? [] : warningOf(ending, endpoint)
  const response = responseTo(call.caller, endpoint, ending.status, [...said, ...warnings])
  return {
    to: 'ended',
    effects: [
      ...letting,
      respond(call.caller, response),
      ...firstLetGo(call, ending, endpoint),
      ...leftAlone(call, ending, endpoint),
      ...closing(call),
    ],
  }
}

/** Who was called first in a call which no party asked for, and is up, is hung up. */
function firstLetGo({ made }: Call, ending: UnansweredEnd, endpoint: SipEndpoint): CallOrder[] {
  return made?.party ? hangUpLeg(made.party, { reason: reasonFor(ending) }, endpoint) : []
}

/** Why a call ends, for a Reason header. */
export function reasonFor({ cause: given, status, why, because }: UnansweredEnd): string {
  const [, value] = sipReason(given ?? status, why ?? because?.message ?? '')
  return value
}

/** A party which waits here for a transfer, and has not hung up itself, has no call to go back to. */
function leftAlone({ joining }: Call, { reason, status }: UnansweredEnd, endpoint: SipEndpoint): CallOrder[] {
  if (!joining?.alone || reason === 'cancel') return []
  return hangUpLeg(joining.party, { reason: `SIP;cause=${status}` }, endpoint)
}

function warningOf({ status, why, code }: UnansweredEnd, endpoint: SipEndpoint): Header[] {
  if (code !== undefined && why !== undefined) return [warning(endpoint, code, why)]
  return status === 488 ? [noCodec(endpoint)] : []
}

/** We go down: what was not answered failed. */
export const stopped = {
  reason: 'failed',
  because: cause('RELAY_STOPPED', 'The relay was stopped.'),
} as const

/** Ends a call which is not answered because the relay goes down: 503, come back in ten seconds. */
export function endedBySystem(call: Call, endpoint: SipEndpoint): CallStep {
  const ending = { ...stopped, by: 'system', status: 503, why: 'going down' } as const
  return end(call, endpoint, ending, [['retry-after', '10']])
}

/** Writes down who ended the call, and why, once. */
export function close(call: Call, by: HangupParty, reason: HangupReason, because: Cause | undefined): void {
  const { record } = call
  if (record.endedAt !== undefined) return
  call.flow?.machine.receive({ type: 'hung-up', by }, utcOf(call))
  record.endedAt = utcOf(call)
  record.by = by
  record.reason = reason
  record.rejectReason = because?.reason ?? null
  record.rejectMessage = because?.message ?? null
  for (const branch of call.branches) {
    if (branch.attempt.ended_ms === null) concluded(call, branch, 0, 'cancelled', 'final')
    tryEnded(call, branch, 0, 'cancelled')
  }
}

/** The orders every ended call leaves behind. */
export function closing(call: Call): CallOrder[] {
  const media: CallOrder[] = call.ports
    ? [
        { type: 'media', command: { type: 'close', session: call.session } },
        { type: 'set', ms: 1_000, timer: { timer: 'media' } },
      ]
    : [{ type: 'release' }]
  const timers = call.hunts.flatMap(stopHunt)
  return [
    ...transferEnds(call),
    ...call.chained.map(
      (one): CallOrder => ({ type: 'onward', call: one, name: 'hungUp', event: withItsFlow }),
    ),
    { type: 'stop', timer: 'search' },
    { type: 'stop', timer: 'flow' },
    staysNoLonger,
    ...timers,
    { type: 'tell' },
    ...media,
  ]
}

/** A call which a flow made and which is to end with it. */
const withItsFlow = cause('HUNG_UP', 'The call whose flow made it is over, and it was to end with that.')

/** The other call of a transfer which is not done yet hears that this one is over. */
function transferEnds({ transfer, joining }: Call): CallOrder[] {
  const goesOn = transfer?.taken ? 'partyAdopted' : 'transferOff'
  const told: CallOrder[] = transfer
    ? [{ type: 'onward', call: transfer.to, name: goesOn, event: undefined }]
    : []
  if (!joining || joining.alone || joining.state === 'joined') return told
  const { from: call } = joining
  // Who waits has not left the call it comes from: that goes on.
  const ends: CallOrder =
    joining.state === 'waiting'
      ? { type: 'onward', call, name: 'transferProgressed', event: { status: 480 } }
      : { type: 'onward', call, name: 'partyReturned', event: { status: 487, gone: true } }
  return [...told, ends]
}

/** How an attempt ends which was still looked for, or had not rung, when the search was over. */
export const searchedTooLate = 'search timed out'

/** Closes the record of an attempt, and of the address it ended at. */
export function concluded(
  call: Call,
  branch: Branch,
  status: number,
  reason: string,
  decision: 'next' | 'final',
): void {
  const { attempt } = branch
  // That no host is found, or not in time, is its own, as a silence is; of who was passed over, or given up before, nothing is known.
  const isUnfound = status === 0 && (decision === 'next' || reason === searchedTooLate)
  const counts = attempt.tries.length > 0 || isUnfound
  Object.assign(attempt, { status, reason: phrases.once(reason), decision, counts, ended_ms: since(call) })
  tryEnded(call, branch, status, reason)
}

/** Closes the record of one address, once. */
export function tryEnded(call: Call, { tried }: Branch, status: number, reason: string): void {
  if (tried?.ended_ms === null)
    Object.assign(tried, { status, reason: phrases.once(reason), ended_ms: since(call) })
}

/** What carriers say is much the same; one which was cut from a response would keep all of that. */
const phrases = new SharedTexts(1_000)

/** What a branch said after it was given up tells more than its silence did. */
export function spokeLate({ attempt, tried }: Branch, status: number, reason: string): void {
  if (tried?.status !== 0) return
  const said = { status, reason: phrases.once(reason) }
  Object.assign(tried, said)
  if (attempt.tries.at(-1) === tried && attempt.status === 0) Object.assign(attempt, said)
}

/** Gives all branches up; one which has answered, while the caller could not be told, is hung up. */
export function letGo(call: Call, endpoint: SipEndpoint, reason?: string): CallOrder[] {
  const late = letHeldGo(call, endpoint)
  const asked = call.earlyUpdate?.asked
  call.earlyUpdate = undefined
  return [
    ...(asked ? [refuseRequest(asked, 487)] : []),
    ...late,
    ...call.branches.flatMap((branch) => abandon(branch, reason)),
  ]
}

/** Hangs up a callee which has answered while the caller could not be told. */
export function letHeldGo(call: Call, endpoint: SipEndpoint): CallOrder[] {
  const { held } = call
  call.held = undefined
  return held ? hangUpLate(held.branch, held.response, endpoint) : []
}

/** Gives a branch up: its INVITE is taken back as far as it was heard of. */
export function abandon(branch: Branch, reason?: string): CallOrder[] {
  if (branch.state === 'over' || branch.state === 'answered') return []
  return [...stopTimers(branch), ...abandonInvite(branch, reason)]
}

/** A 2xx of a branch which is not wanted: it is acknowledged and hung up. */
export function hangUpLate(
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
  headers: readonly Header[] = [],
): CallOrder[] {
  return [...stopTimers(branch), ...byeLate2xx(branch, response, endpoint, headers)]
}

/** Stops all timers of a hunt but those of its branches. */
export function stopHunt(hunt: Hunt): CallOrder[] {
  return [
    { type: 'stop', timer: 'search', of: hunt },
    { type: 'stop', timer: 'delay', of: hunt },
  ]
}

/** Stops all timers of a branch. */
export function stopTimers(branch: Branch): CallOrder[] {
  return [
    { type: 'stop', timer: 'silence', of: branch },
    { type: 'stop', timer: 'progress', of: branch },
    { type: 'stop', timer: 'ring', of: branch },
  ]
}

/** These orders, and then what a step comes to. */
export function after(effects: readonly CallOrder[], step: CallStep): CallStep {
  return { ...step, effects: [...effects, ...step.effects] }
}

/** What the edge knows of the call, kept for its record. */
export function remember(call: Call, decision: RouteDecision): void {
  call.record.customerId = decision.customer_id ?? undefined
  call.record.direction = decision.direction
  call.record.source = call.made?.source ?? decision.source
  call.record.destination = decision.destination
  call.record.decision = decision.explanation
  call.record.emergency = isUrgent(decision.explanation)
  call.record.extensionId = decision.extension_id
  call.record.trunkId = decision.trunk_id
  if (decision.kind === 'reject') return
  call.record.unverified = decision.caller_id.unverified
  call.record.numberId = decision.number_id
  call.record.providerId = decision.provider_id
}

/** Milliseconds since the call began. */
export function since(call: Call): number {
  return Math.round(call.now - call.startedNow)
}
