import type { UtcMs } from '#contract'

/** Questions a minute for one customer by one relay, as this isolate sees them; and for calls which were not told yet. */
export const [MOST_ASKED, MOST_UNTOLD] = [3_000, 600]
/** Pairs which are remembered; beyond that it is begun anew. */
const REMEMBERED = 4_096
const MINUTE_MS = 60_000

/** How often relays have a customer's servers asked: a flow which errs, or a key which was stolen, is no flood. */
export class FlowServerPace {
  #minute = 0
  readonly #asked = new Map<string, { all: number; untold: number }>()

  /** Counts one more of a relay and customer. Why it is one too many; undefined: it is not. */
  refuses(whose: string, isUntold: boolean, now: UtcMs): string | undefined {
    const minute = Math.floor(now / MINUTE_MS)
    if (minute !== this.#minute || this.#asked.size >= REMEMBERED) this.#asked.clear()
    this.#minute = minute
    const asked = this.#asked.get(whose) ?? { all: 0, untold: 0 }
    this.#asked.set(whose, asked)
    asked.all += 1
    asked.untold += isUntold ? 1 : 0
    if (isUntold && asked.untold > MOST_UNTOLD)
      return `More than ${MOST_UNTOLD} calls a minute which this relay had not told of asked for this customer.`
    return asked.all > MOST_ASKED
      ? `More than ${MOST_ASKED} questions a minute came for this customer.`
      : undefined
  }
}
