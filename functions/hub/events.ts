import type { Beat, BeatAnswer, HubNews, HubWord, UtcMs } from '#contract'
import type { LimitClaim, LimitShare } from './claim.ts'
import type { Holding } from './holding.ts'
import type { KnownLimit, LimitKey } from './limit.ts'

/** How a relay's beat came: over its socket, or as a request which waits for an answer. */
export type BeatWay = LineWay | { kind: 'request'; ask: string }
/** On a line: its number, and the last frame which was applied before. */
export type LineWay = { kind: 'socket'; line: string; n: number; seen: number }
/** What is ordered of a relay. */
export type RelayOrders = Pick<BeatAnswer, 'commands' | 'ends'>

/** Another relay, as Postgres has it, which shares by what Postgres grants. */
export interface RelayElsewhere {
  relay_id: string
  /** Postgres takes it for the hub's. */
  via_hub: boolean
  /** What it may believe it has; of one which is the hub's none. */
  slices: { key: LimitKey; amount: number }[]
}

/** What Postgres said to a relay's beat, which it has written down. */
export interface HubTurn {
  answer: Omit<BeatAnswer, 'slices'>
  limits: KnownLimit[]
  elsewhere: RelayElsewhere[]
}

/** What a hub hears. Times are its own. */
export type HubEvent =
  | { kind: 'opened'; relayId: string; line: string }
  | { kind: 'beat'; relayId: string; way: BeatWay; beat: Beat }
  /** A socket is closed, `theirs`: at its relay's end, which may come again before it is dead; `livedAt`: when it last answered a ping. */
  | { kind: 'closed'; line: string; theirs?: boolean; livedAt?: UtcMs }
  /** Time has passed; `lives`: when each socket was last answered a ping. */
  | { kind: 'time'; lives: ReadonlyMap<string, UtcMs> }
  /**
   * Postgres has heard a relay's beat; `replaced`: another process is that relay; `revoked`: the key which opened its line is
   * none any more; undefined: it could not be asked.
   */
  | {
      kind: 'turned'
      relayId: string
      way: BeatWay | undefined
      line: string | undefined
      beat: Beat
      turn: HubTurn | 'replaced' | 'revoked' | undefined
    }
  /** What Postgres has ordered of a relay's process; revoked as above; undefined: it could not be asked. */
  | {
      kind: 'fetched'
      relayId: string
      bootId: string
      line: string
      orders: RelayOrders | 'revoked' | undefined
    }
  /** Postgres has heard what orders came to, which a beat says; revoked as above; undefined: it could not be asked. */
  | {
      kind: 'concluded'
      relayId: string
      way: LineWay
      beat: Beat
      outcome: 'done' | 'replaced' | 'revoked' | undefined
    }
  /** A relay has all up to a frame. */
  | { kind: 'seen'; line: string; serial: number }
  /** Postgres knows that a relay is gone, and which relays it hears itself; undefined: it could not be asked. */
  | { kind: 'parted'; relayId: string; elsewhere: RelayElsewhere[] | undefined }
  | { kind: 'changing' }
  /** What was announced has happened, or not. */
  | { kind: 'changed' }
  /** Something which relays share may be another. */
  | { kind: 'stirred' }
  /** Calls of these customers begin to be watched. */
  | { kind: 'watched'; customerIds: readonly string[] }
  /** Postgres has orders for these relays. */
  | { kind: 'ordered'; relayIds: readonly string[] }
  /** What Postgres has that is new; undefined: it could not be asked. */
  | { kind: 'looked'; glance: Glance | undefined }
  | { kind: 'push'; relayId: string; news: HubNews }
  /** A group says what it has of limits which are this one's to share. */
  | { kind: 'claimed'; ask: string; claim: LimitClaim }
  /** The group which owns limits asks what there is here of them; and has answered what this one has, or (undefined) has not. */
  | { kind: 'nudged'; owner: number }
  | { kind: 'shared'; owner: number; share: LimitShare | undefined }
  /** The relays Postgres hears itself; undefined: it could not be asked. */
  | { kind: 'met'; elsewhere: RelayElsewhere[] | undefined }
  | { kind: 'dismiss'; lines: readonly string[]; reason: 'revoked' | 'moved'; sentence: string }

/** Which version there is (null: that was not asked), whose configuration is newer than the one asked about, and what limits are now. */
export interface Glance {
  version: number | null
  changed: BeatAnswer['changed']
  limits: KnownLimit[]
}

/** What a hub wants done. */
export type HubEffect =
  | { kind: 'send'; line: string; word: HubWord }
  | { kind: 'close'; line: string }
  | { kind: 'reply'; relayId: string; ask: string; answer: BeatAnswer | 'replaced' | 'away' }
  /** Postgres is to hear a beat, of a relay on this line, if any. */
  | {
      kind: 'turn'
      relayId: string
      way: BeatWay | undefined
      line: string | undefined
      beat: Beat
    }
  /** Postgres is to say what it orders of a relay, at once. */
  | { kind: 'fetch'; relayId: string; bootId: string; line: string }
  /** Postgres is to know what orders came to, and nothing else of a beat. */
  | { kind: 'conclude'; relayId: string; way: LineWay; beat: Beat }
  /** A relay has said that it has these commands. */
  | { kind: 'delivered'; commands: readonly string[] }
  /** Postgres is to know that a relay is gone, which was last heard then. */
  | { kind: 'part'; relayId: string; heardAt: UtcMs }
  /** Postgres is to know that a relay which was parted with is lost, and its calls with it, unless Postgres hears it. */
  | { kind: 'lose'; relayId: string }
  /** Postgres is to be asked what is newer than a version (null: no relay is here), and what these limits are. */
  | { kind: 'look'; version: number | null; limits: Omit<KnownLimit, 'limit'>[] }
  /** Postgres takes these commands for taken, and their relay was not sent them: its next turn is to bring them again. */
  | { kind: 'untake'; relayId: string; commands: readonly string[] }
  /** The group which owns limits is to hear what there is here of them, and a group which is asked what it may have; undefined: nothing is said. */
  | { kind: 'claim'; owner: number; claim: LimitClaim }
  | { kind: 'share'; ask: string; share: LimitShare | undefined }
  /** A group is to say what it has of what is this one's to share. */
  | { kind: 'nudge'; group: number }
  /** Postgres is to say which relays it hears itself. */
  | { kind: 'meet' }
  /** Kept over a restart; undefined: nothing of it is. */
  | { kind: 'keep'; relayId: string; record: RelayRecord | undefined }

/** What of a relay must outlast the hub's memory. */
export interface RelayRecord {
  bootId: string
  line: string | undefined
  joined: boolean
  serial: number
  /** Of its latest beat on this line. */
  n: number
  beat: Beat
  told: string
  answer: Omit<BeatAnswer, 'slices'> | undefined
  holdings: Holding[]
  /** What all relays were told there is, and how far the database's clock is ahead of the hub's. */
  version: number
  aheadMs: number
}

/** A socket which is open: whose it is, and when it was last known to live. */
export interface OpenLine {
  readonly relayId: string
  readonly livedAt: UtcMs
}
