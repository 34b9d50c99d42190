import type { CommandResult, MonotonicMs, OrderResult } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'

/** It was done. */
export const done: OrderResult = { ok: true, reason: null, message: '' }

/** There is no such call. */
export const notHere: OrderResult = {
  ok: false,
  reason: 'CALL_NOT_FOUND',
  message: 'The call is over, or never was at this relay.',
}

/** What became of a command, and since when that is known, heard and known to be heard; monotonic ms. */
interface Carried {
  result: OrderResult | undefined
  at: number
  heard: boolean
}

/** Ids of so many commands are remembered: one which comes once more is not carried out again. */
const rememberedAtMost = 10_000

/** The commands which were given about calls, and what became of each: told until the edge has heard it. */
export class CommandResults {
  readonly #byId = new BoundedMap<string, Carried>(rememberedAtMost)

  /** A command has come; false: it came before. */
  take(id: string): boolean {
    if (this.#byId.get(id)) return false
    this.#byId.set(id, { result: undefined, at: 0, heard: false })
    return true
  }

  /** What became of it. The first result stands. */
  conclude(now: MonotonicMs, id: string, result: OrderResult): void {
    const carried = this.#byId.get(id)
    if (carried && !carried.result) Object.assign(carried, { result, at: now })
  }

  /** What the edge has not heard yet. */
  waiting(): CommandResult[] {
    return [...this.#byId].flatMap(([command_id, { result, heard }]) =>
      result && !heard ? [{ command_id, result: { ...result } }] : [],
    )
  }

  /** The beat sent at `sentAt` was answered: what was known before it has been heard. */
  delivered(sentAt: MonotonicMs): void {
    for (const [, carried] of this.#byId) if (carried.result && carried.at <= sentAt) carried.heard = true
  }
}
