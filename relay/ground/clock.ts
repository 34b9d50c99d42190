import { type MonotonicMs, monotonicMs, parseUtc, type UtcMs, utcAt, utcMs } from '#contract'
import { EffectBuffer } from './effect-buffer.ts'
import type { Effect, Input } from './effects.ts'

/** An edge further from our UTC than this has another clock than we, not merely a long way to us. */
const toleratedMs = 2_000
/** A correction tells the times of every phone anew: no two come closer together. */
const restMs = 60_000

/** When the edge read its clock: UTC ms, between two monotonic ms of ours. */
interface TimeTold {
  readonly edgeAt: number
  readonly sentAt: number
  readonly heardAt: number
}

/**
 * How far our UTC is behind the edge's, in ms; 0 where they agree within two seconds. `epoch`: our UTC ms at
 * monotonic 0.
 *
 * The edge's clock counts: expiries, records and days are compared there with those of other relays.
 */
export function clockError(epoch: number, { edgeAt, sentAt, heardAt }: TimeTold): number {
  const [earliest, latest] = [epoch + sentAt, epoch + heardAt]
  const agrees = edgeAt >= earliest - toleratedMs && edgeAt <= latest + toleratedMs
  return agrees || !Number.isFinite(edgeAt) ? 0 : edgeAt - (earliest + latest) / 2
}

/**
 * By how much our UTC is put right.
 *
 * The first time told is believed at once. Later on two in a row have to say the same, a minute at least after the last
 * correction: an edge of several machines, one of whose clocks is wrong, does not throw ours to and fro with every beat.
 */
export class Corrections {
  #doubted: number | undefined
  #correctedAt: number | undefined

  /** ms to be added to our epoch now; 0: none. */
  hear(epoch: number, told: TimeTold): number {
    const error = clockError(epoch, told)
    const { heardAt } = told
    const before = this.#doubted
    this.#doubted = error === 0 ? undefined : error
    const first = this.#correctedAt === undefined
    this.#correctedAt ??= Number.NEGATIVE_INFINITY
    const confirmed = before !== undefined && Math.abs(before - error) <= toleratedMs
    if (error === 0 || (!first && (!confirmed || heardAt < this.#correctedAt + restMs))) return 0
    this.#correctedAt = heardAt
    this.#doubted = undefined
    return error
  }
}

/** For the rooms which keep UTC instants: ours was behind the edge's by so many ms; 0: it agrees. */
export interface TimeCorrected {
  readonly type: 'corrected'
  readonly behindMs: number
}

/** The time of the event being handled, and the room which puts our UTC right: what is told, and what expires, is compared at the edge. */
export class Clock {
  readonly #utc: { epoch: number }
  readonly #effects = new EffectBuffer<TimeCorrected>()
  readonly #corrections = new Corrections()
  /** Monotonic ms of the event being handled. */
  now = monotonicMs(0)

  /** `utc.epoch`: UTC ms at monotonic 0, which is corrected here. */
  constructor(utc: { epoch: number }) {
    this.#utc = utc
  }

  /** UTC ms at monotonic 0, as far as it is known. */
  get epoch(): number {
    return this.#utc.epoch
  }

  /** UTC of the event being handled, in whole milliseconds. */
  get at(): UtcMs {
    return wholeUtcAt(this.#utc, this.now)
  }

  receive(
    event: Extract<Input, { type: 'beat' | 'restored' }>,
    now: MonotonicMs,
  ): (Effect | TimeCorrected)[] | undefined {
    const told = event.type === 'beat' ? event.answer.at : event.list.at
    if (told === undefined || !('sentAt' in event)) return undefined
    const error = { edgeAt: parseUtc(told), sentAt: event.sentAt, heardAt: now }
    const behindMs = this.#corrections.hear(this.#utc.epoch, error)
    this.#utc.epoch += behindMs
    if (behindMs !== 0)
      this.#effects.note('warn', 'clock.wrong', { behind_ms: Math.round(behindMs), sentence: wrongClock })
    this.#effects.emit({ type: 'corrected', behindMs })
    return this.#effects.take()
  }
}

/** UTC at an instant of the monotonic clock, in whole milliseconds. */
export function wholeUtcAt({ epoch }: { readonly epoch: number }, now: MonotonicMs): UtcMs {
  return utcMs(Math.floor(utcAt(epoch, now)))
}

const wrongClock = "This machine's clock is not the edge's. The edge's is used; set this one right (NTP)."
