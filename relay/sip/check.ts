import { readMaxForwards } from './facts.ts'
import { digits } from './grammar.ts'
import { type Header, HeaderList, type Headers } from './header-index.ts'
import type { Letters } from './letters.ts'
import { flaw, limits } from './limits.ts'
import type { ParseFlaw, Request, RequestMessage, ResponseMessage } from './message.ts'
import { noBody } from './message.ts'
import { bitOf, headerNumber, nameOf, properName } from './names.ts'
import { uriScheme } from './uri.ts'
import { cookie } from './via.ts'

const via = headerNumber('via')
const maxForwards = headerNumber('max-forwards')
const contentLengthNumber = headerNumber('content-length')
const mandatory = ['via', 'from', 'to', 'call-id', 'cseq'].map(headerNumber)
/** Headers which say one thing only (§7.3.1); twice is a contradiction. */
const single = bitsOf(
  ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-type', 'expires'].map(headerNumber),
)
const needed = bitsOf(mandatory)

function bitsOf(numbers: readonly number[]): number {
  return numbers.reduce((bits, number) => bits | bitOf(number), 0)
}

/** More Vias than there can be hops. undefined: there are not. */
export function tooManyHops(headers: Headers): ParseFlaw | undefined {
  let vias = 0
  for (let at = headers.find(via); at >= 0; at = headers.find(via, at)) vias += headers.read(at, members)
  return vias > limits.vias ? flaw('Via', 'has too many hops', 513) : undefined
}

function members({ text }: Letters, from: number, to: number): number {
  let count = 1
  for (let comma = text.indexOf(',', from); comma >= 0 && comma < to; comma = text.indexOf(',', comma + 1))
    count++
  return count
}

/** What every request must have, once and readable (§8.1.1). undefined: it has. */
export function requestFlaw(request: RequestMessage): ParseFlaw | undefined {
  const headers = request.numbered
  if ((headers.there & needed) !== needed) return flaw(missingOf(headers), 'is missing')
  if ((headers.again & single) !== 0) return flaw(properName(repeatedIn(headers)), 'stands there twice')
  const where = request.unreadable()
  if (where !== undefined) return flaw(where, 'is malformed')
  if (request.via.branch === cookie) return flaw('Via', 'has an empty branch')
  const hops = headers.find(maxForwards)
  return hops >= 0 && headers.read(hops, readMaxForwards) === undefined
    ? flaw('Max-Forwards', 'is no number')
    : undefined
}

/** The first of what every request must have which is not there. */
function missingOf(headers: Headers): string {
  return properName(nameOf(mandatory.find((number) => headers.find(number) < 0) ?? 0))
}

/** The first of those which say one thing only that comes again. */
function repeatedIn({ list }: Headers): string {
  const isAgain = ([name]: Header, at: number) =>
    (bitOf(headerNumber(name)) & single) !== 0 && list.findIndex((other) => other[0] === name) < at
  return list.find(isAgain)?.[0] ?? ''
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
  headers: Headers,
  bytes: Uint8Array,
  at: number,
  options: { stream?: boolean; response?: boolean },
): { bytes: Uint8Array; flaw: ParseFlaw | undefined } {
  const said = saidLength(headers)
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

/** A length; undefined when it is no number. */
function readLength({ codes }: Letters, from: number, to: number): number | undefined {
  return digits(codes, from, to, Number.MAX_SAFE_INTEGER)
}

/** What the Content-Length headers of one message agree upon (§18.3, §20.14). */
function saidLength(headers: Headers): number | 'missing' | 'broken' {
  let agreed: number | 'missing' = 'missing'
  for (let at = headers.find(contentLengthNumber); at >= 0; at = headers.find(contentLengthNumber, at)) {
    const length = headers.read(at, readLength)
    if (length === undefined || (agreed !== 'missing' && length !== agreed)) return 'broken'
    agreed = length
  }
  return agreed
}

/** The same of their values. */
export function contentLength(values: readonly string[]): number | 'missing' | 'broken' {
  return saidLength(new HeaderList(values.map((value) => ['content-length', value])))
}
