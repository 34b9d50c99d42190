import type { UtcMs } from '#contract'

/**
 * A relay which closed its line and is not heard of for so long is lost. One whose line alone is lost beats over HTTP after
 * three seconds, and tries a new line after ten at most; one whose process was killed is mostly back within some.
 */
const graceMs = 10_000

/** Relays whose line was closed at their end, and which have said nothing since. */
export class Losses {
  readonly #since = new Map<string, UtcMs>()

  closed(relayId: string, now: UtcMs): void {
    this.#since.set(relayId, now)
  }

  /** The relay lives. */
  heard(relayId: string): void {
    this.#since.delete(relayId)
  }

  /**
   * The relays whose time is up, each once; `others`: lines stand. Where several are missed and no line is left, it is the way to
   * them which broke, and they and their calls go on: none is taken.
   */
  taken(now: UtcMs, others: boolean): string[] {
    const lost = [...this.#since].flatMap(([relayId, since]) => (since + graceMs <= now ? [relayId] : []))
    const isTheWay = lost.length > 0 && !others && this.#since.size > 1
    for (const relayId of isTheWay ? [...this.#since.keys()] : lost) this.#since.delete(relayId)
    return isTheWay ? [] : lost
  }

  /** When the first of them will be lost; nothing: none is missed. */
  dueAt(): UtcMs[] {
    return [...this.#since.values()].map((since) => (since + graceMs) as UtcMs)
  }
}
