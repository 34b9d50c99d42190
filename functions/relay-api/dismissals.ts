import type { UtcMs } from '#contract'
import { type HubLine, isOpenedBy } from './hub-line.ts'

/** A Worker which has just found a key good lets it in for less than a second after it was revoked. */
const rememberedMs = 10_000

interface Dismissal {
  readonly relay_id: string
  readonly key?: string | null
  readonly reason: 'revoked' | 'moved'
  readonly sentence: string
}

/** Keys whose lines were closed lately: what is opened by one of them while it is being revoked is closed as well. */
export class Dismissals {
  #latest: (Dismissal & { readonly at: UtcMs })[] = []

  note({ relay_id, key, reason, sentence }: Dismissal, at: UtcMs): void {
    // A relay which is to come on another line comes by the same key.
    if (reason === 'revoked' && key !== undefined) this.#latest.push({ relay_id, key, reason, sentence, at })
  }

  /** What a line which is being opened is told; undefined: it may stay. */
  farewellTo(
    line: Pick<HubLine, 'relayId' | 'key'>,
    now: UtcMs,
  ): Pick<Dismissal, 'reason' | 'sentence'> | undefined {
    this.#latest = this.#latest.filter(({ at }) => at + rememberedMs > now)
    const found = this.#latest.find(({ relay_id, key }) => relay_id === line.relayId && isOpenedBy(line, key))
    return found && { reason: found.reason, sentence: found.sentence }
  }
}
