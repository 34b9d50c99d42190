import type { UtcMs } from '#contract'

/** A change which was announced, and of which no more is heard, is looked for after so long. */
const doubtMs = 5_000
/** Postgres hears relays in one pass, and so long not again. */
const passEveryMs = 2_000
/** While calls go on Postgres is asked so often what they come to, all relays together. */
const busyEveryMs = 10_000
/** A relay which has not applied a version is told of it again. */
const lagMs = 5_000
/** Calls of a relay which is gone are ended by the look after (`store/lost-calls.ts`). */
const lostMs = 40_000

/** When the hub is to ask Postgres for something, though no relay just spoke. */
export class Schedule {
  #announced = 0
  #lookAt: UtcMs | undefined
  #stirredAt: UtcMs | undefined
  #passedAt = Number.NEGATIVE_INFINITY
  #busyAt = Number.NEGATIVE_INFINITY
  #lagAt: UtcMs | undefined
  #lostAt: UtcMs | undefined

  /** A change is about to happen. */
  announce(now: UtcMs): void {
    this.#announced += 1
    this.look(later(now, doubtMs))
  }

  /** One which was announced has happened. */
  happened(): void {
    this.#announced = Math.max(0, this.#announced - 1)
    if (this.#announced === 0) this.#lookAt = undefined
  }

  look(at: UtcMs): void {
    this.#lookAt = this.#lookAt === undefined ? at : (Math.min(this.#lookAt, at) as UtcMs)
  }

  /** Something is to be told to Postgres, or heard from it. */
  stir(now: UtcMs): void {
    this.#stirredAt ??= now
  }

  /** A relay is behind. */
  lag(now: UtcMs): void {
    this.#lagAt ??= later(now, lagMs)
  }

  /** A relay is gone. */
  lost(now: UtcMs): void {
    this.#lostAt = later(now, lostMs)
  }

  mayLook(now: UtcMs): boolean {
    if (this.#lookAt === undefined || this.#lookAt > now) return false
    this.#lookAt = undefined
    this.#announced = 0
    return true
  }

  mayPass(now: UtcMs): boolean {
    if (now < this.#passedAt + passEveryMs) return false
    this.#passedAt = now
    this.#stirredAt = undefined
    return true
  }

  /** `busy`: calls go on, or did when this was asked last. */
  mayStir(now: UtcMs, busy: boolean): boolean {
    if (this.#lostAt !== undefined && this.#lostAt <= now) {
      this.#lostAt = undefined
      return true
    }
    if (!busy || now < this.#busyAt + busyEveryMs) return false
    this.#busyAt = now
    return true
  }

  mayCatchUp(now: UtcMs): boolean {
    if (this.#lagAt === undefined || this.#lagAt > now) return false
    this.#lagAt = undefined
    return true
  }

  /** When the first of it is due; undefined: nothing is. `waits`: a relay waits for a pass; `busy`: calls go on. */
  dueAt(waits: boolean, busy: boolean): UtcMs | undefined {
    const pass = waits ? later(this.#stirredAt ?? this.#passedAt, 0, this.#passedAt + passEveryMs) : undefined
    const stir = busy ? later(this.#busyAt, busyEveryMs, 0) : undefined
    return earliest(pass, stir, this.#lookAt, this.#lagAt, this.#lostAt)
  }
}

/** The first of some times; undefined: there is none. */
export function earliest(...times: (UtcMs | undefined)[]): UtcMs | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length > 0 ? (Math.min(...known) as UtcMs) : undefined
}

function later(time: number, ms: number, least = Number.NEGATIVE_INFINITY): UtcMs {
  return Math.max(time + ms, least) as UtcMs
}
