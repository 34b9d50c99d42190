import type { FailoverPolicy, Transport } from '#contract'

/*
 * Everything a decision rests on, as one query brings it. Ladders write these by hand.
 */

/** What is known about a call from an extension. */
export interface OutboundFacts {
  customer: CustomerFacts | null
  caller: { id: string; extension: string; name: string; enabled: boolean } | null
  /** The customer's extension of the dialled name, if there is one. */
  callee: ExtensionFacts | null
  /** Numbers the caller may show, best first: its own, the customer's default, the only one there is. */
  callerIds: { own: string | null; default: string | null; only: string | null }
  /** Every route that could match, in no order. */
  routes: RouteFacts[]
}

/** What is known about a call from an address. */
export interface InboundFacts {
  /** Providers which call from that address. */
  sources: { id: string; name: string; customer_id: string; country: string }[]
  /** Numbers the dialled one may be, likeliest first, of customers one of those providers serves. */
  numbers: NumberFacts[]
}

export interface CustomerFacts {
  id: string
  country: string
  allowed: string[] | null
  number_countries: string[]
  require_caller_id: boolean
}

export interface ExtensionFacts {
  id: string
  extension: string
  name: string
  enabled: boolean
  ring_timeout: number
}

export interface RouteFacts {
  id: string
  customer_id: string
  target: string
  priority: number
  weight: number
  enabled: boolean
  created_at: string
  failover: Partial<FailoverPolicy> | null
  provider: ProviderFacts
}

export interface ProviderFacts {
  id: string
  name: string
  enabled: boolean
  deleted: boolean
  hostname: string
  port: number | null
  transport: Transport | null
  codecs: string
  tech_prefix: string
  tech_postfix: string
  tech_headers: Record<string, string>
  called_format: string
  username: string | null
  /** Sealed as the query brings it; opened before the decision. */
  password: string | null
  /** Its password was sealed under a key we no longer have. */
  locked: boolean
  failover: Partial<FailoverPolicy> | null
}

export interface NumberFacts {
  id: string
  number: string
  customer_id: string
  enabled: boolean
  /** What the number rings through: nothing, an extension, or a flow which names one. */
  leads_to: 'nothing' | 'extension' | 'flow'
  extension: ExtensionFacts | null
}
