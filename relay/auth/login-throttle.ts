import type { MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { KnownSources } from './known-sources.ts'

/** Who answers a challenge. */
export interface LoginAttempt {
  /** `user@realm`, as claimed. */
  readonly account: string
  /** The source prefix the answer came from: an address, with IPv6 its /64. */
  readonly prefix: string
  /** What that account has here by its registrations: a phone at this very flow, one from this prefix, or nothing. */
  readonly registered: 'here' | 'near' | undefined
  /** The flow it came over, in words. */
  readonly flow: string
}

/** Whether another answer is looked at; `pending`: not before it is known how those under way end. */
type ThrottleVerdict = 'free' | 'pending' | 'blocked' | 'spent'

/** What shutting a guesser out came to. */
export interface Lockout {
  readonly seconds: number
}

/** An answer which looks wrong. It counts until it is known to have been right. */
export interface SuspectAnswer {
  /** It was wrong; what it led to, if it was one too many. */
  wrong(now: MonotonicMs): Lockout | undefined
  /** It was right, or nothing was learnt by it. */
  pardon(now: MonotonicMs): void
}

/** Wrong answers for one account from one source prefix. */
interface FailedLogins {
  readonly account: string
  /** When the first which still counts was made. */
  since: number
  wrong: number
  /** Look wrong, and are not known to be. */
  pending: number
  /** How often the guesser was shut out; forgotten with the rest. */
  blocks: number
  until: number
}

/* Implementation */
const wrongAtMost = 5
const windowMs = 300_000
const firstBlockMs = 60_000
const longestBlockMs = 900_000
const rememberedAtMost = 50_000

/** Wrong answers for one account from all strange places together. */
const perAccount = { atOnce: 30, perSecond: 1 / 20, remembered: rememberedAtMost }
/** Wrong answers from one source prefix for all accounts not known there. */
const perPrefix = { atOnce: 200, perSecond: 1 / 3, remembered: rememberedAtMost }

/**
 * Counts wrong answers to challenges, and shuts out who guesses: five within five minutes cost a minute, and
 * every further five twice as long as before, up to a quarter of an hour.
 *
 * Guesses are counted by account and source prefix together, and at the flow of a registered phone by that flow: no guesser can
 * lock a phone out from elsewhere, nor a registered one from beside it. Who guesses from many places, or at many
 * accounts, is held up by what each account and each prefix has in all; an account known at a prefix, for it proved
 * itself there lately, does not suffer by that.
 *
 * A right answer gives back itself and nothing else: between two of them a guesser would have five free guesses.
 */
export class LoginThrottle {
  /** In the order of the latest guess. */
  readonly #loginsBy = new BoundedMap<string, FailedLogins>(rememberedAtMost)
  readonly #ofAccount = new RateLimiter(perAccount)
  readonly #ofPrefix = new RateLimiter(perPrefix)
  readonly #knownSources = new KnownSources()

  /** Whether another answer of this login attempt may be looked at now. */
  check(now: MonotonicMs, attempt: LoginAttempt): ThrottleVerdict {
    const logins = this.#loginsBy.get(keyOf(attempt))
    if (logins !== undefined && logins.until > now) return 'blocked'
    const { wrong = 0, pending = 0 } = logins && now - logins.since <= windowMs ? logins : {}
    if (wrong + pending >= wrongAtMost) return 'pending'
    const { account, prefix } = attempt
    const left = this.#ofAccount.has(now, account) && this.#ofPrefix.has(now, prefix)
    return left || this.isKnown(now, attempt) ? 'free' : 'spent'
  }

  /** An answer looks wrong: it counts from now on, whatever is still to be asked about it. */
  suspect(now: MonotonicMs, attempt: LoginAttempt): SuspectAnswer {
    const logins = this.#count(now, attempt)
    const { account, prefix } = attempt
    const strange = !this.isKnown(now, attempt)
    if (strange) this.#ofAccount.take(now, account)
    if (strange) this.#ofPrefix.take(now, prefix)
    return {
      wrong(later) {
        logins.pending--
        return counted(logins, later)
      },
      pardon: (later) => {
        logins.pending--
        if (strange) this.#ofAccount.giveBack(later, account)
        if (strange) this.#ofPrefix.giveBack(later, prefix)
      },
    }
  }

  /** An account proved itself here: here it is known for a day, also when it is registered here no longer. */
  right(now: MonotonicMs, { account, prefix }: LoginAttempt): void {
    this.#knownSources.add(now, account, prefix)
  }

  /** Their passwords changed: what was guessed of the old ones is forgotten. What a prefix guessed in all is not. */
  pardon(accounts: ReadonlySet<string>): void {
    for (const [key, { account }] of this.#loginsBy) if (accounts.has(account)) this.#loginsBy.delete(key)
    for (const account of accounts) this.#ofAccount.forget(account)
  }

  /** Whether an account is registered where it comes from, or proved itself there within a day. */
  isKnown(now: MonotonicMs, { account, prefix, registered }: LoginAttempt): boolean {
    return registered !== undefined || this.#knownSources.has(now, account, prefix)
  }

  #count(now: MonotonicMs, attempt: LoginAttempt): FailedLogins {
    const key = keyOf(attempt)
    const logins = this.#recent(now, key, attempt.account)
    logins.pending++
    this.#loginsBy.set(key, logins)
    return logins
  }

  #recent(now: MonotonicMs, key: string, account: string): FailedLogins {
    const logins = this.#loginsBy.get(key)
    if (logins === undefined) return { account, since: now, wrong: 0, pending: 0, blocks: 0, until: now }
    if (now - logins.since <= windowMs) return logins
    // A quarter of an hour in peace makes up for earlier blocks.
    const blocks = now - logins.until > longestBlockMs ? 0 : logins.blocks
    return { account, since: now, wrong: 0, pending: 0, blocks, until: logins.until }
  }
}

function counted(logins: FailedLogins, now: MonotonicMs): Lockout | undefined {
  if (++logins.wrong < wrongAtMost) return undefined
  const ms = Math.min(firstBlockMs * 2 ** logins.blocks, longestBlockMs)
  Object.assign(logins, { wrong: 0, blocks: logins.blocks + 1, until: now + ms, since: now + ms })
  return { seconds: ms / 1000 }
}

function keyOf({ account, prefix, flow, registered }: LoginAttempt): string {
  return registered === 'here' ? `${account} ${flow}` : `${account} ${prefix}`
}
