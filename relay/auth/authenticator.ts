import type { CredentialAnswer, CredentialQuestion, DigestAlgorithm, MonotonicMs, UtcMs } from '#contract'
import { type Flow, hostPort, isProxysOwn } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { sourcePrefix } from '../ground/source-prefix.ts'
import type { Credentials } from '../sip/digest.ts'
import type { Request } from '../sip/message.ts'
import { Accounts, type KnownAccount, type KnownAccounts, type RememberedAccount } from './accounts.ts'
import type { AuthFailure, AuthFailureReason } from './auth-failure.ts'
import {
  type AuthResult,
  type ChallengeAdmission,
  type CredentialLookup,
  isUsedUp,
  later,
  type ProtectionSpace,
  type RefusalAdmission,
  reasonOf,
} from './auth-result.ts'
import type { Challenger } from './challenger.ts'
import { type Lockout, type LoginAttempt, LoginThrottle, type SuspectAnswer } from './login-throttle.ts'
import { accountNamed } from './registration-tokens.ts'
import type { SourceBlock, SourceBlocks } from './source-blocks.ts'

/** What an authenticator needs to know of other rooms. */
interface AuthenticatorDeps {
  readonly accounts: KnownAccounts
  readonly phones: PhoneWhereabouts
  /** From where answers are looked at slowly, or not at all. */
  readonly blocks: SourceBlocks
}

interface PhoneWhereabouts {
  /** Whether an extension has registered over a flow, or from its source prefix. */
  whereabouts(extensionId: string, flow: Flow): 'here' | 'near' | undefined
}

/** What phones are challenged with until we know theirs: the only one all of them answer. */
const usual: readonly DigestAlgorithm[] = ['MD5']

/* Implementation */
/** An answer older than this is asked for again before a password is called wrong. */
const freshMs = 800

/** Questions about accounts which one address may cause: an office full of phones, restarted all at once. */
const perAddress = { atOnce: 1_000, perSecond: 50 }

/** No username with its realm is longer. */
const accountLettersAtMost = 256

const busy: RefusalAdmission = { to: 'refuse', status: 503, headers: later }

/**
 * Says who proved to be whom (RFC 3261 §22): challenges, looks at answers, and holds guessers up.
 *
 * An answer which looks wrong counts before the edge is asked whether it is, and what a guesser may try is looked at
 * again before each one: of any number of answers which come at once, no more are looked at than of those which come
 * one after the other.
 */
export class Authenticator {
  readonly #challenger: Challenger
  readonly #deps: AuthenticatorDeps
  readonly #accounts: Accounts
  readonly #throttle = new LoginThrottle()
  readonly #questions = new RateLimiter(perAddress)

  constructor(challenger: Challenger, deps: AuthenticatorDeps) {
    this.#challenger = challenger
    this.#deps = deps
    this.#accounts = new Accounts(deps.accounts)
  }

  /** Keeps the edge's answer about an account as long as it allows. */
  remember(now: MonotonicMs, question: CredentialQuestion, answer: CredentialAnswer): void {
    this.#accounts.remember(now, question, answer)
  }

  /** What is known of an account, however old; undefined: nothing, or that there is none. */
  known(now: MonotonicMs, question: CredentialQuestion): KnownAccount | undefined {
    const answer = this.#accounts.last(now, question)?.answer
    return answer?.kind === 'known' ? answer : undefined
  }

  /** Forgets who guessed at these accounts (`user@realm`). */
  pardon(accounts: ReadonlySet<string>): void {
    this.#throttle.pardon(accounts)
  }

  /** Whether a request carries an answer to a challenge for this realm. */
  answers(request: Request, realm: ProtectionSpace): boolean {
    return this.#challenger.credentials(request, realm) !== undefined
  }

  /** Looks at a request which has just come in. */
  prove(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow, asks: ProtectionSpace): AuthResult {
    const credentials = this.#challenger.credentials(request, asks)
    const named = credentials && accountNamed(credentials.username)
    const question = { realm: asks.realm, username: named ?? request.from.sip?.user ?? '' }
    const current = this.#accounts.current(now, question)
    const challenge = this.#challengeFor(
      asks,
      question,
      current?.answer ?? this.#accounts.last(now, question)?.answer,
    )
    const shut = this.#shutOut(now, question, flow, current?.answer)
    // Who calls without a word may be let in by its address.
    if (shut && (credentials || !asks.proxy)) return shut
    if (!credentials)
      return challenge({ failed: this.#challenger.strays(request, asks) ? 'WRONG_REALM' : undefined })
    // Only who holds a young nonce of ours is worth a question to the edge.
    if (!this.#challenger.knows(now, credentials, flow))
      return challenge({ stale: true, failed: 'STALE_NONCES' })
    if (question.username.length + asks.realm.length > accountLettersAtMost) return challenge()
    const attempt = this.#attempt(now, question, flow, current?.answer)
    const verdict = this.#throttle.check(now, attempt)
    if (verdict === 'blocked') return challenge({ failed: 'TOO_MANY_ATTEMPTS' })
    if (verdict === 'spent')
      return { ...busy, failed: this.#failure('TOO_MANY_ATTEMPTS', question, current?.answer) }
    const slowed = this.#slowedDown(now, at, attempt, question, current?.answer)
    if (slowed) return slowed
    // The answers which are asked about say first whether this one may be looked at.
    if (verdict === 'pending' || !current) return this.#lookUp(now, question, flow)
    return this.#look(now, at, { request, flow, credentials, question, current, attempt, challenge })
  }

  /**
   * Looks again, at what the edge said; undefined: it said nothing, and what was known last decides. Gives undefined
   * where nothing can be said.
   */
  proveAgain(
    now: MonotonicMs,
    at: UtcMs,
    request: Request,
    flow: Flow,
    asks: ProtectionSpace,
    said: CredentialAnswer | undefined,
    guess?: SuspectAnswer,
  ): AuthResult | undefined {
    const credentials = this.#challenger.credentials(request, asks)
    const question = { realm: asks.realm, username: accountNamed(credentials?.username ?? '') }
    const last = said ? { answer: said, cached: true } : this.#accounts.last(now, question)
    if (!credentials || !last) return void guess?.pardon(now)
    const challenge = this.#challengeFor(asks, question, last.answer)
    const attempt = this.#attempt(now, question, flow, last.answer)
    const shut = this.#shutOut(now, question, flow, last.answer)
    if (shut) {
      guess?.wrong(now)
      return shut
    }
    const verdict = guess ? 'free' : this.#throttle.check(now, attempt)
    if (verdict !== 'free') return verdict === 'blocked' ? challenge({ failed: 'TOO_MANY_ATTEMPTS' }) : busy
    const result = this.#challenger.check(now, at, request, credentials, last.answer, flow)
    if (result.ok) {
      guess?.pardon(now)
      this.#throttle.right(now, attempt)
      return { to: 'proved', verified: result.verified }
    }
    const failed = reasonOf(result, credentials, last.answer)
    if (result.why !== 'wrong') {
      guess?.pardon(now)
      return challenge({ stale: isUsedUp(result.why), failed })
    }
    const block = (guess ?? this.#throttle.suspect(now, attempt)).wrong(now)
    const sourceBlock = this.#wrong(now, at, attempt, question, last.answer)
    // Of one asked about long ago, too little is known to call a password wrong; it counts all the same.
    return last.cached || sourceBlock ? challenge({ block, failed, sourceBlock }) : undefined
  }

  /** By what is known here. */
  #look(now: MonotonicMs, at: UtcMs, seen: CredentialCheck): AuthResult {
    const { request, flow, credentials, question, current, attempt, challenge } = seen
    const result = this.#challenger.check(now, at, request, credentials, current.answer, flow)
    if (result.ok) {
      this.#throttle.right(now, attempt)
      return { to: 'proved', verified: result.verified }
    }
    const failed = reasonOf(result, credentials, current.answer)
    if (result.why !== 'wrong') return challenge({ stale: isUsedUp(result.why), failed })
    const guess = this.#throttle.suspect(now, attempt)
    if (now - current.since <= freshMs) {
      const sourceBlock = this.#wrong(now, at, attempt, question, current.answer)
      return challenge({ block: guess.wrong(now), failed, sourceBlock })
    }
    // The password may have changed since we asked.
    const lookup = this.#lookUp(now, question, flow, guess)
    if (lookup.to === 'refuse') guess.wrong(now)
    return lookup
  }

  /** Nothing from a blocked source is looked at but what is known there; undefined: it is not blocked. */
  #shutOut(
    now: MonotonicMs,
    question: CredentialQuestion,
    flow: Flow,
    answer: CredentialAnswer | undefined,
  ): RefusalAdmission | undefined {
    if (this.#deps.blocks.empty) return undefined
    const failed = this.#failure('SOURCE_BLOCKED', question, answer)
    const attempt = this.#attempt(now, question, flow, answer)
    const until = this.#deps.blocks.blockedUntil(now, attempt.prefix, failed.customerId ?? undefined)
    if (until === undefined || this.#isSpared(now, attempt)) return undefined
    return { ...busy, headers: [['retry-after', `${Math.ceil((until - now) / 1000)}`]], failed }
  }

  /** A source from which too much was wrong has an answer looked at now and then; undefined: this one may be. */
  #slowedDown(
    now: MonotonicMs,
    at: UtcMs,
    attempt: SourcedAttempt,
    question: CredentialQuestion,
    answer: CredentialAnswer | undefined,
  ): RefusalAdmission | undefined {
    if (this.#isSpared(now, attempt) || this.#deps.blocks.mayLook(now, attempt.prefix)) return undefined
    const sourceBlock = this.#wrong(now, at, attempt, question, answer)
    return { ...busy, failed: this.#failure('SOURCE_SLOWED', question, answer), sourceBlock }
  }

  /** An answer was wrong, or was not looked at: it counts against its source, unless that is spared. */
  #wrong(
    now: MonotonicMs,
    at: UtcMs,
    attempt: SourcedAttempt,
    question: CredentialQuestion,
    answer: CredentialAnswer | undefined,
  ): SourceBlock | undefined {
    if (this.#isSpared(now, attempt)) return undefined
    return this.#deps.blocks.failed(
      now,
      at,
      attempt.prefix,
      this.#failure('WRONG_PASSWORD', question, answer),
    )
  }

  /** Whether its source counts for nothing: the account is known there, or it is a proxy of ours, from which no stranger sends. */
  #isSpared(now: MonotonicMs, attempt: SourcedAttempt): boolean {
    return attempt.proxysOwn || this.#throttle.isKnown(now, attempt)
  }

  /** Inventing names must not cost the edge much; a big office behind one address comes in a little later. */
  #lookUp(
    now: MonotonicMs,
    question: CredentialQuestion,
    flow: Flow,
    guess?: SuspectAnswer,
  ): CredentialLookup | RefusalAdmission {
    return this.#questions.take(now, sourcePrefix(flow.address)) ? { to: 'ask', question, guess } : busy
  }

  #attempt(
    now: MonotonicMs,
    question: CredentialQuestion,
    flow: Flow,
    current?: CredentialAnswer,
  ): SourcedAttempt {
    const account = current ?? this.#accounts.last(now, question)?.answer
    return {
      account: `${question.username}@${question.realm}`,
      prefix: sourcePrefix(flow.address),
      flow: `${flow.transport} ${hostPort(flow.address, flow.port)}`,
      proxysOwn: isProxysOwn(flow),
      registered:
        account?.kind === 'known' ? this.#deps.phones.whereabouts(account.extension_id, flow) : undefined,
    }
  }

  #challengeFor(asks: ProtectionSpace, question: CredentialQuestion, known: CredentialAnswer | undefined) {
    const algorithms =
      known?.kind === 'known'
        ? known.algorithms
        : (this.#challenger.draw(question, this.#deps.accounts.algorithms(asks.realm)) ?? usual)
    const account = `${question.username}@${question.realm}`
    return ({ stale = false, block, failed, sourceBlock }: ChallengeReason = {}): ChallengeAdmission => ({
      to: 'challenge',
      realm: asks.realm,
      proxy: asks.proxy,
      algorithms,
      stale,
      blocked: block && { ...block, account },
      sourceBlock,
      failed: failed && this.#failure(failed, question, known),
    })
  }

  #failure(
    reason: AuthFailureReason,
    question: CredentialQuestion,
    answer: CredentialAnswer | undefined,
  ): AuthFailure {
    const known = answer?.kind === 'known' ? answer : undefined
    return {
      reason,
      account: `${question.username}@${question.realm}`,
      customerId: answer?.customer_id ?? this.#deps.accounts.customerOf(question.realm) ?? null,
      accountId: known?.extension_id ?? null,
    }
  }
}

/** How a challenge comes about. */
interface ChallengeReason {
  readonly stale?: boolean
  readonly block?: Lockout | undefined
  readonly sourceBlock?: SourceBlock | undefined
  readonly failed?: AuthFailureReason | undefined
}

/** Who answers a challenge, and whether that is a proxy of ours itself. */
interface SourcedAttempt extends LoginAttempt {
  readonly proxysOwn: boolean
}

/** An answer to a challenge, beside what is known of its account. */
interface CredentialCheck {
  readonly request: Request
  readonly flow: Flow
  readonly credentials: Credentials
  readonly question: CredentialQuestion
  readonly current: RememberedAccount
  readonly attempt: SourcedAttempt
  readonly challenge: (how?: ChallengeReason) => ChallengeAdmission
}
