import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { portNumber } from '#units'
import { readSocketAddress, SocketAddress } from '../ground/socket-address.ts'
import type { RtpPort } from '../media/media-leg.ts'
import { PLAYED_PACKET } from '../media/player.ts'
import { pureCipher } from '../media/srtp-pure.ts'
import { ROOM } from '../media/stages.ts'
import { monotonicNow } from './clock.ts'
import type { MediaEngine, MediaWork } from './media-engine.ts'

/** A port's socket, and the text of the two places it last had to do with: reading and writing them costs. */
interface DgramPort {
  readonly socket: Socket
  source: string
  readonly from: SocketAddress
  destination: string
  readonly to: SocketAddress
}

/** Node's own sockets: works wherever Node does. */
export function dgramEngine(host: string, work: MediaWork): MediaEngine {
  const lines = new Map<RtpPort, DgramPort>()
  const type = host.includes(':') ? 'udp6' : 'udp4'

  function bind(rtpPort: RtpPort, done: (why?: string) => void): void {
    const socket = createSocket({ type, ipv6Only: false, lookup: literally })
    const line = { socket, source: '', from: new SocketAddress(), destination: '', to: new SocketAddress() }
    lines.set(rtpPort, line)
    socket.on('error', (error) => {
      if (!isBound(socket)) done(error.message)
    })
    socket.on('message', (packet, info) => receive(rtpPort, line, packet, info))
    socket.bind({ port: rtpPort.port, address: host, exclusive: true }, () => done())
  }

  function receive(rtpPort: RtpPort, line: DgramPort, packet: Buffer, info: RemoteInfo): void {
    const at = rtpPort.leg.isStaged ? withRoom(packet) : packet
    const out = work.arrive(monotonicNow(), rtpPort, sourceOf(line, info), at, packet.length)
    if (out !== undefined) dispatch(out, at.length === out.leaving ? at : at.subarray(0, out.leaving))
    work.done()
  }

  function send(out: RtpPort, packet: Uint8Array, length: number): void {
    dispatch(out, Buffer.from(packet.subarray(0, length)))
  }

  function reply(out: RtpPort, to: SocketAddress, packet: Uint8Array, length: number): void {
    dispatch(out, Buffer.from(packet.subarray(0, length)), to)
  }

  function dispatch(out: RtpPort, packet: Buffer, place = out.latch.destination): void {
    const line = lines.get(out)
    if (line === undefined || place === undefined) return
    line.socket.send(packet, place.port, destinationOf(line, place, type === 'udp6'), noMatter)
  }

  let beating: NodeJS.Timeout | undefined
  function beatIn(ms: number): void {
    clearTimeout(beating)
    beating = setTimeout(beat, ms)
  }

  function beat(): void {
    work.beat()
    work.done()
  }

  function release(rtpPort: RtpPort): void {
    lines.get(rtpPort)?.socket.close()
    lines.delete(rtpPort)
  }

  function stop(): void {
    clearTimeout(beating)
    for (const rtpPort of [...lines.keys()]) release(rtpPort)
  }

  return {
    cipher: pureCipher,
    cipherName: 'typescript',
    wake: undefined,
    bind,
    packet: new Uint8Array(PLAYED_PACKET),
    beatIn,
    loosen() {},
    release,
    send,
    reply,
    stop,
  }
}

/** A packet with as much room behind it as stages may need; it is sent some time, so that no other may share it. */
function withRoom(packet: Buffer): Buffer {
  const roomy = Buffer.allocUnsafe(packet.length + ROOM)
  packet.copy(roomy)
  return roomy
}

function sourceOf(line: DgramPort, info: RemoteInfo): SocketAddress {
  if (info.address !== line.source) {
    const read = readSocketAddress(info.address.split('%')[0] ?? '')
    line.from.copy(read ?? new SocketAddress())
    line.source = info.address
  }
  line.from.port = portNumber(info.port)
  return line.from
}

function destinationOf(line: DgramPort, place: SocketAddress, isIPv6: boolean): string {
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
