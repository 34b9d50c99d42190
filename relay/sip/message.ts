import type { NameAddr } from './address.ts'
import { parseNameAddr } from './address.ts'
import { digits, noParams, skipSpace, splitList, tokenEnd } from './grammar.ts'
import { isList } from './names.ts'
import { reasonPhrase } from './reasons.ts'
import type { SipUri } from './uri.ts'
import { parseUri } from './uri.ts'
import type { Via } from './via.ts'
import { parseVia, salvageVia } from './via.ts'

/** A header as it travels: lower-case long name, and its value unfolded and trimmed. */
export type Header = readonly [name: string, value: string]

interface CSeq {
  readonly number: number
  readonly method: string
}

/** What requests and responses share (RFC 3261 §7). Facts are read once, when first asked for. */
interface Common {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** The topmost Via. */
  readonly via: Via
  readonly from: NameAddr
  readonly to: NameAddr
  readonly callId: string
  readonly cseq: CSeq
  /** First value of a header by lower-case long name; undefined when absent. */
  header(name: string): string | undefined
  /** All values of a header, in order; list headers (§7.3.1) split at their commas, others never. */
  all(name: string): string[]
}

/** A request (RFC 3261 §7.1). */
export interface Request extends Common {
  readonly kind: 'request'
  readonly method: string
  /** The Request-URI as written. */
  readonly requestUri: string
  /** The Request-URI read; undefined when its scheme is not sip or sips. */
  readonly target: SipUri | undefined
  /** 70 where absent. */
  readonly maxForwards: number
}

/** A response (RFC 3261 §7.2). */
export interface Response extends Common {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

/** A request or a response. */
export type Message = Request | Response

/** What is wrong with a message, and the status which says so. */
export interface ParseFlaw {
  readonly where: string
  /** A sentence without its full stop, fit for a reason phrase: `Via is malformed`. */
  readonly why: string
  readonly status: number
}

/** Why bytes are no acceptable message. A fault which is not answerable must be met with silence. */
export interface Fault extends ParseFlaw {
  /** The request as far as it could be read, when enough of it stands to be answered (§8.2.6). */
  readonly answerable: Request | undefined
}

/** What was read, or why it cannot be. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }

/** No body: shared by all messages without one. */
export const noBody = new Uint8Array(0)

/** A request to be sent. Content-Length is the writer's; every other header must be given. */
export function request(parts: {
  method: string
  requestUri: string
  headers: readonly Header[]
  body?: Uint8Array | undefined
}): Request {
  return new RequestMessage(parts.method, parts.requestUri, parts.headers, parts.body ?? noBody)
}

/** A response to be sent; most are made by `reply`. */
export function response(parts: {
  status: number
  reason?: string | undefined
  headers: readonly Header[]
  body?: Uint8Array | undefined
}): Response {
  const { status, reason = reasonPhrase(status), headers, body = noBody } = parts
  return new ResponseMessage(status, reason, headers, body)
}

/** Facts read when first asked for, and kept. */
class CommonFacts implements Common {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  #via: Via | undefined
  #from: NameAddr | undefined
  #to: NameAddr | undefined
  #cseq: CSeq | undefined

  constructor(headers: readonly Header[], body: Uint8Array) {
    this.headers = headers
    this.body = body
  }

  get via(): Via {
    this.#via ??= topVia(this.header('via') ?? '')
    return this.#via
  }

  get from(): NameAddr {
    this.#from ??= party(this.header('from') ?? '')
    return this.#from
  }

  get to(): NameAddr {
    this.#to ??= party(this.header('to') ?? '')
    return this.#to
  }

  get callId(): string {
    return this.header('call-id') ?? ''
  }

  get cseq(): CSeq {
    this.#cseq ??= parseCSeq(this.header('cseq') ?? '') ?? { number: 0, method: '' }
    return this.#cseq
  }

  /** Reads what a response cannot do without: whose it is (§17.1.3); the header which cannot be read, if there is one. */
  unreadable(): string | undefined {
    this.#via = parseVia(this.header('via') ?? '')
    if (this.#via === undefined) return 'Via'
    this.#cseq = parseCSeq(this.header('cseq') ?? '')
    return this.#cseq === undefined ? 'CSeq' : undefined
  }

  /** Reads who speaks to whom; the header which cannot be read, if there is one. */
  protected unreadableParty(): string | undefined {
    this.#from = parseNameAddr(this.header('from') ?? '')
    if (this.#from === undefined) return 'From'
    this.#to = parseNameAddr(this.header('to') ?? '')
    return this.#to === undefined ? 'To' : undefined
  }

  header(name: string): string | undefined {
    for (const header of this.headers) if (header[0] === name) return header[1]
    return undefined
  }

  all(name: string): string[] {
    const values: string[] = []
    for (const header of this.headers) if (header[0] === name) values.push(header[1])
    if (!isList(name) || !values.some((value) => value.includes(','))) return values
    return values.flatMap((value) => splitList(value))
  }
}

/** What `request` makes; for the parser, which looks closer. */
export class RequestMessage extends CommonFacts implements Request {
  readonly kind = 'request'
  readonly method: string
  readonly requestUri: string
  #target: SipUri | null | undefined

  constructor(method: string, requestUri: string, headers: readonly Header[], body: Uint8Array) {
    super(headers, body)
    this.method = method
    this.requestUri = requestUri
  }

  override unreadable(): string | undefined {
    const wrong = super.unreadable() ?? this.unreadableParty()
    if (wrong !== undefined) return wrong
    return this.callId === '' || /[ \t]/.test(this.callId) ? 'Call-ID' : undefined
  }

  get target(): SipUri | undefined {
    if (this.#target === undefined) this.#target = parseUri(this.requestUri) ?? null
    return this.#target ?? undefined
  }

  get maxForwards(): number {
    return parseMaxForwards(this.header('max-forwards')) ?? 70
  }
}

/** What `response` makes; for the parser. */
export class ResponseMessage extends CommonFacts implements Response {
  readonly kind = 'response'
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, headers: readonly Header[], body: Uint8Array) {
    super(headers, body)
    this.status = status
    this.reason = reason
  }
}

/** CSeq = "CSeq" HCOLON 1*DIGIT LWS Method, the number below 2^31 (RFC 3261 §8.1.1.5). */
function parseCSeq(text: string): CSeq | undefined {
  const numberEnd = tokenEnd(text, 0)
  const number = digits(text, 0, numberEnd, 2 ** 31 - 1)
  const methodAt = skipSpace(text, numberEnd)
  if (number === undefined || methodAt === numberEnd) return undefined
  if (methodAt === text.length || tokenEnd(text, methodAt) !== text.length) return undefined
  return { number, method: text.slice(methodAt) }
}

/** A hop count, 255 at most; undefined when the header is absent or no number (RFC 3261 §20.22). */
export function parseMaxForwards(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = digits(text, 0, text.length, Number.MAX_SAFE_INTEGER)
  return number === undefined ? undefined : Math.min(number, 255)
}

/*
 * What cannot be read: requests which are refused themselves and only wait to be answered, and the parties
 * of a response, of which nothing but the tag is needed.
 */
function topVia(text: string): Via {
  return (
    parseVia(text) ??
    salvageVia(text) ?? { transport: '', host: '', port: undefined, branch: undefined, params: noParams }
  )
}

function party(text: string): NameAddr {
  const read = parseNameAddr(text)
  if (read) return read
  const tag = /.*;[ \t]*tag[ \t]*=[ \t]*([^\s;,>"]+)/i.exec(text)?.[1]
  return { display: '', uri: text, sip: undefined, params: noParams, tag }
}
