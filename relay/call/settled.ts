import { none } from '../ground/none.ts'
import type { Leg } from '../leg/leg.ts'
import { request } from '../sip/message.ts'
import type { Call } from './state.ts'

/** In the place of an INVITE of which nothing is asked any more. */
const forgotten = request({ method: 'INVITE', requestUri: 'sip:forgotten.invalid', headers: [] })

/**
 * Lets go of what a call holds which is over and told: for half a minute a 2xx may come late, or again (RFC 6026 §8.4), which
 * its branch answers by itself. Of one whose leg speaks, or spoke, in another call all is kept, for that one may ask.
 */
export function forgetSettled(call: Call): void {
  const { caller, branches, hunts, record } = call
  if (call.transfer || call.joining || call.left || call.made || call.flow) return
  record.decision = null
  record.toldDecision = null
  call.decision = undefined
  for (const hunt of hunts) hunt.decision = undefined
  for (const leg of [caller, ...branches]) forgetLeg(leg)
  caller.invite = forgotten
  call.branches = []
}

/** What a leg said and was sent of its sound, and by what requests inside its dialog were made. */
export function forgetLeg(leg: Leg): void {
  leg.dialog = undefined
  leg.aimed = undefined
  leg.exchange = undefined
  leg.sdp.sent = undefined
  leg.sdp.before = undefined
  if (leg.kind === 'uas') leg.told = none
  else leg.early = undefined
}
