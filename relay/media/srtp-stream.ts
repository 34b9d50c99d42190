/** Packets which may come late: what RFC 3711 §3.3.2 asks for, in two words. */
const WINDOW = 64
const CYCLE = 0x10000
/** Streams one key may have: more are refused, for what is forgotten of one could be repeated. */
const MOST_STREAMS = 256

/**
 * One SSRC's packets under one key: their indices, of which the highest is known and none may come twice.
 *
 * An index is the sequence number with the roll-over counter in front of it, 48 bits in all (RFC 3711 §3.3.1).
 */
export class SrtpStream {
  readonly ssrc: number
  /** -1: none yet. */
  highest = -1
  /** Packets in a row which were not authentic. */
  failures = 0
  /** The last 64, a bit each: whether it came. The highest is the first word's lowest bit. */
  #recent = 0
  #earlier = 0

  constructor(ssrc: number) {
    this.ssrc = ssrc
  }

  /** Whether a packet of this index is neither too old nor a repetition. */
  allows(index: number): boolean {
    const behind = this.highest - index
    if (behind < 0) return true
    return index >= 0 && behind < WINDOW && !this.#came(behind)
  }

  add(index: number): void {
    const ahead = index - this.highest
    if (ahead > 0) {
      this.highest = index
      this.#shift(ahead)
    }
    this.#note(ahead > 0 ? 0 : -ahead)
    this.failures = 0
  }

  #came(behind: number): boolean {
    const word = behind < 32 ? this.#recent : this.#earlier
    return ((word >>> (behind & 31)) & 1) === 1
  }

  #note(behind: number): void {
    const bit = 1 << (behind & 31)
    if (behind < 32) this.#recent |= bit
    else this.#earlier |= bit
  }

  #shift(ahead: number): void {
    if (ahead < 32) this.#earlier = (this.#earlier << ahead) | (this.#recent >>> (32 - ahead))
    else this.#earlier = ahead < WINDOW ? this.#recent << (ahead - 32) : 0
    this.#recent = ahead < 32 ? this.#recent << ahead : 0
  }

  /** The index with that sequence number which is nearest to the highest; negative: it came before the first. */
  near(sequence: number): number {
    return this.highest < 0 ? sequence : nearest(this.highest, sequence)
  }
}

/**
 * A stream we send. Its numbers are the sender's, moved by `shift`: at first so that they begin in the lower half, for
 * then no lost packet hides a roll-over (RFC 4568 §6.4); and again whenever the sender starts anew.
 */
export class SentStream extends SrtpStream {
  shift = 0
  #restart = -1

  /** The index to send a packet with; -1: none, for it would be used twice. */
  next(sequence: number): number {
    const index = this.near((sequence + this.shift) & (CYCLE - 1))
    if (this.allows(index)) return index
    const again = sequence === this.#restart
    this.#restart = (sequence + 1) & (CYCLE - 1)
    if (!again) return -1
    // Two in a row which were not allowed: the sender started anew (RFC 3550 appendix A.1).
    this.shift = (this.highest + 1 - sequence) & (CYCLE - 1)
    return this.highest + 1
  }
}

/** Streams under one key, by SSRC. */
export class SrtpStreams<Stream extends SrtpStream> {
  readonly #all = new Map<number, Stream>()
  #last: Stream | undefined

  find(ssrc: number): Stream | undefined {
    if (this.#last?.ssrc === ssrc) return this.#last
    const stream = this.#all.get(ssrc)
    if (stream !== undefined) this.#last = stream
    return stream
  }

  /** Whether there are too many for another one. */
  get isFull(): boolean {
    return this.#all.size >= MOST_STREAMS
  }

  /** Takes a new one in; false: there are too many. */
  keep(stream: Stream): boolean {
    if (this.isFull) return false
    this.#all.set(stream.ssrc, stream)
    return true
  }
}

/** RFC 3711 §3.3.1. */
export function nearest(highest: number, sequence: number): number {
  const ahead = sequence - (highest & (CYCLE - 1))
  const index = highest + ahead
  if (ahead > CYCLE / 2) return index - CYCLE
  return ahead < -CYCLE / 2 ? index + CYCLE : index
}

/** The same sequence number so many roll-overs later. */
export function later(index: number, times = 1): number {
  return index + times * CYCLE
}

/** The roll-over counter of an index. */
export function rollover(index: number): number {
  return Math.floor(index / CYCLE)
}
