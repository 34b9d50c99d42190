import { type Beat, deadAfterMs, type UtcMs } from '#contract'
import type { BeatWay, RelayRecord } from './events.ts'

/** One relay, as the hub knows it. */
export interface HubRelay extends Omit<RelayRecord, 'holdings' | 'version' | 'aheadMs'> {
  readonly relayId: string
  /** When it was last known to live. */
  heardAt: UtcMs
  /** Postgres is being asked on its behalf; and what it orders; and is to be once more, for there is another order. */
  turning: boolean
  hurrying: boolean
  again: boolean
  /** What it said to Postgres which other relays hear of; undefined: nothing yet. */
  shared: string | undefined
  /** Postgres has something to hear of it, or for it. */
  dirty: boolean
  /** Postgres is being told that it is gone; and is told again no sooner than then. */
  parting: boolean
  partAt: UtcMs | undefined
  /** The hub began anew since: what it holds is not known. */
  stale: boolean
}

/**
 * Whether a relay whose line is open answers pings is looked at so rarely that the hub may sleep in between: a relay which is
 * gone mostly closes its line, and is dead as soon as any other relay.
 */
const quietMs = 14_000

/** When a relay may be dead, if no more is heard of it: that is when to look. */
export function lookAt({ line, heardAt, partAt }: HubRelay): UtcMs {
  const at = heardAt + (line === undefined ? deadAfterMs : quietMs)
  return Math.max(at, partAt ?? 0) as UtcMs
}

/** Whether it is dead, and Postgres to be told so now. */
export function isGone({ heardAt, parting, partAt }: HubRelay, now: UtcMs): boolean {
  return !parting && heardAt + deadAfterMs <= now && (partAt ?? 0) <= now
}

/** One which just came. */
export function fresh(relayId: string, beat: Beat, now: UtcMs): HubRelay {
  const { boot_id: bootId } = beat
  const none = { line: undefined, answer: undefined, told: '', serial: 0, n: 0 }
  const flags = {
    joined: false,
    turning: false,
    hurrying: false,
    again: false,
    dirty: false,
    parting: false,
    stale: false,
  }
  return { relayId, bootId, beat, heardAt: now, partAt: undefined, shared: undefined, ...none, ...flags }
}

/** Whether a beat came on the line its relay is known by. */
export function isOnItsLine({ line }: HubRelay, way: BeatWay): boolean {
  return way.kind === 'socket' && way.line === line
}

/** A request on a slow way comes after a later one, or is that one again. */
export function isLate(relay: HubRelay, way: BeatWay, beat: Beat): boolean {
  const lead = leadMs(relay, beat)
  return way.kind === 'request' && lead >= 0 && lead < setBackMs
}

/** Whether its process said something else since. */
export function isEarlier(relay: HubRelay, beat: Beat): boolean {
  const lead = leadMs(relay, beat)
  return lead > 0 && lead < setBackMs
}

/** How much later what is known of it was said; NaN: by another process. */
function leadMs({ bootId, beat }: HubRelay, { boot_id, at }: Beat): number {
  return bootId === boot_id ? Date.parse(beat.at) - Date.parse(at) : Number.NaN
}

/** By so much a relay's clock was set back rather than its beat late. */
const setBackMs = 60_000

/** The line on which a relay is to be asked for, or spoke; undefined: it has none, or beats over HTTP. */
export function lineFor(relay: HubRelay | undefined, way: BeatWay | undefined): string | undefined {
  return way?.kind === 'socket' ? way.line : way === undefined ? relay?.line : undefined
}
