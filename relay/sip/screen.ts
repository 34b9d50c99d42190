import { sdpBody } from './body.ts'
import type { Header, Request } from './message.ts'
import { asksForMessages, MESSAGE_SUMMARY } from './message-summary.ts'
import { mediaType } from './multipart.ts'
import { privacyOf } from './privacy.ts'
import { leastInterval, minSeHeader, sessionExpiresOf, supports } from './session-expires.ts'
import { isTel, uriScheme } from './uri.ts'

/** Why a request goes no further: the response it gets, or silence. */
export interface ScreenRefusal {
  readonly status: number
  readonly reason?: string
  readonly headers?: readonly Header[]
  /** Nothing may be sent: it was an ACK. */
  readonly drop?: true
}

/** Methods we act upon wherever they come from. */
const allowedMethods = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'REGISTER'] as const

/** Methods which mean nothing outside a dialog; all but PRACK and BYE are carried within one. */
const dialogMethods = ['INFO', 'UPDATE', 'REFER', 'NOTIFY', 'PRACK', 'BYE']

/** Methods we know and refuse. */
export const refusedMethods = ['MESSAGE', 'PUBLISH'] as const

/** Option tags a request may require of us (RFC 3261 §8.2.2.3): `path` is the registrar's (RFC 3327). */
export const supportedOptions: readonly string[] = ['path', 'timer', '100rel', 'replaces']

/** What we say of ourselves in responses (RFC 3261 §20.5, §20.1, §20.2). */
export const allowHeader: Header = [
  'allow',
  [...allowedMethods, 'INFO', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY'].join(', '),
]
/** What of it concerns calls; said in responses, and in an INVITE which brings an offer. */
export const supportedHeader: Header = ['supported', '100rel, timer, replaces']
/** The same in any other request of ours: no reliable provisional is expected for it. */
export const supportedPlainly: Header = ['supported', 'timer, replaces']
export const acceptHeader: Header = ['accept', 'application/sdp, multipart/mixed']
export const acceptEncodingHeader: Header = ['accept-encoding', 'identity']

/**
 * What any UAS checks before it looks at who asks (RFC 3261 §8.2), in the order of that section;
 * undefined: nothing stands against it.
 */
export function screen(request: Request): ScreenRefusal | undefined {
  const refusal = firstOf(request)
  if (refusal === undefined || request.method !== 'ACK') return refusal
  return { ...refusal, drop: true }
}

function firstOf(request: Request): ScreenRefusal | undefined {
  const early = methodRefusal(request) ?? sense(request)
  // These two live on another request's transaction: nothing may be required of them (§8.2.2.3).
  if (early !== undefined || request.method === 'ACK' || request.method === 'CANCEL') return early
  return (
    schemeRefusal(request) ??
    requireRefusal(request) ??
    (request.method === 'INVITE'
      ? (bodyRefusal(request) ??
        acceptRefusal(request) ??
        privacyRefusal(request) ??
        intervalRefusal(request, request.to.tag === undefined ? leastInterval : 0))
      : undefined)
  )
}

function methodRefusal(request: Request): ScreenRefusal | undefined {
  const { method, to } = request
  // A request of a dialog names it by a To tag (§12.2.2).
  if (dialogMethods.includes(method)) return to.tag === undefined ? { status: 481 } : undefined
  if ((allowedMethods as readonly string[]).includes(method)) return undefined
  // There is no other event which we could tell of (RFC 6665 §4.2.1.1).
  if (method === 'SUBSCRIBE') return asksForMessages(request) ? undefined : noSuchEvent
  const known = (refusedMethods as readonly string[]).includes(method)
  return { status: known ? 405 : 501, headers: [allowHeader] }
}

const noSuchEvent: ScreenRefusal = { status: 489, headers: [['allow-events', MESSAGE_SUMMARY]] }

/** Whether the headers agree with one another. */
function sense(request: Request): ScreenRefusal | undefined {
  const { method, to } = request
  if (request.cseq.method !== method) return bad('CSeq names another method')
  if (method === 'REGISTER' && to.sip === undefined) return bad('To names no address-of-record')
  if (method !== 'INVITE') return undefined
  // A Contact may be absent: RFC 2543 did not ask for it.
  const one = request.all('contact').length === 0 || request.addresses('contact').length === 1
  return one ? undefined : bad('Contact is not one address')
}

function bad(why: string): ScreenRefusal {
  return { status: 400, reason: `Bad Request: ${why}` }
}

/** A call may be for a number, whatever domain it is in (RFC 3261 §19.1.6). */
function schemeRefusal({ method, requestUri, target }: Request): ScreenRefusal | undefined {
  if (target !== undefined) return undefined
  const scheme = uriScheme(requestUri)
  const fit = scheme === 'sip' || scheme === 'sips' || (method === 'INVITE' && isTel(requestUri))
  return fit ? undefined : { status: 416 }
}

function requireRefusal(request: Request): ScreenRefusal | undefined {
  const unknown = request.all('require').filter((option) => !supportedOptions.includes(option.toLowerCase()))
  return unknown.length === 0 ? undefined : { status: 420, headers: [['unsupported', unknown.join(', ')]] }
}

/** An INVITE brings a session description, no body, or one it calls optional (§8.2.3, §20.11). */
function bodyRefusal(request: Request): ScreenRefusal | undefined {
  if (request.body.length === 0) return undefined
  const plain = request.all('content-encoding').every((encoding) => encoding.toLowerCase() === 'identity')
  if (plain && sdpBody(request) !== undefined) return undefined
  if (/;\s*handling\s*=\s*optional/i.test(request.header('content-disposition') ?? '')) return undefined
  if (mediaType(request.header('content-type')) === undefined) return bad('a body without Content-Type')
  return { status: 415, headers: [acceptHeader, acceptEncodingHeader] }
}

/** A caller which does not accept SDP cannot be answered (RFC 4475 §3.3.15). An empty Accept takes nothing (RFC 3261 §20.1). */
function acceptRefusal(request: Request): ScreenRefusal | undefined {
  const accepted = request.all('accept')
  const types = accepted.map((type) => mediaType(type) ?? '').filter((type) => /^[^/]+\/[^/]+$/.test(type))
  const answerable = ['application/sdp', 'application/*', '*/*']
  const silent = types.length === 0 && !accepted.includes('')
  if (silent || types.some((type) => answerable.includes(type))) return undefined
  return { status: 406, headers: [['warning', '399 trunkline "only application/sdp can be sent"']] }
}

/** Who would rather not be connected than without all of what it asks to be hidden by (RFC 3323 §5). */
function privacyRefusal(request: Request): ScreenRefusal | undefined {
  if (request.header('privacy') === undefined) return undefined
  const { critical, unknown } = privacyOf(request)
  const [first] = unknown
  if (!critical || first === undefined) return undefined
  return {
    status: 500,
    reason: `Server Internal Error: privacy ${first.replace(/[^\w.-]/g, '').slice(0, 32)} cannot be done here`,
  }
}

/**
 * A session interval which is too short, of a party which can hear that (RFC 4028 §9). `least`: seconds, in a session
 * which has a shorter one already that. undefined: none is.
 */
export function intervalRefusal(request: Request, least = leastInterval): ScreenRefusal | undefined {
  const short = (sessionExpiresOf(request)?.seconds ?? least) < least
  return short && supports(request, 'timer')
    ? { status: 422, headers: [minSeHeader(leastInterval)] }
    : undefined
}
