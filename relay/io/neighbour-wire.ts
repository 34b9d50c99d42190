import { connect, createServer, TLSSocket } from 'node:tls'
import type { Flow } from '../ground/flow.ts'
import { flawOf } from './identity.ts'
import { fingerprintOf, type NeighbourPair } from './neighbour-pair.ts'
import { openStreams } from './stream.ts'
import { type StreamOptions, type StreamWire, usualLimits, watched } from './stream-options.ts'

interface NeighbourWireOptions extends StreamOptions {
  readonly pair: NeighbourPair
  /** The living relay which shows a certificate of this fingerprint; undefined: it is none's. */
  named(fingerprint: string): string | undefined
  /** Where a relay is reached; undefined: it lives no longer, or does not say. */
  placeOf(relayId: string): Flow | undefined
}

/** Connections of this port are told from those of the others by their numbers. */
const numbersFrom = 2 ** 40

/**
 * SIP between relays of one fleet: over TLS 1.3, where either side is believed by its certificate's fingerprint alone, and
 * a stranger is hung up on before a word is said.
 */
export function openNeighbourWire(options: NeighbourWireOptions): Promise<StreamWire> {
  const { pair, log, limits, named, placeOf } = options
  const own = { cert: pair.cert, key: pair.key, minVersion: 'TLSv1.3' } as const
  // Whose a certificate is, we judge ourselves: no authority signed it.
  const judged = { rejectUnauthorized: false } as const
  const { firstMessageMs } = { ...usualLimits, ...limits }
  const server = createServer({
    ...own,
    ...judged,
    ...watched,
    requestCert: true,
    handshakeTimeout: firstMessageMs,
  })
  server.on('tlsClientError', (error, socket) => {
    log('debug', 'neighbour.handshake', { source: socket.remoteAddress, why: error.message })
    socket.destroy()
  })
  return openStreams(
    {
      transport: 'tls',
      server,
      through: 'secureConnect',
      setting: 'NEIGHBOUR_PORT',
      numbersFrom,
      dial: (to) => connect({ ...to, ...own, ...judged, checkServerIdentity: () => undefined }),
      flaw: (socket, { tls }) => flawOf({ certificate: shown(socket), distrust: undefined }, tls),
      whose: (socket) => {
        const certificate = shown(socket)
        const fingerprint = certificate && fingerprintOf(certificate)
        const neighbour = fingerprint && named(fingerprint)
        if (neighbour) return { neighbour, fingerprint }
        const shows = certificate !== undefined
        log('warn', 'neighbour.stranger', { source: socket.remoteAddress, shown: shows })
        return undefined
      },
      // One of which the edge has lost sight, as where its beats fail, keeps its calls: no other has its place.
      outdated: ({ neighbour, fingerprint }) => {
        const now = placeOf(neighbour)?.tls?.fingerprint
        return now !== undefined && now !== fingerprint
      },
      instead: ({ neighbour }) => (neighbour === undefined ? undefined : placeOf(neighbour)),
    },
    options,
  )
}

function shown(socket: object) {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
}
