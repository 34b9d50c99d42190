import type { AlertCondition } from '#contract'

/*
 * What advice rests on: a customer's configuration as far as the practices look at it, read in one statement. Instants are
 * RFC 3339 texts.
 */

/** A customer's configuration, of which all that is enabled. */
export interface AdvisedConfiguration {
  readonly now: string
  /** Countries which may be called, in upper case. */
  readonly countries: readonly string[]
  /** The customer's own providers, and the platform's to which default routes lead. */
  readonly providers: readonly AdvisedProvider[]
  /** The customer's own routes, and the defaults which its calls take. */
  readonly routes: readonly AdvisedRoute[]
  /** Of its extensions and trunks those about whose security there may be something to say. */
  readonly accounts: readonly AdvisedAccount[]
  readonly alerts: readonly AdvisedAlert[]
  /** What each webhook hears. */
  readonly webhooks: readonly { readonly events: readonly string[] }[]
}

/** A provider which calls may take. */
export interface AdvisedProvider {
  readonly id: string
  readonly name: string
  /** Whether it is the customer's own: it may change it. */
  readonly own: boolean
  readonly register: boolean
  readonly probe_interval: number
  readonly secure: string
  readonly transport: string | null
  readonly tls_verify: string
  /** When a trial of it last went well; null: none did of late. */
  readonly tested_at: string | null
  /** When a call was last tried there; null: none was of late, or it is the platform’s. */
  readonly carried_at: string | null
}

/** A route which calls may take. */
export interface AdvisedRoute {
  readonly id: string
  readonly own: boolean
  readonly name: string
  readonly detail: string
  readonly target: string
  readonly priority: number
  readonly weight: number
  readonly provider_id: string
  /** It may be taken at certain times only. */
  readonly windowed: boolean
  /** Statuses after which it goes on to the next; null: the usual ones. */
  readonly next_on: readonly number[] | null
}

/** An extension or a trunk. */
export interface AdvisedAccount {
  readonly noun: 'extensions' | 'trunks'
  readonly id: string
  readonly name: string
  readonly secure: string
  /** Since when it has its password, as far as is known; null: it has none. */
  readonly password_since: string | null
  /** Which password it is, as others of the customer may have it too; null: not known, or no other has it. */
  readonly shared_password: string | null
}

/** What an alert watches for, and whether it is about one thing alone. */
export interface AdvisedAlert {
  readonly when: AlertCondition
  readonly provider_id: string | null
  readonly narrowed: boolean
}
