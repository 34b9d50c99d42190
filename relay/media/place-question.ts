import type { MonotonicMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import { SocketAddress } from '../ground/socket-address.ts'
import type { HmacSha1 } from './hmac-sha1.ts'
import { isAnswer, STUN_QUESTION, type StunTransaction, writeQuestion } from './stun.ts'

/** A question is asked so often (RFC 8489 §6.2.1), and of another place at the soonest after so many milliseconds. */
const [TIMES, AGAIN_MS, ANOTHER_MS] = [4, 500, 50]

/** What a party said its checks are made of: it answers ours by them. */
export interface QuestionWords {
  /** Both names, its own first (RFC 8445 §7.2.2). */
  readonly username: string
  readonly password: HmacSha1
}

/** What it needs to ask. */
export interface QuestionDeps {
  readonly entropy: Pick<Entropy, 'below'>
  readonly ask: (to: SocketAddress, datagram: Uint8Array, length: number) => void
}

/**
 * Asks whether a party is at a place which it says is its own. Who forges where a check comes from does not see what we ask
 * there, so that no answer of theirs names its transaction.
 */
export class PlaceQuestion {
  readonly place = new SocketAddress()
  readonly #deps: QuestionDeps
  readonly #question = new Uint8Array(STUN_QUESTION)
  /** Of the question which is open; undefined: none is. */
  #transaction: StunTransaction | undefined
  #left = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #waitMs = ANOTHER_MS

  constructor(deps: QuestionDeps) {
    this.#deps = deps
  }

  /** The party says that it is there. */
  about(now: MonotonicMs, place: SocketAddress, words: QuestionWords): void {
    if (this.#transaction === undefined || !this.place.same(place)) {
      this.place.copy(place)
      this.#transaction = [this.#dice(), this.#dice(), this.#dice()]
      this.#waitMs = ANOTHER_MS
    }
    this.#left = TIMES
    this.repeat(now, words)
  }

  /** To be called several times a second. */
  repeat(now: MonotonicMs, words: QuestionWords): void {
    const transaction = this.#transaction
    if (transaction === undefined || this.#left === 0 || now - this.#askedAt < this.#waitMs) return
    this.#left--
    this.#askedAt = now
    this.#waitMs = AGAIN_MS
    const terms = { ...words, transaction, into: this.#question }
    this.#deps.ask(this.place, this.#question, writeQuestion(terms))
  }

  /** Whether a packet from there answers it; then it is settled. */
  settles(from: SocketAddress, packet: Uint8Array, length: number, { password }: QuestionWords): boolean {
    if (this.#transaction === undefined || !this.place.same(from)) return false
    if (!isAnswer(packet, length, this.#transaction, password)) return false
    this.drop()
    return true
  }

  /** It is of no interest any more. */
  drop(): void {
    this.#transaction = undefined
  }

  #dice(): number {
    return this.#deps.entropy.below(2 ** 32)
  }
}
