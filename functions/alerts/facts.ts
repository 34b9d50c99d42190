/*
 * What alerts are judged by, as it happened. Times are UTC ms.
 */

/** Registrations of one account from one address failed, gathered from `from` to `at`. */
export interface FailureFact {
  readonly kind: 'failure'
  readonly at: number
  readonly from: number
  readonly count: number
  /** Those which were told before are among them: its address was blocked, and no more will be told. */
  readonly all: boolean
  /** The extension or trunk; null: no account has the name. */
  readonly accountId: string | null
  readonly account: string
  readonly address: string | null
  readonly why: string
}

/** How an extension or trunk which has registered before stands now. */
export interface StandingFact {
  readonly kind: 'standing'
  readonly at: number
  readonly accountId: string
  readonly type: 'extension' | 'trunk'
  readonly account: string
  /** Whether it may register at all: it is there, and enabled. */
  readonly able: boolean
  readonly registered: boolean
  /** When the last of its registrations runs out, or ended. */
  readonly until: number
  /** How the last one ended, as `bindings` says: `expired`, `unregistered`, `flow_lost`. */
  readonly ended: string
  /** Why, as one of `bindingReasons`; null, or absent where it was remembered long ago: that is not known. */
  readonly reason?: string | null
  readonly address: string | null
}

/** How a provider is doing, or our registration there. */
export interface ProviderFact {
  readonly kind: 'health' | 'provider_registration'
  readonly at: number
  readonly providerId: string
  readonly provider: string
  readonly status: string
  readonly why: string
  readonly address: string | null
}

/** A relay is not heard of any more, or is back, or was deleted. */
export interface RelayFact {
  readonly kind: 'relay'
  readonly at: number
  readonly relayId: string
  readonly lost: boolean
  /** Why it is lost, or is waited for no more; '' of one which is back. */
  readonly why: string
  readonly address: string | null
}

/** A limit was reached. */
export interface LimitFact {
  readonly kind: 'limit'
  readonly at: number
  /** What it is a limit of: a customer, extension, trunk or provider. */
  readonly scope: string
  readonly scopeId: string
  readonly name: string
  /** `channels`, `cps`, `daily_minutes`. */
  readonly resource: string
  readonly count: number
}

/** A call out looked like fraud. */
export interface SuspicionFact {
  readonly kind: 'suspicion'
  readonly at: number
  /** Whose calls: a customer, extension or trunk. */
  readonly scope: string
  readonly scopeId: string
  readonly name: string
  /** `OUTBOUND_BLOCKED`, `COUNTRY_NEW`, `VELOCITY_EXCEEDED`. */
  readonly reason: string
  readonly refused: boolean
  readonly country: string | null
  readonly why: string
}

/** A drill was run. */
export interface DrillFact {
  readonly kind: 'drill'
  readonly at: number
  readonly drillId: string
  readonly name: string
  readonly passed: boolean
  readonly verdict: string
}

/** A call out began, to a number of this country. */
export interface BegunFact {
  readonly kind: 'began'
  readonly at: number
  readonly country: string
  readonly number: string
  readonly account: string
}

/** A call out was known to go to this country before the alert was there. */
export interface KnownFact {
  readonly kind: 'known'
  readonly at: number
  readonly country: string
}

/** A call is over. */
export interface EndedFact {
  readonly kind: 'ended'
  readonly at: number
  readonly outgoing: boolean
  /** Of the number called; null: it is in none. */
  readonly country: string | null
  readonly number: string
  /** When talk began; null: it was not answered. */
  readonly answeredAt: number | null
  readonly attempts: readonly TriedProvider[]
}
/** One try at a provider. */
export interface TriedProvider {
  readonly providerId: string
  readonly provider: string
  readonly routeId: string | null
  readonly answered: boolean
  /** From INVITE to ringing; null: it never rang. */
  readonly pddMs: number | null
}

/** What was heard of a call, once it is over. */
export interface HeardFact {
  readonly kind: 'heard'
  readonly at: number
  readonly country: string | null
  /** The provider it went over, or came from; null: an internal one. */
  readonly providerId: string | null
  readonly provider: string
  readonly routeId: string | null
  /** As it came from the provider; null: nothing came. */
  readonly fromProvider: HeardSound | null
  /** As it came from both sides together. */
  readonly both: HeardSound | null
}
/** Sound as it came to us. */
export interface HeardSound {
  readonly packets: number
  readonly lost: number
  readonly jitterMs: number
  /** Mean opinion score (G.107); null: not to be told. */
  readonly mos: number | null
}

/** Whatever alerts are judged by. */
export type AlertFact =
  | FailureFact
  | StandingFact
  | ProviderFact
  | RelayFact
  | LimitFact
  | SuspicionFact
  | DrillFact
  | BegunFact
  | KnownFact
  | EndedFact
  | HeardFact
