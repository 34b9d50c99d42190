import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { type Port, portNumber } from '#contract'
import type { UdpEars, UdpEngine, UdpPeer, Unsendable } from './udp-engine.ts'
import { bindError, plainAddress } from './wire.ts'

/* Implementation */
/** Of each socket, in and out. */
export const bufferBytes = 4 * 1024 * 1024

/** Node's own sockets, anywhere. Throws in words where the port cannot be opened. */
export async function dgramUdp(host: string, port: Port, ears: UdpEars): Promise<UdpEngine> {
  const main = shared(host)
  await listening(main, host, port)
  const hear = ({ address, port }: RemoteInfo, bytes: Uint8Array) =>
    ears.hear(bytes, plainAddress(address), portNumber(port))
  main.on('message', (bytes, from) => hear(from, bytes))
  main.on('error', ears.failing)
  const wireAddress = addressesFrom(host)
  return {
    address: main.address().address,
    send: (flow, bytes, failed) =>
      main.send(bytes, flow.port, wireAddress(flow.address), (error) => error && failed?.(error)),
    connect(flow) {
      const socket = shared(host)
      socket.on('message', (bytes, from) => hear(from, bytes))
      socket.on('error', (error) => ears.lost(flow, error))
      try {
        // With a lookup which answers at once both happen within this turn.
        socket.bind(port, host)
        socket.connect(flow.port, wireAddress(flow.address))
        socket.remoteAddress()
      } catch {
        socket.close()
        return undefined
      }
      return peerOf(socket)
    },
    close: () => new Promise<void>((closed) => main.close(() => closed())),
  }
}

/** The port asked for, or any for 0. Sockets which share a port would not notice that another program has it. */
export async function freePort(host: string, port: Port): Promise<Port> {
  const probe = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' })
  try {
    await listening(probe, host, port)
    return portNumber(probe.address().port)
  } finally {
    await new Promise<void>((closed) => probe.close(() => closed()))
  }
}

function peerOf(socket: Socket): UdpPeer {
  return {
    send: (bytes: Uint8Array, failed: Unsendable) => socket.send(bytes, (error) => error && failed(error)),
    close: () => socket.close(),
  }
}

function listening(socket: Socket, host: string, port: Port): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(bindError('udp', error, host, port))
    socket.once('error', failed)
    socket.bind(port, host, () => {
      socket.off('error', failed)
      resolve()
    })
  })
}

/** Addresses are literal: nothing is ever looked up. */
function shared(host: string): Socket {
  const family = isIPv6(host) ? 6 : 4
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reuseAddr: true,
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
    lookup: (name, _options, found) => found(null, name, family),
  })
}

/** How a socket at `host` is told addresses: one of IPv6 reaches IPv4 under a mapped address (RFC 4291 §2.5.5.2). */
function addressesFrom(host: string): (address: string) => string {
  if (!isIPv6(host)) return (address) => address
  return (address) => (address.includes(':') ? address : `::ffff:${address}`)
}
