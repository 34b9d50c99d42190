import type {
  BeatAnswer,
  BindingList,
  BindingTell,
  CallTell,
  CredentialAnswer,
  CredentialQuestion,
  ProviderFacts,
  RouteDecision,
  RouteQuestion,
  TlsTrust,
  Transport,
} from '#contract'
import type { Flow } from './flow.ts'
import type { MediaCommand, MediaReport } from './media/session.ts'

/** A host to be found by RFC 3263. */
export interface LocateQuestion {
  readonly hostname: string
  readonly port: number | null
  readonly transport: Transport | null
  /** How it proves to be `hostname` over TLS; absent: in full. */
  readonly tls?: TlsTrust
}

/** Addresses to try, best first; empty: none was found, or none is allowed. */
export interface Located {
  readonly flows: readonly Flow[]
  readonly why?: string
}

/** What a call waits for, and the answer which comes back under the question's id. */
export type Question =
  | { readonly ask: 'route'; readonly question: RouteQuestion }
  | { readonly ask: 'credential'; readonly question: CredentialQuestion }
  | { readonly ask: 'locate'; readonly question: LocateQuestion }

export type Answer =
  | { readonly ask: 'route'; readonly answer: RouteDecision }
  | { readonly ask: 'credential'; readonly answer: CredentialAnswer }
  | { readonly ask: 'locate'; readonly answer: Located }

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
  /** This relay's bindings as the edge remembers them, after a start. */
  | { readonly type: 'restored'; readonly list: BindingList }
  /** The edge answered the beat sent at `sentAt` (monotonic ms). */
  | { readonly type: 'beat'; readonly answer: BeatAnswer; readonly sentAt: number }
  /** A beat came to nothing; `away`: as far as can be told, so would any question. */
  | { readonly type: 'unbeaten'; readonly why: string; readonly away: boolean }
  /** All providers there are, as they are configured now. */
  | { readonly type: 'providers'; readonly list: readonly ProviderFacts[] }
  /** No new calls from now on. */
  | { readonly type: 'drain' }
  /** Hang up what is left. */
  | { readonly type: 'stop' }

/** What to do about it: all the engine ever orders. */
export type Effect =
  | { readonly type: 'send'; readonly flow: Flow; readonly bytes: Uint8Array }
  | {
      readonly type: 'ask'
      readonly id: number
      readonly question: Question
      /** No use in an answer which comes later; absent: the usual budget. */
      readonly withinMs?: number | undefined
    }
  | { readonly type: 'tell'; readonly tell: CallTell | BindingTell }
  | { readonly type: 'media'; readonly command: MediaCommand }
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

/** Dice and hashes, handed in (house rule 2). */
export interface Chance {
  /** Lower-case hex of `bytes` random bytes. */
  hex(bytes: number): string
  /** A UUIDv7 for the instant `at` (ms since 1970). */
  uuid(at: number): string
  /** Integer in [0, below). */
  below(below: number): number
  /** Lower-case hex digests of text taken as UTF-8. */
  md5(text: string): string
  sha256(text: string): string
  /** HMAC-SHA256 under the relay's nonce key, lower-case hex. */
  mac(text: string): string
}
