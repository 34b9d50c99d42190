import { type Flow, isEncrypted } from '../ground/flow.ts'
import type { Request } from '../sip/message.ts'
import { isSipsUri } from '../sip/uri.ts'
import { otherOf } from './sides.ts'
import type { Branch, Call, Side } from './state.ts'
import { notOverTls } from './verdict.ts'

/*
 * What who calls a sips URI was promised: no hop of the call is without TLS (RFC 3261 §26.2.2, RFC 5630 §5.3). We make two of
 * them, and know of proxies before a phone.
 */

/**
 * Whether a call has that promise, by its Request-URI, or of the call from which a party comes (RFC 5630 §5.1.1.3). A call
 * for help goes by any way there is.
 */
export function isSips({ caller, joining, record }: Call): boolean {
  if (record.emergency) return false
  return caller.invite.target?.scheme === 'sips' || (joining !== undefined && isSips(joining.from))
}

/** By what whom a call looks for may be spoken with; a phone which registered a sip URI hears no sips one. */
export function signallingTo(call: Call, contact: Branch['contact']): Branch['signalling'] {
  if (!isSips(call)) return 'any'
  const named = contact !== undefined && (contact.relay !== undefined || isSipsUri(contact.requestUri))
  return named ? 'sips' : 'tls'
}

/** Whether a hop to a branch would be without TLS: ours, or a proxy's, which goes on as it likes where the phone's URI is a sip one. */
export function leavesTls(
  { signalling, contact }: Pick<Branch, 'signalling' | 'contact'>,
  way: Flow,
): boolean {
  if (signalling === 'any') return false
  return !isEncrypted(way) || (signalling === 'tls' && contact !== undefined && contact.path.length > 0)
}

type JoinedLeg = NonNullable<Call['joined'][Side]>

/** Whether two who would speak with each other, since a phone takes a place (RFC 3891), had a hop without TLS against the promise. */
export function placeLeavesTls(
  { call, leg }: { readonly call: Call; readonly leg: JoinedLeg },
  invite: Request,
  way: Flow,
): boolean {
  const promised = isSips(call) || invite.target?.scheme === 'sips'
  return promised && [way, otherOf(call, leg)?.flow].some((one) => one !== undefined && !isEncrypted(one))
}

/** The warn-code (RFC 5630 §6.2). */
export const sipsNotAllowed = 380

/** What becomes of such a branch. */
export const leavingTls = { status: 480, why: notOverTls } as const
