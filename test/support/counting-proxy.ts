import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

/** Stands between relays and their edge, passes everything on, and counts what was asked. */
export class CountingProxy {
  /** Paths, as they were asked for. */
  readonly heard: string[] = []
  readonly #upstream: URL
  readonly #server = createServer((asked, answered) => {
    const { method, url: path = '', headers } = asked
    this.heard.push(path)
    const { hostname, port } = this.#upstream
    const passed = request({ hostname, port, method, path, headers }, (reply) => {
      answered.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answered)
    })
    passed.on('error', () => answered.destroy())
    asked.pipe(passed)
  })

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream)
    this.#server.on('upgrade', (asked, socket, head) => {
      this.heard.push(`${asked.url} (upgrade)`)
      const passed = connect(Number(this.#upstream.port), this.#upstream.hostname, () => {
        const headers = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}`)
        passed.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
        passed.write(head)
        passed.pipe(socket).pipe(passed)
      })
      for (const [one, other] of [
        [passed, socket],
        [socket, passed],
      ] as const)
        one.on('error', () => other.destroy()).on('close', () => other.destroy())
    })
  }

  static async open(upstream: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(upstream)
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((closed) => this.#server.close(() => closed()))
  }
}
