import { parseNameAddr } from '../sip/address.ts'
import { type Header, type Request, request } from '../sip/message.ts'
import { parseUri, type SipUri, whereTo, writeUri } from '../sip/uri.ts'
import type { Dialog } from './dialog.ts'

/** What a request within a dialog adds to what the dialog knows. */
interface InDialogParts {
  readonly method: string
  /** The Via value, its branch included. */
  readonly via: string
  /** Our Contact value: for INVITE and UPDATE, which refresh the other side's target. */
  readonly contact?: string | undefined
  readonly headers?: readonly Header[] | undefined
  readonly body?: Uint8Array | undefined
  readonly maxForwards?: number | undefined
  /** Absent: the next number. Given for an ACK, which bears its INVITE's. */
  readonly cseq?: number | undefined
}

/** Makes a request within a dialog and counts it (RFC 3261 §12.2.1.1); send it to nextHop(). */
export function inDialog(dialog: Dialog, wanted: InDialogParts): Request {
  const { requestUri, routes } = path(dialog)
  const number = wanted.cseq ?? ++dialog.localCseq
  const headers: Header[] = [
    ['via', wanted.via],
    ...routes.map((route): Header => ['route', route]),
    ['max-forwards', `${wanted.maxForwards ?? 70}`],
    ['from', dialog.local],
    ['to', dialog.remote],
    ['call-id', dialog.callId],
    ['cseq', `${number} ${wanted.method}`],
  ]
  if (wanted.contact !== undefined) headers.push(['contact', wanted.contact])
  if (wanted.headers !== undefined) headers.push(...wanted.headers)
  return request({ method: wanted.method, requestUri, headers, body: wanted.body })
}

/** The ACK for a 2xx: a request of its own, under a new branch (RFC 3261 §13.2.2.4). */
export function ackFor2xx(
  dialog: Dialog,
  inviteCseq: number,
  wanted: Omit<InDialogParts, 'method' | 'cseq'>,
): Request {
  return inDialog(dialog, { ...wanted, method: 'ACK', cseq: inviteCseq })
}

/** Where requests of this dialog go first, its maddr as its host; undefined when that is no sip or sips URI (RFC 3261 §8.1.2). */
export function nextHop(dialog: Dialog): SipUri | undefined {
  const first = dialog.routeSet[0]
  const hop = first === undefined ? parseUri(dialog.remoteTarget) : parseNameAddr(first)?.sip
  return hop && { ...hop, ...whereTo(hop) }
}

/** Request-URI and Route: a first hop without `lr` wants its own name in the one and the target last in the other. */
function path({ routeSet, remoteTarget }: Dialog): { requestUri: string; routes: readonly string[] } {
  const first = routeSet[0] === undefined ? undefined : parseNameAddr(routeSet[0])
  if (first?.sip === undefined || first.sip.params.has('lr')) {
    return { requestUri: asRequestUri(remoteTarget), routes: routeSet }
  }
  return { requestUri: asRequestUri(first.uri), routes: [...routeSet.slice(1), `<${remoteTarget}>`] }
}

/** Without what no Request-URI may hold: headers and a method (RFC 3261 §19.1.1, table 1). */
function asRequestUri(text: string): string {
  const uri = parseUri(text)
  if (uri === undefined || (uri.headers === undefined && !uri.params.has('method'))) return text
  const params = new Map([...uri.params].filter(([name]) => name !== 'method'))
  return writeUri({ ...uri, params, headers: undefined })
}
