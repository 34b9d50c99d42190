import { tellReceipt } from '#contract'
import { monotonicNow } from './clock.ts'
import { retryAfterMs } from './edge-http.ts'
import type { Log } from './log.ts'
import type { Spool } from './spool.ts'
import type { SpooledTell } from './spooled-tell.ts'

/** What a POST came to. */
export interface Posted {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

interface DeliveryOptions {
  readonly relayId: string
  readonly spool: Spool
  /** Posts a batch of tells; rejects when no answer came. */
  post(body: string): Promise<Posted>
  /** The edge says that these customers' calls are not watched, of those whose calls it was told of. */
  unheard?(customerIds: readonly string[], toldOf: Iterable<string>): void
  readonly log: Log
}

/* Implementation */
const batchAtMost = 500
/** Half of the 200 ms within which the list of calls is to show an answer; the other half is the way. */
const gatherMs = 100
const firstPauseMs = 250
const longestPauseMs = 30_000
const longestRetryAfterMs = 60_000

/**
 * Brings spooled tells to the edge, one batch at a time.
 *
 * An edge which does not listen is tried again after a growing, jittered pause, or when it says (Retry-After);
 * while it does not answer beats either, they alone try it, and the tells follow as soon as one is answered. A tell it
 * does not accept rests by itself and holds up no other.
 */
export class Delivery {
  readonly #options: DeliveryOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  /** The batch which is on its way. */
  #delivering: Promise<boolean> | undefined
  #failures = 0
  #size = batchAtMost
  /** More was due than the last batch took: there is nothing to wait for. */
  #behind = false
  #stopped = false
  #retryAfterMs = 0
  #failedAt = 0
  #away = false
  /** When the timer rings for what is held alone (monotonic ms); what cannot wait sets it anew. */
  #heldUntil: number | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
    if (options.spool.size > 0) this.nudge()
  }

  /** Something waits, which may be told as late as `heldUntil` (monotonic ms). */
  nudge(heldUntil = 0): void {
    if (this.#running !== undefined) return
    if (this.#timer === undefined || heldUntil < (this.#heldUntil ?? 0)) this.#wakeFor(heldUntil)
  }

  /** A beat was not answered. */
  missed(): void {
    this.#away = true
  }

  /** A beat was answered: what waited for the edge to come back waits no longer than the edge asked for. */
  answered(): void {
    const back = this.#away
    this.#away = false
    if (!back || this.#timer === undefined) return
    this.#wake(Math.max(0, this.#failedAt + this.#retryAfterMs - monotonicNow()))
  }

  /** The edge did not listen the last time. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /** Tells what waits now; returns as soon as nothing waits, or the edge does not listen. */
  async settle(): Promise<void> {
    await this.#running
    while (this.#failures === 0 && (await this.#deliver(true)));
  }

  /** Tells what still waits, once, and gives up where the edge does not listen: the spool keeps it. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
    this.#failures = 0
    while (this.#failures === 0 && (await this.#deliver(true)));
  }

  #wakeFor(heldUntil: number): void {
    this.#wake(Math.max(gatherMs, heldUntil - monotonicNow()))
    if (heldUntil > 0) this.#heldUntil = heldUntil
  }

  #wake(ms: number): void {
    clearTimeout(this.#timer)
    this.#heldUntil = undefined
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#run().finally(() => {
        this.#running = undefined
        // What was told in between found it running.
        if (this.#timer === undefined && this.#options.spool.size > 0) this.#wakeFor(0)
      })
    }, ms)
  }

  async #run(): Promise<void> {
    await this.#deliver()
    if (this.#options.spool.size === 0) return
    if (this.#failures > 0) this.#wake(this.#pauseMs())
    else if (this.#behind) this.#wake(0)
    // What came while a batch was on its way goes with what comes within another tenth of a second: a batch costs the edge 2 ms.
    else this.#wakeFor(this.#options.spool.dueAt(monotonicNow()) ?? 0)
  }

  #pauseMs(): number {
    const grown = this.#away
      ? longestPauseMs
      : Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures - 1, 10))
    return Math.max(this.#retryAfterMs, grown / 2 + (Math.random() * grown) / 2)
  }

  /** Brings the next batch, once the one before was answered: of a call the last word would come first. As `#post` says. */
  async #deliver(all = false): Promise<boolean> {
    while (this.#delivering !== undefined) await this.#delivering
    this.#delivering = this.#post(all).finally(() => {
      this.#delivering = undefined
    })
    return this.#delivering
  }

  /** Whether a batch went through and another may follow at once. */
  async #post(all: boolean): Promise<boolean> {
    const { spool, log } = this.#options
    const now = monotonicNow()
    const batch = spool.take(this.#size, now, all)
    this.#behind = (spool.dueAt(now) ?? Number.POSITIVE_INFINITY) <= now
    if (batch.length === 0) return false
    this.#retryAfterMs = 0
    try {
      this.#receive(batch, await this.#options.post(this.#body(batch)))
    } catch (error) {
      // Whether the edge stored the batch is not known; told again, it will know them by their ids.
      this.#failures++
      this.#failedAt = monotonicNow()
      log('warn', 'tells.unheard', {
        why: (error as Error).message,
        tells: batch.length,
        waiting: spool.size,
      })
    }
    spool.failed(batch.filter(({ dropped }) => !dropped))
    return this.#failures === 0
  }

  #body(batch: readonly SpooledTell[]): string {
    return `{"relay_id":${JSON.stringify(this.#options.relayId)},"tells":[${batch.map(({ text }) => text).join(',')}]}`
  }

  #receive(batch: readonly SpooledTell[], posted: Posted): void {
    if (posted.status === 200) this.#accept(batch, posted.body)
    else if (unacceptable.has(posted.status)) this.#refuse(batch, posted.status)
    else {
      this.#retryAfterMs = retryAfterMs(posted.retryAfter, longestRetryAfterMs)
      throw new Error(`the edge answered ${posted.status}`)
    }
  }

  #accept(batch: readonly SpooledTell[], body: string): void {
    const receipt = tellReceipt.parse(JSON.parse(body))
    const accepted = new Set(receipt.accepted)
    const why = new Map(receipt.refused.map((one) => [one.tell_id, one.why]))
    this.#failures = 0
    this.#size = batchAtMost
    this.#options.spool.heard(batch.filter(({ id }) => accepted.has(id)))
    this.#options.unheard?.(
      receipt.unheard,
      batch.flatMap(({ customer }) => customer ?? []),
    )
    // Kept even so: the next deploy of the edge may understand it.
    for (const tell of batch) if (!accepted.has(tell.id)) this.#rest(tell, why.get(tell.id) ?? 'not accepted')
  }

  /** One bad tell must not hold up its batch: halves are tried until it stands alone. */
  #refuse(batch: readonly SpooledTell[], status: number): void {
    this.#failures = 0
    this.#behind = true
    this.#size = Math.max(1, batch.length >> 1)
    const [only] = batch
    if (batch.length === 1 && only !== undefined) this.#rest(only, `the edge answered ${status}`)
  }

  #rest(tell: SpooledTell, why: string): void {
    const pause = Math.min(300_000, 1000 * 2 ** Math.min(tell.refused++, 10))
    tell.notBefore = monotonicNow() + pause
    this.#options.log('warn', 'tell.refused', { tell_id: tell.id, why, times: tell.refused })
  }
}

/** The edge read the batch and found it bad; anything else is about the edge. */
const unacceptable = new Set([400, 413, 422])
