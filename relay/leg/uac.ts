import { type Dialog, uacDialog } from '../dialog/dialog.ts'
import type { Flow } from '../ground/flow.ts'
import { SmallMap } from '../ground/small-map.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import { type DigestAccount, noAuthorizations, prove } from '../sip/authorization.ts'
import { type Header, type Request, type Response, request } from '../sip/message.ts'
import { allowHeader, supportedHeader, supportedPlainly } from '../sip/screen.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { acknowledge } from './ack.ts'
import { toldByInfo } from './ice.ts'
import { freshLeg, type UacLeg } from './leg.ts'
import type { ClientOrder, LegOrder } from './orders.ts'
import { setSession } from './session.ts'
import { acceptTimer, lengthen, offerTimer } from './session-timer.ts'

/** A leg which was not called yet. */
export function uacLeg(
  { entropy }: SipEndpoint,
  how: Pick<UacLeg, 'route' | 'trusted'> & { readonly account: DigestAccount | null },
): UacLeg {
  return {
    kind: 'uac',
    ...how,
    callId: entropy.hex(16),
    localTag: entropy.hex(8),
    cseq: 1,
    flow: undefined,
    invite: undefined,
    state: 'locating',
    heard: 'nothing',
    proofs: noAuthorizations,
    cancelled: false,
    reoffered: false,
    reason: undefined,
    acks: new SmallMap(),
    earlyDialogs: undefined,
    early: undefined,
    ...freshLeg(entropy.below(2 ** 31)),
  }
}

/**
 * What an INVITE says besides what its leg knows: the address of From without its tag, of To, and headers. A body of which
 * they say no type is SDP.
 */
export interface InviteParts {
  readonly requestUri: string
  readonly from: string
  readonly to: string
  readonly maxForwards: number
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** Without a body: there is a party which may answer an offer before the call is answered. */
  readonly takesOffer?: boolean
}

/** The INVITE of a leg for one address, with what was proved on the way to it. */
export function inviteOf(leg: UacLeg, parts: InviteParts, flow: Flow, endpoint: SipEndpoint): Request {
  const { requestUri, from, to, maxForwards, headers: said, body, takesOffer = false } = parts
  const headers: Header[] = [
    ['via', viaOf(endpoint, flow)],
    ['max-forwards', String(maxForwards)],
    ['from', `${from};tag=${leg.localTag}`],
    ['to', to],
    ['call-id', leg.callId],
    ['cseq', `${leg.cseq} INVITE`],
    ['contact', contactOf(endpoint, flow.transport, leg.signalling)],
    allowHeader,
    body.length > 0 || takesOffer ? supportedHeader : supportedPlainly,
    ...toldByInfo(leg),
    ...offerTimer(leg.timer),
    ...leg.route.map((route): Header => ['route', route]),
    ...said,
    ...leg.proofs.headers,
  ]
  const typed = said.some(([name]) => name === 'content-type')
  if (body.length > 0 && !typed) headers.push(['content-type', 'application/sdp'])
  return request({ method: 'INVITE', requestUri, headers, body })
}

/** It said this before the answer, under that tag. */
export function rememberEarly(leg: UacLeg, tag: string, said: RelayedSdp): void {
  leg.early ??= new SmallMap()
  leg.early.set(tag, said)
}

/** Its INVITE leaves, for the first time or once more with proof. */
export function callLeg<Called extends UacLeg>(
  leg: Called,
  invite: Request,
  flow: Flow,
): ClientOrder<Called> {
  leg.flow = flow
  leg.invite = invite
  leg.state = 'calling'
  leg.heard = 'nothing'
  return { type: 'request', request: invite, flow, role: { role: 'invite', leg } }
}

/**
 * Its INVITE was refused: whether that was a challenge which we can answer (RFC 3261 §22.2), or asked for a longer
 * session interval (RFC 4028 §7.3). If so, the next INVITE of the leg, under the next number, says what was missed.
 */
export function mendInvite(leg: UacLeg, refusal: Response, endpoint: SipEndpoint): boolean {
  if (!leg.invite) return false
  const proofs = prove(leg.proofs, refusal, leg.invite, leg.account, endpoint)
  if (!proofs && !lengthen(leg.timer, leg.invite, refusal)) return false
  leg.proofs = proofs ?? leg.proofs
  leg.earlyDialogs = undefined
  leg.cseq++
  return true
}

/** It answers: the dialog of this 2xx is the leg's from now on. Any other fork's is hung up (byeLate2xx). */
export function answeredBy(leg: UacLeg, response: Response, endpoint: SipEndpoint): LegOrder<never>[] {
  if (!leg.invite) return []
  const dialog = dialogOf(leg, leg.invite, response)
  leg.state = 'answered'
  leg.dialog = dialog
  acceptTimer(leg.timer, leg.invite, response)
  return [{ type: 'dialog', leg, dialog }, ...acknowledge(leg, response, endpoint), ...setSession(leg)]
}

/** The dialog of a 2xx: where it was early, what was said in that is counted on. */
export function dialogOf(leg: UacLeg, invite: Request, response: Response): Dialog {
  const dialog = uacDialog(invite, response)
  const early = leg.earlyDialogs?.get(dialog.remoteTag)?.dialog
  if (!early) return dialog
  dialog.localCseq = Math.max(dialog.localCseq, early.localCseq)
  dialog.remoteCseq = early.remoteCseq
  return dialog
}

/**
 * Gives a leg up which has not answered. A CANCEL may only follow a provisional (RFC 3261 §9.1): before one the leg is
 * remembered as abandoned, and let go when it speaks.
 */
export function abandonInvite<Called extends UacLeg>(leg: Called, reason?: string): ClientOrder<Called>[] {
  if (leg.state === 'over' || leg.state === 'answered') return []
  leg.reason ??= reason
  const inTheAir = leg.state !== 'locating'
  leg.state = inTheAir ? 'abandoned' : 'over'
  if (!inTheAir || !leg.invite || !leg.flow || leg.cancelled) return []
  const abandon: ClientOrder<Called> = { type: 'abandon', of: leg }
  if (leg.heard === 'nothing') return [abandon]
  leg.cancelled = true
  const cancel = buildCancel(leg.invite, leg.reason)
  return [abandon, { type: 'request', request: cancel, flow: leg.flow, role: { role: 'cancel' } }]
}

/** The CANCEL of an INVITE in the air: same branch, same sequence number (RFC 3261 §9.1). */
export function buildCancel(invite: Request, reason: string | undefined): Request {
  const headers = invite.headers.filter(([name]) => shared.has(name))
  const via = headers.find(([name]) => name === 'via')
  const rest = headers.filter(([name]) => name !== 'via')
  return request({
    method: 'CANCEL',
    requestUri: invite.requestUri,
    headers: [
      ...(via ? [via] : []),
      ...rest,
      ['cseq', `${invite.cseq.number} CANCEL`],
      ...(reason ? [['reason', reason] as Header] : []),
    ],
  })
}

const shared = new Set(['via', 'max-forwards', 'from', 'to', 'call-id', 'route'])
