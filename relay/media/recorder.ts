import type { MonotonicMs } from '#contract'
import type { MediaCommand, RecordingEnd, Side } from '../ground/media.ts'
import { SampleLine } from './sample-line.ts'
import { SAMPLES_A_SECOND } from './wav.ts'

/** What is to be recorded, as ordered. */
export type RecordingTerms = Extract<MediaCommand, { type: 'record' }>

/** Where samples go: nothing here waits for a disk. */
export interface RecordingSink {
  open(terms: RecordingTerms): void
  /** A block of samples, interleaved where there are two channels; the memory is the sink's from now on. */
  write(recording: string, block: Int16Array): void
  close(recording: string): void
}

const SAMPLES_A_MS = SAMPLES_A_SECOND / 1000
/** Packets which are late by less find their place. */
const LATE_AT_MOST = 400 * SAMPLES_A_MS
/** What is written at once: half a second, which is what a crash costs besides the above. */
const BLOCK = 4000
/** Silence is looked for so many samples at a time. */
const FRAME = 160
/** The mean of a frame's samples above which something is to be heard: -47 dBov. */
const SOUND = 150

/**
 * One recording: the lines of both parties on one clock, which are written out a little behind the present, so that what
 * comes late or in another order has its place. It says itself when its end has come.
 */
export class Recorder {
  readonly terms: RecordingTerms
  /** Blocks the sink has not written yet. */
  waiting = 0
  readonly #lines: Readonly<Record<Side, SampleLine>> = { caller: new SampleLine(), callee: new SampleLine() }
  readonly #startedAt: MonotonicMs
  readonly #sink: RecordingSink
  readonly #last: number
  #block: Int16Array
  /** Samples of a channel: written or in the block, and in the block alone. */
  #written = 0
  #filled = 0
  #paused = false
  /** Where something was to be heard last, and how loud the frame is which is looked at. */
  #soundAt = 0
  #loudness = 0

  constructor(now: MonotonicMs, terms: RecordingTerms, sink: RecordingSink) {
    this.terms = terms
    this.#startedAt = now
    this.#sink = sink
    this.#last = Math.floor(terms.maxMs * SAMPLES_A_MS)
    this.#block = new Int16Array(BLOCK * terms.channels)
    sink.open(terms)
  }

  /** The lines of those who are recorded. */
  line(side: Side): SampleLine | undefined {
    return this.terms.side === 'both' || this.terms.side === side ? this.#lines[side] : undefined
  }

  /** Samples of each channel so far. */
  get samples(): number {
    return this.#written
  }

  /** What was said and cannot be heard, where that is all of a party's: payload types. */
  get unheard(): readonly number[] {
    return [...new Set([...this.#lines.caller.unheard, ...this.#lines.callee.unheard])]
  }

  hear(now: MonotonicMs, line: SampleLine, packet: Uint8Array, length: number): void {
    if (!this.#paused) line.place(this.#clock(now), packet, length)
  }

  /** From now on silence is written; what was said before is there. */
  pause(now: MonotonicMs): void {
    if (this.#paused) return
    this.#take(Math.min(this.#clock(now), this.#last))
    this.#paused = true
    this.#drop(now)
  }

  resume(now: MonotonicMs): void {
    if (!this.#paused) return
    this.#take(Math.min(this.#clock(now), this.#last))
    this.#paused = false
    this.#drop(now)
    this.#soundAt = this.#written
  }

  /** To be called a few times a second: writes what is complete. What ends it; undefined: it goes on. */
  advance(now: MonotonicMs): RecordingEnd | undefined {
    const complete = this.#clock(now) - LATE_AT_MOST
    const to = Math.min(complete, this.#last)
    if (to > this.#written) this.#take(to)
    if (complete >= this.#last) return 'max'
    const { silenceMs } = this.terms
    const quiet = this.#written - this.#soundAt
    return silenceMs !== undefined && quiet >= silenceMs * SAMPLES_A_MS ? 'silence' : undefined
  }

  /** It is over: what is there is written, up to the present. */
  finish(now: MonotonicMs, end: RecordingEnd): void {
    if (end === 'stopped' || end === 'closed') this.#take(Math.min(this.#clock(now), this.#last))
    if (this.#filled > 0) this.#flush()
    this.#sink.close(this.terms.recording)
  }

  #drop(now: MonotonicMs): void {
    const at = this.#clock(now)
    this.#lines.caller.drop(at)
    this.#lines.callee.drop(at)
  }

  #clock(now: MonotonicMs): number {
    return Math.floor((now - this.#startedAt) * SAMPLES_A_MS)
  }

  #take(to: number): void {
    while (this.#written < to) {
      const room = Math.min(BLOCK - this.#filled, FRAME - (this.#written % FRAME))
      const count = Math.min(room, to - this.#written)
      this.#fill(this.#written + count)
      this.#listen(count)
      this.#filled += count
      this.#written += count
      if (this.#filled === BLOCK) this.#flush()
    }
  }

  #fill(to: number): void {
    const { channels } = this.terms
    const offset = this.#filled * channels
    this.#lines.caller.take(to, this.#block, offset, channels)
    this.#lines.callee.take(to, this.#block, offset + channels - 1, channels)
  }

  /** Looks whether something is to be heard in what was just filled. A pause is no silence. */
  #listen(count: number): void {
    const { channels } = this.terms
    const from = this.#filled * channels
    for (let i = from; i < from + count * channels; i++) this.#loudness += Math.abs(this.#block[i] as number)
    if ((this.#written + count) % FRAME !== 0) return
    if (this.#paused || this.#loudness >= SOUND * FRAME) this.#soundAt = this.#written + count
    this.#loudness = 0
  }

  #flush(): void {
    const { recording, channels } = this.terms
    const whole = this.#filled === BLOCK ? this.#block : this.#block.slice(0, this.#filled * channels)
    this.#block = new Int16Array(BLOCK * channels)
    this.#filled = 0
    this.waiting++
    this.#sink.write(recording, whole)
  }
}
