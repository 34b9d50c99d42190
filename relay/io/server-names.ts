import { constants, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type Server } from 'node:tls'
import type { Certificates } from './certificate.ts'
import { systemUtc } from './clock.ts'
import { identities } from './identity.ts'

/**
 * How TLS is spoken: no older version (RFC 8996), and no handshake within a connection, for Node tells of a peer which begins
 * one after the other, and does not stop it.
 */
export const tlsTerms = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const

interface NamedContext {
  readonly context: SecureContext
  readonly from: number
  readonly until: number
}

/**
 * Which certificate a server shows to who asks for which name (SNI, RFC 6066 §3): that of the name, else of a wildcard in
 * place of its first label, else the usual one. Of several for one name, the one which is valid by now, and for
 * longest.
 */
export class ServerNames {
  readonly #usual: Certificates
  #contextsByName: ReadonlyMap<string, readonly NamedContext[]>

  constructor(certificates: Certificates) {
    this.#usual = certificates
    this.#contextsByName = contextsOf(certificates)
  }

  /** With which a server of TLS is made. */
  get options() {
    const { cert, key } = this.#usual
    const SNICallback = (name: string, done: (error: null, context?: SecureContext) => void) =>
      done(null, this.#contextOf(name.toLowerCase().replace(/\.$/, ''))?.context)
    return { cert, key, ...tlsTerms, SNICallback }
  }

  /** From now on these are shown by it; connections which stand go on. */
  present(server: Server, certificates: Certificates): void {
    const { cert, key } = certificates
    server.setSecureContext({ cert, key, ...tlsTerms })
    this.#contextsByName = contextsOf(certificates)
  }

  #contextOf(name: string): NamedContext | undefined {
    const contexts = this.#contextsByName
    const named = contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*')) ?? []
    return named.find(({ from }) => from <= systemUtc()) ?? named[0]
  }
}

/** By name, the one which is valid for longest first. */
function contextsOf({ others = [], ...usual }: Certificates): Map<string, NamedContext[]> {
  const contexts = new Map<string, NamedContext[]>()
  // Without others the usual one is all there is.
  for (const { cert, key } of others.length > 0 ? [usual, ...others] : []) {
    const certificate = new X509Certificate(cert)
    const context = createSecureContext({ cert, key, ...tlsTerms })
    const [from, until] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
    for (const name of identities(certificate)) {
      const known = contexts.get(name) ?? []
      contexts.set(
        name,
        [...known, { context, from, until }].sort((one, other) => other.until - one.until),
      )
    }
  }
  return contexts
}
