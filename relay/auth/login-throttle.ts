import { Allowance } from '../ground/rate-limiter.ts'
import { Homes } from './known-sources.ts'

/** Who answers a challenge. */
export interface Claimant {
  /** `user@realm`, as claimed. */
  readonly account: string
  /** The neighbourhood the answer came from. */
  readonly place: string
  /** What that account has here by its registrations: a phone at this very flow, one in this neighbourhood, or nothing. */
  readonly registered: 'here' | 'near' | undefined
  /** The flow it came over, in words. */
  readonly flow: string
}

/** Whether another answer is looked at; `pending`: not before it is known how those under way end. */
export type Leave = 'free' | 'pending' | 'blocked' | 'spent'

/** What shutting a guesser out came to. */
export interface Block {
  readonly seconds: number
}

/** An answer which looks wrong. It counts until it is known to have been right. */
export interface Guess {
  /** It was wrong; what it led to, if it was one too many. */
  wrong(now: number): Block | undefined
  /** It was right, or nothing was learnt by it. */
  pardon(now: number): void
}

/** Guesses at one account from one place. */
interface Guesses {
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
/** Wrong answers from one place for all accounts which are strange there. */
const perPlace = { atOnce: 200, perSecond: 1 / 3, remembered: rememberedAtMost }

/**
 * Counts wrong answers to challenges, and shuts out who guesses: five within five minutes cost a minute, and
 * every further five twice as long as before, up to a quarter of an hour.
 *
 * Guesses are counted by account and place together, and at the flow of a registered phone by that flow: nobody can
 * lock a phone out from elsewhere, nor a registered one from beside it. Who guesses from many places, or at many
 * accounts, is held up by what each account and each place has in all; an account at home in a place, for it proved
 * itself there lately, does not suffer by that.
 *
 * A right answer gives back itself and nothing else: between two of them a guesser would have five free guesses.
 */
export class Guard {
  /** In the order of the latest guess. */
  readonly #guessesBy = new Map<string, Guesses>()
  readonly #ofAccount = new Allowance(perAccount)
  readonly #ofPlace = new Allowance(perPlace)
  readonly #homes = new Homes()

  /** Whether another answer of this claimant may be looked at now. */
  leave(now: number, claimant: Claimant): Leave {
    const guesses = this.#guessesBy.get(keyOf(claimant))
    if (guesses !== undefined && guesses.until > now) return 'blocked'
    const { wrong = 0, pending = 0 } = guesses && now - guesses.since <= windowMs ? guesses : {}
    if (wrong + pending >= wrongAtMost) return 'pending'
    const { account, place } = claimant
    const left = this.#ofAccount.has(now, account) && this.#ofPlace.has(now, place)
    return left || this.#isHome(now, claimant) ? 'free' : 'spent'
  }

  /** An answer looks wrong: it counts from now on, whatever is still to be asked about it. */
  suspect(now: number, claimant: Claimant): Guess {
    const guesses = this.#count(now, claimant)
    const { account, place } = claimant
    const strange = !this.#isHome(now, claimant)
    if (strange) this.#ofAccount.take(now, account)
    if (strange) this.#ofPlace.take(now, place)
    return {
      wrong(later) {
        guesses.pending--
        return counted(guesses, later)
      },
      pardon: (later) => {
        guesses.pending--
        if (strange) this.#ofAccount.giveBack(later, account)
        if (strange) this.#ofPlace.giveBack(later, place)
      },
    }
  }

  /** An account proved itself here: here it is at home for a day. Where it is registered that is known anyway. */
  right(now: number, { account, place, registered }: Claimant): void {
    if (registered === undefined) this.#homes.add(now, account, place)
  }

  /** Their passwords changed: what was guessed of the old ones is forgotten. What a place guessed in all is not. */
  pardon(accounts: ReadonlySet<string>): void {
    for (const [key, { account }] of this.#guessesBy) if (accounts.has(account)) this.#guessesBy.delete(key)
    for (const account of accounts) this.#ofAccount.forget(account)
  }

  #isHome(now: number, { account, place, registered }: Claimant): boolean {
    return registered !== undefined || this.#homes.has(now, account, place)
  }

  #count(now: number, claimant: Claimant): Guesses {
    const key = keyOf(claimant)
    const guesses = this.#recent(now, key, claimant.account)
    guesses.pending++
    this.#guessesBy.delete(key)
    this.#guessesBy.set(key, guesses)
    if (this.#guessesBy.size > rememberedAtMost)
      this.#guessesBy.delete(this.#guessesBy.keys().next().value ?? '')
    return guesses
  }

  #recent(now: number, key: string, account: string): Guesses {
    const guesses = this.#guessesBy.get(key)
    if (guesses === undefined) return { account, since: now, wrong: 0, pending: 0, blocks: 0, until: now }
    if (now - guesses.since <= windowMs) return guesses
    // A quarter of an hour in peace makes up for earlier blocks.
    const blocks = now - guesses.until > longestBlockMs ? 0 : guesses.blocks
    return { account, since: now, wrong: 0, pending: 0, blocks, until: guesses.until }
  }
}

function counted(guesses: Guesses, now: number): Block | undefined {
  if (++guesses.wrong < wrongAtMost) return undefined
  const ms = Math.min(firstBlockMs * 2 ** guesses.blocks, longestBlockMs)
  Object.assign(guesses, { wrong: 0, blocks: guesses.blocks + 1, until: now + ms, since: now + ms })
  return { seconds: ms / 1000 }
}

function keyOf({ account, place, flow, registered }: Claimant): string {
  return registered === 'here' ? `${account} ${flow}` : `${account} ${place}`
}
