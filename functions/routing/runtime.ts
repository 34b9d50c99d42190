import type { HealthStatus, Scope, UtcMs } from '#contract'

/** How things stand at the moment of a decision; whatever is not configuration. */
export interface Runtime {
  /** The instant the decision is for: UTC ms. */
  at: UtcMs
  baseDomain: string
  decidedBy: 'edge' | 'relay'
  /** Ms since the edge last named the snapshot current; null at the edge. */
  snapshotAgeMs: number | null
  /** Version of a customer's configuration the book rests on. */
  version(customerId: string): number | null
  health(providerId: string): HealthStatus
  /** Whether a half-open provider's trial call is due. */
  trial(providerId: string): boolean
  /** Whether a provider is taken to be down, as a drill has it; absent: none is. */
  down?: (providerId: string) => boolean
  /** Asked only about those who have a limit. */
  use(scope: Scope): Use
}

/** What is in use of each limit; null: there is none, or it is not known here. */
export interface Use {
  channels: Share | null
  cps: Share | null
  daily_minutes: Share | null
  /** Calls out begun within a minute, and an hour; absent: it is not known here. */
  calls_per_minute?: Share | null
  calls_per_hour?: Share | null
}

/** What is in use of a limit, and of how much. */
export interface Share {
  used: number
  of: number
}

/** Nothing is in use, as far as is known here. */
export const unused: Use = { channels: null, cps: null, daily_minutes: null }
