import type { CredentialAnswer, CredentialQuestion, DigestAlgorithm, MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'

/** What the edge said about an account, and when. */
export interface RememberedAccount<Answer = CredentialAnswer> {
  readonly answer: Answer
  readonly since: number
  readonly until: number
}

/** What a snapshot says of an account: when the edge last named it current, and whether that still counts. */
export interface CachedAccount {
  readonly answer: CredentialAnswer
  readonly since: number
  readonly current: boolean
}

/** What is known of accounts without asking. */
export interface KnownAccounts {
  /** Whose realm it is, as far as that is known here. */
  customerOf(realm: string): string | undefined
  cached(now: MonotonicMs, question: CredentialQuestion): CachedAccount | undefined
  /** What each account of a realm is challenged with, in one order, the same for every account. */
  algorithms(realm: string): readonly (readonly DigestAlgorithm[])[]
}

/** An account there is, as the edge answers. */
export type KnownAccount = Extract<CredentialAnswer, { kind: 'known' }>

/** Accounts, as the edge last told of them: at most so many; the ones heard of longest ago are forgotten. */
const knownAtMost = 200_000
/** Names no account has are kept apart, so that invented ones push no real one out. */
const unknownAtMost = 10_000

/** While the edge is silent, what it last said is good for a day. */
const staleMs = 86_400_000

/** How accounts prove themselves: by the snapshots while those are current, else as the edge said when asked. */
export class Accounts {
  readonly #source: Pick<KnownAccounts, 'cached'>
  readonly #known = new BoundedMap<string, RememberedAccount<KnownAccount>>(knownAtMost)
  readonly #unknown = new BoundedMap<string, RememberedAccount>(unknownAtMost)

  constructor(source: Pick<KnownAccounts, 'cached'>) {
    this.#source = source
  }

  /** Keeps the edge's answer as long as it allows. */
  remember(now: MonotonicMs, question: CredentialQuestion, answer: CredentialAnswer): void {
    const key = keyOf(question)
    this.#known.delete(key)
    this.#unknown.delete(key)
    const until = now + answer.ttl * 1000
    if (answer.kind === 'known') this.#known.set(key, { answer, since: now, until })
    else this.#unknown.set(key, { answer, since: now, until })
  }

  /**
   * An answer which is still good. One from a snapshot is never called fresh: what was configured since the last
   * beat is known at the edge only.
   */
  current(now: MonotonicMs, question: CredentialQuestion): RememberedAccount | undefined {
    const found = this.#asked(question)
    const asked = found !== undefined && found.until > now ? found : undefined
    const cached = this.#source.cached(now, question)
    if (!cached?.current || (asked && asked.since >= cached.since)) return asked
    return { answer: cached.answer, since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
  }

  /** The last answer, good or not: what is left to go by when the edge gives none. */
  last(
    now: MonotonicMs,
    question: CredentialQuestion,
  ): { answer: CredentialAnswer; cached: boolean } | undefined {
    const found = this.#known.size > 0 ? this.#known.get(keyOf(question)) : undefined
    const asked = found !== undefined && now - found.since <= staleMs ? found : undefined
    const cached = this.#source.cached(now, question)
    if (cached && !(asked && asked.since >= cached.since)) return { answer: cached.answer, cached: true }
    return asked && { answer: asked.answer, cached: false }
  }

  #asked(question: CredentialQuestion): RememberedAccount | undefined {
    if (this.#known.size === 0 && this.#unknown.size === 0) return undefined
    const key = keyOf(question)
    return this.#known.get(key) ?? this.#unknown.get(key)
  }
}

function keyOf({ realm, username }: CredentialQuestion): string {
  return `${realm}\n${username}`
}
