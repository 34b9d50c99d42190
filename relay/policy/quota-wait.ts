import type { MonotonicMs, RouteQuestion } from '#contract'
import type { Effect, Input } from '../ground/effects.ts'
import { lacking } from '../limits/admit-call.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { LimitReached } from '../limits/scope-limits.ts'
import type { RoutingClient } from './routing-client.ts'
import type { Routed, RoutingEvent } from './routing-events.ts'

/** A call is decided which was not at once: `callId` is its question's. */
export type CallDecided = {
  readonly type: 'decided'
  readonly callId: string
  readonly question: RouteQuestion
} & Routed

/** A call which waits for a greater share of a limit. */
interface WaitingCall {
  readonly question: RouteQuestion
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
  readonly #routing: Pick<RoutingClient, 'route'>
  readonly #ledger: Ledger
  /** Until when calls whose decision was asked for may wait. */
  readonly #asked = new Map<RouteQuestion, number>()
  readonly #waiting = new Set<WaitingCall>()
  readonly #vainUntil = new Map<string, number>()

  constructor({ routing, ledger }: { routing: Pick<RoutingClient, 'route'>; ledger: Ledger }) {
    this.#routing = routing
    this.#ledger = ledger
  }

  /** Decides a call at once, or by a `decided` which follows: one which only a share stands against is decided later. */
  route(now: MonotonicMs, question: RouteQuestion): Routed | readonly Effect[] {
    return this.#decide(now, question, now + patienceMs)
  }

  receive(
    event:
      | Extract<RoutingEvent, { type: 'routed' }>
      | Extract<Input, { type: 'beat' | 'news' }>
      | { type: 'tick' },
    now: MonotonicMs,
  ): readonly (Effect | CallDecided)[] {
    if (event.type === 'tick') return this.#tick(now)
    if (event.type === 'beat') return this.#shared(now)
    if (event.type === 'news') return event.news.slices || event.news.relays ? this.#shared(now) : []
    const { question, decision, why } = event
    const until = this.#asked.get(question) ?? now
    this.#asked.delete(question)
    return told(question, this.#weighed(now, question, { decision, why }, until))
  }

  nextDeadline(): number | undefined {
    // All wait for equally long: the first to come is the first to go.
    for (const { until } of this.#waiting) return until
    return undefined
  }

  /** The edge has shared anew; where a share fell it is to hear at once that this is known here. */
  #shared(now: MonotonicMs): (Effect | CallDecided)[] {
    const effects: (Effect | CallDecided)[] = this.#ledger.fell() ? [{ type: 'beat' }] : []
    for (const call of [...this.#waiting]) {
      this.#waiting.delete(call)
      effects.push(...told(call.question, this.#decide(now, call.question, call.until)))
    }
    return effects
  }

  #tick(now: MonotonicMs): (Effect | CallDecided)[] {
    const effects: (Effect | CallDecided)[] = []
    for (const call of [...this.#waiting]) {
      if (call.until > now) continue
      this.#waiting.delete(call)
      for (const limit of call.short) this.#vainUntil.set(keyOf(limit), now + vainMs)
      effects.push(...told(call.question, this.#decide(now, call.question, now)))
    }
    return effects
  }

  #decide(now: MonotonicMs, question: RouteQuestion, until: number): Routed | readonly Effect[] {
    const routed = this.#routing.route(now, question)
    if ('why' in routed) return this.#weighed(now, question, routed, until)
    this.#asked.set(question, until)
    return routed
  }

  /** The decision, unless it is worth waiting for another one. */
  #weighed(
    now: MonotonicMs,
    question: RouteQuestion,
    routed: Routed,
    until: number,
  ): Routed | readonly Effect[] {
    const { decision } = routed
    const short = decision ? lacking(this.#ledger, now, question.call_id, decision) : []
    const hopeless = short.length === 0 || now >= until || short.some((limit) => this.#isVain(now, limit))
    if (hopeless) return routed
    const customerId = decision?.customer_id ?? undefined
    for (const limit of short) this.#ledger.refuse(now, question.call_id, customerId, limit)
    this.#waiting.add({ question, until, short })
    return [{ type: 'beat' }]
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

function told(
  question: RouteQuestion,
  routed: Routed | readonly Effect[],
): readonly (Effect | CallDecided)[] {
  return 'why' in routed ? [{ type: 'decided', callId: question.call_id, question, ...routed }] : routed
}
