import type { MonotonicMs, UtcMs } from '#contract'

/** An edge further from our UTC than this has another clock than we, not merely a long way to us. */
const toleratedMs = 2_000
/** A correction tells the times of every phone anew: no two come closer together. */
const restMs = 60_000

/** When the edge read its clock: UTC ms, between two monotonic ms of ours. */
export interface TimeTold {
  readonly edgeAt: UtcMs
  readonly sentAt: MonotonicMs
  readonly heardAt: MonotonicMs
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
