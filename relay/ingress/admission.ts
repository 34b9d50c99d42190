import type { CredentialAnswer, CredentialQuestion, MonotonicMs, StrangerPolicy, UtcMs } from '#contract'
import { customerOf, isEmergency, plainly } from '#routing'
import type { KnownAccount } from '../auth/accounts.ts'
import {
  type AuthResult,
  type ChallengeAdmission,
  type CredentialLookup,
  later,
  type ProtectionSpace,
  type RefusalAdmission,
} from '../auth/auth-result.ts'
import { AuthenticatedFlows } from '../auth/authenticated-flows.ts'
import { Authenticator } from '../auth/authenticator.ts'
import type { Challenger, Verified } from '../auth/challenger.ts'
import type { SuspectAnswer } from '../auth/login-throttle.ts'
import type { SourceBlocks } from '../auth/source-blocks.ts'
import { sipReason } from '../call/reason.ts'
import { type Flow, isProxysOwn, isWebSocket, reliable } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { sourceNetwork } from '../ground/source-prefix.ts'
import type { Domains } from '../policy/domains.ts'
import { registrationTokenOf } from '../policy/route-question.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { Registrar } from '../registrar/registrar.ts'
import { userOf } from '../sip/address.ts'
import type { Header, Request } from '../sip/message.ts'
import { allowHeader, screen, supportedOptions } from '../sip/screen.ts'
import { isTel } from '../sip/uri.ts'
import { SourceCache } from './source-cache.ts'
import { provedAtMisspelt, provedNowhere, unknownDomain } from './wrong-domain.ts'

/** What we are called, and how we meet strangers. */
export interface ServedDomains {
  readonly baseDomain: string
  /** Addresses and names which mean us, lower case. */
  readonly names: ReadonlySet<string>
  /** To those we do not know: an answer, or nothing at all. */
  readonly unknownSource: StrangerPolicy
}

/** The rooms on which admission control stands. */
interface AdmissionDeps {
  readonly served: ServedDomains
  readonly challenger: Challenger
  readonly routing: RoutingClient
  readonly registrar: Registrar
  readonly domains: Domains
  readonly blocks: SourceBlocks
}

/** What becomes of a request outside any dialog. */
export type Admission =
  | RefusalAdmission
  | ChallengeAdmission
  | CredentialLookup
  | { readonly to: 'drop'; readonly why: string }
  /** A REGISTER, or a SUBSCRIBE to a mailbox. */
  | { readonly to: 'register'; readonly verified: Verified }
  /** `otherwise`: what to say where the address turns out to be unknown. */
  | {
      readonly to: 'call'
      readonly account: KnownAccount | undefined
      readonly otherwise?: ChallengeAdmission
    }

const draining = sipReason(503, 'this relay takes no new calls')

/** Our answer is longer than the question: a forger of senders must not have many of them. */
const pings = { atOnce: 200, perSecond: 50 }

/**
 * Meets every request that belongs to no dialog: screened, challenged, let in (RFC 3261 §8.2, §22).
 *
 * Until a caller has proved who he is, nothing is kept for him: challenges and refusals are stateless.
 */
export class AdmissionControl implements BeatReporter {
  readonly #served: ServedDomains
  readonly #deps: AdmissionDeps
  readonly #authenticator: Authenticator
  readonly #pingLimiter = new RateLimiter(pings)
  readonly #sources = new SourceCache()
  readonly #proofs = new AuthenticatedFlows()
  /** No new calls; phones may still register, for they are kept elsewhere too. */
  closed = false

  constructor(deps: AdmissionDeps) {
    this.#served = deps.served
    this.#deps = deps
    this.#authenticator = new Authenticator(deps.challenger, {
      accounts: deps.routing,
      phones: deps.registrar,
      blocks: deps.blocks,
    })
  }

  beatPart(): Partial<BeatPart> {
    return { draining: this.closed }
  }

  /** Decides what a request is let in as; `busy` says that we have more on our hands than we can hold. */
  admit(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow, busy: boolean): Admission {
    if (this.#served.unknownSource === 'silent' && !this.#isOurs(request))
      return { to: 'drop', why: 'foreign domain' }
    const refusal = screen(request)
    if (refusal)
      return 'drop' in refusal && refusal.drop
        ? { to: 'drop', why: refusal.reason ?? '' }
        : { to: 'refuse', ...refusal }
    if (request.method === 'OPTIONS') return this.#options(now, flow)
    const shut = this.closed && request.method === 'INVITE'
    if ((busy || shut) && !this.#isForHelp(request))
      return { to: 'refuse', status: 503, headers: shut ? [...later, draining] : later }
    if (isForUs(request)) return this.#register(now, at, request, flow)
    return this.#invite(now, at, request, flow)
  }

  /** What is known of an account, however old; undefined: nothing, or that there is none. */
  known(now: MonotonicMs, question: CredentialQuestion): KnownAccount | undefined {
    return this.#authenticator.known(now, question)
  }

  /** Keeps the edge's answer about an account as long as it allows. */
  remember(now: MonotonicMs, question: CredentialQuestion, answer: CredentialAnswer): void {
    this.#authenticator.remember(now, question, answer)
  }

  /**
   * What a request is let in as of whose account the edge was asked. Where the edge said nothing, what was known last
   * decides; undefined: nothing was.
   */
  admitAgain(
    now: MonotonicMs,
    at: UtcMs,
    request: Request,
    flow: Flow,
    said: CredentialAnswer | undefined,
    guess?: SuspectAnswer,
  ): Admission | undefined {
    const asks = this.#asks(request)
    const proof = this.#authenticator.proveAgain(now, at, request, flow, asks, said, guess)
    if (proof?.to === 'proved' && asks.proxy && this.closed && !this.#isForHelp(request))
      return { to: 'refuse', status: 503, headers: later }
    return proof && this.#admitted(proof, asks, flow)
  }

  /**
   * Whose address a call came from: a provider's, an unknown one, or undefined where it could not be asked. True when
   * that is news.
   */
  settle(now: MonotonicMs, flow: Flow, known: boolean | undefined, realm?: string): boolean {
    return this.#sources.settle(now, flow, known, realm)
  }

  /** Whether a phone or PBX proved its account over this very connection. */
  hasProved(flow: Flow): boolean {
    return this.#proofs.has(flow)
  }

  /** These accounts (`user@realm`) have other passwords than before: who guessed at the old ones is forgotten. */
  pardon(accounts: ReadonlySet<string>): void {
    this.#authenticator.pardon(accounts)
  }

  /** A connection is gone. */
  forget(flow: Flow): void {
    this.#proofs.forget(flow)
  }

  isUs(host: string): boolean {
    return this.#served.names.has(host)
  }

  /** Whether an INVITE dials an emergency number of its customer's country, or one of any: it is let in, however full we are. */
  #isForHelp({ method, requestUri, target, from }: Request): boolean {
    if (method !== 'INVITE') return false
    const dialled = plainly(userOf({ sip: target, uri: requestUri }))
    const { domains, routing } = this.#deps
    const customerId = customerOf(domains.canonical(from.sip?.host ?? ''), this.#served.baseDomain)
    const customer = customerId === undefined ? undefined : routing.configuration.customer(customerId)
    return isEmergency(dialled, customer?.country ?? '')
  }

  #isTrunk(host: string): boolean {
    return host.endsWith(`.trunk.${this.#served.baseDomain}`)
  }

  #isOurs(request: Request): boolean {
    return this.names(request) || this.#deps.domains.isRealm(request.from.sip?.host ?? '')
  }

  /** Whether a request is meant for us; a number alone is meant for whom it is sent to. */
  names({ target, requestUri }: Pick<Request, 'target' | 'requestUri'>): boolean {
    return target ? this.#deps.domains.isRealm(target.host) || this.isUs(target.host) : isTel(requestUri)
  }

  #options(now: MonotonicMs, flow: Flow): Admission {
    // A proxy's address cannot be forged; and unanswered it would take us for dead.
    const free = reliable(flow) || isProxysOwn(flow)
    if (!free && !this.#pingLimiter.take(now, sourceNetwork(flow.address)))
      return { to: 'drop', why: 'too many pings' }
    const headers: Header[] = [
      allowHeader,
      ['accept', 'application/sdp'],
      ['supported', supportedOptions.join(', ')],
    ]
    return { to: 'refuse', status: this.closed || !this.#deps.routing.ready(now) ? 503 : 200, headers }
  }

  #register(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow): Admission {
    const { domains } = this.#deps
    const realm = request.to.sip?.host ?? ''
    if (domains.isRealm(realm)) return this.#authenticate(now, at, request, flow)
    // Names without a customer are guessed at first: who wants no strangers hears none of them.
    if (this.#served.unknownSource === 'silent') return { to: 'drop', why: 'a stranger' }
    if (domains.isBare(realm)) return this.#authenticate(now, at, request, flow)
    return unknownDomain(`${request.to.sip?.user ?? ''}@${realm}`, this.#served.baseDomain)
  }

  #invite(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow): Admission {
    if (!this.names(request)) return this.#foreign()
    const { domains } = this.#deps
    if (domains.isRealm(request.target?.host ?? '') || domains.isRealm(request.from.sip?.host ?? '')) {
      const admission = this.#authenticate(now, at, request, flow)
      const silent = !this.#authenticator.answers(request, this.#asks(request))
      return silent && admission.to === 'challenge' ? this.#byAddress(now, admission, flow) : admission
    }
    if (this.#isPhone(request, flow)) return this.#authenticate(now, at, request, flow)
    const token = registrationTokenOf(request)
    // Any page's script calls from the address of who reads it: by a WebSocket an address proves nothing.
    if (isWebSocket(flow)) return this.#unless({ to: 'refuse', status: 403 })
    // A token which cannot be guessed is worth more than an address.
    const { routing } = this.#deps
    const ours = token !== null && routing.configuration.line(token) !== undefined
    if (routing.isFamiliar(flow.address) || ours) return { to: 'call', account: undefined }
    switch (this.#sources.meet(now, flow)) {
      case 'ask':
        return { to: 'call', account: undefined }
      case 'asked':
        return { to: 'drop', why: 'this address is being asked about' }
      case 'unknown':
        return this.#unless({ to: 'refuse', status: 403 })
      case 'tooMany':
        // Over UDP it will be heard again, if its address is not forged.
        if (!reliable(flow)) return { to: 'drop', why: 'too many addresses are asked about' }
        return this.#unless({ to: 'refuse', status: 503, headers: later })
    }
  }

  /** A phone which registered without naming its customer calls so too: what registered here is no carrier. */
  #isPhone({ from }: Request, flow: Flow): boolean {
    const { domains, registrar } = this.#deps
    const account = from.sip && domains.only(from.sip.host, from.sip.user)
    return account !== undefined && registrar.whereabouts(account.id, flow) !== undefined
  }

  /** A PBX may call from its own address without a word, by no WebSocket; whose address it is, a snapshot says, or the edge. */
  #byAddress(now: MonotonicMs, challenge: ChallengeAdmission, flow: Flow): Admission {
    if (!this.#isTrunk(challenge.realm) || isWebSocket(flow)) return challenge
    const own = this.#deps.routing.allowsAddress(now, challenge.realm, flow.address)
    switch (own === undefined ? this.#sources.meet(now, flow, challenge.realm) : own ? 'ask' : 'unknown') {
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
    return this.#served.unknownSource === 'silent' ? { to: 'drop', why: 'a stranger' } : answer
  }

  #asks(request: Request): ProtectionSpace {
    const { method, target, to, from } = request
    const { domains } = this.#deps
    const proxy = !isForUs(request)
    const { host, user } = (method === 'REGISTER' ? to.sip : from.sip) ?? { host: '', user: '' }
    return {
      proxy,
      ...domains.of(proxy && target && domains.isRealm(target.host) ? target.host : host, user),
    }
  }

  #authenticate(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow): Admission {
    const asks = this.#asks(request)
    return this.#admitted(this.#authenticator.prove(now, at, request, flow, asks), asks, flow)
  }

  #admitted(found: AuthResult, { proxy, bare, misspelt }: ProtectionSpace, flow: Flow): Admission {
    const { baseDomain } = this.#served
    const told = misspelt ? provedAtMisspelt(found, misspelt, baseDomain) : found
    const proof = bare ? provedNowhere(found, bare, baseDomain) : told
    if (proof.to !== 'proved') return proof
    const { verified } = proof
    this.#proofs.add(flow, verified.credential.extension_id)
    return proxy ? { to: 'call', account: verified.credential } : { to: 'register', verified }
  }
}

/** Whether we are the one who is asked (RFC 3261 §22.2), and not who leads a call on: of a registration, and of a mailbox. */
function isForUs({ method }: Request): boolean {
  return method === 'REGISTER' || method === 'SUBSCRIBE'
}
