import type { UtcMs } from '#contract'

/** Streams which one access key may have open in one isolate. */
export const STREAMS = 5
/** One which has not looked for so long is gone, whether or not it could say so: a Worker whose client hung up is stopped. */
const SILENT_MS = 30_000

/** Which streams are open in this isolate, by the access key which opened each. */
export class OpenStreams {
  readonly #byKey = new Map<string, Map<symbol, UtcMs>>()

  /** Takes a place; undefined: the key has as many as it may. */
  open(keyId: string, now: UtcMs): StreamPlace | undefined {
    const places = this.#living(keyId, now)
    if (places.size >= STREAMS) return undefined
    const place = Symbol()
    places.set(place, now)
    this.#byKey.set(keyId, places)
    return {
      looked: (at) => void places.set(place, at),
      close: () => {
        places.delete(place)
        if (places.size === 0) this.#byKey.delete(keyId)
      },
    }
  }

  #living(keyId: string, now: UtcMs): Map<symbol, UtcMs> {
    const places = this.#byKey.get(keyId) ?? new Map<symbol, UtcMs>()
    for (const [place, at] of places) if (at < now - SILENT_MS) places.delete(place)
    return places
  }
}

/** The place of one open stream. */
export interface StreamPlace {
  /** It looked for events: it lives. */
  looked(at: UtcMs): void
  close(): void
}
