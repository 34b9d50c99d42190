import { none } from './none.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A text on its own: one cut from a message, or joined from pieces, keeps all it came from in memory. */
export function detached(text: string): string {
  if (text.length <= shortest) return text
  if (text.length * 3 > room.length) return decoder.decode(encoder.encode(text))
  const { written } = encoder.encodeInto(text, room)
  return decoder.decode(room.subarray(0, written))
}

/** Octets of their own for each text take longer than the writing. */
const room = new Uint8Array(1024)

/**
 * Puts each text of a record, and of its lists, on its own: the record stays the same, in fields which are readonly too. One
 * which says what one of `kept` says is that one.
 */
export function detach(record: object, kept: readonly string[] = []): void {
  const fields = record as Record<string, unknown>
  const own = (value: unknown) => (typeof value === 'string' ? ownText(value, kept) : value)
  for (const [name, value] of Object.entries(fields)) {
    if (!Array.isArray(value)) fields[name] = own(value)
    else fields[name] = value.length > 0 ? value.map(own) : none
  }
}

function ownText(text: string, kept: readonly string[]): string {
  return kept.find((one) => one === text) ?? detached(text)
}

/** V8 copies what is as short as this when it is cut or joined. */
const shortest = 12

/** Texts which many share, once each; of more than there may be all are forgotten, and shared anew. */
export class SharedTexts {
  readonly #atMost: number
  readonly #texts = new Map<string, string>()

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  /** One text for all who say the same. */
  once(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= this.#atMost) this.#texts.clear()
    const own = detached(text)
    this.#texts.set(own, own)
    return own
  }
}

/** What a make of phone says is shorter; 1000 long ones of a malicious peer would stay for good. */
const longestShared = 2_000

/** Lists of texts which many say alike, once each; of more than there may be all are forgotten, and shared anew. */
export class SharedLists {
  readonly #atMost: number
  readonly #lists = new Map<string, readonly string[]>()

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  /** The one list of all which say the same in the same order, as `make` makes it of the first; it is not shared where it is long, or `isCommon` denies that. */
  once(
    list: readonly string[],
    make: (text: string) => string,
    isCommon: (text: string) => boolean,
  ): readonly string[] {
    const all = list.join('\n')
    const known = this.#lists.get(all)
    if (known !== undefined) return known
    const made = list.map(make)
    if (all.length > longestShared || !list.every(isCommon)) return made
    if (this.#lists.size >= this.#atMost) this.#lists.clear()
    this.#lists.set(detached(all), made)
    return made
  }
}
