import type { Leg } from '../leg/leg.ts'
import { reach } from '../leg/path.ts'
import { ackRefresh, isRefreshing, type RefreshResult, refreshAnswered, refreshLeg } from '../leg/refresh.ts'
import { sessionIn } from '../leg/session.ts'
import { buildCancel } from '../leg/uac.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause, silentInside } from './cause.ts'
import { aim, answerOf } from './offer-answer.ts'
import { sipReason } from './reason.ts'
import { joinedLegs, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/*
 * What the session of one leg means for its call: a party which is gone ends it for the other (RFC 4028 §10).
 */

/** Milliseconds until a refresh is tried which would cross a change on its way. */
const busyMs = 5_000

/** Timer: it is time to refresh, or too late for the party to. */
export function sessionDue(call: Call, leg: Leg, endpoint: SipEndpoint): CallStep {
  if (!leg.timer.ours) return expired(call, leg, endpoint)
  // A re-INVITE in the air refreshes this leg by itself, and crosses no other (RFC 3261 §14.1).
  const busy = joinedLegs(call).some(({ pending }) => pending !== undefined)
  if (busy && !leg.timer.updates) return { effects: [sessionIn(leg, busyMs)] }
  return { effects: refreshLeg(leg, endpoint) }
}

/** Timer: our re-INVITE was heard of, and is not answered: it is taken back. A party which says nothing to that either is gone. */
export function refreshStalled(leg: Leg): CallOrder[] {
  const flow = reach(leg)?.flow
  if (!leg.refresh || !flow || !isRefreshing(leg)) return []
  const cancel = buildCancel(leg.refresh, 'SIP;cause=408;text="no answer"')
  return [
    { type: 'abandon', of: leg },
    { type: 'request', request: cancel, flow, role: { role: 'cancel' } },
  ]
}

function expired(call: Call, leg: Leg, endpoint: SipEndpoint): CallStep {
  const because = cause(
    'SESSION_EXPIRED',
    `The ${sideOf(call, leg)} said nothing within the ${leg.timer.interval} s it agreed to refresh the session in.`,
  )
  const [, reason] = sipReason(408, 'session timer expired')
  return hangUp(call, 'system', { reason }, endpoint, { reason: 'timeout', because })
}

/** What became of a refresh of ours: where its answer says something new, that is heard. */
export function refreshed(call: Call, result: RefreshResult, endpoint: SipEndpoint): CallStep {
  const { leg, sent, response } = result
  const first = leg.refresh === sent
  const { orders, gone } = refreshAnswered(result, endpoint)
  if (gone !== undefined) return lost(call, leg, gone, sent.method, endpoint)
  // Spent keys are not taken up again: the leg is to be offered others.
  const stale = leg.sdp.spent && leg.sdp.srtp !== undefined
  const said =
    first && !stale && response?.status === 200
      ? answerOf(response, endpoint, leg.sdp.sent, leg.secure)
      : undefined
  const sounds = said?.ok ? aim(call, leg, said.value, endpoint) : []
  return { effects: [...orders, ...sounds] }
}

/** Who says 481 has no call any more; who says nothing may still have one. */
function lost(call: Call, leg: Leg, status: number, method: string, endpoint: SipEndpoint): CallStep {
  const ended = { reason: 'timeout', because: silentInside(sideOf(call, leg), method) } as const
  const given = { reason: `SIP;cause=${status}` }
  return status === 481 ? hangUp(call, leg, given, endpoint) : hangUp(call, 'system', given, endpoint, ended)
}

/** The call is over: the 2xx to an INVITE still gets its ACK. */
export function refreshedLate(result: RefreshResult, endpoint: SipEndpoint): CallOrder[] {
  const { leg, sent, response } = result
  // A leg which speaks on in another call may be asked something else from now on.
  if (leg.refresh === sent && (response?.status ?? 408) >= 200) leg.refresh = undefined
  return ackRefresh(result, endpoint)
}
