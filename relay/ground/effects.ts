import type {
  BeatAnswer,
  BeginAnswer,
  BeginQuestion,
  BindingList,
  BindingTell,
  CallTell,
  CredentialAnswer,
  CredentialQuestion,
  EventTell,
  FlowServerAnswer,
  FlowServerQuestion,
  HubNews,
  MonotonicMs,
  Port,
  RouteDecision,
  RouteQuestion,
  Snapshot,
  SnapshotSecrets,
  TargetAnswer,
  TargetQuestion,
  TlsTrust,
  Transport,
  UtcMs,
} from '#contract'
import type { BegunBefore } from './begun-before.ts'
import type { Flow } from './flow.ts'
import type { MediaCommand, MediaReport } from './media.ts'
import type { SoundFile, SoundQuestion } from './sound.ts'

/** A host to be found by RFC 3263. */
export interface LocateQuestion {
  readonly hostname: string
  readonly port: Port | null
  readonly transport: Transport | null
  /** How it proves to be `hostname` over TLS; absent: in full. */
  readonly tls?: TlsTrust
}

/**
 * All addresses a host has, whichever of them we would call; null: DNS does not say, and `why`. `partial`: of some of
 * its servers DNS does not say.
 */
export interface Whereabouts {
  readonly addresses: readonly string[] | null
  readonly partial?: true
  readonly why?: string
}

/** Addresses to try, best first; empty: none was found, or none is allowed. */
export interface Located {
  readonly flows: readonly Flow[]
  readonly why?: string
}

/** A snapshot whose signature was checked and whose secrets were opened; `signed` is how it came, to be kept. */
export interface VerifiedSnapshot {
  readonly snapshot: Snapshot
  readonly secrets: SnapshotSecrets
  readonly signed: Uint8Array
}

/** What the edge gives for a snapshot: it, nothing newer than what is held, that there is no such customer, or none of so large a one. */
export type SnapshotAnswer =
  | { readonly kind: 'snapshot'; readonly verified: VerifiedSnapshot }
  | { readonly kind: 'same' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'too large'; readonly why: string }

/** What the edge named current, and when (UTC ms); of customers whose newest is missing here, when theirs was. */
export interface SnapshotConfirmation {
  /** Highest configuration version whose snapshots were all here. */
  readonly version: number
  /** Number of snapshots which were here. */
  readonly held: number
  readonly at: number
  readonly behind: Readonly<Record<string, number>>
}

/** What a call waits for, and the answer which comes back under the question's id. */
export type Question =
  | { readonly ask: 'route'; readonly question: RouteQuestion }
  | { readonly ask: 'credential'; readonly question: CredentialQuestion }
  /** At which relays are phones of these? */
  | { readonly ask: 'target'; readonly question: TargetQuestion }
  | { readonly ask: 'locate'; readonly question: LocateQuestion }
  | { readonly ask: 'whereabouts'; readonly question: LocateQuestion }
  /** `held`: the version which is here already. */
  | {
      readonly ask: 'snapshot'
      readonly question: { readonly customer_id: string; readonly held: number | undefined }
    }
  | { readonly ask: 'sound'; readonly question: SoundQuestion }
  /** The edge asks the customer's own server. */
  | { readonly ask: 'flow-server'; readonly question: FlowServerQuestion }
  /** Whether a call may be begun which the API ordered. */
  | { readonly ask: 'begin'; readonly question: BeginQuestion }

/** What was answered, by the question it answers. */
export type Answer =
  | { readonly ask: 'route'; readonly answer: RouteDecision }
  | { readonly ask: 'credential'; readonly answer: CredentialAnswer }
  | { readonly ask: 'target'; readonly answer: TargetAnswer }
  | { readonly ask: 'locate'; readonly answer: Located }
  | { readonly ask: 'whereabouts'; readonly answer: Whereabouts }
  | { readonly ask: 'snapshot'; readonly answer: SnapshotAnswer }
  | { readonly ask: 'sound'; readonly answer: SoundFile }
  | { readonly ask: 'flow-server'; readonly answer: FlowServerAnswer }
  | { readonly ask: 'begin'; readonly answer: BeginAnswer }

/** What happened: all the engine ever hears. */
export type Input =
  /** One UDP payload, or one message's worth of a stream (framed by io). */
  | { readonly type: 'packet'; readonly flow: Flow; readonly bytes: Uint8Array }
  /** A connection is gone. */
  | { readonly type: 'closed'; readonly flow: Flow }
  /** Bytes could not be sent there: refused, unreachable, reset (RFC 3261 §18.4). */
  | { readonly type: 'unsent'; readonly flow: Flow; readonly why: string }
  | { readonly type: 'answered'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'unanswered'; readonly id: number; readonly why: string }
  | { readonly type: 'media'; readonly report: MediaReport }
  /** This relay's bindings after a start: first as the disk, then as the edge remembers them. */
  | { readonly type: 'restored'; readonly list: BindingList; readonly from: 'disk' }
  | {
      readonly type: 'restored'
      readonly list: BindingList
      readonly from: 'edge'
      readonly sentAt: MonotonicMs
    }
  /** How fast calls out began in the process before this one. */
  | { readonly type: 'remembered'; readonly begun: readonly BegunBefore[] }
  /** Snapshots which were on disk when this process began. */
  | {
      readonly type: 'cached'
      readonly files: readonly VerifiedSnapshot[]
      readonly confirmed: SnapshotConfirmation | undefined
    }
  /** The edge answered the beat sent at `sentAt` (monotonic ms). */
  | { readonly type: 'beat'; readonly answer: BeatAnswer; readonly sentAt: MonotonicMs }
  /** The hub says what is new, unasked: each key as in a beat's answer. */
  | { readonly type: 'news'; readonly news: HubNews }
  /** The hub lives: what it named before `sentAt` (monotonic ms) is all there is, and was heard. */
  | { readonly type: 'pong'; readonly sentAt: MonotonicMs }
  /** A beat came to nothing; `away`: as far as can be told, so would any question. */
  | { readonly type: 'unbeaten'; readonly why: string; readonly away: boolean }
  /** The process has begun: what is kept ready for calls may be made ready. */
  | { readonly type: 'begun' }
  /** No new calls from now on. */
  | { readonly type: 'drain' }
  /** New calls are taken again. */
  | { readonly type: 'resume' }
  /** Hang up what is left. */
  | { readonly type: 'stop' }

/** What to do about it: all the engine ever orders. */
export type Effect =
  /** `loose`: nothing waits for it, and what becomes of it need not be known. */
  | { readonly type: 'send'; readonly flow: Flow; readonly bytes: Uint8Array; readonly loose?: true }
  | {
      readonly type: 'ask'
      readonly id: number
      readonly question: Question
      /** No use in an answer which comes later; absent: the usual budget. */
      readonly withinMs?: number | undefined
    }
  /** `late`: nothing which leaves waits until it is written down. */
  | { readonly type: 'tell'; readonly tell: CallTell | BindingTell | EventTell; readonly late?: boolean }
  /** Snapshots to be kept on disk, or no longer. */
  | { readonly type: 'keep'; readonly verified: VerifiedSnapshot }
  | { readonly type: 'discard'; readonly customerId: string }
  | { readonly type: 'confirmed'; readonly confirmed: SnapshotConfirmation }
  | { readonly type: 'media'; readonly command: MediaCommand }
  /** How things stand is to be said at once, and not with the next beat only. */
  | { readonly type: 'beat' }
  /** Shut a stream whose peer broke the protocol. */
  | { readonly type: 'close'; readonly flow: Flow }
  | Note

/** A structured log line; `event` is stable, fields never carry secrets. */
export interface Note {
  readonly type: 'note'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: Readonly<Record<string, string | number | boolean | null | undefined>>
}

/** Random numbers, handed in: a test's are the same in every run. */
export interface Entropy {
  /** Lower-case hex of `bytes` random bytes. */
  hex(bytes: number): string
  /** A UUIDv7 for the instant `at` (ms since 1970). */
  uuid(at: UtcMs): string
  /** Integer in [0, below). */
  below(below: number): number
}

/** Hashes, handed in: the core knows no cryptography of its own. */
export interface Hashes {
  /** Lower-case hex digests of octets, or of text taken as UTF-8. */
  md5(of: string | Uint8Array): string
  sha256(of: string | Uint8Array): string
  /** HMAC-SHA256 under the relay's nonce key, lower-case hex. */
  mac(text: string): string
}
