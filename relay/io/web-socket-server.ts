import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import { createServer as createSecureServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { limits } from '../sip/limits.ts'
import type { Certificates } from './certificate.ts'
import type { Log } from './log.ts'
import { ServerNames } from './server-names.ts'

/** Which pages' scripts may open a WebSocket, by their origin; undefined: any may. */
export type Origins = readonly string[] | undefined

interface HandshakeOptions {
  /** What WSS shows; undefined: it is WS. */
  readonly certificates: Certificates | undefined
  readonly origins: Origins
  readonly handshakeMs: number
  /** How long a peer may take to agree that a WebSocket is shut. */
  readonly closeMs: number
  readonly log: Log
  opened(webSocket: WebSocket, socket: Socket): void
}

/** Makes WebSockets of connections. */
export interface Handshakes {
  /** Takes a connection which was just made. */
  take(socket: Socket): void
  /** Shows other certificates from now on. */
  present(certificates: Certificates): void
}

/* Octets of a request's head: as much as any browser sends, cookies of the same host among it. */
const maxHeaderSize = 16 * 1024

/** The one sub-protocol (RFC 7118 §4.1). */
const subprotocol = 'sip'

/**
 * The opening handshake of SIP over WebSocket (RFC 6455 §4.2, RFC 7118 §4): who asks for the sub-protocol `sip`, from a page
 * which may, has it; all others hear in a sentence why they have not.
 */
export function openHandshakes(options: HandshakeOptions): Handshakes {
  const { certificates, origins, closeMs, handshakeMs, log, opened } = options
  const names = certificates && new ServerNames(certificates)
  const secure = names && secureServer(names, handshakeMs, log)
  const server = secure ?? createServer({ maxHeaderSize })
  // A name of its own: the types do not know all of them.
  const bounds = {
    noServer: true,
    clientTracking: false,
    // What is compressed may grow a thousandfold.
    perMessageDeflate: false,
    maxPayload: limits.message,
    maxFragments: 1024,
    maxBufferedChunks: 1024,
    closeTimeout: closeMs,
    handleProtocols: () => subprotocol,
  }
  const upgrader = new WebSocketServer(bounds)
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const { socket } = request
    // One which is not answered by us, or was refused, may break as it likes.
    stream.on('error', () => undefined)
    const refusal = refusalOf(request, origins)
    if (refusal) {
      log('debug', 'ws.refused', { source: socket.remoteAddress, why: refusal.why })
      return void stream.end(answer(refusal))
    }
    upgrader.handleUpgrade(request, stream, head, (webSocket) => opened(webSocket, socket))
  })
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': plain })
    response.end('Here is SIP over WebSocket (RFC 7118), and nothing else.\n')
  })
  server.on('clientError', (_error, stream) => void stream.destroy())
  return {
    take: (socket) => void server.emit('connection', socket),
    present: (shown) => secure && names?.present(secure, shown),
  }
}

const plain = 'text/plain; charset=utf-8'

interface Refusal {
  readonly status: number
  readonly why: string
}

function refusalOf({ headers }: IncomingMessage, origins: Origins): Refusal | undefined {
  const { origin } = headers
  const asked = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!asked.includes(subprotocol))
    return { status: 400, why: 'Ask for the sub-protocol "sip": here is SIP over WebSocket (RFC 7118).' }
  // What is no browser has no origin, and might name any.
  if (origins !== undefined && origin !== undefined && !origins.includes(origin.toLowerCase()))
    return { status: 403, why: 'Pages of this origin may not call here: SIP_WS_ORIGINS does not name it.' }
  return undefined
}

function answer({ status, why }: Refusal): string {
  const body = `${why}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${plain}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

function secureServer(names: ServerNames, handshakeTimeout: number, log: Log): Server {
  const server = createSecureServer({ ...names.options, handshakeTimeout, maxHeaderSize })
  server.on('tlsClientError', (error, socket) => {
    log('debug', 'wss.handshake', { source: socket.remoteAddress, why: error.message })
    socket.destroy()
  })
  return server
}
