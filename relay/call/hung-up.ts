import type { SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { end } from './ending.ts'
import type { Cause } from './reason.ts'
import { isAnswered, joinedLegs } from './sides.ts'
import type { Call } from './state.ts'

/** The API hangs a call up. */
export const byApi = cause('HUNG_UP', 'The API hung the call up.')

/** None of its parties, but the API or a flow ends a call: each leg is hung up, and one which still rings is taken back. */
export function hungUp(call: Call, because: Cause, endpoint: SipEndpoint): CallStep {
  const isUp = isAnswered(call) || joinedLegs(call).length > 1
  const reason = call.record.answeredAt === undefined ? 'cancel' : 'normal'
  const given = { reason: 'SIP;cause=200;text="hung up"' }
  if (isUp) return hangUp(call, 'system', given, endpoint, { reason, because })
  const [status, why] = call.made ? [487, 'taken back'] : [480, 'hung up']
  return end(call, endpoint, { by: 'system', reason, status, why, because })
}
