import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type Server } from 'node:tls'
import type { Certificates } from './certificate.ts'
import { identities } from './identity.ts'

/* Older versions are refused (RFC 8996). */
const minVersion = 'TLSv1.2'

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
    return { cert, key, minVersion, SNICallback } as const
  }

  /** From now on these are shown by it; connections which stand go on. */
  present(server: Server, certificates: Certificates): void {
    const { cert, key } = certificates
    server.setSecureContext({ cert, key, minVersion })
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
    const context = createSecureContext({ cert, key, minVersion })
    const named = { context, until: certificate.validToDate.getTime() }
    for (const name of identities(certificate))
      if (named.until > (contexts.get(name)?.until ?? Number.NEGATIVE_INFINITY)) contexts.set(name, named)
  }
  return contexts
}
