import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openTcp } from '../../../relay/io/stream.ts'
import type { StreamOptions } from '../../../relay/io/stream-options.ts'
import { openTls, type TlsWire } from '../../../relay/io/tls.ts'
import { Visitors } from '../../../relay/io/visitors.ts'
import { openWebSockets } from '../../../relay/io/web-socket.ts'
import { certificate } from '../../support/certificate.ts'
import { soon } from '../../support/wait.ts'
import { frame, refusal, WebSocketPhone } from '../../support/web-socket-phone.ts'

const certificates = certificate({ names: ['DNS:sip.example'] })
const options = 'OPTIONS sip:relay SIP/2.0\r\nContent-Length: 0\r\n\r\n'
const upgrade = [
  'GET / HTTP/1.1',
  'Host: relay.test',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: sip',
  '',
].join('\r\n')
/** The first octets of a record which holds a ClientHello of 256. */
const hello = Buffer.from('160301010001000100', 'hex')

type Kind = 'tcp' | 'tls' | 'ws' | 'wss'

describe('handshakes which do not come to an end', () => {
  test.each<[string, Kind, Buffer | string]>([
    ['upgrades', 'ws', upgrade.slice(0, 60)],
    ['ClientHellos before SIP', 'tls', hello],
    ['ClientHellos before an upgrade', 'wss', hello],
    ['messages', 'tcp', options.slice(0, 20)],
  ])('take a bounded number of places: %s; who comes from elsewhere is let in', async (_, kind, begun) => {
    const visitors = new Visitors({ streams: 400, strangers: 40 })
    const { wire, heard } = await opened(kind, { visitors })
    for (let at = 0; at < 30; at++) (await dialled(wire)).write(begun)
    await soon('all of them to be seen', () => visitors.size === 10)
    const phone = await speaking(kind, wire, '127.9.0.1')
    await soon('the phone to be heard', () => heard.some(({ address }) => address === '127.9.0.1'))
    phone.destroy()
  })

  test.each<[string, Kind, Buffer]>([
    ['an upgrade', 'ws', Buffer.from(upgrade)],
    ['a ClientHello', 'tls', Buffer.concat([hello, Buffer.alloc(200)])],
    ['a ClientHello before an upgrade', 'wss', Buffer.concat([hello, Buffer.alloc(200)])],
  ])('are shut when their time is over, though octets go on dripping: %s', async (_, kind, octets) => {
    const visitors = new Visitors({ streams: 400, strangers: 40 })
    const { wire } = await opened(kind, { visitors, limits: { firstMessageMs: 80 } })
    const socket = await dialled(wire)
    let at = 0
    const drip = setInterval(() => socket.write(octets.subarray(at, ++at)), 5)
    await soon('it to be shut', () => socket.destroyed)
    clearInterval(drip)
    expect(at).toBeLessThan(octets.length)
    await soon('its place to be free', () => visitors.size === 0)
  })

  test('come too fast from a network, over whatever ports: no more is done for them, and for others all is', async () => {
    const visitors = new Visitors({ streams: 400, strangers: 40, newcomers: { atOnce: 6, perSecond: 0.001 } })
    const plain = await opened('tcp', { visitors, known: ({ address }) => address === '127.8.0.9' })
    const [secure, web] = [await opened('tls', { visitors }), await opened('ws', { visitors })]
    for (const { wire } of [plain, secure, web])
      for (let at = 0; at < 2; at++) await dialled(wire, '127.8.0.1')
    await soon('them to be let in', () => visitors.size === 6)
    for (const { wire } of [plain, secure, web]) {
      const late = await dialled(wire, '127.8.0.1')
      await soon('the late one to be shut', () => late.destroyed)
    }
    expect(web.said.at(-1)).toEqual([
      'ws.shut',
      { source: '127.8.0.1', why: 'connections come too fast from its network' },
    ])
    // A provider there, known by its address, and who comes from elsewhere.
    for (const address of ['127.8.0.9', '127.9.0.1']) {
      const good = await dialled(plain.wire, address)
      good.write(options)
      await soon('it to be heard', () => plain.heard.some((flow) => flow.address === address))
    }
  })
})

describe('an upgrade', () => {
  test.each([
    ['one line without end', `X: ${'x'.repeat(100_000)}`],
    ['many lines', 'a: b\r\n'.repeat(5_000)],
    ['many cookies', `Cookie: ${'a=b; '.repeat(10_000)}`],
    ['a path without end', ''],
  ])('with a head of more than 16 KiB is shut, and nothing is kept: %s', async (what, more) => {
    const visitors = new Visitors({ streams: 400, strangers: 40 })
    const { wire } = await opened('ws', { visitors })
    const socket = await dialled(wire)
    const head = what.startsWith('a path') ? upgrade.replace('GET /', `GET /${'x'.repeat(100_000)}`) : upgrade
    socket.write(`${head}${more}\r\n\r\n`)
    await soon('it to be shut', () => socket.destroyed && visitors.size === 0)
  })

  test('is answered once: what is pipelined behind another request, or has a body without end, is shut', async () => {
    const visitors = new Visitors({ streams: 400, strangers: 40 })
    const { wire } = await opened('ws', { visitors })
    const piped = await dialled(wire)
    let answers = ''
    piped.on('data', (chunk) => {
      answers += chunk
    })
    piped.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000))
    await soon('it to be shut', () => piped.destroyed)
    expect(answers.split('HTTP/1.1 426').length - 1).toBeLessThan(3)
    const posting = await dialled(wire)
    posting.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const more = setInterval(() => posting.write(`1000\r\n${'x'.repeat(4_096)}\r\n`), 5)
    await soon('it to be shut', () => posting.destroyed)
    clearInterval(more)
    await soon('their places to be free', () => visitors.size === 0)
  })

  test.each([
    'https://phone.example.evil',
    'https://evil.example/https://phone.example',
    'https://phone.example@evil.example',
    'https://phone.example, https://evil.example',
    'http://phone.example',
    'https://phone.example:8443',
    'https://phone.example.',
    'null',
    '',
  ])('of a page from "%s" is not let in for one which sounds like it', async (origin) => {
    const { url } = await opened('ws', { origins: ['https://phone.example'] })
    expect(await refusal(url, { headers: { origin } }, ['sip'])).toMatchObject({ status: 403 })
  })

  test('which names two origins on two lines is let in for neither', async () => {
    const { wire } = await opened('ws', { origins: ['https://phone.example'] })
    const both = ['https://phone.example', 'https://evil.example']
    for (const [first, second] of [both, both.toReversed()]) {
      const socket = await dialled(wire)
      socket.write(`${upgrade}Origin: ${first}\r\nOrigin: ${second}\r\n\r\n`)
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 403 /)
    }
  })

  test('which offers compression has none', async () => {
    const { url } = await opened('ws')
    const phone = await WebSocketPhone.open(url, { perMessageDeflate: true })
    cleanups.push(() => phone.close())
    expect(phone.webSocket.extensions).toBe('')
  })
})

describe('an open WebSocket', () => {
  test('of which a message comes in fragments without end is shut, be it a known phone’s', async () => {
    const { url, heard } = await opened('ws', { known: () => true })
    const phone = await web(url)
    phone.raw(frame(Buffer.from('x'), { fin: false }))
    const empty = Buffer.from(frame(new Uint8Array(0), { opcode: 0, fin: false }))
    for (let at = 0; at < 40 && phone.closed === undefined; at++) {
      phone.raw(Buffer.concat(Array.from({ length: 50 }, () => empty)))
      await pause(2)
    }
    await soon('it to be shut', () => phone.closed !== undefined)
    expect(phone.closed).toBe(1008)
    expect(heard).toEqual([])
  })

  test('which pings and reads no answer is shut before those fill our memory', async () => {
    const { url, closed } = await opened('ws', { known: () => true, limits: { unreadBytes: 100_000 } })
    const phone = await web(url)
    phone.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 500 }, () => frame(new Uint8Array(125), { opcode: 9 })))
    for (let at = 0; at < 500 && closed.length === 0; at++) {
      phone.raw(pings)
      await pause(1)
    }
    await soon('it to be shut', () => closed.length === 1)
  })

  test('which pings for ever, and says nothing, is a stranger whose time is over', async () => {
    const { url, closed } = await opened('ws', { limits: { firstMessageMs: 100 } })
    const phone = await web(url)
    const ping = frame(new Uint8Array(0), { opcode: 9 })
    const drip = setInterval(() => phone.raw(ping), 5)
    await soon('it to be shut', () => closed.length === 1)
    clearInterval(drip)
  })
})

describe.each<Kind>(['tls', 'wss'])('a connection over TLS (%s)', (kind) => {
  test('is never negotiated anew because its peer likes to, nor once certificates were exchanged', async () => {
    const { wire } = await opened(kind, { known: () => true })
    for (const turn of ['before', 'after']) {
      const { port } = wire.address
      const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
      socket.on('error', () => {})
      cleanups.push(() => socket.destroy())
      await once(socket, 'secureConnect')
      let renewed = 0
      socket.renegotiate({}, (error) => {
        if (error === null) renewed++
      })
      await soon('it to be shut', () => socket.destroyed || renewed > 0)
      expect(renewed, turn).toBe(0)
      wire.present?.(certificate())
    }
  })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Wire = Pick<TlsWire, 'address' | 'close'> & Partial<Pick<TlsWire, 'present'>>

interface Script extends Partial<StreamOptions> {
  readonly origins?: readonly string[]
}

async function opened(kind: Kind, script: Script = {}) {
  const heard: Flow[] = []
  const closed: Flow[] = []
  const said: [event: string, fields: unknown][] = []
  const open = { tcp: openTcp, tls: openTls, ws: openWebSockets, wss: openWebSockets }[kind]
  const wire: Wire = await open({
    host: '127.0.0.1',
    port: portNumber(0),
    log: (_, event, fields) => said.push([event, fields]),
    receive: (flow) => heard.push(flow),
    unsent() {},
    closed: (flow) => closed.push(flow),
    ...script,
    ...(kind === 'tls' || kind === 'wss' ? { certificates } : {}),
  })
  cleanups.push(() => wire.close())
  return { wire, heard, closed, said, url: `ws://127.0.0.1:${wire.address.port}/` }
}

async function dialled(wire: Wire, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: wire.address.port, host: '127.0.0.1', localAddress, noDelay: true })
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  cleanups.push(() => socket.destroy())
  return socket
}

/** Who shakes hands as is right, and says a message. */
async function speaking(kind: Kind, wire: Wire, from: string): Promise<Socket> {
  const under = await dialled(wire, from)
  const socket =
    kind === 'tls' || kind === 'wss' ? tlsConnect({ socket: under, rejectUnauthorized: false }) : under
  socket.on('error', () => {})
  if (socket !== under) await once(socket, 'secureConnect')
  if (kind === 'ws' || kind === 'wss') {
    socket.write(`${upgrade}\r\n`)
    await once(socket, 'data')
  }
  socket.write(kind === 'tcp' || kind === 'tls' ? options : frame(Buffer.from(options)))
  return socket
}

async function web(url: string): Promise<WebSocketPhone> {
  const phone = await WebSocketPhone.open(url)
  cleanups.push(() => phone.close())
  return phone
}

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms))
}
