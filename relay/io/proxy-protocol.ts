import type { Socket } from 'node:net'
import { type Port, portNumber } from '#contract'
import { readIp, spelled } from '#routing'

/** For whom a proxy connects. `own`: for itself, to see whether we live (`LOCAL`, `UNKNOWN`). */
export type ProxiedPeer = { readonly address: string; readonly port: Port } | 'own'

/** What the first octets of a proxy's connection say (the PROXY protocol, versions 1 and 2, of HAProxy). */
export type ProxyHeader =
  | { readonly kind: 'peer'; readonly peer: ProxiedPeer; readonly octets: number }
  /** It is not whole yet. */
  | { readonly kind: 'more' }
  | { readonly kind: 'none' }

/* Implementation */
/** Octets of a header of version 1, and of what we take of version 2 with all that it may add. */
const textAtMost = 107
const addedAtMost = 2048

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/** Reads the header with which a proxy's connection begins. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const alike = Math.min(bytes.length, signature.length)
  if (bytes.subarray(0, alike).equals(signature.subarray(0, alike)))
    return bytes.length < 16 ? { kind: 'more' } : readBinary(bytes)
  const begun = bytes.toString('latin1', 0, textAtMost)
  const [line, length] = [begun.split('\r\n')[0] ?? '', begun.indexOf('\r\n') + 2]
  if (!begun.startsWith('PROXY '.slice(0, begun.length))) return { kind: 'none' }
  if (length === 1) return bytes.length < textAtMost ? { kind: 'more' } : { kind: 'none' }
  const [, family, address = '', , port = ''] = line.split(' ')
  if (family === 'UNKNOWN') return { kind: 'peer', peer: 'own', octets: length }
  const peer = family === 'TCP4' || family === 'TCP6' ? peerOf(address, port) : undefined
  return peer ? { kind: 'peer', peer, octets: length } : { kind: 'none' }
}

function readBinary(bytes: Buffer): ProxyHeader {
  const [command = 0, family = 0] = bytes.subarray(12, 14)
  const octets = 16 + bytes.readUInt16BE(14)
  if (command >> 4 !== 2 || octets > addedAtMost) return { kind: 'none' }
  if (bytes.length < octets) return { kind: 'more' }
  // Of LOCAL, and of a family which is none of ours, the receiver goes by the connection itself.
  const wide = family >> 4 === 2
  const length = wide ? 16 : 4
  const isPeer = (command & 15) === 1 && (wide || family >> 4 === 1)
  if (!isPeer) return { kind: 'peer', peer: 'own', octets }
  if (octets < 16 + 2 * length + 4) return { kind: 'none' }
  const address = bytes.subarray(16, 16 + length)
  const port = bytes.readUInt16BE(16 + 2 * length)
  const words = wide ? address.toString('hex').match(/.{4}/g) : undefined
  const peer = peerOf(words ? words.join(':') : address.join('.'), String(port))
  return peer ? { kind: 'peer', peer, octets } : { kind: 'none' }
}

/**
 * Hears for whom a proxy has connected, and hands the socket on with what follows its header still to be read. One which
 * does not say so in time, or in no such words, is shut.
 */
export function hearProxy(
  socket: Socket,
  withinMs: number,
  heard: (peer: ProxiedPeer) => void,
  mute: (why: string) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const fail = (why: string) => {
    stop()
    mute(why)
    socket.destroy()
  }
  const limit = setTimeout(() => fail('it does not say for whom it connects'), withinMs)
  const gone = () => stop()
  const read = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    const header = readProxyHeader(bytes)
    if (header.kind === 'more') return
    if (header.kind === 'none') return fail('it does not begin with a header of the PROXY protocol')
    stop()
    socket.pause()
    if (bytes.length > header.octets) socket.unshift(bytes.subarray(header.octets))
    heard(header.peer)
  }
  const stop = () => {
    clearTimeout(limit)
    socket.removeListener('data', read)
    socket.removeListener('close', gone)
  }
  socket.on('error', () => undefined)
  socket.once('close', gone)
  socket.on('data', read)
}

function peerOf(address: string, port: string): ProxiedPeer | undefined {
  const isPort = /^\d{1,5}$/.test(port) && Number(port) < 65_536
  if (readIp(address) === undefined || !isPort) return undefined
  return { address: spelled(address), port: portNumber(Number(port)) }
}
