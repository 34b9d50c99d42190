import { LinesAtRest } from '../ground/lines-at-rest.ts'
import { rememberLast } from '../ground/remember.ts'
import type { NameAddr } from './address.ts'
import { decode, encode } from './charset.ts'
import type { ValueReader } from './header-index.ts'
import { type Header, type Request, request } from './message.ts'
import type { SipUri } from './uri.ts'
import type { Via } from './via.ts'

/** Texts of a dialog which are kept anyway, and of which its INVITE says most. */
export interface DialogTexts {
  readonly callId: string
  readonly localTag: string
  readonly local: string
  readonly remote: string
}

/**
 * The same request in a quarter of the memory, to be kept for hours and seldom asked: it is text, read anew when asked for,
 * without what `kept` says, what makes of phones say alike, and the rest of the datagram it came in.
 * `isCommon`: whether many say a line of its body alike.
 */
export function atRest(of: Request, kept: DialogTexts, isCommon: (line: string) => boolean): Request {
  return of instanceof RequestAtRest ? of : new RequestAtRest(of, kept, isCommon)
}

/** Headers of a make of phone, or with the number of a text which is kept, as a line. */
const commonHeader =
  /^\["(?:(?:accept|accept-encoding|accept-language|allow|allow-events|max-forwards|min-se|organization|privacy|require|session-expires|supported|user-agent)",".{0,200}"|content-type","application\/sdp"|[\w-]{1,20}",\d)\]$/

class RequestAtRest extends LinesAtRest implements Request {
  readonly #kept: DialogTexts

  constructor(
    { method, requestUri, headers, body }: Request,
    kept: DialogTexts,
    isCommon: (line: string) => boolean,
  ) {
    const texts = textsOf(kept)
    const said = headers.map(([name, value]) => {
      const at = texts.indexOf(value)
      return JSON.stringify([name, at < 0 ? value : at])
    })
    const all = [JSON.stringify([method, requestUri, said.length]), ...said, ...decode(body).split('\n')]
    super(all, (line) => commonHeader.test(line) || isCommon(line.endsWith('\r') ? line.slice(0, -1) : line))
    this.#kept = kept
  }

  /** As it was. */
  read(): Request {
    const texts = textsOf(this.#kept)
    const [first = '', ...lines] = this.lines()
    const [method, requestUri, count] = JSON.parse(first) as [string, string, number]
    const headers = lines.slice(0, count).map((line): Header => {
      const [name, value] = JSON.parse(line) as [string, string | number]
      return [name, typeof value === 'number' ? (texts[value] ?? '') : value]
    })
    return request({ method, requestUri, headers, body: encode(lines.slice(count).join('\n')) })
  }

  get kind(): 'request' {
    return 'request'
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

  get octets(): number {
    return awake(this).octets
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

  readAll<Value>(number: number, read: ValueReader<Value>): Value[] {
    return awake(this).readAll(number, read)
  }

  chosen(marked: Uint8Array): Header[] {
    return awake(this).chosen(marked)
  }

  addresses(name: string): NameAddr[] {
    return awake(this).addresses(name)
  }
}

/** One event asks the same one several times. */
const awake = rememberLast(2, (at: RequestAtRest): Request => at.read())

/** By number. To had no tag yet in an INVITE to us. */
function textsOf({ callId, localTag, local, remote }: DialogTexts): string[] {
  return [callId, local, remote, local.replace(`;tag=${localTag}`, '')]
}
