import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expositionType, type Port, portNumber } from '#contract'
import { hostPort } from '../ground/flow.ts'
import type { Readiness } from './watch.ts'

interface WatchPortOptions {
  readonly host: string
  readonly port: Port
  /** What a scrape must show as bearer; undefined: nothing. */
  readonly token: string | undefined
  metrics(): string
  readiness(): Readiness
}

/* Implementation */
const connectionsAtMost = 16
const patienceMs = 5_000

/** Opens the port at which machines are watched: `/metrics`, `/healthz`, `/readyz`. Throws where it cannot be had. */
export async function openWatchPort(
  options: WatchPortOptions,
): Promise<{ readonly port: Port; stop(): Promise<void> }> {
  const { host, port } = options
  const server = createServer(
    { requestTimeout: patienceMs, headersTimeout: patienceMs, connectionsCheckingInterval: 1_000 },
    (request, response) => answer(options, request, response),
  )
  keepFew(server)
  server.setTimeout(patienceMs)
  server.listen(port, host)
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened: ${cause.message}`
    throw new Error(`TCP ${hostPort(host, port)} ${why}; METRICS_PORT says which it is.`, { cause })
  })
  return { port: portNumber((server.address() as AddressInfo).port), stop: () => closed(server) }
}

/** For a connection too many the oldest goes which waits for no answer: idle ones keep no check away. */
function keepFew(server: Server): void {
  const open = new Set<Socket>()
  const answered = new WeakSet<Socket>()
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answered.add(socket)
    response.once('close', () => answered.delete(socket))
  })
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    if (open.size <= connectionsAtMost) return
    const [oldest = socket, ...others] = open
    const going = [oldest, ...others.slice(0, -1)].find((one) => !answered.has(one)) ?? oldest
    open.delete(going)
    going.destroy()
  })
}

function answer(
  { token, metrics, readiness }: WatchPortOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [path] = (request.url ?? '').split('?')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(response, 405, 'METHOD_NOT_ALLOWED', 'Only GET and HEAD are answered here.', {
      allow: 'GET, HEAD',
    })
  if (path === '/healthz') return json(response, 200, { status: 'ok' })
  if (path === '/readyz') {
    const { ready, why } = readiness()
    return json(response, ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', why })
  }
  if (path !== '/metrics')
    return refuse(response, 404, 'NOT_FOUND', 'There are /metrics, /healthz and /readyz.')
  if (token !== undefined && !shows(request, token))
    return refuse(
      response,
      401,
      'AUTHENTICATION_REQUIRED',
      'Send METRICS_TOKEN: Authorization: Bearer <token>.',
      {
        'www-authenticate': 'Bearer',
      },
    )
  response.writeHead(200, { 'content-type': expositionType }).end(metrics())
}

/** Compared in a time which does not tell how much of it was right. */
function shows({ headers }: IncomingMessage, token: string): boolean {
  const shown = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(hashOf(shown), hashOf(token))
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  json(response, status, { error: { reason, message } }, headers)
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(`${JSON.stringify(body)}\n`)
}

async function closed(server: Server): Promise<void> {
  const over = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await over
}
