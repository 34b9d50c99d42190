import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A message as it came. */
export interface Message {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  readonly body: any
  /** What was answered; 0: nothing was. */
  readonly status: number
}

/** How a message is answered: a status, or `hang`: never, `cut`: the connection ends, `half`: 200, and half of the body. */
export type Reply = number | 'hang' | 'cut' | 'half'

/** What a webhook leads to: keeps what it is sent, and answers as it is told. */
export class Receiver {
  readonly messages: Message[] = []
  /** How the next message is answered. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  reply: (body: any) => Reply = () => 200
  /** Most messages which were being answered at once. */
  most = 0
  /** Milliseconds which each answer takes. */
  slow = 0
  #now = 0
  readonly #server = createServer(async (request, response) => {
    this.most = Math.max(this.most, ++this.#now)
    let text = ''
    for await (const part of request) text += part
    const body = JSON.parse(text)
    const reply = this.reply(body)
    this.messages.push({
      path: request.url ?? '',
      headers: request.headers,
      text,
      body,
      status: typeof reply === 'number' ? reply : reply === 'half' ? 200 : 0,
    })
    if (this.slow > 0) await new Promise((resume) => setTimeout(resume, this.slow))
    this.#now -= 1
    answer(response, reply)
  })

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    await receiver.listen(0)
    return receiver
  }

  listen(port: number): Promise<void> {
    return new Promise((listening) => this.#server.listen(port, '127.0.0.1', listening))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  /** Messages which were taken. */
  get taken(): Message[] {
    return this.messages.filter(({ status }) => status >= 200 && status < 300)
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((closed) => this.#server.close(() => closed()))
  }
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return
  if (reply === 'cut') return void response.destroy()
  if (reply === 'half') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('ok so far')
    return void setTimeout(() => response.destroy(), 20)
  }
  response.writeHead(reply, reply === 302 ? { location: '/elsewhere' } : {})
  response.end(`said ${reply}`.padEnd(3_000, '.'))
}
