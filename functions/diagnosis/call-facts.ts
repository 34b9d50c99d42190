import type { Address, Attempt, CallTell, Explanation, FlowTrace } from '#contract'

/*
 * What a call is diagnosed by: its record, and what is configured, and known, of those it was about. All of it is read in
 * one statement, and handed in. Instants are RFC 3339 texts.
 */

/** A call, and those it was about. */
export interface CallFacts {
  readonly call: DiagnosedCall
  readonly customer: DiagnosedCustomer
  /** The customer's own providers, and the platform's which the call was tried at. */
  readonly providers: readonly CarrierFacts[]
  /** The extension which the call was to ring; null: none, or it is gone. */
  readonly callee: CalleeFacts | null
  /** Whether the relay which carried it is heard now. */
  readonly relay_alive: boolean
}

/** A call as its record has it. */
export interface DiagnosedCall {
  readonly id: string
  readonly relay_id: string
  readonly direction: CallTell['call']['direction']
  readonly over: boolean
  readonly source: Address
  readonly destination: Address
  readonly extension_id: string | null
  readonly trunk_id: string | null
  readonly number_id: string | null
  readonly attempts: readonly Attempt[]
  readonly media: CallTell['call']['media']
  readonly decision: Explanation | null
  readonly hangup_by: string | null
  readonly hangup_reason: string | null
  readonly reject_reason: string | null
  readonly reject_message: string | null
  readonly sip_status: number | null
  readonly answered: boolean
  /** Talked, up to now where it goes on. */
  readonly seconds: number
  /** The way it took through its flow; null: it followed none. */
  readonly flow: FlowTrace | null
}

/** What of a customer decides where it may call. */
export interface DiagnosedCustomer {
  /** Countries that may be called, in lower case: as its whitelist says, or as follows from its numbers. */
  readonly countries: readonly string[]
  readonly blocked_prefixes: readonly string[]
}

/** A provider a call was tried at, or might have been. */
export interface CarrierFacts {
  readonly id: string
  readonly name: string
  /** Whether it is the customer's own: it may change it. */
  readonly own: boolean
  readonly enabled: boolean
  readonly hostname: string
  readonly username: string | null
  readonly codecs: string
  readonly max_channels: number | null
  readonly inbound_addresses: readonly string[]
}

/** An extension which was to be rung. */
export interface CalleeFacts {
  readonly id: string
  readonly extension: string
  readonly keepalive_s: number
  readonly max_expires: number
  readonly codecs: string
  /** What happened to its registrations last; null: nothing is told. */
  readonly last: RegistrationEnding | null
}

/** What happened to a registration: an event's words. */
export interface RegistrationEnding {
  readonly type: string
  readonly at: string
  readonly reason: string | null
  readonly why: string | null
  readonly contact: string | null
  readonly source_address: string | null
  readonly user_agent: string | null
  readonly registered_at: string | null
  readonly refreshed_at: string | null
}
