import type { CallFacts, CarrierFacts } from './call-facts.ts'

/*
 * What a provider is diagnosed by: how relays see it, our registration there, its latest trial and calls, and calls which
 * were refused at the door and may have been its. Instants are RFC 3339 texts.
 */

/** A provider, and what is known of it. */
export interface ProviderHealthFacts {
  readonly provider: DiagnosedProvider
  /** null: no relay has looked yet. */
  readonly health: { readonly status: string; readonly why: string; readonly since: string } | null
  /** How our registration there stands; null: none is asked for. */
  readonly registration: RegistrationThere | null
  /** Relays which do not find its host, and why. */
  readonly not_found: readonly { readonly relay_id: string; readonly why: string }[]
  /** Its latest trial which is done; null: none. */
  readonly test: {
    readonly id: string
    readonly at: string
    readonly ok: boolean
    readonly verdict: string
  } | null
  /** Enabled routes of the asking customer which lead there. */
  readonly routes: number
  /** Tries of a day which are over, and by which status they failed. */
  readonly day: {
    readonly attempts: number
    readonly answered: number
    readonly failures: Readonly<Record<string, number>>
  }
  /** Calls of a day which were refused at the door, for numbers of the customer or from the provider's addresses. */
  readonly refused: readonly RefusedAtDoor[]
  readonly calls: readonly CallFacts[]
}

/** How a provider is set. */
export interface DiagnosedProvider extends CarrierFacts {
  readonly register: boolean
  readonly password_set: boolean
  readonly probe_interval: number
}

/** Our registration at a provider. */
export interface RegistrationThere {
  readonly status: string
  readonly sip_status: number | null
  readonly why: string
  readonly since: string | null
}

/** Calls which were refused before they had a record, gathered as their event has them. */
export interface RefusedAtDoor {
  readonly at: string
  readonly reason: string
  readonly why: string
  readonly to: string | null
  readonly source_address: string | null
  readonly count: number
}
