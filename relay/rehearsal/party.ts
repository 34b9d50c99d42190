import { type Flow, hostPort } from '../ground/flow.ts'
import { noAuthorizations, prove } from '../sip/authorization.ts'
import { encode } from '../sip/charset.ts'
import { type Header, type Message, type Request, type Response, request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { cookie } from '../sip/via.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { password, realm } from './office.ts'

/** What becomes of an INVITE which a party hears. */
type Manner = 'answers' | 'rings' | 'refuses'

/** Where a party is, who it says it is, and how its words reach the relay. */
interface PartySetup {
  readonly flow: Flow
  readonly user: string
  readonly domain: string
  readonly endpoint: Pick<SipEndpoint, 'entropy' | 'hashes'>
  readonly send: (from: Flow, message: Message) => void
}

/** A phone or a carrier's gateway: asks as it is told to, proves who it is, and answers what it is asked. */
export class RehearsedParty {
  manner: Manner = 'answers'
  readonly flow: Flow
  readonly #setup: PartySetup
  readonly #address: string
  readonly #contact: string
  readonly #session: readonly Header[]
  readonly #sound: Uint8Array
  /** What it asked last, and what that was answered. */
  #asked: Request | undefined
  #answer: Response | undefined
  /** By which INVITE it was called last. */
  #called: Request | undefined
  #number = 0

  constructor(setup: PartySetup) {
    const { flow, user, domain } = setup
    this.#setup = setup
    this.flow = flow
    this.#address = `<sip:${user}@${domain}>`
    this.#contact = `<sip:${user}@${hostPort(flow.address, flow.port)}>`
    this.#session = [
      ['contact', this.#contact],
      ['allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO'],
      ['supported', 'replaces, timer'],
      ['content-type', 'application/sdp'],
    ]
    this.#sound = encode(description(flow.address))
  }

  register(): void {
    const contact: Header = ['contact', `${this.#contact};expires=3600`]
    this.#ask('REGISTER', `sip:${this.#setup.domain}`, this.#address, [contact, ['expires', '3600']])
  }

  /** Calls a user of its own domain; `from` is the number it says it has, unless it is itself. */
  call(user: string, from?: string): void {
    const uri = `sip:${user}@${this.#setup.domain}`
    this.#ask('INVITE', uri, `<${uri}>`, this.#session, { body: this.#sound, from })
  }

  /** Takes back the call it made last, which rings. */
  cancel(): void {
    if (this.#asked) this.#say(beside(this.#asked, 'CANCEL'))
  }

  /** Hangs up the call it made last, which was answered. */
  hangUp(): void {
    this.#within('BYE', 1)
  }

  hears(message: Message): void {
    if (message.kind === 'request') this.#isAsked(message)
    else if (message.status >= 200) this.#isAnswered(message)
  }

  #isAnswered(answer: Response): void {
    const asked = this.#asked
    if (asked?.cseq.number !== answer.cseq.number || asked.method !== answer.cseq.method) return
    this.#answer = answer
    if (asked.method === 'INVITE' && answer.status < 300) return this.#within('ACK', 0)
    if (asked.method === 'INVITE') this.#say(beside(asked, 'ACK', answer.header('to')))
    if (answer.status === 401 || answer.status === 407) this.#prove(asked, answer)
  }

  #prove(asked: Request, refusal: Response): void {
    const account = { username: this.#setup.user, password, realm }
    const proof = prove(noAuthorizations, refusal, asked, account, this.#setup.endpoint)
    if (!proof) return
    this.#number += 1
    const renewed = { via: this.#via(), cseq: `${this.#number} ${asked.method}` }
    const headers = [...changed(asked.headers, renewed), ...proof.headers]
    this.#asked = request({ method: asked.method, requestUri: asked.requestUri, headers, body: asked.body })
    this.#say(this.#asked)
  }

  #isAsked(asked: Request): void {
    const toTag = this.#setup.user
    if (asked.method === 'INVITE') {
      this.#called = asked
      if (this.manner === 'refuses') return this.#say(reply(asked, 503, { toTag }))
      this.#say(reply(asked, 180, { toTag, headers: [['contact', this.#contact]] }))
      if (this.manner === 'answers')
        this.#say(reply(asked, 200, { toTag, headers: this.#session, body: this.#sound }))
    } else if (asked.method !== 'ACK') this.#say(reply(asked, 200, { toTag }))
    if (asked.method === 'CANCEL' && this.#called) this.#say(reply(this.#called, 487, { toTag }))
  }

  #ask(
    method: string,
    requestUri: string,
    to: string,
    more: readonly Header[],
    { body, from }: { body?: Uint8Array; from?: string | undefined } = {},
  ): void {
    const { endpoint, domain } = this.#setup
    const address = from === undefined ? this.#address : `<sip:${from}@${domain}>`
    this.#number += 1
    const headers: Header[] = [
      ['via', this.#via()],
      ['max-forwards', '70'],
      ['from', `${address};tag=${endpoint.entropy.hex(6)}`],
      ['to', to],
      ['call-id', endpoint.entropy.hex(12)],
      ['cseq', `${this.#number} ${method}`],
      ...more,
    ]
    this.#asked = request({ method, requestUri, headers, body })
    this.#say(this.#asked)
  }

  /** A request inside the dialog of its answered INVITE, so many numbers later. */
  #within(method: string, later: number): void {
    const [asked, answer] = [this.#asked, this.#answer]
    const target = answer?.addresses('contact')[0]
    if (!asked || !answer || !target) return
    const { headers } = beside(asked, method, answer.header('to'), later)
    const inside = request({
      method,
      requestUri: target.uri,
      headers: changed(headers, { via: this.#via() }),
    })
    if (method === 'BYE') this.#asked = inside
    this.#say(inside)
  }

  #say(message: Message): void {
    this.#setup.send(this.flow, message)
  }

  #via(): string {
    const { address, port } = this.flow
    return `SIP/2.0/UDP ${hostPort(address, port)};branch=${cookie}${this.#setup.endpoint.entropy.hex(8)};rport`
  }
}

const shared = new Set(['via', 'max-forwards', 'from', 'to', 'call-id'])

/** A request which stands beside another: what names the call is the same. */
function beside({ headers, requestUri, cseq }: Request, method: string, to?: string, later = 0): Request {
  const same = headers.filter(([name]) => shared.has(name))
  const tagged = to === undefined ? same : changed(same, { to })
  return request({ method, requestUri, headers: [...tagged, ['cseq', `${cseq.number + later} ${method}`]] })
}

/** Headers of these names with other values. */
function changed(headers: readonly Header[], values: Readonly<Record<string, string>>): Header[] {
  return headers.map(([name, value]) => [name, values[name] ?? value])
}

/** G.711 and telephone events, as most phones offer them. */
function description(address: string): string {
  const here = `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`
  const lines = [
    'v=0',
    `o=- 1 1 ${here}`,
    's=-',
    `c=${here}`,
    't=0 0',
    'm=audio 4000 RTP/AVP 0 8 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
  ]
  return `${lines.join('\r\n')}\r\n`
}
