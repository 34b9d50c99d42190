import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { WebSocket } from 'ws'
import type { Certificate } from './certificate.ts'
import type { Losses } from './losses.ts'
import { readSipText, type SipText, writeSipText } from './sip-text.ts'

export interface HostAndPort {
  address: string
  port: number
}

export type Transport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS'

/** One message as a party saw it: what it sent, or what came to it. */
export interface TracedMessage {
  /** Milliseconds of `performance.now()`. */
  at: number
  party: string
  way: 'sent' | 'came'
  message: SipText
}

/** A scripted party's socket. Everything that passes is written into `trace`. */
export interface SipSocket {
  readonly transport: Transport
  readonly place: HostAndPort
  /** Connections it took so far, where it takes any. */
  readonly taken?: number
  /** Of a WebSocket: once it is closed, by whomever. */
  readonly gone?: Promise<void>
  send(message: SipText, to: HostAndPort): void
  close(): void
}

export interface SipSocketOptions {
  party: string
  trace: TracedMessage[]
  receive: (message: SipText, from: HostAndPort) => void
}

/** A UDP socket on `address`; port 0 takes any. */
export async function udpSocket(
  address: string,
  port: number,
  options: SipSocketOptions,
): Promise<SipSocket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  let open = true
  socket.on('message', (bytes, { address, port }) => {
    const text = bytes.toString('utf8')
    if (text.trim() === '') return
    came(options, readSipText(text), { address, port })
  })
  socket.on('error', () => undefined)
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    transport: 'UDP',
    place: { address, port: socket.address().port },
    send(message, to) {
      if (!open) return
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', message })
      socket.send(writeSipText(message), to.port, to.address)
    },
    close() {
      if (open) socket.close()
      open = false
    },
  }
}

/** The same line, on which some of what is sent is lost. */
export function lossy(line: SipSocket, losses: Losses): SipSocket {
  return {
    ...line,
    send(message, to) {
      if (!losses.loses(message)) line.send(message, to)
    },
  }
}

/** One connection from `address` to the relay, by TCP or TLS; whatever the destination, it is used. */
export async function phoneSocket(
  transport: 'TCP' | 'TLS',
  address: string,
  relay: HostAndPort,
  options: SipSocketOptions,
): Promise<SipSocket> {
  const socket = await dialled(transport, address, relay)
  hear(socket, relay, options)
  return {
    transport,
    place: { address, port: socket.localPort ?? 0 },
    send(message) {
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', message })
      socket.write(writeSipText(message))
    },
    close: () => void socket.destroy(),
  }
}

/**
 * One WebSocket to the relay, as a browser's page has it: it knows no address of its own (RFC 7118 §5.1), so `place` is a
 * name.
 */
export async function webSocket(
  transport: 'WS' | 'WSS',
  address: string,
  relay: HostAndPort,
  options: SipSocketOptions,
): Promise<SipSocket> {
  const url = `${transport.toLowerCase()}://${relay.address}:${relay.port}/`
  const socket = new WebSocket(url, ['sip'], { localAddress: address, rejectUnauthorized: false })
  socket.on('message', (data) => {
    if (String(data).trim() !== '') came(options, readSipText(String(data)), relay)
  })
  await once(socket, 'open')
  socket.on('error', () => undefined)
  return {
    transport,
    place: { address: `${randomBytes(6).toString('hex')}.invalid`, port: 5060 },
    send(message) {
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', message })
      socket.send(writeSipText(message))
    },
    close: () => socket.terminate(),
    gone: new Promise((gone) => socket.once('close', () => gone())),
  }
}

/**
 * A port on `address` where connections are taken, TLS with `certificate`. What is sent goes over the
 * newest connection with that host, whoever began it; only where there is none is one made.
 */
export async function carrierSocket(
  transport: 'TCP' | 'TLS',
  address: string,
  port: number,
  options: SipSocketOptions,
  certificate: Certificate,
): Promise<SipSocket> {
  const server = transport === 'TLS' ? createTlsServer({ ...certificate }) : createServer()
  const sockets = new Set<Socket>()
  const newestByHost = new Map<string, Socket>()
  let taken = 0
  const join = (socket: Socket, from: HostAndPort) => {
    sockets.add(socket)
    newestByHost.set(from.address, socket)
    hear(socket, from, options)
    socket.once('close', () => {
      sockets.delete(socket)
      if (newestByHost.get(from.address) === socket) newestByHost.delete(from.address)
    })
  }
  server.on(transport === 'TLS' ? 'secureConnection' : 'connection', (socket: Socket) => {
    taken++
    join(socket, { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    transport,
    place: { address, port: (server.address() as AddressInfo).port },
    get taken() {
      return taken
    },
    send(message, to) {
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', message })
      const known = newestByHost.get(to.address)
      if (known !== undefined) known.write(writeSipText(message))
      else {
        const made = dial(transport, address, to)
        join(made, to)
        made.write(writeSipText(message))
      }
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

async function dialled(transport: 'TCP' | 'TLS', address: string, to: HostAndPort): Promise<Socket> {
  const socket = dial(transport, address, to)
  await once(socket, transport === 'TLS' ? 'secureConnect' : 'connect')
  return socket
}

/** A scripted party believes whoever answers. */
function dial(transport: 'TCP' | 'TLS', address: string, to: HostAndPort): Socket {
  const place = { host: to.address, port: to.port, localAddress: address }
  return transport === 'TLS' ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place)
}

function hear(socket: Socket, from: HostAndPort, options: SipSocketOptions): void {
  socket.on('error', () => undefined)
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes])
    for (;;) {
      const cut = takeMessage(waiting)
      if (cut === undefined) return
      waiting = cut.rest
      if (cut.text !== '') came(options, readSipText(cut.text), from)
    }
  })
}

function came({ party, trace, receive }: SipSocketOptions, message: SipText, from: HostAndPort): void {
  trace.push({ at: performance.now(), party, way: 'came', message })
  receive(message, from)
}

/** Cuts one message off a stream (RFC 3261 §18.3); a keep-alive comes out as ''. */
function takeMessage(bytes: Buffer): { text: string; rest: Buffer } | undefined {
  if (bytes[0] === 13 && bytes[1] === 10) return { text: '', rest: bytes.subarray(2) }
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const length = Number(
    /^(?:content-length|l)\s*:\s*(\d+)/im.exec(bytes.toString('latin1', 0, end))?.[1] ?? 0,
  )
  if (bytes.length < end + 4 + length) return undefined
  return { text: bytes.toString('utf8', 0, end + 4 + length), rest: bytes.subarray(end + 4 + length) }
}
