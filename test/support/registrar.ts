import { randomBytes } from 'node:crypto'
import { type Credentials, provesPassword } from './digest.ts'
import { header, type Letter, methodOf, uriOf } from './letter.ts'
import { type Line, type Place, type Sighting, udpLine } from './line.ts'

/** A provider's registrar on paper (RFC 3261 §10.3): one account, digest, and how long it grants. */
export class Registrar {
  /** Every REGISTER it got, repeats too. */
  readonly trace: Sighting[] = []
  /** Contact URI → performance.now() of its end. */
  readonly contacts = new Map<string, number>()
  /** Seconds it grants at most, and at least. */
  grants = 3600
  least = 0
  /** Statuses it answers with instead, one each. */
  readonly moods: { status: number; headers?: Letter['headers'] }[] = []
  readonly #account: Credentials
  readonly #nonces = new Set<string>()
  #line: Line | undefined

  constructor(account: Credentials) {
    this.#account = account
  }

  static async open(address: string, account: Credentials): Promise<Registrar> {
    const registrar = new Registrar(account)
    const { trace } = registrar
    const receive = (letter: Letter, from: Place) => registrar.#receive(letter, from)
    registrar.#line = await udpLine(address, 0, { party: 'registrar', trace, receive })
    return registrar
  }

  get place(): Place {
    if (!this.#line) throw new Error('the registrar is not open')
    return this.#line.place
  }

  /** REGISTERs which came so far. */
  get asked(): Letter[] {
    return this.trace.filter(({ way }) => way === 'came').map(({ letter }) => letter)
  }

  /** Contacts which stand now. */
  get standing(): string[] {
    return [...this.contacts].flatMap(([contact, until]) => (until > performance.now() ? contact : []))
  }

  close(): void {
    this.#line?.close()
  }

  #receive(letter: Letter, from: Place): void {
    if (methodOf(letter) === 'REGISTER') this.#line?.send(this.#answer(letter), from)
  }

  #answer(letter: Letter): Letter {
    const mood = this.moods.shift()
    if (mood) return answer(letter, mood.status, mood.headers)
    const proof = header(letter, 'authorization')
    const nonce = /nonce="([^"]*)"/.exec(proof)?.[1] ?? ''
    if (!this.#nonces.has(nonce) || !provesPassword(proof, 'REGISTER', this.#account))
      return answer(letter, 401, [['WWW-Authenticate', this.#challenge()]])
    const wanted = Number(header(letter, 'expires'))
    if (wanted > 0 && wanted < this.least) return answer(letter, 423, [['Min-Expires', `${this.least}`]])
    const seconds = Math.min(wanted, this.grants)
    const contact = uriOf(header(letter, 'contact'))
    if (seconds === 0) this.contacts.delete(contact)
    else this.contacts.set(contact, performance.now() + seconds * 1000)
    const list = this.standing.map((uri): [string, string] => {
      const left = Math.ceil(((this.contacts.get(uri) ?? 0) - performance.now()) / 1000)
      return ['Contact', `<${uri}>;expires=${left}`]
    })
    return answer(letter, 200, list)
  }

  #challenge(): string {
    const nonce = randomBytes(8).toString('hex')
    this.#nonces.add(nonce)
    return `Digest realm="registrar.test", nonce="${nonce}", algorithm=MD5, qop="auth"`
  }
}

function answer(letter: Letter, status: number, headers: Letter['headers'] = []): Letter {
  const copied = letter.headers.filter(([name]) => /^(via|from|call-id|cseq)$/i.test(name))
  return {
    start: `SIP/2.0 ${status} Whatever`,
    headers: [...copied, ['To', `${header(letter, 'to')};tag=registrar`], ...headers],
    body: '',
  }
}
