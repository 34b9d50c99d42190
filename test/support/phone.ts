import { randomBytes } from 'node:crypto'
import { Call } from './call.ts'
import { answerChallenge, type Credentials } from './digest.ts'
import { Party, type PartyOptions } from './party.ts'
import { header, methodOf, type SipText, statusOf } from './sip-text.ts'
import { Sound, sdp } from './sound.ts'

export interface PhoneOptions extends PartyOptions {
  /** Domain of its address-of-record. */
  realm: string
  username: string
  password: string
}

/** A desk phone on paper: registers, calls and is called, and keeps every message it saw. */
export class Phone extends Party {
  readonly realm: string
  credentials: Credentials
  /** The address its SDP names, as STUN told it; undefined: its own. */
  outside: string | undefined
  /** Of what it dials, and of its Contact. */
  scheme: 'sip' | 'sips' = 'sip'
  /** What it offers in the place of G.711 at its own sound; undefined: that. */
  offers: string | undefined
  #registrations = 0
  #next: NodeJS.Timeout | undefined
  readonly #callId = randomBytes(8).toString('hex')

  constructor(options: PhoneOptions) {
    super(options)
    this.realm = options.realm
    this.credentials = { username: options.username, password: options.password }
  }

  static async open(options: PhoneOptions): Promise<Phone> {
    return new Phone(options).open(options)
  }

  get address_of_record(): string {
    return `sip:${this.credentials.username}@${this.realm}`
  }

  /** A sips URI says TLS by itself (RFC 3261 §26.2.2). */
  override contact(user: string): string {
    const { address, port } = this.place
    return this.scheme === 'sip' ? super.contact(user) : `sips:${user}@${address}:${port}`
  }

  /** Registers its contact, answering the challenge; gives the final response. 0 seconds un-registers. */
  async register(expires = 300): Promise<SipText> {
    const first = this.#register(expires)
    const response = await this.ask(first, this.relay)
    if (statusOf(response) !== 401) return response
    const again = this.#register(expires)
    return this.ask(this.#proven(again, response), this.relay)
  }

  /** Registers, and goes on registering shortly before each time is up which it is granted: told of, in seconds. */
  async keepRegistered(expires: number, granted: (seconds: number) => void = () => undefined): Promise<void> {
    const response = await this.register(expires)
    const seconds = Number(/;expires=(\d+)/.exec(header(response, 'contact') ?? '')?.[1])
    if (!(seconds > 0)) throw new Error(`${this.name} is not registered: ${response.start}`)
    granted(seconds)
    this.#next = setTimeout(
      () => void this.keepRegistered(expires, granted).catch(() => undefined),
      seconds * 850,
    )
  }

  override close(): void {
    clearTimeout(this.#next)
    super.close()
  }

  /** Dials `user` at the phone's own domain. The call is given at once; its end comes by `result`. */
  async call(user: string, mark = this.name[0] ?? 'p'): Promise<Placed> {
    const sound = await Sound.open(this.address)
    const call = Call.outgoing(this, this.#invite(user, sound), sound)
    this.calls.push(call)
    return { call, result: this.#place(call, mark) }
  }

  async #place(call: Call, mark: string): Promise<SipText> {
    const heard = (response: SipText) => call.statuses.push(statusOf(response) ?? 0)
    let response = await this.ask(call.invite, this.relay, heard)
    if (statusOf(response) === 407 || statusOf(response) === 401) {
      call.invite = renewed(this.#proven(call.invite, response), this.via(), 2)
      response = await this.ask(call.invite, this.relay, heard)
    }
    heard(response)
    if (statusOf(response) === 200) call.answered(response, mark)
    else call.failed()
    return response
  }

  #register(expires: number): SipText {
    return {
      start: `REGISTER sip:${this.realm} SIP/2.0`,
      headers: [
        ['Via', this.via()],
        ['From', `<${this.address_of_record}>;tag=${randomBytes(4).toString('hex')}`],
        ['To', `<${this.address_of_record}>`],
        ['Call-ID', this.#callId],
        ['CSeq', `${++this.#registrations} REGISTER`],
        ['Max-Forwards', '70'],
        ['Contact', `<${this.contact(this.credentials.username)}>`],
        ['Expires', String(expires)],
        ['User-Agent', 'Scripted phone'],
      ],
      body: '',
    }
  }

  #invite(user: string, sound: Sound): SipText {
    const uri = `${this.scheme}:${user}@${this.realm}`
    return {
      start: `INVITE ${uri} SIP/2.0`,
      headers: [
        ['Via', this.via()],
        ['From', `"Office" <${this.address_of_record}>;tag=${randomBytes(4).toString('hex')}`],
        ['To', `<${uri}>`],
        ['Call-ID', randomBytes(8).toString('hex')],
        ['CSeq', '1 INVITE'],
        ['Max-Forwards', '70'],
        ['Contact', `<${this.contact(this.credentials.username)}>`],
        ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS'],
        ['User-Agent', 'Scripted phone'],
        ['Content-Type', 'application/sdp'],
      ],
      body: this.offers ?? sdp({ ...sound.place, address: this.outside ?? sound.place.address }),
    }
  }

  #proven(request: SipText, challenged: SipText): SipText {
    const proxy = statusOf(challenged) === 407
    const challenge = header(challenged, proxy ? 'proxy-authenticate' : 'www-authenticate')
    const uri = request.start.split(' ')[1] ?? ''
    const answer = answerChallenge(challenge, methodOf(request), uri, this.credentials)
    return {
      ...request,
      headers: [...request.headers, [proxy ? 'Proxy-Authorization' : 'Authorization', answer]],
    }
  }
}

/** A call on its way, and the final response that will come. */
export interface Placed {
  call: Call
  result: Promise<SipText>
}

function renewed(request: SipText, via: string, cseq: number): SipText {
  const headers = request.headers.map(([name, value]): [string, string] => {
    if (name === 'Via') return [name, via]
    if (name === 'CSeq') return [name, `${cseq} ${methodOf(request)}`]
    return [name, value]
  })
  return { ...request, headers }
}
