import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pause } from './wait.ts'

/** A message as it came. */
export interface Message {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  readonly body: any
  /** What was answered in time; 0: nothing was. */
  readonly status: number
}

/**
 * How a message is answered: a status, or `hang`: never, `late`: 200 after twelve seconds, `cut`: the connection ends,
 * `half`: 200, and half of the body.
 */
export type Reply = number | 'hang' | 'late' | 'cut' | 'half'

/** What a webhook leads to: keeps what it is sent, and answers as it is told. */
export class Receiver {
  readonly messages: Message[] = []
  /** How the next message is answered. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  reply: (body: any, path: string) => Reply = () => 200
  /** Most messages which were being answered at once. */
  most = 0
  /** Milliseconds which each answer takes. */
  slow = 0
  #now = 0
  #port = 0
  readonly #server = createServer((request, response) => {
    // Who hung up before it was said has said nothing.
    this.#hear(request, response).catch(() => undefined)
  })

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    await receiver.up()
    return receiver
  }

  /** Listens, where it did before. */
  async up(): Promise<void> {
    await new Promise<void>((listening) => this.#server.listen(this.#port, '127.0.0.1', listening))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`
  }

  /** Messages which were taken. */
  get taken(): Message[] {
    return this.messages.filter(({ status }) => status >= 200 && status < 300)
  }

  /** Refuses whoever connects from now on; what goes on is cut. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    return closed
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.most = Math.max(this.most, ++this.#now)
    try {
      const said = await text(request)
      const [path, body] = [request.url ?? '', JSON.parse(said)]
      const reply = this.reply(body, path)
      this.messages.push({ path, headers: request.headers, text: said, body, status: statusOf(reply) })
      if (this.slow > 0) await pause(this.slow)
      answer(response, reply)
    } finally {
      this.#now -= 1
    }
  }
}

function statusOf(reply: Reply): number {
  return typeof reply === 'number' ? reply : reply === 'half' ? 200 : 0
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return
  if (reply === 'late') return void setTimeout(() => response.end('at last'), 12_000)
  if (reply === 'cut') return void response.destroy()
  if (reply === 'half') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('ok so far')
    return void setTimeout(() => response.destroy(), 20)
  }
  response.writeHead(reply, reply === 302 ? { location: '/elsewhere' } : {})
  response.end(`said ${reply}`.padEnd(3_000, '.'))
}
