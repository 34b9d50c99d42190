import type { Beat } from '#contract'
import type { BeatPart } from '../ground/reporter.ts'
import { monotonicNow } from './clock.ts'
import type { BeatDigest } from './hub-machine.ts'
import type { VitalsPart } from './vitals.ts'

/** What beats say, whichever way they go. */
export interface BeatSource {
  /** What of a beat never changes while this process lives. */
  readonly process: Pick<
    Beat,
    'relay_id' | 'boot_id' | 'started_at' | 'address' | 'port' | 'neighbour' | 'media'
  >
  /** What is to be said now. */
  pulse(): BeatPart
  /** What this process has to say of itself. */
  vitals(): VitalsPart
}

/** A beat which is said now. */
export function beatOf({ process, pulse, vitals }: BeatSource): Beat {
  return { ...process, at: instant(), ...vitals(), ...pulse() }
}

/** When a beat is said: it rises with every beat of this process, whatever becomes of the machine's clock. */
function instant(): string {
  return new Date(performance.timeOrigin + monotonicNow()).toISOString()
}

/** What a beat says, told apart: what is news, and figures which move by themselves. */
export function digestOf(beat: Beat): BeatDigest {
  const { at: _at, clock: _clock, mailboxes_since: _since, ...said } = beat
  const { waiting_tells, spool_bytes, load, last_error: error, health, registrations, ...rest } = said
  const seen = health.map(({ latency_ms, last, ...how }) => ({ how, figures: [latency_ms, last] }))
  const held = registrations.map(({ until, next_at, since, ...how }) => ({
    how,
    figures: [until, next_at, since],
  }))
  const both = [...seen, ...held]
  return {
    news: JSON.stringify([rest, error?.message, both.map(({ how }) => how)]),
    figures: JSON.stringify([
      waiting_tells,
      spool_bytes,
      load,
      error?.at,
      both.map(({ figures }) => figures),
    ]),
    busy: beat.leases.length > 0,
  }
}
