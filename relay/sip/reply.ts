import type { Flow } from '../ground/flow.ts'
import { parseNameAddr } from './address.ts'
import { splitList } from './grammar.ts'
import type { Header, Request, Response } from './message.ts'
import { response } from './message.ts'
import { parseVia, receivedVia } from './via.ts'

/** What a response may carry beyond what it copies. */
export interface ReplyParts {
  readonly reason?: string | undefined
  readonly headers?: readonly Header[] | undefined
  readonly body?: Uint8Array | undefined
  /** For the To header, unless it has one already or the status is 100. */
  readonly toTag?: string | undefined
  /** Where the request came from: the top Via then says so (RFC 3261 §18.2.1, RFC 3581). */
  readonly flow?: Flow | undefined
}

/**
 * The response to a request (RFC 3261 §8.2.6): Via, From, Call-ID, CSeq and To as they came, a 100 its
 * Timestamp (§8.2.6.1), and Record-Route where a dialog begins (§12.1.1).
 *
 * A request which was refused by the parser is answered with what it has.
 */
export function reply(request: Request, status: number, parts: ReplyParts = {}): Response {
  const headers: Header[] = []
  const also = status === 100 ? 'timestamp' : beginsDialog(request, status) ? 'record-route' : undefined
  for (const header of request.headers) {
    const [name, value] = header
    if (name === 'to') headers.push(['to', taggedTo(value, status, parts.toTag)])
    else if (copied.has(name) || name === also) headers.push(header)
  }
  if (parts.flow !== undefined) stampVia(headers, request, parts.flow)
  if (parts.headers !== undefined) headers.push(...parts.headers)
  return response({ status, reason: parts.reason, headers, body: parts.body })
}

const copied = new Set(['via', 'from', 'call-id', 'cseq'])

function beginsDialog(request: Request, status: number): boolean {
  return request.method === 'INVITE' && status > 100 && status < 300
}

function taggedTo(to: string, status: number, tag: string | undefined): string {
  if (tag === undefined || status === 100) return to
  const address = parseNameAddr(to)
  return address === undefined || address.tag !== undefined ? to : `${to};tag=${tag}`
}

/** Marks the first Via; one that cannot be read goes back untouched, as do those behind it. */
function stampVia(headers: Header[], request: Request, flow: Flow): void {
  const index = headers.findIndex(([name]) => name === 'via')
  const value = headers[index]?.[1] ?? ''
  // Read already, where it stands alone and could be read as far as its parameters.
  if (request.via.params.size > 0 && !value.includes(',')) {
    headers[index] = ['via', receivedVia(request.via, flow)]
    return
  }
  const [top = ''] = splitList(value)
  const via = parseVia(top)
  if (via !== undefined && value.startsWith(top))
    headers[index] = ['via', receivedVia(via, flow) + value.slice(top.length)]
}
