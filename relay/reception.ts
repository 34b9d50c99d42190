import type { CredentialAnswer, CredentialQuestion, DigestAlgorithm } from '#contract'
import { allow } from './call/station.ts'
import type { Flow } from './flow.ts'
import type { Challenger, Verified } from './registrar/challenge.ts'
import type { Header, Request } from './sip/message.ts'
import { screen } from './sip/screen.ts'

/** What we are called, and how we meet strangers. */
export interface House {
  readonly baseDomain: string
  /** Addresses and names which mean us, lower case. */
  readonly names: ReadonlySet<string>
  /** To those we do not know: an answer, or nothing at all. */
  readonly strangers: 'refuse' | 'silent'
}

/** What becomes of a request outside any dialog. */
export type Admission =
  | {
      readonly to: 'refuse'
      readonly status: number
      readonly reason?: string
      readonly headers?: readonly Header[]
    }
  | {
      readonly to: 'challenge'
      readonly realm: string
      readonly proxy: boolean
      readonly algorithms: readonly DigestAlgorithm[]
      readonly stale: boolean
    }
  | { readonly to: 'drop'; readonly why: string }
  | { readonly to: 'ask'; readonly question: CredentialQuestion }
  | { readonly to: 'register'; readonly verified: Verified }
  | { readonly to: 'call'; readonly account: Known | undefined }

type Known = Extract<CredentialAnswer, { kind: 'known' }>

interface Remembered {
  readonly answer: CredentialAnswer
  readonly since: number
  readonly until: number
}

/** What phones are challenged with until we know theirs: the only one all of them answer. */
const usual: readonly DigestAlgorithm[] = ['MD5']

/** At most so many accounts are remembered; the oldest go first. */
const most = 200_000

/** An answer older than this is asked for again before a password is called wrong. */
const freshMs = 2_000

/**
 * Meets every request that belongs to no dialog: screened, challenged, let in (RFC 3261 §8.2, §22).
 *
 * Until somebody has proved who he is, nothing is kept for him: challenges and refusals are stateless.
 */
export class Reception {
  readonly #house: House
  readonly #challenger: Challenger
  readonly #accounts = new Map<string, Remembered>()
  /** No new calls; phones may still register, for they are kept elsewhere too. */
  closed = false

  constructor(house: House, challenger: Challenger) {
    this.#house = house
    this.#challenger = challenger
  }

  /** Decides what a request is let in as; `busy` says that we have more on our hands than we can hold. */
  admit(now: number, at: number, request: Request, flow: Flow, busy: boolean): Admission {
    if (this.#house.strangers === 'silent' && !this.#isOurs(request))
      return { to: 'drop', why: 'foreign domain' }
    const refusal = screen(request)
    if (refusal)
      return 'drop' in refusal && refusal.drop
        ? { to: 'drop', why: refusal.reason ?? '' }
        : { to: 'refuse', ...refusal }
    if (request.method === 'OPTIONS') return this.#options()
    const full = busy || (this.closed && request.method === 'INVITE')
    if (full) return { to: 'refuse', status: 503, headers: [['retry-after', '10']] }
    if (request.method === 'REGISTER') return this.#register(now, at, request)
    return this.#invite(now, at, request, flow)
  }

  /** Keeps the edge's answer about an account as long as it allows. */
  remember(now: number, { realm, username }: CredentialQuestion, answer: CredentialAnswer): void {
    const key = accountKey(realm, username)
    this.#accounts.delete(key)
    this.#accounts.set(key, { answer, since: now, until: now + answer.ttl * 1000 })
    if (this.#accounts.size > most) this.#accounts.delete(this.#accounts.keys().next().value ?? '')
  }

  /** Whether a host is the realm of some customer: `{customer}.registrar.{base}`. */
  isRealm(host: string): boolean {
    return host.endsWith(`.registrar.${this.#house.baseDomain}`)
  }

  isUs(host: string): boolean {
    return this.#house.names.has(host)
  }

  #isOurs(request: Request): boolean {
    const host = request.target?.host ?? ''
    return this.isRealm(host) || this.isUs(host) || this.isRealm(request.from.sip?.host ?? '')
  }

  #options(): Admission {
    const headers: Header[] = [
      ['allow', allow],
      ['accept', 'application/sdp'],
      ['supported', 'path'],
    ]
    return { to: 'refuse', status: this.closed ? 503 : 200, headers }
  }

  #register(now: number, at: number, request: Request): Admission {
    const realm = request.to.sip?.host ?? request.target?.host ?? ''
    return this.#authenticate(now, at, request, realm, false)
  }

  #invite(now: number, at: number, request: Request, _flow: Flow): Admission {
    const host = request.target?.host ?? ''
    const from = request.from.sip?.host ?? ''
    if (this.isRealm(host)) return this.#authenticate(now, at, request, host, true)
    if (!this.isUs(host)) return { to: 'refuse', status: 404 }
    if (this.isRealm(from)) return this.#authenticate(now, at, request, from, true)
    return { to: 'call', account: undefined }
  }

  #authenticate(now: number, at: number, request: Request, realm: string, proxy: boolean): Admission {
    const credentials = this.#challenger.credentials(request, { realm, proxy })
    const username = credentials?.username ?? request.from.sip?.user ?? ''
    const remembered = this.#accounts.get(accountKey(realm, username))
    const current = remembered && remembered.until > now ? remembered : undefined
    const algorithms = current?.answer.kind === 'known' ? current.answer.algorithms : usual
    const challenge = (stale: boolean): Admission => ({ to: 'challenge', realm, proxy, algorithms, stale })
    if (!credentials) return challenge(false)
    // Only who holds a young nonce of ours is worth a question to the edge.
    if (!this.#challenger.knows(at, credentials)) return challenge(true)
    const ask: Admission = { to: 'ask', question: { realm, username } }
    if (!current) return ask
    const result = this.#challenger.check(at, request, credentials, current.answer)
    if (result.ok) {
      const { verified } = result
      return proxy ? { to: 'call', account: verified.credential } : { to: 'register', verified }
    }
    // The password may have changed since we asked.
    if (result.why === 'wrong' && now - current.since > freshMs) return ask
    return challenge(result.why === 'stale')
  }
}

function accountKey(realm: string, username: string): string {
  return `${realm}\n${username}`
}
