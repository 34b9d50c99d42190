import type { Beat, MonotonicMs } from '#contract'

/** What the rooms of the core have to say in a beat; the rest of it is the process's. */
export type BeatPart = Pick<
  Beat,
  | 'draining'
  | 'version'
  | 'leases'
  | 'slices'
  | 'health'
  | 'registrations'
  | 'hosts'
  | 'results'
  | 'ended'
  | 'mailboxes_since'
>

/** A room which says how things stand at every beat. */
export interface BeatReporter {
  /** Its part of the next beat: keys which no other room fills, but results of commands. */
  beatPart(now: MonotonicMs): Partial<BeatPart>
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

/** What all of them say in a beat sent now. */
export function beatPartOf(reporters: readonly BeatReporter[], now: MonotonicMs): BeatPart {
  const parts = reporters.map((reporter) => reporter.beatPart(now))
  const results = parts.flatMap((part) => part.results ?? [])
  return Object.assign({ ...silent }, ...parts, { results })
}
