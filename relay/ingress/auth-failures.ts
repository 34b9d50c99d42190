import type { MonotonicMs, UtcMs } from '#contract'
import { type AuthFailure, type AuthFailureReason, authFailures } from '../auth/auth-failure.ts'
import { instant } from '../call/record.ts'
import type { Effect } from '../ground/effects.ts'
import { type EventAggregate, EventAggregator } from '../ground/event-aggregator.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { sourceNetwork, sourcePrefix } from '../ground/source-prefix.ts'
import { readable } from '../sip/charset.ts'
import type { Request } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'

/* Implementation */
/** A phone tries for ever: told at once, after five seconds (a guesser has shown by then), a minute, ten, and then every hour. */
const pauses = [5_000, 60_000, 600_000, 3_600_000]
/** Accounts at their places which are told apart, of each customer and of none; still others are told together. */
const apart = { atOnce: 20, perSecond: 1 / 10 }
const elsewhere = 'elsewhere'
/** What every phone does now and then, and what is a failure only where it goes on. */
const patience = { atOnce: 10, perSecond: 1 / 10 }
const usual: ReadonlySet<AuthFailureReason> = new Set(['STALE_NONCES', 'REPEATED_ANSWERS'])

/**
 * Tells whose registrations fail and why, by account and source address: an event for the customer and a line in the log.
 *
 * The sender of a datagram may be forged, and names may be invented: names which no account has are told by place alone,
 * and of each customer's accounts and places only so many are told apart.
 */
export class AuthFailures {
  readonly #endpoint: SipEndpoint
  readonly #emit: (effect: Effect) => void
  readonly #aggregator = new EventAggregator<FailedRequest>(pauses, (at, gathered) => this.#say(at, gathered))
  readonly #apart = new RateLimiter(apart)
  readonly #patience = new RateLimiter(patience)

  constructor(endpoint: SipEndpoint, emit: (effect: Effect) => void) {
    this.#endpoint = endpoint
    this.#emit = emit
  }

  /** `status`: what was answered. */
  add(
    now: MonotonicMs,
    at: UtcMs,
    failure: AuthFailure,
    answered: { request: Request; flow: Flow; status: number },
  ): void {
    const { account, accountId, customerId, reason } = failure
    const { request, flow, status } = answered
    const who = accountId ?? customerId ?? ''
    if (usual.has(reason) && this.#patience.take(now, `${who} ${sourcePrefix(flow.address)}`)) return
    const { method } = request
    this.#aggregator.add(now, at, this.#keyOf(now, failure, method, flow), {
      customerId,
      type: method === 'REGISTER' ? 'registration.failed' : 'call.refused',
      words: {
        reason,
        rule: 'digest',
        why: authFailures[reason],
        account: account.slice(0, 200),
        // The extension or trunk: what the event is about.
        subject_id: accountId,
        sip_status: status,
        source_address: flow.address,
        source: `${flow.transport} ${hostPort(flow.address, flow.port)}`,
        user_agent: readable(request.header('user-agent') ?? '').slice(0, 200),
      },
    })
  }

  nextDeadline(): number | undefined {
    return this.#aggregator.nextDeadline()
  }

  tick(now: MonotonicMs, at: UtcMs): void {
    this.#aggregator.tick(now, at)
  }

  stop(at: UtcMs): void {
    this.#aggregator.stop(at)
  }

  #keyOf(
    now: MonotonicMs,
    { customerId, accountId, reason }: AuthFailure,
    method: string,
    { address }: Flow,
  ): string {
    const prefix = customerId === null ? sourceNetwork(address) : sourcePrefix(address)
    const key = (whose: string) => `${customerId} ${method} ${reason} ${whose}`
    const own = key(`${accountId} ${prefix}`)
    if (this.#aggregator.has(own)) return own
    const room = !this.#aggregator.full && this.#apart.take(now, `${customerId}`)
    return room ? own : key(elsewhere)
  }

  #say(at: UtcMs, { last, count, firstAt, lastAt }: EventAggregate<FailedRequest>): void {
    const { type, customerId, words } = last
    const data = { ...words, count, first_at: instant(firstAt), last_at: instant(lastAt) }
    const { relayId: relay_id, entropy } = this.#endpoint
    const tell_id = entropy.uuid(at)
    this.#emit({
      type: 'tell',
      tell: { kind: 'event', tell_id, at: instant(at), relay_id, customer_id: customerId, type, data },
    })
    this.#emit({ type: 'note', level: 'info', event: type, fields: { customer_id: customerId, ...data } })
  }
}

interface FailedRequest {
  readonly customerId: string | null
  readonly type: string
  readonly words: Record<string, string | number | null>
}
