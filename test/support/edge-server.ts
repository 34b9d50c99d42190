import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Beat, Tell } from '#contract'
import { beatAnswer, type Configuration, signed } from './snapshot.ts'
import { pause } from './wait.ts'

/** What goes wrong with an answer. */
export type Fault =
  | { kind: 'status'; status: number; retryAfter?: string; reason?: string; message?: string }
  /** The connection stays open, and nothing comes. */
  | { kind: 'silence' }
  | { kind: 'slow'; ms: number }
  | { kind: 'garbage' }
  /** Half of it, then the connection is cut. */
  | { kind: 'truncated' }
  /** A byte of the body is another one than was signed. */
  | { kind: 'forged' }
  /** Signed and sealed for another relay. */
  | { kind: 'stranger' }

export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Monotonic ms. */
  readonly at: number
}

/** An edge over real HTTP which knows customers, hears tells, and fails as it is told to. */
export class EdgeServer {
  readonly heard: Heard[] = []
  readonly customers = new Map<string, Configuration>()
  readonly gone = new Map<string, number>()
  /** Says what goes wrong with a request to that path; undefined: nothing. */
  fault: (path: string) => Fault | undefined = () => undefined
  /** Answers whatever is asked beside beats, snapshots and tells; undefined: 503. */
  answer: (path: string, body: string) => unknown = () => undefined
  /** Beats are told of it, where it is given. */
  baseDomain: string | undefined
  /** Beats are told that another process goes by their name. */
  replaced = false
  /** Most connections which were open at once. */
  connectionsAtMost = 0
  readonly #relayKey: string
  readonly #server = createServer((request, response) => void this.#meet(request, response))
  #connections = 0

  private constructor(relayKey: string) {
    this.#relayKey = relayKey
    this.#server.on('connection', (socket) => {
      this.connectionsAtMost = Math.max(this.connectionsAtMost, ++this.#connections)
      socket.on('close', () => this.#connections--)
    })
  }

  static async open(relayKey: string): Promise<EdgeServer> {
    const edge = new EdgeServer(relayKey)
    await new Promise<void>((listening) => edge.#server.listen(0, '127.0.0.1', listening))
    return edge
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests to a path beginning so. */
  asked(path: string): Heard[] {
    return this.heard.filter((heard) => heard.path.startsWith(`/relay/v1/${path}`))
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((closed) => this.#server.close(() => closed()))
  }

  async #meet(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url: path = '', headers } = request
    this.heard.push({ method, path, headers, body, at: performance.now() })
    const fault = this.fault(path)
    if (fault?.kind === 'silence') return
    if (fault?.kind === 'slow') await pause(fault.ms)
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.retryAfter ? { 'retry-after': fault.retryAfter } : {})
      const { reason, message } = fault
      response.end(JSON.stringify(reason ? { error: { reason, message } } : {}))
    } else if (fault?.kind === 'garbage') response.end('<html>welcome to the hotel’s network</html>')
    else if (fault?.kind === 'truncated') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"format":1,')
      setTimeout(() => response.destroy(), 20)
    } else this.#answer(path, headers, body, fault, response)
  }

  #answer(
    path: string,
    headers: IncomingMessage['headers'],
    body: string,
    fault: Fault | undefined,
    response: ServerResponse,
  ): void {
    const word = path.replace('/relay/v1/', '')
    if (word === 'beat' && this.replaced) {
      response.writeHead(409, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify({ reason: 'RELAY_REPLACED' }))
    }
    if (word === 'beat') return reply(response, this.#beat(JSON.parse(body) as Beat))
    if (word === 'tells') {
      const { tells } = JSON.parse(body) as { tells: Tell[] }
      return reply(response, { accepted: tells.map(({ tell_id }) => tell_id) })
    }
    if (word.startsWith('snapshots/')) return this.#snapshot(word.slice(10), headers, fault, response)
    const answer = this.answer(word, body)
    if (answer !== undefined) return reply(response, answer)
    response.writeHead(503)
    response.end('{}')
  }

  #beat({ version }: Beat) {
    const versions = [...this.customers.values()].map(({ snapshot }) => snapshot.version)
    const live = [...this.customers].map(([customer_id, { snapshot }]) => ({
      customer_id,
      version: snapshot.version,
      gone: false,
    }))
    const dead = [...this.gone].map(([customer_id, version]) => ({ customer_id, version, gone: true }))
    const changed = [...live, ...dead].filter((one) => one.version > version)
    const answer = beatAnswer(Math.max(0, ...versions, ...this.gone.values()), changed)
    return this.baseDomain === undefined ? answer : { ...answer, base_domain: this.baseDomain }
  }

  #snapshot(
    customerId: string,
    headers: IncomingMessage['headers'],
    fault: Fault | undefined,
    response: ServerResponse,
  ): void {
    const found = this.customers.get(customerId)
    if (!found) return void response.writeHead(404).end('{}')
    const etag = `"${found.snapshot.version}"`
    if (headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end()
    const { body, signature } = signed(
      found,
      fault?.kind === 'stranger' ? `${this.#relayKey}x` : this.#relayKey,
    )
    response.writeHead(200, { etag, 'trunkline-signature': signature })
    response.end(fault?.kind === 'forged' ? body.replace('"US"', '"DE"') : body)
  }
}

function reply(response: ServerResponse, answer: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer))
}
