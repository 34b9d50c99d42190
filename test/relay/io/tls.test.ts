import { once } from 'node:events'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  connect as tcpConnect,
} from 'node:net'
import {
  connect,
  createServer,
  getCACertificates,
  type SecureVersion,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow, Trust } from '../../../relay/ground/flow.ts'
import type { StreamLimits, StreamOptions } from '../../../relay/io/stream-options.ts'
import { openTls, type TlsWire } from '../../../relay/io/tls.ts'
import { Visitors } from '../../../relay/io/visitors.ts'
import { type Certificate, certificate } from '../../support/certificate.ts'
import { silence } from '../../support/silence.ts'

const authority = certificate({ authority: true, commonName: 'the test authority' })
const good = issued({ names: ['DNS:sip.example', 'DNS:other.example'] })
const full = (name: string): Trust => ({ name, verify: 'full', fingerprint: null })
const pinned = (fingerprint: string): Trust => ({ name: 'sip.example', verify: 'fingerprint', fingerprint })

const usual = getCACertificates('default')
beforeAll(() => setDefaultCACertificates([...usual, authority.cert]))
afterAll(() => setDefaultCACertificates(usual))

describe('a TLS connection to a carrier', () => {
  test('carries messages both ways, and the next call takes the same one', async () => {
    const { wire, heard } = await relay()
    const carrier = await listening(good)
    const flow = flowTo(carrier.port, full('sip.example'))
    wire.send(flow, bytes(options))
    wire.send(flow, bytes(options))
    await until(() => carrier.text() === options + options)
    wire.send({ ...flow, tls: full('sip.example') }, bytes(options))
    await until(() => carrier.text().length === 3 * options.length)
    expect(carrier.sockets).toHaveLength(1)
    expect(carrier.sockets[0]?.servername).toBe('sip.example')
    expect(carrier.sockets[0]?.getProtocol()).toBe('TLSv1.3')
    carrier.sockets[0]?.write(options)
    await until(() => heard.length === 1)
    expect(heard[0]?.flow).toMatchObject({ transport: 'tls', port: carrier.port, tls: full('sip.example') })
    wire.send(heard[0]?.flow ?? lost(), bytes('SIP/2.0 200 OK\r\n\r\n'))
    await until(() => carrier.text().endsWith('200 OK\r\n\r\n'))
    expect(carrier.sockets).toHaveLength(1)
  })

  test('proved for one domain is used for no other, nor for one trusted in another way', async () => {
    const { wire } = await relay()
    const carrier = await listening(good)
    wire.send(flowTo(carrier.port, full('sip.example')), bytes(options))
    wire.send(flowTo(carrier.port, full('other.example')), bytes(options))
    wire.send(flowTo(carrier.port, pinned(good.fingerprint)), bytes(options))
    await until(() => carrier.text().length === 3 * options.length)
    expect(carrier.sockets).toHaveLength(3)
    wire.send(flowTo(carrier.port, full('other.example')), bytes(options))
    await until(() => carrier.text().length === 4 * options.length)
    expect(carrier.sockets).toHaveLength(3)
  })

  test('that is gone is made again, with the same trust', async () => {
    const { wire, closed } = await relay()
    const carrier = await listening(good)
    const flow = flowTo(carrier.port, full('sip.example'))
    wire.send(flow, bytes(options))
    await until(() => carrier.text() === options)
    carrier.sockets[0]?.destroy()
    await until(() => closed.length === 1)
    expect(closed[0]).toMatchObject(flow)
    wire.send(flow, bytes(options))
    await until(() => carrier.text() === options + options)
  })

  test('carries one message of many records', async () => {
    const { wire, heard } = await relay()
    const carrier = await listening(good)
    const big = `OPTIONS sip:relay SIP/2.0\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`
    wire.send(flowTo(carrier.port, full('sip.example')), bytes(big))
    await until(() => carrier.text() === big)
    carrier.sockets[0]?.write(big)
    await until(() => heard.length === 1)
    expect(heard[0]?.text).toBe(big)
  })

  test.each([
    [
      'of another domain',
      { names: ['DNS:sip.other'] },
      'its certificate is for sip.other, not for sip.example',
    ],
    [
      'of a wildcard (RFC 5922 §7.2)',
      { names: ['DNS:*.example'] },
      'its certificate is for *.example, not for sip.example',
    ],
    [
      'of the domain only by its common name, though others are named',
      { names: ['DNS:a.other', 'URI:sip:b.other'], commonName: 'sip.example' },
      'its certificate is for a.other, b.other, not for sip.example',
    ],
    [
      'of somebody at the domain',
      { names: ['URI:sip:alice@sip.example', 'URI:sips:sip.example'] },
      'its certificate is for nobody, not for sip.example',
    ],
    [
      'of names which only look like it',
      { names: ['DNS:a.other, DNS:sip.example', 'DNS:xsip.example'] },
      'its certificate is for a.other, dns:sip.example, xsip.example, not for sip.example',
    ],
    [
      'which is too old',
      { names: ['DNS:sip.example'], until: new Date(Date.now() - 3_600_000) },
      'its certificate has expired',
    ],
    [
      'which is too young',
      { names: ['DNS:sip.example'], from: new Date(Date.now() + 3_600_000) },
      'its certificate is not valid yet',
    ],
    [
      'signed by itself',
      { names: ['DNS:sip.example'], signer: undefined },
      'its certificate is not trusted: it is self-signed',
    ],
    [
      'signed by somebody unknown',
      { names: ['DNS:sip.example'], signer: certificate({ authority: true, commonName: 'nobody' }) },
      'its certificate is not trusted: its issuer is not one we know',
    ],
  ])('is not made to a certificate %s: not a word is said', async (_, wish, why) => {
    const { wire, unsent, closed } = await relay()
    const carrier = await listening('signer' in wish ? certificate(dropped(wish)) : issued(wish))
    const flow = flowTo(carrier.port, full('sip.example'))
    wire.send(flow, bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent).toEqual([{ flow, why }])
    await until(() => carrier.gone() === 1)
    expect(carrier.text()).toBe('')
    expect(closed).toEqual([])
  })

  test.each([
    ['DNS:sip.example, whatever its case', { names: ['DNS:SIP.Example'] }],
    ['URI:sip:sip.example', { names: ['DNS:host7.other', 'URI:sip:sip.example'] }],
    ['the common name, where nothing else is named', { commonName: 'sip.example' }],
  ])('is made to a certificate of %s', async (_, wish) => {
    const { wire } = await relay()
    const carrier = await listening(issued(wish))
    wire.send(flowTo(carrier.port, full('sip.example')), bytes(options))
    await until(() => carrier.text() === options)
  })

  test('to an address is made to a certificate of that address, and of no other', async () => {
    const { wire, unsent } = await relay()
    const right = await listening(issued({ names: ['IP:127.0.0.1'] }))
    const wrong = await listening(issued({ names: ['IP:127.0.0.2'] }))
    wire.send(flowTo(right.port, full('127.0.0.1')), bytes(options))
    wire.send(flowTo(wrong.port, full('127.0.0.1')), bytes(options))
    await until(() => right.text() === options && unsent.length === 1)
    expect(right.sockets[0]?.servername).toBe(false)
    expect(unsent[0]?.why).toBe('its certificate is for 127.0.0.2, not for 127.0.0.1')
  })

  test('pinned by fingerprint is made to that certificate only, however it is written', async () => {
    const own = certificate({ until: new Date(Date.now() - 3_600_000) })
    const { wire, unsent } = await relay()
    const carrier = await listening(own)
    const written = own.fingerprint.toUpperCase().match(/../g)?.join(':') ?? ''
    wire.send(flowTo(carrier.port, pinned(written)), bytes(options))
    await until(() => carrier.text() === options)
    wire.send(flowTo(carrier.port, pinned(good.fingerprint)), bytes(options))
    wire.send(flowTo(carrier.port, { ...pinned(''), fingerprint: null }), bytes(options))
    await until(() => unsent.length === 2)
    expect(unsent.map(({ why }) => why).sort()).toEqual([
      `its certificate has another fingerprint: ${own.fingerprint}`,
      'no fingerprint is set to know its certificate by',
    ])
    expect(carrier.text()).toBe(options)
  })

  test('is made to anybody where nothing is to be verified, and to nobody without any trust', async () => {
    const { wire, unsent } = await relay()
    const carrier = await listening(certificate({ names: ['DNS:whoever'] }))
    wire.send(
      flowTo(carrier.port, { name: 'sip.example', verify: 'none', fingerprint: null }),
      bytes(options),
    )
    await until(() => carrier.text() === options)
    const flow: Flow = { transport: 'tls', address: '127.0.0.1', port: portNumber(carrier.port) }
    wire.send(flow, bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]).toEqual({ flow, why: 'nothing says by which name to trust it' })
  })

  test('is not made with TLS 1.1, nor with what is not TLS at all', async () => {
    const { wire, unsent } = await relay()
    const old = await listening(good, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    })
    const plain = createTcpServer((socket) =>
      socket.end('SIP/2.0 400 Bad Request\r\n\r\n').on('error', () => {}),
    )
    plain.listen(0, '127.0.0.1')
    await once(plain, 'listening')
    cleanups.push(() => plain.close())
    wire.send(flowTo(old.port, full('sip.example')), bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]?.why).toBe('no version of TLS in common')
    wire.send(flowTo((plain.address() as AddressInfo).port, full('sip.example')), bytes(options))
    await until(() => unsent.length === 2)
    expect(unsent[1]?.why).toBe('it does not speak TLS')
  })

  test('is not made where no cipher is shared', async () => {
    const { wire, unsent } = await relay()
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const
    const carrier = await listening(good, other)
    wire.send(flowTo(carrier.port, full('sip.example')), bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]?.why).toMatch(/^TLS failed: .*handshake failure$/)
  })

  test('is given up when the other side does not come to an end with its handshake', async () => {
    const { wire, unsent } = await relay({ limits: { dialMs: 80 } })
    const slow = createTcpServer((socket) => {
      // Never silent for long, never done.
      const drip = setInterval(() => socket.write(Buffer.of(22)), 20)
      socket.on('close', () => clearInterval(drip)).on('error', () => {})
    })
    slow.listen(0, '127.0.0.1')
    await once(slow, 'listening')
    cleanups.push(() => slow.close())
    const mute = createTcpServer((socket) => socket.on('error', () => {}))
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    cleanups.push(() => mute.close())
    wire.send(flowTo((mute.address() as AddressInfo).port, full('sip.example')), bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]?.why).toBe('no connection in time')
    wire.send(flowTo((slow.address() as AddressInfo).port, full('sip.example')), bytes(options))
    await until(() => unsent.length === 2)
  })
})

describe('TLS connections made to us', () => {
  test('carry messages both ways', async () => {
    const { wire, heard } = await relay({ pair: good })
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    const flow = heard[0]?.flow ?? lost()
    expect(flow).toEqual({
      transport: 'tls',
      address: '127.0.0.1',
      port: phone.localPort,
      connection: expect.any(Number),
    })
    wire.send(flow, bytes('SIP/2.0 200 OK\r\n\r\n'))
    expect(String((await once(phone, 'data'))[0])).toBe('SIP/2.0 200 OK\r\n\r\n')
  })

  test('are not taken with TLS 1.0 or 1.1', async () => {
    const { wire } = await relay({ pair: good })
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const old = connect({
        ...place(wire),
        minVersion: version,
        maxVersion: version,
        ciphers: 'ALL@SECLEVEL=0',
      })
      const [error] = await once(old, 'error')
      expect(String(error)).toMatch(/alert protocol version/i)
    }
  })

  test('are shut when the handshake does not come to an end', async () => {
    const { wire, heard } = await relay({ pair: good, limits: { firstMessageMs: 400 } })
    await Promise.all([half(wire), half(wire)].map((one) => once(one, 'close')))
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
  })

  test('which still shake hands make room for others, and never who is known', async () => {
    const { wire, heard } = await relay({
      pair: good,
      visitors: new Visitors({ streams: 8, strangers: 2 }),
      known: ({ connection }) => connection === heard[0]?.flow.connection,
    })
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    const halves = Array.from({ length: 5 }, () => half(wire))
    await Promise.all(halves.slice(0, 2).map((one) => once(one, 'close')))
    const late = await dialled(wire)
    late.write(options)
    phone.write(options)
    await until(() => heard.length === 3)
  })

  test('go on when the certificate is changed; new ones see the new one', async () => {
    const { wire, heard } = await relay({ pair: good })
    const before = await dialled(wire)
    const renewed = issued({ names: ['DNS:sip.example'] })
    wire.present(renewed)
    const after = await dialled(wire)
    expect(fingerprintOf(before)).toBe(good.fingerprint)
    expect(fingerprintOf(after)).toBe(renewed.fingerprint)
    before.write(options)
    after.write(options)
    await until(() => heard.length === 2)
  })

  test('cannot be made where another program has the port', async () => {
    const { wire } = await relay({ pair: good })
    const { port } = wire.address
    await expect(relay({ pair: good, port })).rejects.toThrow(
      `TLS 127.0.0.1:${port} is in use by another program: stop that, or choose another with SIP_TLS_PORT.`,
    )
  })
})

const options = 'OPTIONS sip:relay SIP/2.0\r\nContent-Length: 0\r\n\r\n'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A connection over which nobody says a word. */
function half(wire: TlsWire): Socket {
  return tcpConnect(wire.address.port, '127.0.0.1')
    .on('error', () => {})
    .resume()
}

async function relay(
  script: { pair?: Certificate; port?: number; limits?: Partial<StreamLimits> } & Pick<
    Partial<StreamOptions>,
    'known' | 'visitors'
  > = {},
) {
  const heard: { flow: Flow; text: string }[] = []
  const unsent: { flow: Flow; why: string }[] = []
  const closed: Flow[] = []
  const wire = await openTls({
    host: '127.0.0.1',
    port: portNumber(script.port ?? 0),
    log: silence,
    limits: script.limits ?? {},
    ...(script.pair && { certificates: script.pair }),
    ...(script.known && { known: script.known }),
    ...(script.visitors && { visitors: script.visitors }),
    receive: (flow, payload) => heard.push({ flow, text: new TextDecoder().decode(payload) }),
    unsent: (flow, why) => unsent.push({ flow, why }),
    closed: (flow) => closed.push(flow),
  })
  cleanups.push(() => wire.close())
  return { wire, heard, unsent, closed }
}

/** A carrier's port, and all that was said to it. */
async function listening(
  { cert, key }: Certificate,
  more: { minVersion?: SecureVersion; maxVersion?: SecureVersion; ciphers?: string } = {},
) {
  const sockets: TLSSocket[] = []
  let [text, gone] = ['', 0]
  const server = createServer({ cert, key, ...more }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
    })
  })
  server.on('connection', (socket) => socket.on('close', () => gone++))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((done) => server.close(() => done()))
  })
  return { sockets, port: (server.address() as AddressInfo).port, text: () => text, gone: () => gone }
}

async function dialled(wire: TlsWire): Promise<TLSSocket> {
  const socket = connect({ ...place(wire), rejectUnauthorized: false })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  cleanups.push(() => socket.destroy())
  return socket
}

function place(wire: TlsWire) {
  return { host: '127.0.0.1', port: wire.address.port }
}

function issued(wish: Parameters<typeof certificate>[0]): Certificate {
  return certificate({ signer: authority, ...wish })
}

function dropped<T extends object>(wish: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(wish).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> }
}

function fingerprintOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase()
}

function flowTo(port: number, tls: Trust): Flow {
  return { transport: 'tls', address: '127.0.0.1', port: portNumber(port), tls }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 6_000 && !done(); i++) await new Promise((later) => setTimeout(later, 5))
  expect(done()).toBe(true)
}

function lost(): never {
  throw new Error('nothing was heard')
}
