import type { Context } from 'hono'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { type Edge, prepare } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { type ClaimedDelivery, claim, settle, sweepAndClaim } from './outbox.ts'
import { resolverAt } from './resolver.ts'
import { judged } from './schedule.ts'
import { type SenderParts, send } from './sender.ts'

/** Deliveries on their way at once; a Worker may have six connections, and one is the database's. */
const LANES = 5
/** Deliveries of one run: each takes up to four requests, of the thousand which an invocation may make. */
const MOST = 200
/** After an answer a Worker lives for half a minute, of which the last delivery may take ten seconds. */
const HURRIED_MS = 15_000
const SCHEDULED_MS = 45_000
/** A run which has not ended by then never will: its Worker was cut off. */
const LOST_MS = 75_000

/** Sends what is due, from one isolate. What is due the database knows; here is only who is at it. */
class Dispatcher {
  readonly #db: Database
  readonly #parts: SenderParts
  #runningSince = Number.NEGATIVE_INFINITY
  /** More may have become due while this one runs. */
  #again = false

  constructor(db: Database, parts: SenderParts) {
    this.#db = db
    this.#parts = parts
  }

  /** Sends what is due, until nothing is or the time is over; returns at once where a run is going on. */
  hurry(): Promise<void> {
    return this.#run(HURRIED_MS, () => claim(this.#db))
  }

  /** The same every minute, whatever was lost meanwhile. */
  sweep(): Promise<void> {
    return this.#run(SCHEDULED_MS, () => sweepAndClaim(this.#db))
  }

  async #run(forMs: number, first: () => Promise<ClaimedDelivery | undefined>): Promise<void> {
    const began = utcNow()
    this.#again = true
    if (began - this.#runningSince < LOST_MS) return
    this.#runningSince = began
    try {
      for (let next = first; this.#again && utcNow() < began + forMs; next = () => claim(this.#db)) {
        this.#again = false
        await new Lanes(this.#db, this.#parts, began + forMs).run(next)
      }
    } catch (error) {
      log('warn', 'webhooks.interrupted', { causes: causesOf(error) })
    } finally {
      this.#runningSince = Number.NEGATIVE_INFINITY
    }
  }
}

/** Several deliveries side by side. A lane is opened when the one before found something to do. */
class Lanes {
  readonly #db: Database
  readonly #parts: SenderParts
  readonly #until: number
  #open = 0
  #left = MOST

  constructor(db: Database, parts: SenderParts, until: number) {
    this.#db = db
    this.#parts = parts
    this.#until = until
  }

  async run(first: () => Promise<ClaimedDelivery | undefined>): Promise<void> {
    this.#open += 1
    const others: Promise<void>[] = []
    try {
      for (let delivery = await first(); delivery; delivery = await this.#carryOut(delivery)) {
        if (this.#open < LANES && this.#goesOn) others.push(this.run(() => claim(this.#db)))
      }
    } finally {
      this.#open -= 1
      await Promise.all(others)
    }
  }

  get #goesOn(): boolean {
    return utcNow() < this.#until && this.#left > 0
  }

  /** Sends a delivery, and gives the next. */
  async #carryOut(delivery: ClaimedDelivery): Promise<ClaimedDelivery | undefined> {
    this.#left -= 1
    const outcome = await send(delivery, this.#parts)
    const verdict = judged(outcome, delivery.attempt, Math.random())
    return settle(this.#db, delivery, outcome, verdict, this.#goesOn)
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
  const known = dispatchers.get(env) ?? new Dispatcher(prepare(env).db, senderParts(env))
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
