import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { soon } from './wait.ts'

const [dumpcap, mergecap, tshark] = ['/usr/bin/dumpcap', '/usr/bin/mergecap', '/usr/bin/tshark'] as const
const run = promisify(execFile)

/** Whether packets can be captured and read here: few but root may. */
export const hasTshark =
  [mergecap, tshark].every((tool) => existsSync(tool)) && spawnSync(dumpcap, ['-i', 'lo', '-L']).status === 0

/** RFC 863: nobody answers there, and nobody speaks SIP. */
const discard = 9

/** Captures what passes on the loopback interface, until `stop`: packets which a filter of libpcap takes, into `file`. */
export async function captureLoopback(file: string, filter: string): Promise<{ stop(): Promise<void> }> {
  const args = ['-q', '-P', '-i', 'lo', '-f', `(${filter}) or udp port ${discard}`, '-w', file]
  const child = spawn(dumpcap, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const over = once(child, 'exit')
  let said = ''
  // Read to its end: one which finds nobody to speak to ends in the middle of a sentence, and captures nothing.
  child.stderr.on('data', (bytes) => (said += bytes))
  const failed = () => {
    if (child.exitCode !== null) throw new Error(`dumpcap: ${said}`)
  }
  await soon('the capture to begin', () => failed() ?? said.includes('File: '))
  return {
    async stop() {
      const last = randomUUID()
      const socket = createSocket('udp4')
      socket.send(last, discard, '127.0.0.1')
      // What passed before stands before it.
      await soon('the last packet to be written', () => failed() ?? readFileSync(file).includes(last))
      socket.close()
      child.kill('SIGINT')
      await over
      const dropped = /received\/dropped on interface .*: \d+\/(\d+)/.exec(said)?.[1]
      if (dropped !== '0') throw new Error(`dumpcap lost packets: ${said}`)
    },
  }
}

/** A SIP message as tshark read it in a file. */
export interface SharkMessage {
  readonly protocol: 'udp' | 'tcp'
  /** `source > destination`, with ports. */
  readonly way: string
  /** Seconds since 1970, with microseconds. */
  readonly at: number
  readonly callId: string
  /** As it stands there. */
  readonly text: string
}

interface SharkTerms {
  /** What is spoken at these ports. */
  readonly ports: Readonly<Record<'sip' | 'tls' | 'ws' | 'wss', number>>
  /** The secrets of connections over TLS, as Node logs them (`--tls-keylog`). */
  readonly keys: string
}

/** Every SIP message in files of libpcap, one file after the other, in order: of each connection from its beginning. */
export async function sharkMessages(
  files: readonly string[],
  { ports, keys }: SharkTerms,
): Promise<SharkMessage[]> {
  const whole = `${files[0]}.whole`
  // tshark takes longer to begin than to read.
  await run(mergecap, ['-a', '-w', whole, ...files])
  const spoken = [
    // A connection's other port may be one which tshark knows for something else.
    ...[`tcp.port==${ports.sip},sip`, `tcp.port==${ports.ws},http`],
    ...[`tcp.port==${ports.tls},tls`, `tls.port==${ports.tls},sip`],
    ...[`tcp.port==${ports.wss},tls`, `tls.port==${ports.wss},http`],
    // What was said over any of them but TCP is written as datagrams.
    ...Object.values(ports).map((port) => `udp.port==${port},sip`),
  ]
  const args = [
    ...['-n', '-r', whole, '-o', `tls.keylog_file:${keys}`, ...spoken.flatMap((one) => ['-d', one])],
    ...['-Y', 'sip', '-T', 'json', '--no-duplicate-keys', '-J', 'frame ip udp tcp sip'],
  ]
  const { stdout } = await run(tshark, args, { maxBuffer: 64 * 1024 * 1024 })
  const frames = JSON.parse(stdout) as { _source: { layers: SharkLayers } }[]
  return frames.flatMap(({ _source: { layers } }) => {
    const { frame, ip, udp, tcp, sip } = layers
    const end = (which: 'src' | 'dst') =>
      `${ip[`ip.${which}`]}:${udp?.[`udp.${which}port`] ?? tcp?.[`tcp.${which}port`]}`
    return [sip].flat().map((message) => ({
      protocol: udp ? 'udp' : 'tcp',
      way: `${end('src')} > ${end('dst')}`,
      at: Number(frame['frame.time_epoch']),
      callId: message['sip.msg_hdr_tree']['sip.Call-ID'] ?? '',
      text: `${message['sip.Request-Line'] ?? message['sip.Status-Line']}\r\n${message['sip.msg_hdr']}`,
    }))
  })
}

type SharkFields = Readonly<Record<string, string>>
interface SharkLayers {
  readonly frame: SharkFields
  readonly ip: SharkFields
  readonly udp?: SharkFields
  readonly tcp?: SharkFields
  /** Several where one segment brought several. */
  readonly sip: SharkSip | readonly SharkSip[]
}
interface SharkSip {
  readonly 'sip.Request-Line'?: string
  readonly 'sip.Status-Line'?: string
  readonly 'sip.msg_hdr': string
  readonly 'sip.msg_hdr_tree': SharkFields
}
