import type {
  CredentialAnswer,
  CredentialQuestion,
  HealthStatus,
  MonotonicMs,
  ProviderFacts,
  RouteDecision,
  RouteQuestion,
  Scope,
} from '#contract'
import type { Use } from '#routing'
import type { Clock } from '../ground/clock.ts'
import type { QuestionNumbers } from '../ground/questions.ts'
import type { SnapshotCache } from './snapshot-cache.ts'

/*
 * What deciding stands on, and what comes of it.
 */

/** How providers are, and where they were found: what is known of them besides their configuration. */
export interface ProviderState {
  health(now: MonotonicMs, id: string): HealthStatus
  /** Whether this call may be the one which tries a half-open provider; a yes is given once. */
  trial(now: MonotonicMs, id: string): boolean
  /** Providers whose host this relay itself found at an address: what to go by while the edge is away. */
  foundAt(address: string): readonly ProviderFacts[]
}

/** How much of a scope's limits is in use. */
interface UsageSource {
  use(scope: Scope, now: MonotonicMs, callId: string): Use
}

/** The rooms on which deciding stands. */
export interface RoutingClientDeps {
  readonly baseDomain: string
  readonly clock: Pick<Clock, 'at'>
  readonly numbers: QuestionNumbers
  readonly snapshots: SnapshotCache
  readonly providers: ProviderState
  readonly ledger: UsageSource
}

/** How a call is decided; no decision: neither edge nor snapshot made one, and why. */
export interface Routed {
  readonly decision: RouteDecision | undefined
  readonly why: string
}

/** What the edge said of an account; no answer, and why. */
export interface AccountReply {
  readonly answer: CredentialAnswer | undefined
  readonly why: string
}

/** What was asked of the edge is answered, or given up. */
export type RoutingEvent =
  | ({ readonly type: 'routed'; readonly question: RouteQuestion } & Routed)
  | ({ readonly type: 'account'; readonly question: CredentialQuestion } & AccountReply)
