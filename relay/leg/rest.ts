import type { DigitAim } from '../ground/media.ts'
import { none } from '../ground/none.ts'
import { SharedFacts } from '../ground/shared-facts.ts'
import { detach } from '../ground/texts.ts'
import { saidAtRest, sentAtRest } from '../sdp/at-rest.ts'
import { isCommon } from '../sdp/description.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import { atRest } from '../sip/at-rest.ts'
import { type Request, request } from '../sip/message.ts'
import { exchangeAtRest } from './exchange.ts'
import type { Leg } from './leg.ts'

/**
 * The transaction of the INVITE by which a leg's dialog began is over: no 2xx comes any more, nor is one repeated (RFC 6026 §8). From now on the leg
 * may last for hours, and lets go of what only the time before needed.
 */
export function restLeg(leg: Leg): void {
  if (!leg.dialog?.confirmed || leg.pending) return
  detach(leg.dialog, leg.kind === 'uas' ? [leg.localTag] : [leg.localTag, leg.callId])
  leg.exchange = exchangeAtRest(leg)
  if (leg.kind === 'uas') {
    leg.invite = atRest(unproved(leg.invite), leg.dialog, isCommon)
    leg.told = none
    return
  }
  leg.earlyDialogs = undefined
  leg.early = undefined
  // Until it is acknowledged, its ACK is to repeat our proofs.
  if (!leg.acks?.has(leg.dialog.remoteTag)) return
  leg.acks = undefined
  leg.invite = undefined
}

/**
 * Where legs which speak with each other are heard is agreed on: until one says something else, which may be never, what they
 * said and were sent of it is text. Nothing is done before nothing of theirs is under way.
 */
export function restSound(legs: readonly Leg[]): void {
  if (!legs.every(isSettled)) return
  const resting = new Map<RelayedSdp, RelayedSdp>()
  const rested = (said: RelayedSdp) => {
    const known = resting.get(said) ?? saidAtRest(said)
    resting.set(said, known)
    return known
  }
  for (const leg of legs) {
    const { aimed, exchange, sdp } = leg
    const { sent } = sdp
    if (aimed)
      leg.aimed = { ...aimed, said: rested(aimed.said), digits: aimed.digits && aims.once(aimed.digits) }
    sdp.sent = sent && sentAtRest(sent, rested(sent.said))
    sdp.before = undefined
    if (exchange && exchange.answer === sent && sdp.sent) leg.exchange = { ...exchange, answer: sdp.sent }
  }
}

/** How keys are heard and sent is alike for most. */
const aims = new SharedFacts<DigitAim>(1_000)

/** Whether nothing which was offered or asked waits for an answer. */
function isSettled({ dialog, pending, refresh }: Leg): boolean {
  return dialog?.confirmed === true && !pending && !refresh
}

/** An INVITE which called us without what its sender has proved itself by, which is good for no other request. */
function unproved(invite: Request): Request {
  const { method, requestUri, headers, body } = invite
  const others = headers.filter(([name]) => !proofs.has(name))
  return others.length < headers.length ? request({ method, requestUri, headers: others, body }) : invite
}

const proofs: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization'])
