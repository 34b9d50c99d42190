/** Somebody's guesses: one account from one address. */
interface Guesses {
  /** When the first which still counts was made. */
  since: number
  wrong: number
  /** Times he was shut out; forgotten with the rest. */
  blocks: number
  until: number
}

/** What shutting somebody out came to. */
export interface Block {
  readonly seconds: number
}

/* Implementation */
const wrongAtMost = 5
const windowMs = 300_000
const firstBlockMs = 60_000
const longestBlockMs = 900_000
const rememberedAtMost = 50_000

/**
 * Counts wrong answers to challenges, and shuts out who guesses: five within five minutes cost a minute, and
 * every further five twice as long as before, up to a quarter of an hour.
 *
 * `who` is an account and an address together, so that nobody can lock a phone out from elsewhere.
 */
export class Guard {
  /** In the order of the latest guess. */
  readonly #guessesBy = new Map<string, Guesses>()

  blocks(now: number, who: string): boolean {
    return (this.#guessesBy.get(who)?.until ?? now) > now
  }

  /** One more wrong answer; what it led to, if it was one too many. */
  wrong(now: number, who: string): Block | undefined {
    const guesses = this.#recent(now, who)
    this.#guessesBy.delete(who)
    this.#guessesBy.set(who, guesses)
    if (this.#guessesBy.size > rememberedAtMost)
      this.#guessesBy.delete(this.#guessesBy.keys().next().value ?? '')
    if (++guesses.wrong < wrongAtMost) return undefined
    const ms = Math.min(firstBlockMs * 2 ** guesses.blocks, longestBlockMs)
    Object.assign(guesses, { wrong: 0, blocks: guesses.blocks + 1, until: now + ms, since: now + ms })
    return { seconds: ms / 1000 }
  }

  /** He knows the password after all. */
  right(who: string): void {
    this.#guessesBy.delete(who)
  }

  #recent(now: number, who: string): Guesses {
    const guesses = this.#guessesBy.get(who)
    if (guesses === undefined) return { since: now, wrong: 0, blocks: 0, until: now }
    if (now - guesses.since <= windowMs) return guesses
    // A quarter of an hour in peace makes up for earlier blocks.
    const blocks = now - guesses.until > longestBlockMs ? 0 : guesses.blocks
    return { since: now, wrong: 0, blocks, until: guesses.until }
  }
}
