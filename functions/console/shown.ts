import type * as z from 'zod'
import type { AccessScope, Port, TimeWindow } from '#contract'
import type { callShown } from '../config/call-operations.ts'
import type { callOrderShown } from '../config/call-orders.ts'

/*
 * What the API shows, as the API itself declares it. Types alone: nothing of the edge comes into the page.
 */

export type { OwnKey } from '../config/own-key.ts'
export type { DiagnosisVerdict, Finding, Remedy, Severity } from '../diagnosis/finding.ts'

/** A call's record. */
export type ShownCall = z.infer<typeof callShown>
/** What came of an order to a call. */
export type OrderOutcome = z.infer<typeof callOrderShown>

/** A page of a list. */
export interface Listed<Row> {
  readonly result: readonly Row[]
  /** Empty on the last page. */
  readonly next_page_token: string
}

/** An event, of those parts which the console looks at. */
export interface HappenedEvent {
  readonly type: string
  readonly resource_id: string | null
  readonly sequence: number
  /** What it tells, by type. */
  readonly data: Readonly<Record<string, unknown>>
  readonly tm_create: string
}

/*
 * Things of the API, of those parts which the console looks at.
 */

/** An extension. */
export interface ShownPhone {
  readonly id: string
  readonly name: string
  readonly extension: string
  readonly realm: string
  readonly enabled: boolean
  readonly tm_create: string
  readonly etag: string
}

/** A link by which a phone sets itself up. */
export interface ShownPhoneLink {
  readonly url: string
  /** An SVG. */
  readonly qr: string
}

/** A credential by which the phone in the console registers. */
export interface ShownToken {
  readonly uri: string
  readonly username: string
  readonly password: string
  readonly realm: string
  readonly ws_urls: readonly string[]
  /** Seconds. */
  readonly expire: number
}

/** A token which is good still, without its password. */
export interface ShownPhoneToken {
  readonly id: string
  readonly key_id: string | null
  readonly key_name: string | null
  readonly tm_create: string
  readonly tm_expire: string
}

/** Where a phone can be reached now. */
export interface ShownRegistration {
  readonly id: string
  readonly extension_id: string | null
  readonly contact: string
  readonly transport: string
  readonly source_address: string
  readonly source_port: number
  readonly user_agent: string
  readonly relay_id: string
  readonly tm_create: string
  readonly tm_update: string
  readonly tm_expire: string
}

/** Something which happened to the registrations of a phone. */
export interface RegistrationChange {
  readonly id: string
  readonly type: string
  readonly message: string | null
  /** null where it was refused. */
  readonly contact: string | null
  readonly moved_from: { readonly contact: string } | null
  readonly source_address: string | null
  readonly user_agent: string
  readonly sip_status: number | null
  readonly count: number
  readonly tm_create: string
}

/** A carrier. */
export interface ShownProvider {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly enabled: boolean
  readonly etag: string
  readonly health: { readonly status: string; readonly latency_ms: number | null; readonly why: string }
  /** null: we do not register there. */
  readonly registration: {
    readonly status: string
    /** null or 0: nothing was heard of it. */
    readonly sip_status: number | null
    readonly why: string
  } | null
  /** Calls at once, and new ones a second; null: any number. */
  readonly max_channels: number | null
  readonly max_cps: number | null
  readonly tech_prefix: string
  readonly called_format: string
}

/** A change of what is configured. */
export interface ShownChange {
  readonly id: string
  /** Several which were made at once have the same. */
  readonly version: number
  readonly resource_type: string
  readonly resource_id: string
  readonly action: string
  readonly changed: readonly string[]
  readonly key_id: string | null
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly tm_create: string
}

/** What bringing an earlier version back came to. */
export interface RestorationShown {
  readonly version: number
  readonly changes: readonly { readonly resource_type: string }[]
  readonly left_out: readonly {
    readonly resource_type: string
    readonly resource_id: string
    readonly message: string
  }[]
}

/** Which provider is tried for which destination. */
export interface ShownRoute {
  readonly id: string
  readonly name: string
  readonly provider_id: string
  readonly target: string
  readonly priority: number
  readonly weight: number
  readonly time_window: TimeWindow | null
  /** Null: what routes usually do. */
  readonly failover: { readonly next_on?: readonly number[] } | null
  readonly enabled: boolean
  readonly tm_create: string
}

/** A phone number, and what it rings. */
export interface ShownNumber {
  readonly id: string
  readonly number: string
  readonly name: string
  readonly extension_id: string | null
  readonly trunk_id: string | null
  readonly call_flow_id: string | null
  readonly destinations: readonly unknown[] | null
}

/** A small program which calls follow. */
export interface ShownFlow {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly actions: readonly unknown[]
  readonly variables: Readonly<Record<string, string>>
  readonly etag: string
  readonly tm_create: string
  readonly tm_update: string | null
}

/** What calls over a provider came to; null: there were none. */
export interface ShownFigures {
  readonly id: string | null
  readonly name: string
  readonly attempts: number
  readonly asr: number | null
  readonly pdd_ms: { readonly p50: number | null }
  readonly loss: number | null
}

/** The same with their course, hour by hour; hours without a call are left out. */
export interface ShownCourse extends ShownFigures {
  readonly course: readonly (Pick<ShownFigures, 'attempts' | 'asr' | 'pdd_ms' | 'loss'> & {
    readonly tm_begin: string
  })[]
}

/** What carries the calls. */
export interface ShownRelay {
  readonly id: string
  readonly alive: boolean
  readonly draining: boolean
  readonly address: string
  readonly port: Port
  readonly region: string | null
  readonly software: string | null
  readonly calls: number
  readonly load: {
    readonly registrations: number
    readonly cpu: number
    readonly loop_delay_ms: number
  } | null
  readonly spool: { readonly tells: number }
  readonly last_error: { readonly at: string; readonly message: string } | null
  readonly tm_update: string
}

/** What one wants to be told of. */
export interface ShownAlert {
  readonly id: string
  readonly name: string
  readonly when: { readonly kind: string }
}

/** One time that an alert was raised. */
export interface ShownIncident {
  readonly id: string
  readonly subject: string
  readonly about: Readonly<Record<string, unknown>>
  readonly reason: string
  readonly tm_raise: string
}

/** A trial of a provider. */
export interface ShownTrial {
  readonly ok: boolean | null
  readonly verdict: string
}

/** An access key, without its token. */
export interface ShownKey {
  readonly id: string
  readonly name: string
  readonly token_prefix: string
  readonly scopes: readonly AccessScope[]
  readonly admin: boolean
  readonly tm_create: string
  readonly tm_expire: string | null
  readonly tm_previous_expire: string | null
  readonly tm_last_used: string | null
}

/** A place which is told of events. */
export interface ShownWebhook {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly events: readonly string[]
  readonly enabled: boolean
  readonly disabled_reason: string | null
}

/** An event on its way to a webhook. */
export interface ShownDelivery {
  readonly id: string
  readonly event_id: string
  readonly type: string
  readonly status: 'waiting' | 'delivered' | 'failed'
  readonly attempts: number
  readonly response_status: number | null
  readonly response_body: string | null
  readonly error: string | null
  readonly tm_create: string
  readonly tm_next_try: string | null
}
