import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A name server which is asked by HTTP and answers as JSON: every name which it does not know is at the same addresses. */
export class DohServer {
  /** undefined: it fails. */
  addresses: string[] | undefined = []
  /** Names which are elsewhere. */
  readonly known = new Map<string, string[]>()
  readonly #server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://x').searchParams
    const type = asked.get('type') === 'A' ? 1 : 28
    const addresses = this.known.get(asked.get('name') ?? '') ?? this.addresses
    const fitting = addresses?.filter((address) => address.includes(':') === (type === 28))
    const answer = {
      Status: fitting ? 0 : 2,
      Answer: fitting?.map((data) => ({ name: 'x', type, TTL: 1, data })),
    }
    response.writeHead(200, { 'content-type': 'application/dns-json' })
    response.end(JSON.stringify(answer))
  })

  static async open(): Promise<DohServer> {
    const server = new DohServer()
    await new Promise<void>((listening) => server.#server.listen(0, '127.0.0.1', listening))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/dns-query`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((closed) => this.#server.close(() => closed()))
  }
}
