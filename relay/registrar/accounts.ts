import type { CredentialAnswer, CredentialQuestion } from '#contract'

/** What the edge said about an account, and when. */
export interface Remembered<Answer = CredentialAnswer> {
  readonly answer: Answer
  readonly since: number
  readonly until: number
}

export type Known = Extract<CredentialAnswer, { kind: 'known' }>

/** Accounts, as the edge last told of them: at most so many; the ones heard of longest ago are forgotten. */
const knownAtMost = 200_000
/** Names nobody has are kept apart, so that whoever invents some pushes no real one out. */
const unknownAtMost = 10_000

/** While the edge is silent, what it last said is good for a day. */
const staleMs = 86_400_000

export class Accounts {
  readonly #known = new Map<string, Remembered<Known>>()
  readonly #unknown = new Map<string, Remembered>()

  /** Keeps the edge's answer as long as it allows. */
  remember(now: number, question: CredentialQuestion, answer: CredentialAnswer): void {
    const key = keyOf(question)
    this.#known.delete(key)
    this.#unknown.delete(key)
    const times = { since: now, until: now + answer.ttl * 1000 }
    if (answer.kind === 'known') put(this.#known, knownAtMost, key, { answer, ...times })
    else put(this.#unknown, unknownAtMost, key, { answer, ...times })
  }

  /** An answer which is still good. */
  current(now: number, question: CredentialQuestion): Remembered | undefined {
    const key = keyOf(question)
    const found = this.#known.get(key) ?? this.#unknown.get(key)
    return found !== undefined && found.until > now ? found : undefined
  }

  /** The last answer, good or not: what is left to go by when the edge gives none. */
  last(now: number, question: CredentialQuestion): Known | undefined {
    const found = this.#known.get(keyOf(question))
    return found !== undefined && now - found.since <= staleMs ? found.answer : undefined
  }
}

function put<Value>(map: Map<string, Value>, atMost: number, key: string, value: Value): void {
  map.set(key, value)
  if (map.size > atMost) map.delete(map.keys().next().value ?? '')
}

function keyOf({ realm, username }: CredentialQuestion): string {
  return `${realm}\n${username}`
}
