import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { Visitors } from '../../../relay/io/visitors.ts'
import { openWebSockets, type WebSocketWire } from '../../../relay/io/web-socket.ts'
import { certificate } from '../../support/certificate.ts'
import { headerProxy } from '../../support/header-proxy.ts'
import { frame, refusal, WebSocketPhone } from '../../support/web-socket-phone.ts'

describe('SIP over WebSocket (RFC 7118)', () => {
  test('receives a message in each frame, text or binary, and answers down the same connection as text', async () => {
    const { wire, heard, url } = await relay()
    const phone = await dialled(url)
    expect(phone.webSocket.protocol).toBe('sip')
    phone.say(options)
    phone.say(bytes(options))
    await until(() => heard.length === 2)
    expect(heard.map(({ text }) => text)).toEqual([options, options])
    const flow = heard[0]?.flow ?? lost()
    expect(flow).toMatchObject({ transport: 'ws', address: '127.0.0.1', port: phone.socket.localPort })
    wire.send(flow, bytes('SIP/2.0 200 OK\r\n\r\n'))
    wire.send(flow, new Uint8Array([0x53, 0xff]))
    await until(() => phone.heard.length === 2)
    expect(phone.heard[0]).toBe('SIP/2.0 200 OK\r\n\r\n')
    expect(phone.asText).toEqual([true, false])
  })

  test('puts a message together which comes in fragments, with a ping between', async () => {
    const { heard, url } = await relay()
    const phone = await dialled(url)
    phone.raw(frame(bytes(options.slice(0, 5)), { fin: false }))
    phone.raw(frame(bytes('?'), { opcode: 9 }))
    phone.raw(frame(bytes(options.slice(5)), { opcode: 0 }))
    await until(() => heard.length === 1)
    expect(heard[0]?.text).toBe(options)
  })

  test('answers a double CRLF with one, and a single one not at all (RFC 5626 §4.4.1)', async () => {
    const { heard, url } = await relay()
    const phone = await dialled(url)
    phone.say('\r\n')
    phone.say('\r\n\r\n')
    phone.say(options)
    await until(() => heard.length === 1 && phone.heard.length > 0)
    expect(phone.heard).toEqual(['\r\n'])
  })

  test('is there for who asks for the sub-protocol sip, among others too, and says so to all others', async () => {
    const { url } = await relay()
    const why = 'Ask for the sub-protocol "sip": here is SIP over WebSocket (RFC 7118).\n'
    expect(await refusal(url)).toEqual({ status: 400, why })
    expect(await refusal(url, {}, ['xmpp', 'SIP'])).toEqual({ status: 400, why })
    const phone = await WebSocketPhone.open(url, {}, ['msrp', 'sip'])
    expect(phone.webSocket.protocol).toBe('sip')
    phone.close()
  })

  test('says to a mere HTTP request what is here', async () => {
    const { url } = await relay()
    const response = await fetch(url.replace('ws:', 'http:'))
    expect(response.status).toBe(426)
    expect(await response.text()).toBe('Here is SIP over WebSocket (RFC 7118), and nothing else.\n')
  })

  test('lets pages of the origins in which are named, and what is no browser; by default all', async () => {
    const named = await relay({ origins: ['https://phone.example'] })
    const from = (origin: string) => ({ headers: { origin } })
    expect(await refusal(named.url, from('https://evil.example'), ['sip'])).toEqual({
      status: 403,
      why: 'Pages of this origin may not call here: SIP_WS_ORIGINS does not name it.\n',
    })
    expect(await refusal(named.url, from('null'), ['sip'])).toMatchObject({ status: 403 })
    await dialled(named.url, from('https://phone.example'))
    await dialled(named.url, {})
    const any = await relay()
    await dialled(any.url, from('https://evil.example'))
  })

  test.each<[string, Uint8Array, number]>([
    ['without a mask', frame(new Uint8Array([1]), { mask: false }), 1002],
    ['with a reserved bit', frame(new Uint8Array([1]), { rsv: 4 }), 1002],
    ['of an unknown kind', frame(new Uint8Array([1]), { opcode: 5 }), 1002],
    ['which goes on with nothing', frame(new Uint8Array([1]), { opcode: 0 }), 1002],
    ['of text which is no UTF-8', frame(new Uint8Array([0xff])), 1007],
    ['which is longer than a message may be', frame(new Uint8Array(65_537), { opcode: 2 }), 1009],
    ['which closes with a code there is not', frame(new Uint8Array([0x03, 0xec]), { opcode: 8 }), 1002],
  ])('shuts a connection with a frame %s, and says why by its code', async (_, broken, code) => {
    const { url, closed, heard } = await relay({ known: true })
    const phone = await dialled(url)
    phone.say(options)
    phone.raw(broken)
    await until(() => phone.closed !== undefined && closed.length === 1)
    expect(phone.closed).toBe(code)
    expect(heard).toHaveLength(1)
  })

  test('says that a connection is gone, and has none for what names none', async () => {
    const { wire, url, heard, unsent, closed } = await relay()
    const phone = await dialled(url)
    phone.say(options)
    await until(() => heard.length === 1)
    phone.close()
    await until(() => closed.length === 1)
    const { connection, ...place } = heard[0]?.flow ?? lost()
    expect(closed[0]).toEqual({ ...place, connection })
    wire.send({ ...place, connection: connection ?? 0 }, bytes(options))
    wire.send(place, bytes(options))
    expect(unsent).toEqual([])
    await until(() => unsent.length === 2)
    expect(unsent.map(({ why }) => why)).toEqual(['the connection is gone', 'the connection is gone'])
  })

  test('hangs up once everything sent has left', async () => {
    const { wire, url, heard } = await relay()
    const phone = await dialled(url)
    phone.say(options)
    await until(() => heard.length === 1)
    const flow = heard[0]?.flow ?? lost()
    wire.send(flow, new Uint8Array(300_000).fill(65))
    wire.hangUp(flow)
    await until(() => phone.closed !== undefined)
    expect(phone.heard[0]).toHaveLength(300_000)
    expect(phone.closed).toBe(1000)
  })

  test('shuts who never shakes hands, says nothing, or says one message too slowly', async () => {
    const { url, wire, heard } = await relay({ limits: { firstMessageMs: 60, messageMs: 60 } })
    const tcp = await plain(wire)
    const mute = await dialled(url)
    const slow = await dialled(url)
    slow.say(options)
    await until(() => heard.length === 1)
    const drip = setInterval(() => slow.raw(frame(bytes('x'), { opcode: 0, fin: false })), 20)
    slow.raw(frame(bytes('x'), { fin: false }))
    await until(() => tcp.destroyed && mute.closed !== undefined && slow.closed !== undefined)
    clearInterval(drip)
  })

  test('shuts a stranger whose message grows long before it is whole, and hears out who is known', async () => {
    const first: { connection?: number | undefined } = {}
    const { url, heard } = await relay({
      limits: { strangerBytes: 1_000 },
      knows: ({ connection }) => connection === first.connection,
    })
    const phone = await dialled(url)
    phone.say(options)
    await until(() => heard.length === 1)
    first.connection = heard[0]?.flow.connection
    const stranger = await dialled(url)
    const long = options + 'x'.repeat(3_000)
    stranger.raw(frame(bytes(long), { fin: false }))
    phone.raw(frame(bytes(long), { fin: false }))
    const more = setInterval(() => stranger.raw(frame(bytes('x'), { opcode: 0, fin: false })), 5)
    await until(() => stranger.closed !== undefined)
    clearInterval(more)
    phone.raw(frame(bytes('y'), { opcode: 0 }))
    await until(() => heard.length === 2)
    expect(heard[1]?.text).toBe(`${long}y`)
  })

  test('shuts an idle connection, but none that phones are reached by', async () => {
    const first: { connection?: number | undefined } = {}
    const { url, heard } = await relay({
      limits: { idleMs: 50 },
      needs: ({ connection }) => connection === first.connection,
    })
    const [bound, idle] = [await dialled(url), await dialled(url)]
    bound.say(options)
    await until(() => heard.length === 1)
    first.connection = heard[0]?.flow.connection
    idle.say(options)
    await until(() => idle.closed !== undefined)
    bound.say(options)
    await until(() => heard.length === 3)
  })

  test('asks a silent one whether it lives: who answers stays, who does not is gone', async () => {
    const { url, heard, closed } = await relay({ pingMs: 30, pongMs: 200, known: true })
    const [alive, dead] = [await dialled(url), await dialled(url)]
    alive.say(options)
    dead.say(options)
    await until(() => heard.length === 2)
    dead.socket.pause()
    await until(() => alive.pings > 2)
    await until(() => closed.length === 1)
    expect(closed[0]?.port).toBe(dead.socket.localPort)
    alive.say(options)
    await until(() => heard.length === 3)
  })

  test('full of strangers shuts one of them for whoever comes, and never who is known', async () => {
    const first: { connection?: number | undefined } = {}
    const { url, heard } = await relay({
      visitors: new Visitors({ streams: 8, strangers: 2 }),
      knows: ({ connection }) => connection === first.connection,
    })
    const phone = await dialled(url)
    phone.say(options)
    await until(() => heard.length === 1)
    first.connection = heard[0]?.flow.connection
    const strangers: WebSocketPhone[] = []
    for (let at = 0; at < 5; at++) strangers.push(await dialled(url))
    await until(() => strangers.slice(0, 3).every(({ closed }) => closed !== undefined))
    phone.say(options)
    strangers[4]?.say(options)
    await until(() => heard.length === 3)
  })

  test('drops a peer who does not read', async () => {
    const { wire, url, heard, closed } = await relay({ limits: { unreadBytes: 100_000 }, known: true })
    const phone = await dialled(url)
    phone.say(options)
    await until(() => heard.length === 1)
    phone.socket.pause()
    for (let i = 0; i < 100 && closed.length === 0; i++) {
      wire.send(heard[0]?.flow ?? lost(), new Uint8Array(500_000))
      await pause(2)
    }
    await until(() => closed.length === 1)
  })

  test('over TLS shows the certificate it was given, and another one once that is exchanged', async () => {
    const [old, renewed] = [
      certificate({ names: ['DNS:a.example'] }),
      certificate({ names: ['DNS:b.example'] }),
    ]
    const { url, wire, heard } = await relay({ certificates: old })
    const trusting = { rejectUnauthorized: false, servername: 'a.example' }
    const phone = await dialled(url, trusting)
    phone.say(options)
    await until(() => heard.length === 1)
    expect(heard[0]?.flow.transport).toBe('wss')
    wire.present(renewed)
    const later = await dialled(url, trusting)
    expect(fingerprint(phone)).toBe(old.fingerprint)
    expect(fingerprint(later)).toBe(renewed.fingerprint)
    wire.send(heard[0]?.flow ?? lost(), bytes('still'))
    await until(() => phone.heard.length === 1)
  })

  test('names the port which another program has', async () => {
    const { wire } = await relay()
    const { port } = wire.address
    const again = openWebSockets({
      host: '127.0.0.1',
      port,
      log() {},
      receive() {},
      unsent() {},
      closed() {},
    })
    await expect(again).rejects.toThrow(
      `WS 127.0.0.1:${port} is in use by another program: stop that, or choose another with SIP_WS_PORT.`,
    )
  })

  test('is not disturbed by any octets: who else is connected is served, and what is broken is shut', async () => {
    const { url, heard, closed } = await relay({ known: true })
    const good = await dialled(url)
    good.say(options)
    let [frames, opened] = [0, 0]
    while (frames < framesAtLeast) {
      const some = fc.sample(fc.array(anyFrame, { minLength: 1, maxLength: 40 }), 100)
      const phones = await Promise.all(some.map(() => WebSocketPhone.open(url)))
      opened += phones.length
      for (const [at, phone] of phones.entries()) {
        frames += some[at]?.length ?? 0
        phone.raw(Buffer.concat(some[at] ?? []))
        phone.socket.end()
      }
      await until(() => closed.length === opened)
    }
    const before = heard.length
    good.say(options)
    await until(() => heard.length === before + 1)
  }, 60_000)
})

describe('behind a proxy which speaks the PROXY protocol', () => {
  test('a phone is seen where it is, by either version of the header, however it is cut', async () => {
    const { wire, heard } = await relay({ proxies: ['127.0.0.1'] })
    for (const header of [bytes('PROXY TCP4 198.51.100.7 192.0.2.1 40000 80\r\n'), binary]) {
      const socket = await plain(wire)
      socket.write(header.subarray(0, 9))
      await pause(10)
      socket.write(Buffer.concat([header.subarray(9), bytes(handshake)]))
      await once(socket, 'data')
      socket.write(frame(bytes(options)))
      const count = heard.length + 1
      await until(() => heard.length === count)
      expect(heard.at(-1)?.flow).toMatchObject({ address: '198.51.100.7', port: 40_000 })
    }
  })

  test.each([
    ['in one segment with the header', true],
    ['in one of its own', false],
  ])('a phone shakes hands over TLS whose ClientHello comes %s', async (_, together) => {
    const { wire, heard, closed } = await relay({ proxies: ['127.0.0.1'], certificates: certificate() })
    const proxy = await headerProxy(wire.address.port, binary, together)
    cleanups.push(() => proxy.close())
    const { port } = proxy
    const phone = await dialled(`wss://127.0.0.1:${port}/`, { rejectUnauthorized: false })
    phone.say(options)
    await until(() => heard.length === 1)
    expect(heard[0]?.flow).toMatchObject({ transport: 'wss', address: '198.51.100.7', port: 40_000 })
    wire.send(heard[0]?.flow ?? lost(), bytes('still'))
    await until(() => phone.heard.length === 1)
    phone.close()
    await until(() => closed.length === 1)
  })

  test('one which does not say for whom it connects is shut, and others need not', async () => {
    const { wire } = await relay({ proxies: ['127.0.0.1'] })
    const socket = await plain(wire)
    socket.write(handshake)
    await until(() => socket.destroyed)
    const open = await relay({ proxies: ['192.0.2.1'] })
    const phone = await dialled(open.url)
    phone.say(options)
    await until(() => open.heard.length === 1)
  })
})

const options = 'OPTIONS sip:relay SIP/2.0\r\n\r\n'
const handshake = [
  'GET / HTTP/1.1',
  'Host: relay.test',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: sip',
  '\r\n',
].join('\r\n')
const binary = Buffer.from('0d0a0d0a000d0a515549540a2111000cc6336407c00002019c400050', 'hex')

/** As many as wanted: 100 000 take half a minute. */
const framesAtLeast = Number(process.env.WEB_SOCKET_FRAMES ?? 2_000)

/** Most of them good, so that what follows is read, too. */
const anyFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(frame(bytes(options)), frame(bytes('\r\n\r\n'))) },
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 1, 2, 8, 9, 10), fc.boolean())
      .map(([payload, opcode, fin]) => frame(payload, { opcode, fin })),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.constant(frame(bytes('x'), { mask: false })) },
  { weight: 1, arbitrary: fc.constant(frame(new Uint8Array(66_000), { opcode: 2 })) },
)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Script extends Partial<Omit<Parameters<typeof openWebSockets>[0], 'known'>> {
  known?: boolean
  knows?: (flow: Flow) => boolean
  needs?: (flow: Flow) => boolean
}

async function relay({ known = false, knows, needs, ...script }: Script = {}) {
  const heard: { flow: Flow; text: string }[] = []
  const unsent: { flow: Flow; why: string }[] = []
  const closed: Flow[] = []
  const wire: WebSocketWire = await openWebSockets({
    host: '127.0.0.1',
    port: portNumber(0),
    log() {},
    needed: needs ?? (() => false),
    known: knows ?? (() => known),
    receive(flow, payload) {
      heard.push({ flow, text: new TextDecoder().decode(payload) })
    },
    unsent: (flow, why) => unsent.push({ flow, why }),
    closed: (flow) => closed.push(flow),
    ...script,
  })
  cleanups.push(() => wire.close())
  const url = `${script.certificates ? 'wss' : 'ws'}://127.0.0.1:${wire.address.port}/`
  return { wire, heard, unsent, closed, url }
}

async function dialled(url: string, options = {}): Promise<WebSocketPhone> {
  const phone = await WebSocketPhone.open(url, options)
  cleanups.push(() => phone.close())
  return phone
}

/** A connection without a handshake. */
async function plain(wire: WebSocketWire): Promise<Socket> {
  const socket = connect({ port: wire.address.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  cleanups.push(() => socket.destroy())
  return socket
}

function fingerprint(phone: WebSocketPhone): string {
  const socket = phone.socket as import('node:tls').TLSSocket
  return socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase()
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms))
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 6_000 && !done(); i++) await pause(5)
  expect(done()).toBe(true)
}

function lost(): never {
  throw new Error('nothing was heard')
}
