import type { Context } from 'hono'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { type Edge, prepare } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { type ClaimedDelivery, type ClaimScope, claim, settle, sweepAndClaim } from './outbox.ts'
import { type DeliveryQueue, queueOf } from './queue.ts'
import { resolverAt } from './resolver.ts'
import { judged } from './schedule.ts'
import { type SenderParts, send } from './sender.ts'

/** Deliveries of one invocation at once: it may have six connections, and one is the database's. */
const LANES = 5
/** So many of those may be to webhooks which fail, so that they hold up no other. */
const LANES_FOR_ANY = 2
/** Deliveries of all invocations of one isolate at once, which share its memory. */
const MOST_LANES = 30
/** Deliveries of one invocation: each takes up to four requests, of the thousand which it may make. */
const MOST = 200
/** However often others ask meanwhile, one looks no more often. */
const MOST_LOOKS = 50
/** After an answer a Worker lives for half a minute, of which the last delivery may take ten seconds. */
const HURRIED_MS = 15_000
const SCHEDULED_MS = 45_000
const QUEUED_MS = 60_000
/** What has not moved by then never will: its invocation was cut off. A statement takes 25 s at most. */
const LOST_MS = 45_000
/** What is to be tried again sooner the Queue is told of; what later, cron finds. */
const SOON_MS = 60_000

/** Sends what is due, from one isolate. What is due the database knows; here is only who is at it. */
class Dispatcher {
  readonly #db: Database
  readonly #parts: SenderParts
  /** undefined: what is due after an answer is sent by the invocation which answered. */
  readonly #queue: DeliveryQueue | undefined
  /** When each lane last moved (UTC ms), of all invocations. */
  readonly #lanes = new Map<object, number>()
  /** Since when one looks for what is due (UTC ms). */
  #lookingSince = Number.NEGATIVE_INFINITY
  /** Something may have become due since that one looked. */
  #again = false

  constructor(db: Database, parts: SenderParts, queue: DeliveryQueue | undefined) {
    this.#db = db
    this.#parts = parts
    this.#queue = queue
  }

  /** Something is due: has the Queue hurry, or sends it. */
  async hurry(): Promise<void> {
    if (!(await this.#queue?.now())) await this.#shift(HURRIED_MS).look()
  }

  /** Sends what is due, as the Queue has said. */
  carryOut(): Promise<void> {
    return this.#shift(QUEUED_MS).look()
  }

  /** The same every minute, whatever was lost meanwhile. */
  sweep(): Promise<void> {
    return this.#shift(SCHEDULED_MS).begin(() => sweepAndClaim(this.#db))
  }

  #shift(forMs: number): Shift {
    return new Shift(this, utcNow() + forMs)
  }

  /** Claims what is due for a new lane. One lane looks at a time: the others leave it to that one. */
  async lookOut(scope: ClaimScope): Promise<ClaimedDelivery | undefined> {
    this.#again = true
    if (utcNow() - this.#lookingSince < LOST_MS || this.#isFull) return undefined
    this.#lookingSince = utcNow()
    try {
      for (let looked = 0; this.#again && looked < MOST_LOOKS; looked += 1) {
        this.#again = false
        const found = await claim(this.#db, scope)
        if (found) return found
      }
      return undefined
    } finally {
      this.#lookingSince = Number.NEGATIVE_INFINITY
    }
  }

  get #isFull(): boolean {
    for (const [lane, at] of this.#lanes) if (utcNow() - at > LOST_MS) this.#lanes.delete(lane)
    return this.#lanes.size >= MOST_LANES
  }

  /** A lane is at work. */
  moved(lane: object): void {
    this.#lanes.set(lane, utcNow())
  }

  /** A lane has nothing more to do. */
  ended(lane: object): void {
    this.#lanes.delete(lane)
  }

  /** Sends a delivery, and gives the next. */
  async send(
    delivery: ClaimedDelivery,
    next: () => ClaimScope | undefined,
  ): Promise<ClaimedDelivery | undefined> {
    const outcome = await send(delivery, this.#parts)
    const verdict = judged(outcome, delivery.attempt, Math.random())
    const claimed = await settle(this.#db, delivery, outcome, verdict, next())
    if (verdict.status === 'waiting' && verdict.delayMs < SOON_MS) await this.#queue?.after(verdict.delayMs)
    return claimed
  }

  /** An invocation had to leave off: another goes on. */
  async handOver(): Promise<void> {
    await this.#queue?.now()
  }
}

/** What one invocation does: several deliveries side by side. A lane is opened when the one before found something. */
class Shift {
  readonly #dispatcher: Dispatcher
  readonly #until: number
  #open = 0
  #left = MOST

  constructor(dispatcher: Dispatcher, until: number) {
    this.#dispatcher = dispatcher
    this.#until = until
  }

  /** Sends what is due, until nothing is or the time is over. Never throws: what was interrupted is due again. */
  look(): Promise<void> {
    const scope = this.#open < LANES_FOR_ANY ? 'any' : 'well'
    return this.begin(() => this.#dispatcher.lookOut(scope), scope)
  }

  /** The same, beginning with what `first` claims. */
  async begin(first: () => Promise<ClaimedDelivery | undefined>, scope: ClaimScope = 'any'): Promise<void> {
    if (this.#open >= LANES || !this.#goesOn) return
    this.#open += 1
    try {
      const delivery = await first()
      if (delivery) await Promise.all([this.#lane(delivery, scope), this.look()])
    } catch (error) {
      log('warn', 'webhooks.interrupted', { causes: causesOf(error) })
    } finally {
      this.#open -= 1
    }
  }

  get #goesOn(): boolean {
    return utcNow() < this.#until && this.#left > 0
  }

  async #lane(first: ClaimedDelivery, scope: ClaimScope): Promise<void> {
    const lane = {}
    try {
      for (let delivery: ClaimedDelivery | undefined = first; delivery; ) {
        this.#left -= 1
        this.#dispatcher.moved(lane)
        delivery = await this.#dispatcher.send(delivery, () => (this.#goesOn ? scope : undefined))
      }
    } finally {
      this.#dispatcher.ended(lane)
    }
    if (!this.#goesOn) await this.#dispatcher.handOver()
  }
}

const dispatchers = new WeakMap<object, Dispatcher>()

/** What sending takes in this Worker. */
export function senderParts(env: object): SenderParts {
  const { settings, seal } = prepare(env)
  return {
    seal,
    rules: { allowPrivate: settings.ALLOW_PRIVATE_TARGETS, ownNames: [settings.BASE_DOMAIN] },
    resolve: resolverAt(settings.DNS_OVER_HTTPS),
  }
}

/** The dispatcher of this Worker. */
export function dispatcherOf(env: object): Dispatcher {
  const known = dispatchers.get(env) ?? new Dispatcher(prepare(env).db, senderParts(env), queueOf(env))
  dispatchers.set(env, known)
  return known
}

/** Has what is due sent after this request was answered. */
export function hurryDeliveries(c: Context<Edge>): void {
  try {
    c.executionCtx.waitUntil(dispatcherOf(c.env).hurry())
  } catch {
    // Outside of a Worker nothing goes on after an answer; the next sweep finds what is due.
  }
}
