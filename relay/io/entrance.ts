import { createServer, type Socket } from 'node:net'
import { type FlowTransport, type Port, portNumber } from '#contract'
import type { Note } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { Log } from './log.ts'
import { hearProxy } from './proxy-protocol.ts'
import { watched } from './stream-options.ts'
import { TakenSockets, type TakenVisitor } from './taken-sockets.ts'
import type { Visitors } from './visitors.ts'
import { bindError, plainAddress } from './wire.ts'

interface EntranceOptions {
  readonly transport: FlowTransport
  readonly host: string
  readonly port: Port
  /** Which setting says the port; absent: the transport's. */
  readonly setting?: string | undefined
  /** Addresses of proxies whose connections begin by saying on whose behalf they are (PROXY protocol). */
  readonly proxies?: readonly string[] | undefined
  /** How long such a proxy may take. */
  readonly proxyMs: number
  readonly visitors: Visitors
  readonly known: ((flow: Flow) => boolean) | undefined
  readonly log: Log
  note(event: 'too_many' | 'shut', fields: Note['fields']): void
  /** Has who found a place, before a word is heard of what it says for itself. */
  enter(socket: Socket, visitor: TakenVisitor): void
}

/**
 * A port which takes connections: each finds a place among all visitors, or none, by the address it comes from; that of a
 * proxy by the address which it says.
 */
export class Entrance {
  readonly #options: EntranceOptions
  readonly #taken: TakenSockets
  readonly #proxies: ReadonlySet<string>
  /** Those of proxies, before it is known for whom. */
  readonly #unsaid = new Set<Socket>()
  readonly #server = createServer(watched)

  constructor(options: EntranceOptions) {
    const { transport, visitors, known, note, proxies } = options
    this.#options = options
    this.#proxies = new Set(proxies)
    this.#taken = new TakenSockets({ transport, visitors, known, note })
    this.#server.on('connection', (socket: Socket) => this.#meet(socket))
  }

  get address(): { address: string; port: Port } {
    const place = this.#server.address()
    if (place === null || typeof place === 'string') throw new Error('Bug: the port is not open')
    return { address: place.address, port: portNumber(place.port) }
  }

  /** Opens the port. Throws, with a sentence for the operator, where it cannot be. */
  open(): Promise<void> {
    const { transport, host, port, setting, log } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(bindError(transport, error, host, port, setting)))
      this.#server.listen(port, host, 1024, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => log('warn', `${transport}.error`, { why: error.message }))
        resolve()
      })
    })
  }

  /** Whose a socket is, also where TLS has been put over it; undefined: it was not let in, or is gone. */
  of(socket: Socket): TakenVisitor | undefined {
    return this.#taken.of(socket)
  }

  close(): Promise<void> {
    for (const socket of this.#unsaid) socket.destroy()
    this.#taken.shut()
    return new Promise((closed) => void this.#server.close(() => closed()))
  }

  /** Who connects is a proxy which says on whose behalf, or comes by itself. */
  #meet(socket: Socket): void {
    const { remoteAddress = '' } = socket
    const { proxyMs, note } = this.#options
    if (!this.#proxies.has(plainAddress(remoteAddress))) return this.#admit(socket)
    this.#unsaid.add(socket)
    socket.once('close', () => this.#unsaid.delete(socket))
    hearProxy(
      socket,
      proxyMs,
      (peer) => {
        this.#unsaid.delete(socket)
        this.#admit(socket, peer === 'own' ? undefined : peer)
      },
      (why) => note('shut', { source: remoteAddress, why }),
    )
  }

  #admit(socket: Socket, peer?: TakenVisitor['peer']): void {
    const visitor = this.#taken.admit(socket, peer)
    if (visitor) this.#options.enter(socket, visitor)
  }
}
