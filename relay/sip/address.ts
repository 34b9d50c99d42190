import type { SipUri } from './uri.ts'

/** name-addr or addr-spec with header parameters: From, To, Contact, Route (RFC 3261 §20). */
export interface NameAddr {
  /** Unquoted. */
  readonly display: string
  /** The URI as written between the brackets. */
  readonly uri: string
  /** The URI read; undefined when its scheme is not sip or sips. */
  readonly sip: SipUri | undefined
  /** Header parameters: lower-case names, '' for none given. */
  readonly params: ReadonlyMap<string, string>
  readonly tag: string | undefined
}
