import { refreshTarget } from '../dialog/dialog.ts'
import { sameFlow } from '../ground/flow.ts'
import { repeatsOffer } from '../leg/exchange.ts'
import type { InDialogRequest, Leg } from '../leg/leg.ts'
import { setSession } from '../leg/session.ts'
import { answerTimer } from '../leg/session-timer.ts'
import { hasSdp, sdpBytes, withSdp } from '../sdp/message-sdp.ts'
import { sdpBody } from '../sip/body.ts'
import type { Header, Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, supportedHeader } from '../sip/screen.ts'
import { sessionExpiresOf } from '../sip/session-expires.ts'
import { timerBase } from '../transaction/timers.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { aimAnew } from './offer-answer.ts'
import type { Call } from './state.ts'

/*
 * What a party asks of us alone: a sign of life (RFC 4028 §7.4), or where it is to be found from now on. The other leg
 * has a session of its own, and hears nothing of it.
 */

const { t1 } = timerBase

/** Whether a request changes nothing between the two parties: an UPDATE without an offer. */
export function changesNothing(request: Request): boolean {
  return request.method === 'UPDATE' && !hasSdp(request)
}

/** Whether a re-INVITE only refreshes: it offers what was offered, and answered, before, octet by octet, whatever its version says. */
export function offersNothingNew(leg: Leg, request: Request): boolean {
  const refreshes = request.method === 'INVITE' && sessionExpiresOf(request) !== undefined
  const offer = refreshes ? sdpBody(request) : undefined
  return offer !== undefined && repeatsOffer(leg, offer)
}

/** 2xx to such a request; a re-INVITE's has the answer it had before, and is repeated until its ACK. */
export function answerHere(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg, request, transaction, source } = asked
  if (leg.dialog) refreshTarget(leg.dialog, request, 200)
  const headers: Header[] = [
    ['contact', contactOf(endpoint, source.transport, leg.signalling)],
    allowHeader,
    supportedHeader,
    ...answerTimer(leg.timer, request),
  ]
  const body = changesNothing(request) || !leg.exchange ? undefined : sdpBytes(leg.exchange.answer)
  const response = reply(request, 200, { ...withSdp(body, headers), flow: source })
  const ok: CallOrder[] = [{ type: 'respond', transaction, response }, ...setSession(leg)]
  if (request.method !== 'INVITE') return ok
  leg.pending = {
    asked,
    answer: { response, waitMs: t1 },
    sent: undefined,
    heard: false,
    cancelled: undefined,
    accepted: undefined,
  }
  return [
    ...ok,
    { type: 'set', ms: t1, timer: { timer: 'repeatPending', leg } },
    { type: 'set', ms: 64 * t1, timer: { timer: 'unacknowledgedPending', leg } },
    ...heardElsewhere(call, leg, endpoint),
  ]
}

/** A phone which signals from another address is heard there, too. */
function heardElsewhere(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const { aimed, flow } = leg
  return aimed && flow && !sameFlow(aimed.flow, flow) ? aimAnew(call, leg, endpoint) : []
}
