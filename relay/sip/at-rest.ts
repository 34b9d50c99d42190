import { rememberLast } from '../ground/remember.ts'
import type { NameAddr } from './address.ts'
import { decode, encode } from './charset.ts'
import { type Header, type Request, request } from './message.ts'
import type { SipUri } from './uri.ts'
import type { Via } from './via.ts'

/**
 * The same request in a third of the memory, to be kept for hours and seldom asked: it is one text, read anew when
 * asked for, and it holds nothing else of the datagram it came in.
 */
export function atRest(of: Request): Request {
  return of instanceof RequestAtRest ? of : new RequestAtRest(of)
}

class RequestAtRest implements Request {
  readonly kind = 'request'
  readonly #said: string

  constructor({ method, requestUri, headers, body }: Request) {
    this.#said = JSON.stringify([method, requestUri, headers, decode(body)])
  }

  /** As it was. */
  read(): Request {
    const [method, requestUri, headers, body] = JSON.parse(this.#said) as [string, string, Header[], string]
    return request({ method, requestUri, headers, body: encode(body) })
  }

  get body(): Uint8Array {
    return awake(this).body
  }

  get method(): string {
    return awake(this).method
  }

  get requestUri(): string {
    return awake(this).requestUri
  }

  get headers(): readonly Header[] {
    return awake(this).headers
  }

  get target(): SipUri | undefined {
    return awake(this).target
  }

  get maxForwards(): number {
    return awake(this).maxForwards
  }

  get via(): Via {
    return awake(this).via
  }

  get from(): NameAddr {
    return awake(this).from
  }

  get to(): NameAddr {
    return awake(this).to
  }

  get callId(): string {
    return awake(this).callId
  }

  get cseq(): Request['cseq'] {
    return awake(this).cseq
  }

  header(name: string): string | undefined {
    return awake(this).header(name)
  }

  all(name: string): string[] {
    return awake(this).all(name)
  }

  addresses(name: string): NameAddr[] {
    return awake(this).addresses(name)
  }
}

/** One event asks the same one several times. */
const awake = rememberLast(2, (at: RequestAtRest): Request => at.read())
