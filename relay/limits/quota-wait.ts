import type { MonotonicMs, RouteDecision, RouteQuestion } from '#contract'
import type { Effect } from '../ground/effects.ts'
import { lacking } from './admit-call.ts'
import type { Ledger, LimitReached } from './ledger.ts'

type OnDecided = (now: MonotonicMs, decision: RouteDecision | undefined, why: string) => void

/** A call which waits for a greater share of a limit. */
interface WaitingCall {
  readonly question: RouteQuestion
  readonly then: OnDecided
  readonly until: number
  readonly short: readonly LimitReached[]
}

/* Implementation */
const patienceMs = 3_000
/** What came to nothing is not waited for again so soon. */
const vainMs = 10_000

/**
 * Calls which a limit has room for, but not the share of it which is this relay's.
 *
 * They wait, three seconds at most, while the edge hears of them at once and shares anew: what other relays hold
 * and do not use is soon free. No call is let in beyond what is granted.
 */
export class QuotaWait {
  readonly #route: (now: MonotonicMs, question: RouteQuestion, then: OnDecided) => void
  readonly #ledger: Ledger
  readonly #emit: (effect: Effect) => void
  readonly #waiting = new Set<WaitingCall>()
  readonly #vainUntil = new Map<string, number>()

  constructor(rooms: { route: QuotaWait['route']; ledger: Ledger; emit(effect: Effect): void }) {
    this.#route = rooms.route
    this.#ledger = rooms.ledger
    this.#emit = rooms.emit
  }

  /** Decides a call; one which only a share stands against is decided later. */
  route(now: MonotonicMs, question: RouteQuestion, then: OnDecided): void {
    this.#decide(now, question, then, now + patienceMs)
  }

  /** The edge has shared anew. */
  shared(now: MonotonicMs): void {
    for (const call of [...this.#waiting]) {
      this.#waiting.delete(call)
      this.#decide(now, call.question, call.then, call.until)
    }
  }

  nextDeadline(): number | undefined {
    // All wait for equally long: the first to come is the first to go.
    for (const { until } of this.#waiting) return until
    return undefined
  }

  tick(now: MonotonicMs): void {
    for (const call of [...this.#waiting]) {
      if (call.until > now) continue
      this.#waiting.delete(call)
      for (const limit of call.short) this.#vainUntil.set(keyOf(limit), now + vainMs)
      this.#route(now, call.question, call.then)
    }
  }

  #decide(now: MonotonicMs, question: RouteQuestion, then: OnDecided, until: number): void {
    this.#route(now, question, (later, decision, why) => {
      const short = decision && this.#ledger.shares(later) ? lacking(this.#ledger, later, decision) : []
      const hopeless =
        short.length === 0 || later >= until || short.some((limit) => this.#isVain(later, limit))
      if (hopeless) return then(later, decision, why)
      const customerId = decision?.customer_id ?? undefined
      for (const limit of short) this.#ledger.refuse(later, question.call_id, customerId, limit)
      this.#waiting.add({ question, then, until, short })
      this.#emit({ type: 'beat' })
    })
  }

  #isVain(now: MonotonicMs, limit: LimitReached): boolean {
    const until = this.#vainUntil.get(keyOf(limit)) ?? 0
    if (until <= now) this.#vainUntil.delete(keyOf(limit))
    return until > now
  }
}

function keyOf({ kind, id, resource }: LimitReached): string {
  return `${resource} of ${kind}:${id}`
}
