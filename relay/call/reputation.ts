import type { MonotonicMs } from '#contract'
import type { Located } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'

/* Implementation */
const doubtMs = 30_000

/**
 * What providers' addresses showed lately: which asked to be left alone, and which gave no answer.
 *
 * Each address of each provider stands for itself: what a carrier says to one customer's account is nothing to
 * another's, and one dead address of a name says nothing about its others.
 */
export class Reputation {
  readonly #coolUntil = new Map<string, number>()
  readonly #doubtfulUntil = new Map<string, number>()

  /** It asked to be left alone for `ms` (503, Retry-After). */
  cool(now: MonotonicMs, provider: string, flow: Flow, ms: number): void {
    forget(this.#coolUntil, now)
    this.#coolUntil.set(keyOf(provider, flow), now + ms)
  }

  /** It could not be reached, or said nothing: for half a minute its provider's other addresses come first. */
  silent(now: MonotonicMs, provider: string, flow: Flow): void {
    forget(this.#doubtfulUntil, now)
    this.#doubtfulUntil.set(keyOf(provider, flow), now + doubtMs)
  }

  /** It answered, whatever it said. */
  spoke(provider: string, flow: Flow): void {
    this.#doubtfulUntil.delete(keyOf(provider, flow))
  }

  /**
   * A provider's addresses as they are to be tried: the doubtful last, and those which are to be left alone only
   * where there is no other address, no other provider either (`others`).
   */
  inTurn(now: MonotonicMs, provider: string, located: Located, others: boolean): Located {
    if (this.#coolUntil.size + this.#doubtfulUntil.size === 0) return located
    const is = (marks: Map<string, number>) => (flow: Flow) => (marks.get(keyOf(provider, flow)) ?? 0) > now
    const warm = located.flows.filter((flow) => !is(this.#coolUntil)(flow))
    const left = warm.length > 0 || others ? warm : located.flows
    const doubtful = left.filter(is(this.#doubtfulUntil))
    const flows = [...left.filter((flow) => !doubtful.includes(flow)), ...doubtful]
    return flows.length > 0 || located.flows.length === 0
      ? { ...located, flows }
      : { flows, why: 'asked to be left alone (503, Retry-After)' }
  }
}

function keyOf(provider: string, { transport, address, port }: Flow): string {
  return `${provider} ${transport} ${hostPort(address, port)}`
}

function forget(marks: Map<string, number>, now: MonotonicMs): void {
  for (const [key, until] of marks) if (until <= now) marks.delete(key)
}
