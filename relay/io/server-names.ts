import { constants, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type Server } from 'node:tls'
import type { Certificates } from './certificate.ts'
import { identities } from './identity.ts'

/**
 * How TLS is spoken: no older version (RFC 8996), and no handshake within a connection, for Node tells of a peer which begins
 * one after the other, and does not stop it.
 */
export const tlsTerms = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const

interface NamedContext {
  readonly context: SecureContext
  readonly until: number
}

/**
 * Which certificate a server shows to who asks for which name (SNI, RFC 6066 §3): that of the name, else of a wildcard in
 * place of its first label, else the usual one. Of several for one name, the one which is valid for longest.
 */
export class ServerNames {
  readonly #usual: Certificates
  #contextByName: ReadonlyMap<string, NamedContext>

  constructor(certificates: Certificates) {
    this.#usual = certificates
    this.#contextByName = contextsOf(certificates)
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
    this.#contextByName = contextsOf(certificates)
  }

  #contextOf(name: string): NamedContext | undefined {
    return this.#contextByName.get(name) ?? this.#contextByName.get(name.replace(/^[^.]+/, '*'))
  }
}

function contextsOf({ others = [], ...usual }: Certificates): Map<string, NamedContext> {
  const contexts = new Map<string, NamedContext>()
  // Without others the usual one is all there is.
  for (const { cert, key } of others.length > 0 ? [usual, ...others] : []) {
    const certificate = new X509Certificate(cert)
    const context = createSecureContext({ cert, key, ...tlsTerms })
    const named = { context, until: certificate.validToDate.getTime() }
    for (const name of identities(certificate))
      if (named.until > (contexts.get(name)?.until ?? Number.NEGATIVE_INFINITY)) contexts.set(name, named)
  }
  return contexts
}
