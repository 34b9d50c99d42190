/** One Via value (RFC 3261 §20.42, RFC 3581). */
export interface Via {
  /** As written, upper case: UDP, TCP, TLS, WS, or something unknown. */
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  readonly branch: string | undefined
  readonly params: ReadonlyMap<string, string>
}
