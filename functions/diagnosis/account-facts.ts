import type { FlowTransport, RingDestination } from '#contract'
import type { CallFacts, RegistrationEnding } from './call-facts.ts'

/*
 * What an extension is diagnosed by: how it is set, where it is registered, what happened to its registrations, and its
 * latest calls. Instants are RFC 3339 texts.
 */

/** An extension, and what is known of its phones. */
export interface PhoneFacts {
  readonly account: DiagnosedAccount
  /** Those which have not ended, the newest first. */
  readonly registrations: readonly LivingRegistration[]
  /** What ended of its registrations, the newest first; and since when. */
  readonly endings: readonly RegistrationEnding[]
  /** REGISTERs, and calls which proved nothing, as they were refused of late, the newest first. */
  readonly refusals: readonly RefusedRegistration[]
  /** Blocks of the customer which last. */
  readonly blocks: readonly LastingBlock[]
  /** Its latest calls. */
  readonly calls: readonly CallFacts[]
}

/** How an extension is set. */
export interface DiagnosedAccount {
  readonly id: string
  readonly extension: string
  readonly realm: string
  readonly enabled: boolean
  readonly secure: string
  readonly keepalive_s: number
  readonly max_expires: number
  readonly max_contacts: number
  readonly destinations: readonly RingDestination[] | null
}

/** Where a phone is registered. */
export interface LivingRegistration {
  readonly relay_id: string
  readonly relay_alive: boolean
  readonly contact: string
  readonly transport: FlowTransport
  readonly address: string
  readonly user_agent: string
  readonly tm_create: string
  readonly tm_update: string
  readonly tm_expire: string
}

/** Requests which were refused for what they proved, gathered as their event has them. */
export interface RefusedRegistration {
  readonly at: string
  readonly reason: string
  readonly why: string
  readonly account: string
  readonly source_address: string | null
  readonly user_agent: string | null
  readonly sip_status: number | null
  readonly count: number
}

/** A source which relays do not listen to. */
export interface LastingBlock {
  readonly id: string
  readonly source: string
  readonly until: string
}
