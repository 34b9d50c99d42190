import { digits } from './grammar.ts'
import type { Head } from './headers.ts'
import { flaw, limits } from './limits.ts'
import type { Header, ParseFlaw, Request, RequestMessage, ResponseMessage } from './message.ts'
import { noBody, parseMaxForwards } from './message.ts'
import { properName } from './names.ts'
import { uriScheme } from './uri.ts'
import { cookie } from './via.ts'

/** More Vias than there can be hops. undefined: there are not. */
export function tooManyHops(head: Head): ParseFlaw | undefined {
  let vias = 0
  for (const [name, value] of head.headers) {
    if (name === 'via') vias += value.includes(',') ? value.split(',').length : 1
  }
  return vias > limits.vias ? flaw('Via', 'has too many hops', 513) : undefined
}

const mandatory = ['via', 'from', 'to', 'call-id', 'cseq'] as const

/** Headers which say one thing only (§7.3.1); twice is a contradiction. */
const single = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-type', 'expires'])

/** What every request must have, once and readable (§8.1.1). undefined: it has. */
export function requestFlaw(request: RequestMessage): ParseFlaw | undefined {
  const missing = mandatory.find((name) => request.header(name) === undefined)
  if (missing !== undefined) return flaw(properName(missing), 'is missing')
  const twice = repeated(request.headers)
  if (twice !== undefined) return flaw(properName(twice), 'stands there twice')
  const where = request.unreadable()
  if (where !== undefined) return flaw(where, 'is malformed')
  if (request.via.branch === cookie) return flaw('Via', 'has an empty branch')
  const hops = request.header('max-forwards')
  return hops !== undefined && parseMaxForwards(hops) === undefined
    ? flaw('Max-Forwards', 'is no number')
    : undefined
}

/**
 * What no response can do without: whose it is (§17.1.3), and the To which its ACK copies (§17.1.1.3).
 *
 * Of all else the first that can be read counts: an answer which is not taken is a silent peer, and a call which rings on.
 */
export function responseFlaw(response: ResponseMessage): ParseFlaw | undefined {
  const where = response.header('to') === undefined ? 'To' : response.unreadable()
  return where === undefined ? undefined : flaw(where, 'is missing or malformed')
}

function repeated(headers: readonly Header[]): string | undefined {
  const seen: string[] = []
  for (const [name] of headers) {
    if (!single.has(name)) continue
    if (seen.includes(name)) return name
    seen.push(name)
  }
  return undefined
}

/** A Request-URI has no spaces, no brackets and no headers (§7.1, §19.1.5). */
export function requestUriFlaw(request: Request): ParseFlaw | undefined {
  const { target } = request
  if (target !== undefined)
    return target.headers === undefined ? undefined : flaw('Request-URI', 'has headers')
  const scheme = uriScheme(request.requestUri)
  return scheme === undefined || scheme === 'sip' || scheme === 'sips'
    ? flaw('Request-URI', 'is malformed')
    : undefined
}

/**
 * The body as long as Content-Length says (§18.3); on a datagram the rest where it says nothing, or in a response
 * nothing which can be read.
 */
export function readBody(
  headers: readonly Header[],
  bytes: Uint8Array,
  at: number,
  options: { stream?: boolean; response?: boolean },
): { bytes: Uint8Array; flaw: ParseFlaw | undefined } {
  const said = contentLength(valuesOf(headers, 'content-length'))
  const length = said === 'broken' && options.response ? 'missing' : said
  const there = bytes.length - at
  if (length === 'broken') return { bytes: noBody, flaw: flaw('Content-Length', 'is no single number') }
  if (length === 'missing' && options.stream) {
    return { bytes: noBody, flaw: flaw('Content-Length', 'is missing on a stream') }
  }
  if (length === 'missing') return { bytes: there > 0 ? bytes.subarray(at) : noBody, flaw: undefined }
  if (length + at > limits.message) return { bytes: noBody, flaw: flaw('message', 'is too long', 513) }
  if (length > there) return { bytes: noBody, flaw: flaw('Content-Length', 'promises more than there is') }
  return { bytes: length === 0 ? noBody : bytes.subarray(at, at + length), flaw: undefined }
}

function valuesOf(headers: readonly Header[], wanted: string): string[] {
  const values: string[] = []
  for (const [name, value] of headers) if (name === wanted) values.push(value)
  return values
}

/** What the Content-Length headers of one message agree upon (§18.3, §20.14). */
export function contentLength(values: readonly string[]): number | 'missing' | 'broken' {
  let agreed: number | undefined
  for (const value of values) {
    const length = digits(value, 0, value.length, Number.MAX_SAFE_INTEGER)
    if (length === undefined || (agreed !== undefined && length !== agreed)) return 'broken'
    agreed = length
  }
  return agreed ?? 'missing'
}
