import type { Flow } from '../ground/flow.ts'
import { parseNameAddr } from './address.ts'
import { splitList } from './grammar.ts'
import type { Header, Request, Response } from './message.ts'
import { response } from './message.ts'
import { headerNumber } from './names.ts'
import { noParams } from './params.ts'
import { parseVia, receivedVia, stampedVia } from './via.ts'

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
  const copied = status === 100 ? intoTrying : beginsDialog(request, status) ? intoDialog : intoAny
  const headers = request.chosen(copied)
  if (parts.toTag !== undefined && status > 100) tagTo(headers, request, parts.toTag)
  if (parts.flow !== undefined) stampVia(headers, request, parts.flow)
  if (parts.headers !== undefined) headers.push(...parts.headers)
  return response({ status, reason: parts.reason, headers, body: parts.body })
}

/** Marks of the headers which go into a response. */
function marksOf(...also: string[]): Uint8Array {
  const marks = new Uint8Array(256)
  for (const name of ['via', 'from', 'to', 'call-id', 'cseq', ...also]) marks[headerNumber(name)] = 1
  return marks
}

const intoAny = marksOf()
const intoTrying = marksOf('timestamp')
const intoDialog = marksOf('record-route')

function beginsDialog(request: Request, status: number): boolean {
  return request.method === 'INVITE' && status > 100 && status < 300
}

/** Tags each To which can be read and has no tag. */
function tagTo(headers: Header[], { to }: Request, tag: string): void {
  for (const [at, [name, value]] of headers.entries()) {
    if (name !== 'to') continue
    const address = to.sip === undefined ? parseNameAddr(value) : to
    if (address && address.tag === undefined) headers[at] = ['to', `${value};tag=${tag}`]
  }
}

/** Marks the first Via; one that cannot be read goes back untouched, as do those behind it. */
function stampVia(headers: Header[], request: Request, flow: Flow): void {
  const index = headers.findIndex(([name]) => name === 'via')
  const value = headers[index]?.[1] ?? ''
  // Read already, where it stands alone and could be read as far as its parameters.
  if (request.via.params !== noParams && !value.includes(',')) {
    headers[index] = ['via', stampedVia(value, request.via, flow)]
    return
  }
  const [top = ''] = splitList(value)
  const via = parseVia(top)
  if (via !== undefined && value.startsWith(top))
    headers[index] = ['via', receivedVia(via, flow) + value.slice(top.length)]
}
