import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { SrtpReceiver } from '../../relay/media/srtp-receiver.ts'
import type { SrtpSender } from '../../relay/media/srtp-sender.ts'
import { straight, type Way } from './lossy-way.ts'
import type { HostAndPort } from './sip-socket.ts'

/**
 * A party's ear and mouth: G.711 packets every 20 ms whose payload is one letter, their mark, so that the other
 * end can tell whose voice it hears.
 */
export class Sound {
  readonly place: HostAndPort
  sent = 0
  /** Asked of every packet, by its number, whether it is lost on its way; none is by default. */
  loses: (packet: number) => boolean = () => false
  /** How its packets go up to the relay, and come down from it. */
  ways: { up: Way; down: Way } = { up: straight, down: straight }
  /** Packets after which it says no more. */
  atMost = Number.POSITIVE_INFINITY
  /** Where it speaks to, or spoke to last. */
  ear: HostAndPort | undefined
  /** Packets heard, by the mark they carried. */
  readonly heard = new Map<string, number>()
  readonly #socket: Socket
  #lock: { readonly sends: SrtpSender; readonly hears: SrtpReceiver } | undefined
  #open = true
  #beat: NodeJS.Timeout | undefined
  #sequence = 1000
  #timestamp = 0
  readonly ssrc = Math.floor(Math.random() * 0xffffffff)

  private constructor(socket: Socket, address: string) {
    this.#socket = socket
    this.place = { address, port: socket.address().port }
    socket.on('message', (packet) => this.ways.down(packet, (bytes) => this.#hear(bytes)))
    socket.on('error', () => undefined)
  }

  /** Opens an even port on `address` (RFC 3550 §11). */
  static async open(address: string): Promise<Sound> {
    for (;;) {
      const socket = createSocket('udp4')
      socket.bind(0, address)
      await once(socket, 'listening')
      if (socket.address().port % 2 === 0) return new Sound(socket, address)
      socket.close()
    }
  }

  /** Speaks `mark` to `to` until stopped; speaking again changes the ear it goes to. */
  speak(mark: string, to: HostAndPort): void {
    this.hush()
    this.ear = to
    const started = performance.now()
    let due = 0
    this.#beat = setInterval(() => {
      for (; due * 20 <= performance.now() - started && this.sent < this.atMost; due++) this.#say(mark, to)
    }, 10)
  }

  /** From now on what it says is SRTP, and it hears nothing else. */
  encrypt(sends: SrtpSender, hears: SrtpReceiver): void {
    this.#lock = { sends, hears }
  }

  hush(): void {
    clearInterval(this.#beat)
    this.#beat = undefined
  }

  /** Packets heard which carried `mark`. */
  heardOf(mark: string): number {
    return this.heard.get(mark) ?? 0
  }

  close(): void {
    this.hush()
    if (this.#open) this.#socket.close()
    this.#open = false
  }

  #say(mark: string, to: HostAndPort): void {
    const packet = Buffer.alloc(172, mark)
    packet.writeUInt16BE(0x8000, 0)
    packet.writeUInt16BE(this.#sequence++ & 0xffff, 2)
    packet.writeUInt32BE(this.#timestamp, 4)
    packet.writeUInt32BE(this.ssrc, 8)
    this.#timestamp = (this.#timestamp + 160) >>> 0
    if (!this.loses(this.sent)) this.ways.up(this.#protected(packet), (bytes) => this.#send(bytes, to))
    this.sent++
  }

  #send(packet: Buffer, to: HostAndPort): void {
    if (this.#open) this.#socket.send(packet, to.port, to.address)
  }

  #protected(packet: Buffer): Buffer {
    if (this.#lock === undefined) return packet
    const room = Buffer.concat([packet, Buffer.alloc(32)])
    return room.subarray(0, this.#lock.sends.protect(room, packet.length, false))
  }

  #hear(packet: Buffer): void {
    if (packet.length < 13) return
    if (this.#lock !== undefined && this.#lock.hears.unprotect(packet, packet.length, false) < 0) return
    const mark = String.fromCharCode(packet[12] ?? 0)
    this.heard.set(mark, (this.heard.get(mark) ?? 0) + 1)
  }
}

/** An offer or answer for G.711 at `place`. */
export function sdp(place: HostAndPort, direction: Direction = 'sendrecv', version = 1): string {
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 ${place.address}`,
    's=-',
    `c=IN IP4 ${place.address}`,
    't=0 0',
    `m=audio ${place.port} RTP/AVP 0 8 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n')
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** Where an SDP body asks for its sound. */
export function soundPlace(body: string): HostAndPort | undefined {
  const address = /^c=IN IP4 ([\d.]+)/m.exec(body)?.[1]
  const port = /^m=audio (\d+)/m.exec(body)?.[1]
  return address && port ? { address, port: Number(port) } : undefined
}

/** The direction a body names, `sendrecv` when it names none (RFC 3264 §5). */
export function directionOf(body: string): Direction {
  return (/^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(body)?.[1] ?? 'sendrecv') as Direction
}
