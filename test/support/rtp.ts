import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { ReceptionReport } from '../../relay/media/rtcp.ts'

/** A party which speaks and hears RTP over a real socket. */
export interface RtpParty {
  readonly address: string
  readonly port: number
  /** Everything which came, oldest first. */
  readonly heard: { readonly packet: Buffer; readonly address: string; readonly port: number }[]
  /** Sends `count` packets, numbered on from the last. */
  say(port: number, address: string, count?: number): void
  send(bytes: Uint8Array, port: number, address: string): void
  /** Resolves when `count` packets have come in all; rejects when they do not within a few seconds. */
  hears(count: number): Promise<void>
  close(): void
}

export async function rtpParty(address: string, ssrc: number, port = 0): Promise<RtpParty> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const heard: RtpParty['heard'] = []
  socket.on('message', (packet, from) => heard.push({ packet, address: from.address, port: from.port }))
  socket.bind(port, address)
  await once(socket, 'listening')
  let sequence = 0
  return {
    address,
    port: socket.address().port,
    heard,
    say(to, host, count = 1) {
      for (let i = 0; i < count; i++) socket.send(rtpPacket({ sequence: sequence++, ssrc }), to, host)
    },
    send: (bytes, to, host) => socket.send(bytes, to, host),
    hears: (count) => hears(socket, heard, count),
    close: () => socket.close(),
  }
}

/** A G.711 packet of 20 ms unless said otherwise. */
export function rtpPacket(of: {
  sequence: number
  ssrc: number
  rtpTime?: number
  type?: number
  size?: number
}): Buffer {
  const packet = Buffer.alloc(12 + (of.size ?? 160), 0xd5)
  packet[0] = 0x80
  packet[1] = of.type ?? 0
  packet.writeUInt16BE(of.sequence & 0xffff, 2)
  packet.writeUInt32BE((of.rtpTime ?? of.sequence * 160) >>> 0, 4)
  packet.writeUInt32BE(of.ssrc >>> 0, 8)
  return packet
}

/** A receiver report without blocks (RFC 3550 §6.4.2). */
export function rtcpPacket(ssrc: number): Buffer {
  const packet = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 0])
  packet.writeUInt32BE(ssrc >>> 0, 4)
  return packet
}

/** A sender's report whose NTP time has these middle 32 bits, without blocks (RFC 3550 §6.4.1). */
export function senderReport(ssrc: number, ntp: number): Buffer {
  const packet = Buffer.alloc(28)
  packet.set([0x80, 200, 0, 6])
  packet.writeUInt32BE(ssrc >>> 0, 4)
  packet.writeUInt32BE(ntp >>> 0, 10)
  return packet
}

/** A receiver's report with one block (§6.4.2). */
export function receiverReport(
  ssrc: number,
  block: Pick<ReceptionReport, 'ssrc' | 'lost' | 'jitter' | 'lastReport' | 'delay'> &
    Partial<ReceptionReport>,
): Buffer {
  const packet = Buffer.alloc(32)
  packet.set([0x81, 201, 0, 7])
  packet.writeUInt32BE(ssrc >>> 0, 4)
  packet.writeUInt32BE(block.ssrc >>> 0, 8)
  packet.writeUInt32BE(block.lost & 0xffffff, 12)
  packet.writeUInt8(block.fraction ?? 0, 12)
  packet.writeUInt32BE(block.highest ?? 0, 16)
  packet.writeUInt32BE(block.jitter, 20)
  packet.writeUInt32BE(block.lastReport, 24)
  packet.writeUInt32BE(block.delay, 28)
  return packet
}

async function hears(socket: Socket, heard: readonly unknown[], count: number): Promise<void> {
  const signal = AbortSignal.timeout(5_000)
  while (heard.length < count) await once(socket, 'message', { signal })
}
