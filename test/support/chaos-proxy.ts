import { once } from 'node:events'
import { Agent, createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { blackHole } from './black-hole.ts'
import type { Fault } from './edge-server.ts'
import { pause } from './wait.ts'

/** What the edge answered, on its way to the relay. */
export interface Passing {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** Stands between a relay and its edge, and does to what passes whatever it is told to. */
export class ChaosProxy {
  /** What goes wrong with a request to that word (`beat`, `tells`, `route`, …); undefined: nothing. */
  fault: (word: string) => Fault | undefined = () => undefined
  /** Has a look at an answer, or gives another in its place. */
  alter: (word: string, answer: Passing) => Passing = (_, answer) => answer
  /** Requests which came, by their word, and when (monotonic ms). */
  readonly heard: { readonly word: string; readonly at: number }[] = []
  /** Most connections which were open at once. */
  connectionsAtMost = 0
  readonly #upstream: URL
  readonly #agent = new Agent({ keepAlive: true })
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      void this.#meet({ method, url, headers, body: Buffer.concat(chunks) }, response).catch(() =>
        response.destroy(),
      )
    })
  })
  #connections = 0
  #port = 0

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream)
    this.#server.on('connection', (socket) => {
      this.connectionsAtMost = Math.max(this.connectionsAtMost, ++this.#connections)
      socket.on('close', () => this.#connections--)
    })
  }

  static async open(upstream: string): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(upstream)
    await proxy.listen()
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Connections are taken, at the same port as before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Connections are refused, and those which are there are cut. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** Not even a connection comes about any more: packets are dropped. Gives what ends that. */
  async swallow(): Promise<() => Promise<void>> {
    await this.refuse()
    const end = await blackHole(this.#port)
    return async () => {
      await end()
      await this.listen()
    }
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse()
    this.#agent.destroy()
  }

  /** Moments at which a word was asked since `from`, monotonic ms. */
  asked(word: string, from = 0): number[] {
    return this.heard.filter((one) => one.word === word && one.at >= from).map(({ at }) => at)
  }

  async #meet(asked: Asked, response: ServerResponse): Promise<void> {
    const word = /^\/relay\/v1\/(\w+)/.exec(asked.url)?.[1] ?? asked.url
    this.heard.push({ word, at: performance.now() })
    const fault = this.fault(word)
    if (fault?.kind === 'silence') return
    if (fault?.kind === 'status') return refused(response, fault)
    if (fault?.kind === 'garbage') return void response.end('<html>welcome to the hotel’s network</html>')
    if (fault?.kind === 'slow') await pause(fault.ms)
    const answer = this.alter(word, await this.#pass(asked))
    const { 'transfer-encoding': _, ...headers } = answer.headers
    const body = fault?.kind === 'forged' ? forged(answer.body) : answer.body
    response.writeHead(answer.status, { ...headers, 'content-length': Buffer.byteLength(body) })
    if (fault?.kind !== 'truncated') return void response.end(body)
    response.write(body.slice(0, body.length >> 1))
    setTimeout(() => response.destroy(), 20)
  }

  #pass({ method, url, headers, body }: Asked): Promise<Passing> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#upstream
      const onward = request({ agent: this.#agent, hostname, port, method, path: url, headers }, (reply) => {
        const chunks: Buffer[] = []
        reply.on('data', (chunk: Buffer) => chunks.push(chunk))
        reply.on('error', reject)
        reply.on('end', () => {
          const { statusCode: status = 0, headers } = reply
          resolve({ status, headers, body: Buffer.concat(chunks).toString() })
        })
      })
      onward.on('error', reject)
      onward.end(body)
    })
  }
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

function refused(response: ServerResponse, { status, retryAfter }: Extract<Fault, { kind: 'status' }>): void {
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
  response.end('{}')
}

/** Another digit than was signed. */
function forged(body: string): string {
  return body.replace(/\d/, (digit) => String((Number(digit) + 1) % 10))
}
