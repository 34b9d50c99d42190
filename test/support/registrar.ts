import { randomBytes } from 'node:crypto'
import { type Credentials, provesPassword } from './digest.ts'
import { type HostAndPort, type SipSocket, type TracedMessage, udpSocket } from './sip-socket.ts'
import { header, methodOf, type SipText, uriOf } from './sip-text.ts'

/** A provider's registrar on paper (RFC 3261 §10.3): one account, digest, and how long it grants. */
export class Registrar {
  /** Every REGISTER it got, repeats too. */
  readonly trace: TracedMessage[] = []
  /** Contact URI → performance.now() of its end. */
  readonly contacts = new Map<string, number>()
  /** Seconds it grants at most, and at least. */
  grants = 3600
  least = 0
  /** Statuses it answers with instead, one each. */
  readonly moods: { status: number; headers?: SipText['headers'] }[] = []
  readonly #account: Credentials
  readonly #nonces = new Set<string>()
  #socket: SipSocket | undefined

  constructor(account: Credentials) {
    this.#account = account
  }

  static async open(address: string, account: Credentials): Promise<Registrar> {
    const registrar = new Registrar(account)
    const { trace } = registrar
    const receive = (message: SipText, from: HostAndPort) => registrar.#receive(message, from)
    registrar.#socket = await udpSocket(address, 0, { party: 'registrar', trace, receive })
    return registrar
  }

  get place(): HostAndPort {
    if (!this.#socket) throw new Error('the registrar is not open')
    return this.#socket.place
  }

  /** REGISTERs which came so far. */
  get asked(): SipText[] {
    return this.trace.filter(({ way }) => way === 'came').map(({ message }) => message)
  }

  /** Contacts which stand now. */
  get standing(): string[] {
    return [...this.contacts].flatMap(([contact, until]) => (until > performance.now() ? contact : []))
  }

  close(): void {
    this.#socket?.close()
  }

  #receive(message: SipText, from: HostAndPort): void {
    if (methodOf(message) === 'REGISTER') this.#socket?.send(this.#answer(message), from)
  }

  #answer(message: SipText): SipText {
    const mood = this.moods.shift()
    if (mood) return answer(message, mood.status, mood.headers)
    const proof = header(message, 'authorization')
    const nonce = /nonce="([^"]*)"/.exec(proof)?.[1] ?? ''
    if (!this.#nonces.has(nonce) || !provesPassword(proof, 'REGISTER', this.#account))
      return answer(message, 401, [['WWW-Authenticate', this.#challenge()]])
    const wanted = Number(header(message, 'expires'))
    if (wanted > 0 && wanted < this.least) return answer(message, 423, [['Min-Expires', `${this.least}`]])
    const seconds = Math.min(wanted, this.grants)
    const contact = uriOf(header(message, 'contact'))
    if (seconds === 0) this.contacts.delete(contact)
    else this.contacts.set(contact, performance.now() + seconds * 1000)
    const list = this.standing.map((uri): [string, string] => {
      const left = Math.ceil(((this.contacts.get(uri) ?? 0) - performance.now()) / 1000)
      return ['Contact', `<${uri}>;expires=${left}`]
    })
    return answer(message, 200, list)
  }

  #challenge(): string {
    const nonce = randomBytes(8).toString('hex')
    this.#nonces.add(nonce)
    return `Digest realm="registrar.test", nonce="${nonce}", algorithm=MD5, qop="auth"`
  }
}

function answer(message: SipText, status: number, headers: SipText['headers'] = []): SipText {
  const copied = message.headers.filter(([name]) => /^(via|from|call-id|cseq)$/i.test(name))
  return {
    start: `SIP/2.0 ${status} Whatever`,
    headers: [...copied, ['To', `${header(message, 'to')};tag=registrar`], ...headers],
    body: '',
  }
}
