import { none } from '../ground/none.ts'
import { detach } from '../ground/texts.ts'
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
  if (leg.invite) leg.invite = leg.kind === 'uas' ? atRest(unproved(leg.invite)) : atRest(named(leg.invite))
  leg.exchange = exchangeAtRest(leg)
  if (leg.kind === 'uas') {
    leg.told = none
    return
  }
  const isAcked = leg.acks.has(leg.dialog.remoteTag)
  leg.acks.clear()
  if (isAcked) leg.acks.set(leg.dialog.remoteTag, undefined)
  leg.earlyDialogs.clear()
  leg.early.clear()
}

/** An INVITE which called us without what its sender has proved itself by, which is good for no other request. */
function unproved(invite: Request): Request {
  const { method, requestUri, headers, body } = invite
  const others = headers.filter(([name]) => name !== 'authorization' && name !== 'proxy-authorization')
  return others.length < headers.length ? request({ method, requestUri, headers: others, body }) : invite
}

/** Of one of ours what names it, and our proofs, which its ACK repeats: what it said, its dialog knows. */
function named({ method, requestUri, headers }: Request): Request {
  return request({ method, requestUri, headers: headers.filter(([name]) => names.has(name)) })
}

const names: ReadonlySet<string> = new Set([
  'via',
  'max-forwards',
  'from',
  'to',
  'call-id',
  'cseq',
  'authorization',
  'proxy-authorization',
])
