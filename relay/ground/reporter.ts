import type { Beat, BeatAnswer, MonotonicMs } from '#contract'

/** What the rooms of the core have to say in a beat; the rest of it is the process's. */
export type BeatPart = Pick<
  Beat,
  'draining' | 'version' | 'leases' | 'slices' | 'health' | 'registrations' | 'hosts' | 'results' | 'ended'
>

/** A room which says how things stand at every beat, and hears what the edge answers. */
export interface BeatReporter {
  /** Its part of the next beat: keys which no other room fills. */
  beatPart(now: MonotonicMs): Partial<BeatPart>
  /** The answer to what was said at `sentAt` (monotonic ms). */
  beatAnswered(now: MonotonicMs, answer: BeatAnswer, sentAt: MonotonicMs): void
}

/** A beat without anything to say. */
export const silent: BeatPart = {
  draining: false,
  version: 0,
  leases: [],
  slices: [],
  health: [],
  registrations: [],
  hosts: [],
  results: [],
  ended: [],
}
