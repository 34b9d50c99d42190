import { uasDialog } from '../dialog/dialog.ts'
import { isEncrypted } from '../ground/flow.ts'
import { none } from '../ground/none.ts'
import { sdpBody } from '../sip/body.ts'
import type { Header, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, supportedHeader } from '../sip/screen.ts'
import { timerBase } from '../transaction/timers.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import { hangUpLeg } from './bye.ts'
import { exchanged } from './exchange.ts'
import { toldByInfo } from './ice.ts'
import { freshLeg, type UasLeg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { setSession } from './session.ts'
import { answerTimer, noteAllow } from './session-timer.ts'

/** What the transaction layer leaves to us: a 2xx is repeated until its ACK (RFC 3261 §13.3.1.4). */
const { t1, t2 } = timerBase
const giveUpMs = 64 * t1

/** A leg whose INVITE was let in. */
export function uasLeg(
  { entropy }: SipEndpoint,
  arrived: Pick<UasLeg, 'flow' | 'invite' | 'transaction' | 'trusted'>,
): UasLeg {
  const leg: UasLeg = {
    kind: 'uas',
    ...arrived,
    account: null,
    localTag: entropy.hex(8),
    told: none,
    answer: undefined,
    bye: undefined,
    reliable: undefined,
    ...freshLeg(entropy.below(2 ** 31)),
    signalling: arrived.invite.target?.scheme === 'sips' && isEncrypted(arrived.flow) ? 'sips' : 'any',
  }
  noteAllow(leg.timer, leg.invite)
  return leg
}

/** A response to its first INVITE, with our tag and Contact. */
export function responseTo(
  leg: UasLeg,
  endpoint: SipEndpoint,
  status: number,
  headers: readonly Header[] = [],
  body?: Uint8Array,
): Response {
  const { invite, flow, localTag, signalling } = leg
  const dialogMaking: Header[] =
    status > 100 && status < 300
      ? [
          ['contact', contactOf(endpoint, flow.transport, signalling)],
          allowHeader,
          supportedHeader,
          ...toldByInfo(leg),
        ]
      : []
  const typed: Header[] = body && body.length > 0 ? [['content-type', 'application/sdp']] : []
  return reply(invite, status, {
    headers: [...dialogMaking, ...headers, ...typed],
    ...(body ? { body } : {}),
    toTag: localTag,
    flow,
  })
}

/** Answers its first INVITE. */
export function respond({ transaction }: UasLeg, response: Response): LegOrder<never> {
  return { type: 'respond', transaction, response }
}

/** Takes its call by a 2xx with this description, and keeps saying so until the ACK comes (RFC 3261 §13.3.1.4). */
export function answer(leg: UasLeg, endpoint: SipEndpoint, body?: Uint8Array): LegOrder<never>[] {
  const response = responseTo(leg, endpoint, 200, answerTimer(leg.timer, leg.invite), body)
  const offer = sdpBody(leg.invite)
  leg.exchange = offer && body && exchanged(leg, offer, body)
  // One in which something was said before goes on (RFC 3311 §5.1).
  const early = leg.dialog?.localTag === leg.localTag ? leg.dialog : undefined
  const dialog = early ?? uasDialog(leg.invite, leg.localTag)
  dialog.confirmed = true
  leg.dialog = dialog
  leg.answer = { response, waitMs: t1 }
  return [
    { type: 'dialog', leg, dialog },
    respond(leg, response),
    { type: 'set', ms: t1, timer: { timer: 'repeat', leg } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'unacknowledged', leg } },
    ...setSession(leg),
  ]
}

/** Timer: it has not acknowledged yet. */
export function repeatAnswer(leg: UasLeg): LegOrder<never>[] {
  if (!leg.answer) return []
  const ms = Math.min(leg.answer.waitMs * 2, t2)
  leg.answer.waitMs = ms
  return [respond(leg, leg.answer.response), { type: 'set', ms, timer: { timer: 'repeat', leg } }]
}

/** Its 2xx is repeated no more, acknowledged or given up (64·T1): a BYE which waited for that leaves. */
export function settleAnswer(leg: UasLeg, endpoint: SipEndpoint): LegOrder<never>[] {
  const waiting = leg.bye
  return [...forgetAnswer(leg), ...(waiting ? hangUpLeg(leg, waiting, endpoint) : [])]
}

/** A party which said BYE needs no repeated 2xx any more, and no BYE. */
export function forgetAnswer(leg: UasLeg): LegOrder<never>[] {
  leg.answer = undefined
  leg.bye = undefined
  return [
    { type: 'stop', timer: 'repeat', of: leg },
    { type: 'stop', timer: 'unacknowledged', of: leg },
  ]
}
