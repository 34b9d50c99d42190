import type { Socket } from 'node:net'
import { type FlowTransport, type Port, portNumber } from '#contract'
import type { Note } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import { sourceNetwork } from '../ground/source-prefix.ts'
import { monotonicNow } from './clock.ts'
import type { Visitor, Visitors } from './visitors.ts'
import { plainAddress } from './wire.ts'

/** Who connected: where from, and by which flow once it may speak; its socket may shake hands for a while before. */
export interface TakenVisitor extends Visitor {
  readonly peer: { readonly address: string; readonly port: Port }
  flow: Flow | undefined
}

interface TakenOptions {
  readonly transport: FlowTransport
  readonly visitors: Visitors
  known?: ((flow: Flow) => boolean) | undefined
  note(event: 'too_many' | 'shut', fields: Note['fields']): void
}

/** The sockets which a port took, those which still shake hands among them, by who is at the other end. */
export class TakenSockets {
  readonly #options: TakenOptions
  readonly #taken = new Map<string, { readonly socket: Socket; readonly visitor: TakenVisitor }>()

  constructor(options: TakenOptions) {
    this.#options = options
  }

  /**
   * Finds a place for who connects, before a word is said; undefined: there is none, and it is shut. `peer`: on whose
   * behalf, where a proxy connects and says so.
   */
  admit(socket: Socket, peer = peerOf(socket)): TakenVisitor | undefined {
    const { transport, visitors, known, note } = this.#options
    const key = keyOf(socket)
    if (peer === undefined || key === undefined) return void socket.destroy()
    const source = peer.address
    const network = sourceNetwork(source)
    if (visitors.comesTooFast(network, monotonicNow()) && !known?.({ transport, ...peer })) {
      note('shut', { source, why: 'connections come too fast from its network' })
      return void socket.destroy()
    }
    const visitor: TakenVisitor = {
      peer,
      network,
      flow: undefined,
      isKnown: () => visitor.flow !== undefined && (known?.(visitor.flow) ?? false),
      shut: () => {
        note('shut', { source, why: 'there are too many connections' })
        socket.destroy()
      },
    }
    if (!visitors.enter(visitor)) {
      note('too_many', { source, open: visitors.size })
      return void socket.destroy()
    }
    this.#taken.set(key, { socket, visitor })
    socket.once('close', () => {
      if (this.#taken.get(key)?.socket === socket) this.#taken.delete(key)
      visitors.leave(visitor)
    })
    return visitor
  }

  /** Whose a socket is, also where TLS has been put over it; undefined: it was not admitted, or is gone. */
  of(socket: Socket): TakenVisitor | undefined {
    const key = socket.destroyed ? undefined : keyOf(socket)
    return key === undefined ? undefined : this.#taken.get(key)?.visitor
  }

  shut(): void {
    for (const { socket } of this.#taken.values()) socket.destroy()
  }
}

function peerOf({ remoteAddress, remotePort = 0 }: Socket): TakenVisitor['peer'] | undefined {
  return remoteAddress === undefined
    ? undefined
    : { address: plainAddress(remoteAddress), port: portNumber(remotePort) }
}

function keyOf(socket: Socket): string | undefined {
  const peer = peerOf(socket)
  return peer && hostPort(peer.address, peer.port)
}
