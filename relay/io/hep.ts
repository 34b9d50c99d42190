import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { FlowTransport } from '#contract'
import { readIp } from '#routing'
import type { HepServer } from '../config.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import type { Log } from './log.ts'
import { type SecretHeaders, shownMessage } from './shown-message.ts'
import type { MessageTap } from './wires.ts'

interface HepOptions {
  readonly server: HepServer
  /** UTC ms. */
  utc(): number
  /** Our own end, where messages of that transport are taken. */
  place(transport: FlowTransport): Pick<Flow, 'address' | 'port'>
  readonly secretHeaders: SecretHeaders
  readonly log: Log
}

/* Chunks of HEP version 3 (HEP3 Network Protocol Specification, rev 36), of the vendor 0x0000: their types. */
const family = 0x01
const ipProtocol = 0x02
const addresses = { 4: [0x03, 0x04], 16: [0x05, 0x06] } as const
const ports = [0x07, 0x08] as const
const seconds = 0x09
const microseconds = 0x0a
const payloadKind = 0x0b
const agent = 0x0c
const password = 0x0e
const payload = 0x0f
const correlation = 0x11

const sip = 1
const [ipv4, ipv6] = [2, 10]
const [udp, tcp] = [17, 6]
/** Octets of a datagram over IPv4 (RFC 768, RFC 791 §3.1). */
const datagram = 65_507
/** Octets of a Call-ID, which may be any length: enough to find a call by. */
const callIdAtMost = 256
/** A chunk's vendor, type and length; as long as the packet's own head. */
const chunkHead = 6
const complainMs = 60_000

/**
 * Sends every SIP message, its secrets masked, to a server which speaks HEP version 3 (Homer, heplify-server), as a datagram
 * each: lost is what does not arrive, and no call waits for it.
 */
export function openHep({ server, utc, place, secretHeaders, log }: HepOptions): {
  readonly tap: MessageTap
  stop(): void
} {
  const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4').unref()
  let complainedAt = Number.NEGATIVE_INFINITY
  const failed = (error: Error | null) => {
    if (!error || utc() < complainedAt + complainMs) return
    complainedAt = utc()
    log('warn', 'hep.unsent', { to: hostPort(server.host, server.port), why: error.message })
  }
  socket.on('error', failed)
  return {
    tap(direction, flow, bytes) {
      const [from, to] = direction === 'in' ? [flow, place(flow.transport)] : [place(flow.transport), flow]
      const text = shownMessage(direction, bytes, secretHeaders)
      const packet = hepPacket({ from, to, transport: flow.transport, at: utc(), text }, server)
      socket.send(packet, server.port, server.host, failed)
    },
    stop: () => void socket.close(),
  }
}

interface HepMessage {
  readonly from: Pick<Flow, 'address' | 'port'>
  readonly to: Pick<Flow, 'address' | 'port'>
  readonly transport: FlowTransport
  readonly at: number
  readonly text: string
}

function hepPacket({ from, to, transport, at, text }: HepMessage, { id, key }: HepServer): Buffer {
  const [source, destination] = sameFamily(from.address, to.address)
  const wide = source.length === 16
  const [sourceType, destinationType] = addresses[wide ? 16 : 4]
  const callId = /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1] ?? ''
  const us = Math.round((at % 1000) * 1000)
  const chunks = [
    chunk(family, [wide ? ipv6 : ipv4]),
    chunk(ipProtocol, [transport === 'udp' ? udp : tcp]),
    chunk(sourceType, source),
    chunk(destinationType, destination),
    // A Contact's port is a stranger's word, and may be none.
    chunk(ports[0], uint(2, from.port & 0xffff)),
    chunk(ports[1], uint(2, to.port & 0xffff)),
    chunk(seconds, uint(4, Math.floor(at / 1000))),
    chunk(microseconds, uint(4, Math.min(us, 999_999))),
    chunk(payloadKind, [sip]),
    chunk(agent, uint(4, id)),
    ...(key === undefined ? [] : [chunk(password, Buffer.from(key))]),
    chunk(correlation, Buffer.from(callId).subarray(0, callIdAtMost)),
  ]
  const room = datagram - packetLength(chunks) - chunkHead
  const all = [...chunks, chunk(payload, Buffer.from(text).subarray(0, room))]
  return Buffer.concat([Buffer.from('HEP3'), uint(2, packetLength(all)), ...all])
}

function packetLength(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, chunkHead)
}

function chunk(type: number, content: readonly number[] | Buffer): Buffer {
  return Buffer.concat([uint(2, 0), uint(2, type), uint(2, chunkHead + content.length), Buffer.from(content)])
}

function uint(octets: number, value: number): Buffer {
  const buffer = Buffer.alloc(octets)
  buffer.writeUIntBE(value, 0, octets)
  return buffer
}

/** Both as IPv4, or as IPv6 where one is (RFC 4291 §2.5.5.2). */
function sameFamily(one: string, other: string): [number[], number[]] {
  const [a, b] = [readIp(one) ?? [0, 0, 0, 0], readIp(other) ?? [0, 0, 0, 0]]
  const mapped = (ip: number[]) => (ip.length === 16 ? ip : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ip])
  return a.length === b.length ? [a, b] : [mapped(a), mapped(b)]
}
