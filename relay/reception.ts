import type { CredentialAnswer, CredentialQuestion, DigestAlgorithm } from '#contract'
import { allow } from './call/station.ts'
import { type Flow, neighbourhood, reliable } from './flow.ts'
import { lineOf } from './question.ts'
import { Accounts, type Known, type OnFile } from './registrar/accounts.ts'
import { Allowance } from './registrar/allowance.ts'
import type { Challenger, Verified } from './registrar/challenge.ts'
import { type Block, Guard } from './registrar/guard.ts'
import type { Header, Request } from './sip/message.ts'
import { screen } from './sip/screen.ts'
import { Strangers } from './strangers.ts'

/** What we are called, and how we meet strangers. */
export interface House {
  readonly baseDomain: string
  /** Addresses and names which mean us, lower case. */
  readonly names: ReadonlySet<string>
  /** To those we do not know: an answer, or nothing at all. */
  readonly strangers: 'refuse' | 'silent'
}

/** What the reception needs to know of other rooms. */
export interface Desk {
  /** Whether calls can be decided at all. */
  ready(now: number): boolean
  /** Whether calls from this address are somebody's, as far as is known here. */
  isFamiliar(address: string): boolean
  /** Whether this is the word in a contact we registered somewhere. */
  isLine(word: string): boolean
  /** Whether the PBX of this domain may call from there without a password; undefined: nobody here knows. */
  lets(now: number, realm: string, address: string): boolean | undefined
  onFile(now: number, question: CredentialQuestion): OnFile | undefined
  /** Whether an extension has registered over a flow. */
  isAt(extensionId: string, flow: Flow): boolean
}

/** What becomes of a request outside any dialog. */
export type Admission =
  | {
      readonly to: 'refuse'
      readonly status: number
      readonly reason?: string
      readonly headers?: readonly Header[]
    }
  | Challenge
  | { readonly to: 'drop'; readonly why: string }
  | { readonly to: 'ask'; readonly question: CredentialQuestion }
  | { readonly to: 'register'; readonly verified: Verified }
  /** `otherwise`: what to say where the address turns out to be nobody's. */
  | { readonly to: 'call'; readonly account: Known | undefined; readonly otherwise?: Challenge }

export interface Challenge {
  readonly to: 'challenge'
  readonly realm: string
  readonly proxy: boolean
  readonly algorithms: readonly DigestAlgorithm[]
  readonly stale: boolean
  /** So many wrong answers came that no more are looked at for a while. */
  readonly blocked?: (Block & { readonly account: string }) | undefined
}

/** What phones are challenged with until we know theirs: the only one all of them answer. */
const usual: readonly DigestAlgorithm[] = ['MD5']

/** An answer older than this is asked for again before a password is called wrong. */
const freshMs = 2_000

/** Questions about accounts which one address may cause: an office full of phones, restarted all at once. */
const perAddress = { atOnce: 1_000, perSecond: 50 }

/** Our answer is longer than the question: whoever forges a sender must not have many of them. */
const pings = { atOnce: 200, perSecond: 50 }

/** No username with its realm is longer. */
const accountLettersAtMost = 256

const later: readonly Header[] = [['retry-after', '10']]

/**
 * Meets every request that belongs to no dialog: screened, challenged, let in (RFC 3261 §8.2, §22).
 *
 * Until somebody has proved who he is, nothing is kept for him: challenges and refusals are stateless.
 */
export class Reception {
  readonly #house: House
  readonly #challenger: Challenger
  readonly #desk: Desk
  readonly #accounts: Accounts
  readonly #guard = new Guard()
  readonly #questions = new Allowance(perAddress)
  readonly #pings = new Allowance(pings)
  readonly #strangers = new Strangers()
  /** No new calls; phones may still register, for they are kept elsewhere too. */
  closed = false

  constructor(house: House, challenger: Challenger, desk: Desk) {
    this.#house = house
    this.#challenger = challenger
    this.#desk = desk
    this.#accounts = new Accounts((now, question) => desk.onFile(now, question))
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
    if (request.method === 'OPTIONS') return this.#options(now, flow)
    const full = busy || (this.closed && request.method === 'INVITE')
    if (full) return { to: 'refuse', status: 503, headers: later }
    if (request.method === 'REGISTER') return this.#register(now, at, request, flow)
    return this.#invite(now, at, request, flow)
  }

  /** Keeps the edge's answer about an account as long as it allows. */
  remember(now: number, question: CredentialQuestion, answer: CredentialAnswer): void {
    this.#accounts.remember(now, question, answer)
  }

  /** The edge is silent: what was known last decides; where nothing was, nothing can be said. */
  recall(now: number, at: number, request: Request, flow: Flow): Admission | undefined {
    const { realm, proxy } = this.#asks(request)
    const credentials = this.#challenger.credentials(request, { realm, proxy })
    const question = { realm, username: credentials?.username ?? '' }
    const last = credentials && this.#accounts.last(now, question)
    if (!credentials || !last) return undefined
    const result = this.#challenger.check(at, request, credentials, last.answer, flow)
    if (result.ok) {
      this.#guard.right(guessing(question, flow))
      return admitted(result.verified, proxy)
    }
    // Of one asked about long ago, too little is known to call a password wrong.
    if (!last.filed) return undefined
    const blocked = result.why === 'wrong' ? this.#guard.wrong(now, guessing(question, flow)) : undefined
    const algorithms = last.answer.kind === 'known' ? last.answer.algorithms : usual
    return challenged(question, { proxy, algorithms, stale: result.why === 'stale' }, blocked)
  }

  /** Whose address a call came from: a provider's, nobody's, or nobody could say. True when that is news. */
  settle(now: number, flow: Flow, known: boolean | undefined, realm?: string): boolean {
    return this.#strangers.settle(now, flow, known, realm)
  }

  /** Whether a host is a realm of ours: `{customer}.registrar.{base}`, `{name}.trunk.{base}`. */
  isRealm(host: string): boolean {
    return host.endsWith(`.registrar.${this.#house.baseDomain}`) || this.#isTrunk(host)
  }

  isUs(host: string): boolean {
    return this.#house.names.has(host)
  }

  #isTrunk(host: string): boolean {
    return host.endsWith(`.trunk.${this.#house.baseDomain}`)
  }

  #isOurs(request: Request): boolean {
    const host = request.target?.host ?? ''
    return this.isRealm(host) || this.isUs(host) || this.isRealm(request.from.sip?.host ?? '')
  }

  #options(now: number, flow: Flow): Admission {
    if (!reliable(flow) && !this.#pings.take(now, neighbourhood(flow.address)))
      return { to: 'drop', why: 'too many pings' }
    const headers: Header[] = [
      ['allow', allow],
      ['accept', 'application/sdp'],
      ['supported', 'path'],
    ]
    return { to: 'refuse', status: this.closed || !this.#desk.ready(now) ? 503 : 200, headers }
  }

  #register(now: number, at: number, request: Request, flow: Flow): Admission {
    const realm = request.to.sip?.host ?? ''
    if (this.isRealm(realm)) return this.#authenticate(now, at, request, flow)
    // A domain which is nobody's here looks like one whose users nobody knows; no answer to this opens anything.
    return this.#unless({
      to: 'challenge',
      realm,
      proxy: false,
      algorithms: usual,
      stale: false,
      blocked: undefined,
    })
  }

  #invite(now: number, at: number, request: Request, flow: Flow): Admission {
    const host = request.target?.host ?? ''
    const ours = this.isRealm(host)
    if (!ours && !this.isUs(host)) return this.#foreign()
    if (ours || this.isRealm(request.from.sip?.host ?? '')) {
      const admission = this.#authenticate(now, at, request, flow)
      const silent = this.#challenger.credentials(request, this.#asks(request)) === undefined
      return silent && admission.to === 'challenge' ? this.#byAddress(now, admission, flow) : admission
    }
    const line = lineOf(request)
    // A word nobody can guess is worth more than an address.
    if (this.#desk.isFamiliar(flow.address) || (line !== null && this.#desk.isLine(line)))
      return { to: 'call', account: undefined }
    switch (this.#strangers.meet(now, flow)) {
      case 'ask':
        return { to: 'call', account: undefined }
      case 'asked':
        return { to: 'drop', why: 'this address is being asked about' }
      case 'unknown':
        return this.#unless({ to: 'refuse', status: 403 })
      case 'tooMany':
        return this.#unless({ to: 'refuse', status: 503, headers: later })
    }
  }

  /** A PBX may call from its own address without a word; whose address it is, a snapshot says, or the edge. */
  #byAddress(now: number, challenge: Challenge, flow: Flow): Admission {
    if (!this.#isTrunk(challenge.realm)) return challenge
    const own = this.#desk.lets(now, challenge.realm, flow.address)
    switch (own === undefined ? this.#strangers.meet(now, flow, challenge.realm) : own ? 'ask' : 'unknown') {
      case 'ask':
        return { to: 'call', account: undefined, otherwise: challenge }
      case 'asked':
        return { to: 'drop', why: 'this address is being asked about' }
      case 'unknown':
      case 'tooMany':
        return challenge
    }
  }

  #foreign(): Admission {
    return this.#unless({ to: 'refuse', status: 404 })
  }

  /** This answer, unless strangers get none. */
  #unless(answer: Admission): Admission {
    return this.#house.strangers === 'silent' ? { to: 'drop', why: 'a stranger' } : answer
  }

  /** Who has to prove himself to whom: calls pass through us, registrations end here (§22.2, §22.3). */
  #asks(request: Request): { realm: string; proxy: boolean } {
    const proxy = request.method !== 'REGISTER'
    const target = request.target?.host ?? ''
    const { to, from } = request
    if (!proxy) return { proxy, realm: to.sip?.host ?? '' }
    return { proxy, realm: this.isRealm(target) ? target : (from.sip?.host ?? '') }
  }

  #authenticate(now: number, at: number, request: Request, flow: Flow): Admission {
    const { realm, proxy } = this.#asks(request)
    const credentials = this.#challenger.credentials(request, { realm, proxy })
    const question = { realm, username: credentials?.username ?? request.from.sip?.user ?? '' }
    const current = this.#accounts.current(now, question)
    const algorithms = current?.answer.kind === 'known' ? current.answer.algorithms : usual
    const challenge = (stale: boolean, block?: Block): Challenge =>
      challenged(question, { proxy, algorithms, stale }, block)
    if (!credentials) return challenge(false)
    // Only who holds a young nonce of ours is worth a question to the edge.
    if (!this.#challenger.knows(at, credentials, flow)) return challenge(true)
    if (this.#shutOut(now, question, flow)) return challenge(false)
    const result = current && this.#challenger.check(at, request, credentials, current.answer, flow)
    if (result?.ok) {
      this.#guard.right(guessing(question, flow))
      return admitted(result.verified, proxy)
    }
    if (result && result.why !== 'wrong') return challenge(result.why === 'stale')
    // The password may have changed since we asked.
    if (current && now - current.since <= freshMs)
      return challenge(false, this.#guard.wrong(now, guessing(question, flow)))
    const readable = question.username.length + realm.length <= accountLettersAtMost
    return readable ? this.#question(now, question, flow) : challenge(false)
  }

  /** Inventing names must not cost the edge much; a big office behind one address comes in a little later. */
  #question(now: number, question: CredentialQuestion, flow: Flow): Admission {
    if (this.#questions.take(now, neighbourhood(flow.address))) return { to: 'ask', question }
    return { to: 'refuse', status: 503, headers: later }
  }

  /** Whether somebody guessed too often; never a phone which is registered right there. */
  #shutOut(now: number, question: CredentialQuestion, flow: Flow): boolean {
    if (!this.#guard.blocks(now, guessing(question, flow))) return false
    const account = this.#accounts.last(now, question)?.answer
    return account?.kind !== 'known' || !this.#desk.isAt(account.extension_id, flow)
  }
}

function challenged(
  { realm, username }: CredentialQuestion,
  how: { proxy: boolean; algorithms: readonly DigestAlgorithm[]; stale: boolean },
  block?: Block,
): Challenge {
  return { to: 'challenge', realm, ...how, blocked: block && { ...block, account: `${username}@${realm}` } }
}

function admitted(verified: Verified, proxy: boolean): Admission {
  return proxy ? { to: 'call', account: verified.credential } : { to: 'register', verified }
}

function guessing({ realm, username }: CredentialQuestion, { address }: Flow): string {
  return `${username}@${realm} ${neighbourhood(address)}`
}
