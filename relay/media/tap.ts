import type { MonotonicMs } from '#contract'
import type { G711Types } from '../ground/media.ts'

/** Hears a leg for a recording. */
export interface Tap {
  hear(now: MonotonicMs, packet: Uint8Array, length: number): void
  /** A packet of sound is played to its party, while no partner speaks. */
  plays(now: MonotonicMs, packet: Uint8Array, length: number): void
  /** The leg was aimed anew: it may speak by other payload types. */
  aimed(spoken: G711Types | undefined): void
}
