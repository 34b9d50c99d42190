import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Gate } from '../media/gate.ts'
import { Place, readPlace } from '../media/place.ts'
import type { Engine, Work } from './media-engine.ts'

/** A gate's socket, and the text of the two places it last had to do with: reading and writing them costs. */
interface Line {
  readonly socket: Socket
  source: string
  readonly from: Place
  destination: string
  readonly to: Place
}

/** Node's own sockets: works wherever Node does. */
export function dgramEngine(host: string, work: Work): Engine {
  const lines = new Map<Gate, Line>()
  const type = host.includes(':') ? 'udp6' : 'udp4'

  function bind(gate: Gate, done: (why?: string) => void): void {
    const socket = createSocket({ type, ipv6Only: false, lookup: literally })
    const line = { socket, source: '', from: new Place(), destination: '', to: new Place() }
    lines.set(gate, line)
    socket.on('error', (error) => {
      if (!isBound(socket)) done(error.message)
    })
    socket.on('message', (packet, info) => receive(gate, line, packet, info))
    socket.bind({ port: gate.port, address: host, exclusive: true }, () => done())
  }

  function receive(gate: Gate, line: Line, packet: Buffer, info: RemoteInfo): void {
    const out = work.arrive(performance.now(), gate, sourceOf(line, info), packet, packet.length)
    if (out !== undefined) send(out, packet)
    work.done()
  }

  function send(out: Gate, packet: Buffer): void {
    const line = lines.get(out)
    const place = out.latch.destination
    if (line === undefined || place === undefined) return
    line.socket.send(packet, place.port, destinationOf(line, place, type === 'udp6'), noMatter)
  }

  function release(gate: Gate): void {
    lines.get(gate)?.socket.close()
    lines.delete(gate)
  }

  function stop(): void {
    for (const gate of [...lines.keys()]) release(gate)
  }

  return { wake: undefined, bind, loosen() {}, release, stop }
}

function sourceOf(line: Line, info: RemoteInfo): Place {
  if (info.address !== line.source) {
    const read = readPlace(info.address.split('%')[0] ?? '')
    line.from.copy(read ?? new Place())
    line.source = info.address
  }
  line.from.port = info.port
  return line.from
}

function destinationOf(line: Line, place: Place, isIPv6: boolean): string {
  if (line.destination === '' || !line.to.same(place)) {
    line.to.copy(place)
    line.destination = isIPv6 && place.isIPv4 ? `::ffff:${place.address}` : place.address
  }
  return line.destination
}

function isBound(socket: Socket): boolean {
  try {
    return socket.address().port !== 0
  } catch {
    return false
  }
}

/** All our addresses are literal; Node would otherwise spend a turn per packet on finding that out. */
function literally(
  address: string,
  _: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address, address.includes(':') ? 6 : 4)
}

/** A packet which could not be sent is a packet lost: RTP's own matter. */
function noMatter(): void {}
