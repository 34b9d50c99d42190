import { type Port, portNumber, type SipMessage } from '#contract'
import { readIp } from '#routing'

/*
 * SIP messages as a file of libpcap, which Wireshark, tshark, tcpdump and sngrep read: one packet for each, in order. Around
 * the message there are headers of IP and of what it travelled in, made from what is known: over UDP as it was; over TCP each
 * in a segment of its own, numbered on; what was said over TLS as UDP, since there it can be read.
 */

/* The file's header, little-endian: version 2.4, packets whole, each beginning with IP (LINKTYPE_RAW). */
const magic = 0xa1b2c3d4
const wholePackets = 262_144
const linktypeRaw = 101

const udp = 17
const tcp = 6
const [udpHeader, tcpHeader, v4Header, v6Header] = [8, 20, 20, 40]
const pushed = 0x18 // PSH and ACK
/** As much of a message as an IPv4 packet takes; longer ones are cut, as their packet says. */
const longest = 65_535 - v4Header - tcpHeader

/** `startedAt`: UTC ms, from which the messages' `ms` count. */
export function pcapOf(messages: readonly SipMessage[], startedAt: number): Uint8Array {
  const written = new Map<string, number>()
  const packets = messages.map((message) => packetRecord(message, startedAt, written))
  return joined([fileHeader(), ...packets])
}

function fileHeader(): Uint8Array {
  const header = new DataView(new ArrayBuffer(24))
  header.setUint32(0, magic, true)
  header.setUint16(4, 2, true)
  header.setUint16(6, 4, true)
  header.setUint32(16, wholePackets, true)
  header.setUint32(20, linktypeRaw, true)
  return bytesOf(header)
}

/** `written`: octets of each direction of a connection so far, by its ends. */
function packetRecord(message: SipMessage, startedAt: number, written: Map<string, number>): Uint8Array {
  const text = new TextEncoder().encode(message.text)
  const packet = ipPacket(message, text.subarray(0, longest), written)
  const record = new DataView(new ArrayBuffer(16))
  const us = Math.max(0, Math.round((startedAt + message.ms) * 1000))
  record.setUint32(0, Math.floor(us / 1e6), true)
  record.setUint32(4, us % 1e6, true)
  record.setUint32(8, packet.length, true)
  record.setUint32(12, packet.length + Math.max(0, text.length - longest), true)
  return joined([bytesOf(record), packet])
}

function ipPacket(message: SipMessage, text: Uint8Array, written: Map<string, number>): Uint8Array {
  const { direction, address, local_address, transport } = message
  const [from, to] = direction === 'in' ? [address, local_address] : [local_address, address]
  const [source, destination] = [placeOf(from), placeOf(to)]
  const protocol = transport === 'tcp' ? tcp : udp
  const sums = { source, destination, protocol }
  const payload = protocol === udp ? datagram(sums, text) : segment(sums, text, written)
  const wide = source.ip.length === 16 || destination.ip.length === 16
  const header = wide ? v6(sums, payload.length) : v4(sums, payload.length)
  return joined([header, payload])
}

interface PacketPath {
  readonly source: PacketEnd
  readonly destination: PacketEnd
  readonly protocol: number
}

interface PacketEnd {
  readonly ip: Uint8Array
  readonly port: Port
}

function datagram(ends: PacketPath, text: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(udpHeader))
  header.setUint16(0, ends.source.port)
  header.setUint16(2, ends.destination.port)
  header.setUint16(4, udpHeader + text.length)
  const whole = joined([bytesOf(header), text])
  // RFC 768: a sum of 0 would say that there is none.
  new DataView(whole.buffer).setUint16(6, checksum([pseudo(ends, whole.length), whole]) || 0xffff)
  return whole
}

function segment(ends: PacketPath, text: Uint8Array, written: Map<string, number>): Uint8Array {
  const [here, there] = [keyOf(ends.source, ends.destination), keyOf(ends.destination, ends.source)]
  const sent = written.get(here) ?? 1
  const header = new DataView(new ArrayBuffer(tcpHeader))
  header.setUint16(0, ends.source.port)
  header.setUint16(2, ends.destination.port)
  header.setUint32(4, sent)
  header.setUint32(8, written.get(there) ?? 1)
  header.setUint8(12, (tcpHeader / 4) << 4)
  header.setUint8(13, pushed)
  header.setUint16(14, 0xffff)
  written.set(here, (sent + text.length) >>> 0)
  const whole = joined([bytesOf(header), text])
  new DataView(whole.buffer).setUint16(16, checksum([pseudo(ends, whole.length), whole]))
  return whole
}

function v4({ source, destination, protocol }: PacketPath, length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(v4Header))
  header.setUint8(0, 0x45)
  header.setUint16(2, v4Header + length)
  header.setUint8(8, 64)
  header.setUint8(9, protocol)
  const whole = bytesOf(header)
  whole.set(source.ip, 12)
  whole.set(destination.ip, 16)
  header.setUint16(10, checksum([whole]))
  return whole
}

function v6({ source, destination, protocol }: PacketPath, length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(v6Header))
  header.setUint8(0, 0x60)
  header.setUint16(4, length)
  header.setUint8(6, protocol)
  header.setUint8(7, 64)
  const whole = bytesOf(header)
  whole.set(mapped(source.ip), 8)
  whole.set(mapped(destination.ip), 24)
  return whole
}

/** What the checksums of UDP and TCP count beside themselves; IPv4 and IPv6 come to the same sum (RFC 8200 §8.1). */
function pseudo({ source, destination, protocol }: PacketPath, length: number): Uint8Array {
  const wide = source.ip.length === 16 || destination.ip.length === 16
  const ips = wide ? [mapped(source.ip), mapped(destination.ip)] : [source.ip, destination.ip]
  return joined([...ips, Uint8Array.of(0, protocol, length >> 8, length & 0xff)])
}

/** RFC 1071. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts)
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

function placeOf(hostPort: string): PacketEnd {
  const [, v6Address, v4Address = '', port = '0'] = /^(?:\[(.+)\]|([^:]*)):(\d+)$/.exec(hostPort) ?? []
  const ip = readIp(v6Address ?? v4Address)
  return { ip: Uint8Array.from(ip ?? [0, 0, 0, 0]), port: portNumber(Number(port) & 0xffff) }
}

/** IPv4 in IPv6 (RFC 4291 §2.5.5.2). */
function mapped(ip: Uint8Array): Uint8Array {
  return ip.length === 16 ? ip : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ip)
}

function keyOf({ ip, port }: PacketEnd, other: PacketEnd): string {
  return `${ip.join('.')} ${port} ${other.ip.join('.')} ${other.port}`
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
