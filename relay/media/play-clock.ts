import type { MonotonicMs } from '#contract'

/** What is in the clock's hands between two of its packets. */
export interface Clocked {
  /** The next one of the same moment; the clock's own. */
  next: Clocked | undefined
}

/** Milliseconds between two moments at which packets leave: those of 20 ms may be in any of ten. */
const GRID_MS = 2
/** A moment which is so near is there: sums of fractions are a hair beside it. */
const HAIR_MS = 0.001
/** Moments which are known ahead; more than the longest packet takes (60 ms). A power of two. */
const MOMENTS = 32
/** One who comes is given the emptiest of so many: 20 ms. */
const CHOICE = 10
/** Moments which are made up for when the clock was woken late: two packets of 20 ms. */
const MOST_LATE = 20

/**
 * Says when each of many who send packets in step is due, without drift and with one timer for all.
 *
 * They are spread over the time of a packet, that none waits for all others. Who woke the clock late has it send what was
 * due, but two packets of one at most: what was missed beyond is a pause, behind which all goes on.
 */
export class PlayClock<Each extends Clocked> {
  readonly #moments: (Each | undefined)[] = new Array(MOMENTS).fill(undefined)
  readonly #counts = new Uint16Array(MOMENTS)
  #size = 0
  /** Number of the last moment which is over, and when number 0 was. */
  #moment = 0
  #zero = 0

  /** From the next moments on it is due, 20 ms from now at the latest. It must not be in the clock. */
  add(now: MonotonicMs, each: Each): void {
    if (this.#size === 0) this.#begin(now)
    this.#put(each, this.#moment + this.#emptiest())
  }

  /**
   * Has `send` send for each who is due, telling when that was, and hears the milliseconds until its next packet; 0: it has
   * none. Returns the milliseconds until the next is due; Infinity: none will be.
   */
  beat(now: MonotonicMs, send: (each: Each, at: number) => number): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY
    const over = this.#over(now)
    while (this.#moment < over) this.#pass(send)
    return this.#msUntilNext(now)
  }

  #begin(now: MonotonicMs): void {
    this.#moment = 0
    this.#zero = now
  }

  /** The moment which is over by now; the clock stood still for those which are not made up for. */
  #over(now: MonotonicMs): number {
    const over = Math.floor((now - this.#zero + HAIR_MS) / GRID_MS)
    const missed = over - this.#moment - MOST_LATE
    if (missed <= 0) return over
    this.#zero += missed * GRID_MS
    return over - missed
  }

  #pass(send: (each: Each, at: number) => number): void {
    const moment = ++this.#moment
    const at = this.#zero + moment * GRID_MS
    let each = this.#takeAll(moment)
    while (each !== undefined) {
      const { next } = each
      each.next = undefined
      const ms = send(each, at)
      if (ms > 0) this.#put(each, moment + ms / GRID_MS)
      each = next as Each | undefined
    }
  }

  #takeAll(moment: number): Each | undefined {
    const place = moment % MOMENTS
    const first = this.#moments[place]
    this.#moments[place] = undefined
    this.#size -= this.#counts[place] as number
    this.#counts[place] = 0
    return first
  }

  #put(each: Each, moment: number): void {
    const place = moment % MOMENTS
    each.next = this.#moments[place]
    this.#moments[place] = each
    this.#counts[place] = (this.#counts[place] as number) + 1
    this.#size++
  }

  /** How far ahead; of several the nearest. */
  #emptiest(): number {
    let best = 1
    for (let ahead = 2; ahead <= CHOICE; ahead++) if (this.#countAt(ahead) < this.#countAt(best)) best = ahead
    return best
  }

  #countAt(ahead: number): number {
    return this.#counts[(this.#moment + ahead) % MOMENTS] as number
  }

  #msUntilNext(now: MonotonicMs): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY
    let ahead = 1
    while (this.#countAt(ahead) === 0) ahead++
    return Math.max(0, this.#zero + (this.#moment + ahead) * GRID_MS - now)
  }
}
