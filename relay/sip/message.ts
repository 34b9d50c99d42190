import type { NameAddr } from './address.ts'
import { parseNameAddrs, readNameAddr } from './address.ts'
import { brokenParty, brokenVia, type CSeq, isOneWord, readCSeq, readMaxForwards, textOf } from './facts.ts'
import { splitList } from './grammar.ts'
import { type Header, HeaderList, type Headers, type ValueReader } from './header-index.ts'
import type { ParseFlaw } from './limits.ts'
import { headerNumber, isList } from './names.ts'
import { reasonPhrase } from './reasons.ts'
import type { SipUri } from './uri.ts'
import { parseUri } from './uri.ts'
import type { Via } from './via.ts'
import { readVia } from './via.ts'

export type { Header, ParseFlaw }

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
  /** What `read` makes of each of a header with a number (`names.ts`), as it stands. */
  readAll<Value>(number: number, read: ValueReader<Value>): Value[]
  /** The headers whose numbers are marked, in order. */
  chosen(marked: Uint8Array): Header[]
  /** The addresses in all values of a header; one which cannot be read hides no other. */
  addresses(name: string): NameAddr[]
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
  /** How long it was as it came; 0: it did not. */
  readonly octets: number
}

/** A response (RFC 3261 §7.2). */
export interface Response extends Common {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

/** A request or a response. */
export type Message = Request | Response

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
  return new RequestMessage(
    parts.method,
    parts.requestUri,
    new HeaderList(parts.headers),
    parts.body ?? noBody,
  )
}

/** A response to be sent; most are made by `reply`. */
export function response(parts: {
  status: number
  reason?: string | undefined
  headers: readonly Header[]
  body?: Uint8Array | undefined
}): Response {
  const { status, reason = reasonPhrase(status), headers, body = noBody } = parts
  return new ResponseMessage(status, reason, new HeaderList(headers), body)
}

const [viaNumber, fromNumber, toNumber] = [headerNumber('via'), headerNumber('from'), headerNumber('to')]
const [callIdNumber, cseqNumber] = [headerNumber('call-id'), headerNumber('cseq')]
const hopsNumber = headerNumber('max-forwards')

/** Facts read when first asked for, and kept. */
class CommonFacts implements Common {
  /** The headers by their numbers. */
  readonly numbered: Headers
  readonly body: Uint8Array
  #via: Via | undefined
  #from: NameAddr | undefined
  #to: NameAddr | undefined
  #callId: string | undefined
  #cseq: CSeq | undefined

  constructor(headers: Headers, body: Uint8Array) {
    this.numbered = headers
    this.body = body
  }

  get headers(): readonly Header[] {
    return this.numbered.list
  }

  get via(): Via {
    this.#via ??= this.first(viaNumber, readVia) ?? brokenVia(this.header('via') ?? '')
    return this.#via
  }

  get from(): NameAddr {
    this.#from ??= this.first(fromNumber, readNameAddr) ?? brokenParty(this.header('from') ?? '')
    return this.#from
  }

  get to(): NameAddr {
    this.#to ??= this.first(toNumber, readNameAddr) ?? brokenParty(this.header('to') ?? '')
    return this.#to
  }

  get callId(): string {
    this.#callId ??= this.first(callIdNumber, textOf) ?? ''
    return this.#callId
  }

  get cseq(): CSeq {
    this.#cseq ??= this.first(cseqNumber, readCSeq) ?? { number: 0, method: '' }
    return this.#cseq
  }

  /** Reads what a response cannot do without: whose it is (§17.1.3); the header which cannot be read, if there is one. */
  unreadable(): string | undefined {
    this.#via = this.first(viaNumber, readVia)
    if (this.#via === undefined) return 'Via'
    this.#cseq = this.first(cseqNumber, readCSeq)
    return this.#cseq === undefined ? 'CSeq' : undefined
  }

  /** Reads who speaks to whom; the header which cannot be read, if there is one. */
  protected unreadableParty(): string | undefined {
    this.#from = this.first(fromNumber, readNameAddr)
    if (this.#from === undefined) return 'From'
    this.#to = this.first(toNumber, readNameAddr)
    return this.#to === undefined ? 'To' : undefined
  }

  header(name: string): string | undefined {
    const number = headerNumber(name)
    if (number === 0) return this.headers.find((header) => header[0] === name)?.[1]
    const at = this.numbered.find(number)
    return at < 0 ? undefined : this.numbered.value(at)
  }

  all(name: string): string[] {
    const values = this.#values(name)
    if (!isList(name) || !values.some((value) => value.includes(','))) return values
    return values.flatMap((value) => splitList(value))
  }

  readAll<Value>(number: number, read: ValueReader<Value>): Value[] {
    const values: Value[] = []
    for (let at = this.numbered.find(number); at >= 0; at = this.numbered.find(number, at))
      values.push(this.numbered.read(at, read))
    return values
  }

  chosen(marked: Uint8Array): Header[] {
    return this.numbered.chosen(marked)
  }

  addresses(name: string): NameAddr[] {
    const number = headerNumber(name)
    if (number === 0) return parseNameAddrs(this.#values(name))
    const addresses: NameAddr[] = []
    for (let at = this.numbered.find(number); at >= 0; at = this.numbered.find(number, at)) {
      const only = this.numbered.read(at, readNameAddr)
      if (only !== undefined) addresses.push(only)
      else addresses.push(...parseNameAddrs(this.numbered.value(at)))
    }
    return addresses
  }

  /** What `read` makes of the first header of a name; undefined where there is none. */
  protected first<Value>(number: number, read: ValueReader<Value>): Value | undefined {
    const at = this.numbered.find(number)
    return at < 0 ? undefined : this.numbered.read(at, read)
  }

  #values(name: string): string[] {
    const number = headerNumber(name)
    if (number === 0) return this.headers.filter((header) => header[0] === name).map(([, value]) => value)
    return this.readAll(number, textOf)
  }
}

/** What `request` makes; for the parser, which looks closer. */
export class RequestMessage extends CommonFacts implements Request {
  readonly kind = 'request'
  readonly method: string
  readonly requestUri: string
  readonly octets: number
  #target: SipUri | null | undefined

  /** `target`: the Request-URI where it is read already; null where that cannot be. */
  constructor(
    method: string,
    requestUri: string,
    headers: Headers,
    body: Uint8Array,
    target?: SipUri | null,
    octets = 0,
  ) {
    super(headers, body)
    this.method = method
    this.requestUri = requestUri
    this.octets = octets
    this.#target = target
  }

  override unreadable(): string | undefined {
    const wrong = super.unreadable() ?? this.unreadableParty()
    if (wrong !== undefined) return wrong
    return this.first(callIdNumber, isOneWord) ? undefined : 'Call-ID'
  }

  get target(): SipUri | undefined {
    if (this.#target === undefined) this.#target = parseUri(this.requestUri) ?? null
    return this.#target ?? undefined
  }

  get maxForwards(): number {
    return this.first(hopsNumber, readMaxForwards) ?? 70
  }
}

/** What `response` makes; for the parser. */
export class ResponseMessage extends CommonFacts implements Response {
  readonly kind = 'response'
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, headers: Headers, body: Uint8Array) {
    super(headers, body)
    this.status = status
    this.reason = reason
  }
}
