import { isIP } from 'node:net'
import { connect, createServer, type Server, TLSSocket } from 'node:tls'
import type { Certificates } from './certificate.ts'
import { flawOf } from './identity.ts'
import { ServerNames, tlsTerms } from './server-names.ts'
import { openStreams } from './stream.ts'
import { type StreamOptions, type StreamWire, usualLimits, watched } from './stream-options.ts'

/** SIP over TLS. */
export interface TlsWire extends StreamWire {
  /** Shows other certificates from now on; connections which stand go on. */
  present(certificates: Certificates): void
}

/**
 * SIP over TLS: connections made, each to a peer who proves to be who the flow trusts; and, with a
 * certificate, taken on a port. One proved for one domain is never used for another (RFC 5922 §4).
 */
export async function openTls(
  options: StreamOptions & { readonly certificates?: Certificates },
): Promise<TlsWire> {
  const { certificates } = options
  const names = certificates && new ServerNames(certificates)
  const server = names && listener(names, options)
  const wire = await openStreams(
    {
      transport: 'tls',
      server,
      through: 'secureConnect',
      dial: (to, { tls }) =>
        connect({
          ...to,
          ...tlsTerms,
          // Judged by ourselves once it stands, in words; nothing is said before that.
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
          // RFC 6066 §3: no addresses.
          ...(tls !== undefined && isIP(tls.name) === 0 && { servername: tls.name }),
        }),
      flaw: (socket, { tls }) => (socket instanceof TLSSocket ? flawOf(shown(socket), tls) : 'no TLS'),
    },
    options,
  )
  return Object.assign(wire, {
    present: (shown: Certificates) => server && names?.present(server, shown),
  })
}

function listener(names: ServerNames, { log, limits }: StreamOptions): Server {
  const { firstMessageMs } = { ...usualLimits, ...limits }
  const server = createServer({ ...names.options, ...watched, handshakeTimeout: firstMessageMs })
  server.on('tlsClientError', (error, socket) => {
    log('debug', 'tls.handshake', { source: socket.remoteAddress, why: error.message })
    // Node leaves one whose time is over to us.
    socket.destroy()
  })
  return server
}

function shown(socket: TLSSocket) {
  const distrust = socket.authorized ? undefined : String(socket.authorizationError ?? 'UNKNOWN')
  return { certificate: socket.getPeerX509Certificate(), distrust }
}
