import type { BeatAnswer, UtcMs } from '#contract'

/** What the Worker is told which asked for a beat's answer. */
type BeatWord = BeatAnswer | 'replaced' | 'away'

/** The Worker waits 900 ms, on its own clock, and hears the beat by Postgres alone after that: sooner than that it is told. */
export const waitsForMs = 700

/** Beats which came over HTTP, each with a request which waits for its answer. */
export class WaitingBeats {
  readonly #asks = new Map<string, { readonly answered: (word: BeatWord) => void; readonly at: UtcMs }>()

  /** Waits for the answer. */
  wait(ask: string, now: UtcMs): Promise<BeatWord> {
    return new Promise((answered) => this.#asks.set(ask, { answered, at: now }))
  }

  /** Whether its Worker is about to hear the beat without the hub, or has: the hub's word would come after that one. */
  isGivenUp(ask: string, now: UtcMs): boolean {
    const asked = this.#asks.get(ask)
    return asked === undefined || asked.at + waitsForMs < now
  }

  /** Answers it; false: so late that what is given out once may not arrive, and the Worker is sent to Postgres instead. */
  answer(ask: string, word: BeatWord, now: UtcMs): boolean {
    const asked = this.#asks.get(ask)
    const late = typeof word === 'object' && word.commands.length > 0 && this.isGivenUp(ask, now)
    this.#asks.delete(ask)
    asked?.answered(late ? 'away' : word)
    return !late
  }
}
