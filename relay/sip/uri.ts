/** A SIP or SIPS URI taken apart (RFC 3261 §19.1). */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** Unescaped; empty when the URI names only a host. */
  readonly user: string
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  /** undefined: not written, which is not the same as 5060 (§19.1.4). */
  readonly port: number | undefined
  /** Lower-case names; a parameter without value is ''. */
  readonly params: ReadonlyMap<string, string>
  /** The part after `?`, raw; undefined when absent. */
  readonly headers: string | undefined
}
