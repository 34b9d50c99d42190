import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { portNumber } from '#contract'
import { hostPort } from '../ground/flow.ts'

/*
 * Asks the relay on this machine whether it still answers SIP, by an OPTIONS over UDP (RFC 3261 §11), and
 * ends with 0 if it does: a container's health check.
 */

const patienceMs = 2_000
const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

const { SIP_HOST = '127.0.0.1', SIP_PORT = '5060' } = process.env
const port = portNumber(Number(SIP_PORT))
const host = everywhere[SIP_HOST] ?? SIP_HOST
const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')

setTimeout(() => process.exit(1), patienceMs)
socket.on('message', () => process.exit(0))
socket.on('error', () => process.exit(1))
socket.connect(port, host, () => socket.send(options()))

function options(): string {
  const here = socket.address()
  const ours = hostPort(here.address, portNumber(here.port))
  const [tag, branch] = [randomBytes(6).toString('hex'), randomBytes(8).toString('hex')]
  return [
    `OPTIONS sip:${hostPort(host, port)} SIP/2.0`,
    `Via: SIP/2.0/UDP ${ours};branch=z9hG4bK${branch};rport`,
    'Max-Forwards: 0',
    `From: <sip:alive@${ours}>;tag=${tag}`,
    `To: <sip:${hostPort(host, port)}>`,
    `Call-ID: ${tag}${branch}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}
