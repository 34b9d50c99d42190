import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openTcp } from '../../../relay/io/stream.ts'
import type { StreamOptions, StreamWire } from '../../../relay/io/stream-options.ts'
import { openTls } from '../../../relay/io/tls.ts'
import { Visitors } from '../../../relay/io/visitors.ts'
import { openWebSockets } from '../../../relay/io/web-socket.ts'
import { certificate } from '../../support/certificate.ts'
import { headerProxy } from '../../support/header-proxy.ts'
import { soon } from '../../support/wait.ts'

const pair = certificate({ names: ['DNS:sip.example'] })
const proxies = ['127.0.0.1']
const options = 'OPTIONS sip:relay SIP/2.0\r\nContent-Length: 0\r\n\r\n'
/** From 198.51.100.7:40000, by version 2. */
const binary = Buffer.from('0d0a0d0a000d0a515549540a2111000cc6336407c00002019c400050', 'hex')

describe('a proxy in front of TCP and TLS which speaks the PROXY protocol', () => {
  test.each([
    ['1', text('198.51.100.7')],
    ['2', binary],
  ])('says by version %s where a phone is, however its header is cut', async (_, header) => {
    const { wire, heard } = await tcp({ proxies })
    for (const cut of [1, 9, header.length - 1, header.length, header.length + 7]) {
      const count = heard.length
      const whole = Buffer.concat([header, Buffer.from(options)])
      const socket = await dialled(wire)
      socket.write(whole.subarray(0, cut))
      await pause(5)
      socket.write(whole.subarray(cut))
      await soon('the message', () => heard.length > count)
      expect(heard.at(-1)).toMatchObject({ words: options, address: '198.51.100.7', port: 40_000 })
      wire.send(heard.at(-1)?.flow ?? lost(), Buffer.from('SIP/2.0 200 OK\r\n\r\n'))
      expect(String((await once(socket, 'data'))[0])).toBe('SIP/2.0 200 OK\r\n\r\n')
    }
  })

  test.each([
    ['in one segment with its header', true],
    ['in one of its own', false],
  ])('hands on a phone over TLS whose ClientHello comes %s', async (_, together) => {
    const { wire, heard } = await tls({ proxies })
    const { socket, flow } = await behindProxy(wire, heard, together)
    expect(flow).toMatchObject({ transport: 'tls', address: '198.51.100.7', port: 40_000 })
    wire.send(flow, Buffer.from('SIP/2.0 200 OK\r\n\r\n'))
    expect(String((await once(socket, 'data'))[0])).toBe('SIP/2.0 200 OK\r\n\r\n')
  })

  test('may look by itself whether we live: then it is its own address which connects', async () => {
    const { wire, heard } = await tcp({ proxies })
    const socket = await dialled(wire)
    socket.write(`PROXY UNKNOWN\r\n${options}`)
    await soon('the message', () => heard.length === 1)
    expect(heard[0]).toMatchObject({ address: '127.0.0.1', port: socket.localPort })
  })

  test.each<[string, Buffer]>([
    ['a message', Buffer.from(options)],
    ['a ClientHello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['a header which names no address', text('198.51.100')],
    ['a header which names no port', text('198.51.100.7', '70000')],
    ['a line which does not end', Buffer.from(`PROXY TCP4 ${'1'.repeat(4_000)}`)],
    ['a header of version 3', Buffer.from(binary).fill(0x31, 12, 13)],
    ['a header which is too long', Buffer.from(binary).fill(0xff, 14, 16)],
  ])('is shut where it begins with %s, and not a word is heard', async (_, begun) => {
    const { wire, heard, said } = await tcp({ proxies })
    const socket = await dialled(wire)
    socket.write(Buffer.concat([begun, Buffer.from(options)]))
    await soon('it to be shut', () => socket.destroyed)
    expect(heard).toEqual([])
    expect(said).toEqual([
      ['tcp.shut', { source: '127.0.0.1', why: 'it does not begin with a header of the PROXY protocol' }],
    ])
  })

  test('is shut where it keeps us waiting for its header, drop by drop, too', async () => {
    const { wire, said } = await tcp({ proxies, limits: { firstMessageMs: 60 } })
    const [mute, slow] = [await dialled(wire), await dialled(wire)]
    const header = text('198.51.100.7')
    let at = 0
    const drip = setInterval(() => slow.write(header.subarray(at, ++at)), 10)
    await soon('both to be shut', () => mute.destroyed && slow.destroyed)
    clearInterval(drip)
    expect(said).toHaveLength(2)
    expect(said[0]?.[1]).toEqual({ source: '127.0.0.1', why: 'it does not say for whom it connects' })
  })

  test('holds nothing up when the port is shut while it is waited for', async () => {
    const { wire } = await tcp({ proxies, limits: { firstMessageMs: 600_000 } })
    const socket = await dialled(wire)
    socket.write('PROXY ')
    await pause(20)
    await wire.close()
    await soon('it to be shut', () => socket.destroyed)
  })

  test('is believed where it is named, and nobody else is', async () => {
    const { wire, heard } = await tcp({ proxies: ['192.0.2.1'] })
    const socket = await dialled(wire)
    socket.write(Buffer.concat([text('198.51.100.7'), Buffer.from(options)]))
    const other = await dialled(wire)
    other.write(Buffer.concat([binary, Buffer.from(options)]))
    const good = await dialled(wire)
    good.write(options)
    await soon('who says nothing of the kind', () => heard.some(({ port }) => port === good.localPort))
    expect(heard.map(({ address }) => address)).not.toContain('198.51.100.7')
  })

  test('has each counted whom it brings, by the address it says: one network’s many push out no other’s', async () => {
    const visitors = new Visitors({ streams: 200, strangers: 16 })
    const { wire } = await tcp({ proxies, visitors })
    const many: Socket[] = []
    const brought = async (address: string) => {
      const socket = await dialled(wire)
      const before = visitors.size
      socket.write(text(address))
      await soon('it to be let in', () => visitors.size > before || many.some(({ destroyed }) => destroyed))
      return socket
    }
    const others = [await brought('203.0.113.1'), await brought('192.0.2.1')]
    for (let at = 1; at < 8; at++) many.push(await brought(`198.51.100.${at}`))
    await soon('the oldest of many to go', () => many.filter(({ destroyed }) => destroyed).length === 3)
    expect(many.slice(0, 3).every(({ destroyed }) => destroyed)).toBe(true)
    expect(others.some(({ destroyed }) => destroyed)).toBe(false)
  })

  test('breaks nothing by any octets it sends', async () => {
    const { wire, heard } = await tcp({ proxies })
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(binary, text('198.51.100.7'), Buffer.from('PROXY '), Buffer.from('\r\n')),
    )
    for (const parts of fc.sample(fc.array(part, { maxLength: 4 }), 150)) {
      const socket = await dialled(wire)
      socket.end(Buffer.concat(parts))
    }
    const socket = await dialled(wire)
    socket.write(Buffer.concat([text('203.0.113.9'), Buffer.from(options)]))
    await soon('a good one', () => heard.some(({ address }) => address === '203.0.113.9'))
  })
})

describe('ports of several transports', () => {
  test('share the places there are: who fills them by one has them by none besides', async () => {
    const visitors = new Visitors({ streams: 100, strangers: 8 })
    const [plain, secure, web] = [
      await tcp({ visitors }),
      await tls({ visitors }),
      await webSockets({ visitors }),
    ]
    const first = await dialled(plain.wire)
    await soon('the first', () => visitors.size === 1)
    const second = await dialled(secure.wire)
    await soon('the second', () => visitors.size === 2)
    const third = await dialled(web.wire)
    await soon('the oldest to go', () => first.destroyed)
    const fourth = await dialled(plain.wire)
    await soon('the next to go', () => second.destroyed)
    expect([third.destroyed, fourth.destroyed, visitors.size]).toEqual([false, false, 2])
  })
})

function text(address: string, port = '40000'): Buffer {
  return Buffer.from(`PROXY TCP4 ${address} 192.0.2.1 ${port} 5060\r\n`)
}

interface Heard {
  readonly flow: Flow
  readonly words: string
  readonly address: string
  readonly port: number
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Script = Pick<StreamOptions, 'proxies' | 'visitors' | 'limits'>

function tcp(script: Script) {
  return opened(openTcp, script)
}

function tls(script: Script) {
  return opened((options) => openTls({ ...options, certificates: pair }), script)
}

function webSockets(script: Script) {
  return opened(openWebSockets, script)
}

async function opened(open: (options: StreamOptions) => Promise<StreamWire>, script: Script) {
  const heard: Heard[] = []
  const said: [event: string, fields: unknown][] = []
  const wire = await open({
    host: '127.0.0.1',
    port: portNumber(0),
    log: (_, event, fields) => said.push([event, fields]),
    receive: (flow, bytes) =>
      heard.push({ flow, words: String(Buffer.from(bytes)), address: flow.address, port: flow.port }),
    unsent() {},
    closed() {},
    ...script,
  })
  cleanups.push(() => wire.close())
  return { wire, heard, said }
}

async function dialled(wire: StreamWire): Promise<Socket> {
  const socket = connect({ port: wire.address.port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  cleanups.push(() => socket.destroy())
  return socket
}

/** A phone over TLS, and a proxy whose header comes in one segment with what that first says, or in one before. */
async function behindProxy(wire: StreamWire, heard: readonly Heard[], together: boolean) {
  const proxy = await headerProxy(wire.address.port, binary, together)
  cleanups.push(() => proxy.close())
  const { port } = proxy
  const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  socket.on('error', () => {})
  cleanups.push(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.write(options)
  await soon('the message', () => heard.length === 1)
  return { socket, flow: heard[0]?.flow ?? lost() }
}

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms))
}

function lost(): never {
  throw new Error('nothing was heard')
}
