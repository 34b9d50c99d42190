import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openTcp } from '../../../relay/io/stream.ts'
import type { StreamLimits, StreamOptions, StreamWire } from '../../../relay/io/stream-options.ts'
import { Visitors } from '../../../relay/io/visitors.ts'
import { silence } from '../../support/silence.ts'

describe('SIP over TCP', () => {
  test('receives each message once, however the stream was cut, and answers on the same connection', async () => {
    const { wire, heard } = await relay()
    const phone = await dialled(wire)
    const both = options + options
    for (const piece of [
      both.slice(0, 7),
      both.slice(7, options.length + 3),
      both.slice(options.length + 3),
    ]) {
      phone.write(piece)
      await pause(15)
    }
    await until(() => heard.length === 2)
    expect(heard.map(({ text }) => text)).toEqual([options, options])
    const flow = heard[0]?.flow ?? lost()
    expect(flow).toMatchObject({ transport: 'tcp', address: '127.0.0.1', port: phone.localPort })
    wire.send(flow, bytes('SIP/2.0 200 OK\r\n\r\n'))
    expect(String((await once(phone, 'data'))[0])).toBe('SIP/2.0 200 OK\r\n\r\n')
  })

  test('dials a place it has no connection to, and uses that one again and both ways', async () => {
    const { wire, heard } = await relay()
    const carrier = await listening()
    wire.send(flowTo(carrier.port), bytes(options))
    wire.send(flowTo(carrier.port), bytes(options))
    await until(() => carrier.text() === options + options)
    expect(carrier.sockets).toHaveLength(1)
    carrier.sockets[0]?.write(options)
    await until(() => heard.length === 1)
    expect(heard[0]?.flow).toMatchObject({ port: carrier.port })
    wire.send(heard[0]?.flow ?? lost(), bytes('SIP/2.0 200 OK\r\n\r\n'))
    await until(() => carrier.text().endsWith('SIP/2.0 200 OK\r\n\r\n'))
    expect(carrier.sockets).toHaveLength(1)
  })

  test('says that nobody listens at a place', async () => {
    const { wire, unsent } = await relay()
    const carrier = await listening()
    await carrier.close()
    wire.send(flowTo(carrier.port), bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]).toEqual({ flow: flowTo(carrier.port), why: 'nobody listens there' })
  })

  test('says that a connection is gone, and opens no other in its place', async () => {
    const { wire, heard, unsent, closed } = await relay()
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    phone.destroy()
    await until(() => closed.length === 1)
    const flow = heard[0]?.flow ?? lost()
    expect(closed[0]).toEqual(flow)
    wire.send(flow, bytes(options))
    expect(unsent).toEqual([])
    await until(() => unsent.length === 1)
    expect(unsent[0]?.why).toBe('the connection is gone')
  })

  test('answers a double CRLF with one, and a single one not at all (RFC 5626 §4.4.1)', async () => {
    const { wire, heard } = await relay()
    const phone = await dialled(wire)
    phone.write('\r\n\r\n')
    expect(String((await once(phone, 'data'))[0])).toBe('\r\n')
    let more = ''
    phone.on('data', (chunk) => {
      more += chunk
    })
    phone.write('\r\n')
    await pause(30)
    phone.write(options)
    await until(() => heard.length === 1)
    expect(more).toBe('')
  })

  test('hands over what a broken stream still said, lets the answer leave, and shuts it', async () => {
    const { wire, heard, closed } = await relay({ answer: 'SIP/2.0 400 Bad Request\r\n\r\n' })
    const phone = await dialled(wire)
    let answer = ''
    phone.on('data', (chunk) => {
      answer += chunk
    })
    phone.write(options.replace('Content-Length: 0', 'Content-Length: -1'))
    await once(phone, 'close')
    expect(heard).toHaveLength(1)
    expect(answer).toBe('SIP/2.0 400 Bad Request\r\n\r\n')
    await until(() => closed.length === 1)
  })

  test('shuts a connection which says nothing, or says one message too slowly', async () => {
    const { wire, heard } = await relay({ limits: { firstMessageMs: 50, messageMs: 50 } })
    const mute = await dialled(wire)
    const slow = await dialled(wire)
    slow.write(options)
    await until(() => heard.length === 1)
    const good = await dialled(wire)
    good.write(options)
    const drip = setInterval(() => slow.write('x'), 20)
    await Promise.all([gone(mute), gone(slow)])
    clearInterval(drip)
    good.write(options)
    await until(() => heard.length === 3)
  })

  test('shuts an idle connection, but none that phones are reached by', async () => {
    const { wire, heard } = await relay({
      limits: { idleMs: 50 },
      needed: (flow) => flow.connection === heard[0]?.flow.connection,
    })
    const [bound, idle] = [await dialled(wire), await dialled(wire)]
    bound.write(options)
    await until(() => heard.length === 1)
    idle.write(options)
    await once(idle, 'close')
    await pause(100)
    wire.send(heard[0]?.flow ?? lost(), bytes('still here'))
    expect(String((await once(bound, 'data'))[0])).toBe('still here')
  })

  test('shuts a stranger’s idle connection much sooner than one who is known', async () => {
    const { wire, heard } = await relay({
      limits: { idleMs: 600_000, strangerIdleMs: 50 },
      known: ({ connection }) => connection === heard[0]?.flow.connection,
    })
    const [phone, idle] = [await dialled(wire), await dialled(wire)]
    phone.write(options)
    await until(() => heard.length === 1)
    idle.write(options)
    await once(idle, 'close')
    phone.write(options)
    await until(() => heard.length === 3)
  })

  test('shuts a stranger’s whose message grows long before it is whole, and hears out who is known', async () => {
    const { wire, heard } = await relay({
      limits: { strangerBytes: 1_000 },
      known: ({ connection }) => connection === heard[0]?.flow.connection,
    })
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    const long = options.replace('Length: 0', `Length: 5000\r\nX: ${'x'.repeat(2_000)}`)
    const stranger = await dialled(wire)
    stranger.write(long)
    phone.write(long)
    await until(() => stranger.destroyed)
    phone.write('x'.repeat(5_000))
    await until(() => heard.length === 2)
  })

  test('full of strangers shuts one of them for whoever comes, and never who is known', async () => {
    const { wire, heard } = await relay({
      visitors: new Visitors({ streams: 8, strangers: 2 }),
      known: ({ connection }) => connection === heard[0]?.flow.connection,
    })
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    const strangers: Socket[] = []
    for (let at = 0; at < 5; at++) strangers.push(await dialled(wire))
    await until(() => strangers.slice(0, 3).every(({ destroyed }) => destroyed))
    phone.write(options)
    strangers[4]?.write(options)
    await until(() => heard.length === 3)
  })

  test('with all places taken says so of a message which would need another', async () => {
    const { wire, unsent } = await relay({ visitors: new Visitors({ streams: 0, strangers: 0 }) })
    const carrier = await listening()
    wire.send(flowTo(carrier.port), bytes(options))
    await until(() => unsent.length === 1)
    expect(unsent[0]?.why).toBe('there are too many connections')
  })

  test('drops a peer who does not read', async () => {
    const { wire, heard, closed } = await relay({ limits: { unreadBytes: 100_000 } })
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    phone.pause()
    const flow = heard[0]?.flow ?? lost()
    const much = new Uint8Array(500_000)
    for (let i = 0; i < 100 && closed.length === 0; i++) {
      wire.send(flow, much)
      await pause(2)
    }
    await until(() => closed.length === 1)
  })

  test('drops a peer who pings and does not read what comes back', async () => {
    const { wire, closed } = await relay({ limits: { unreadBytes: 100_000 } })
    const phone = await dialled(wire)
    phone.pause()
    const pings = '\r\n'.repeat(500_000)
    for (let i = 0; i < 200 && closed.length === 0; i++) {
      phone.write(pings)
      await pause(2)
    }
    await until(() => closed.length === 1)
  })

  test('hangs up once everything sent has left', async () => {
    const { wire, heard } = await relay()
    const phone = await dialled(wire)
    phone.write(options)
    await until(() => heard.length === 1)
    let read = 0
    phone.on('data', (chunk) => {
      read += chunk.length
    })
    const flow = heard[0]?.flow ?? lost()
    wire.send(flow, new Uint8Array(300_000))
    wire.hangUp(flow)
    await once(phone, 'close')
    expect(read).toBe(300_000)
  })

  test('names the port which another program has', async () => {
    const { wire } = await relay()
    const { port } = wire.address
    const again = openTcp({ host: '127.0.0.1', port, log: silence, receive() {}, unsent() {}, closed() {} })
    await expect(again).rejects.toThrow(
      `TCP 127.0.0.1:${port} is in use by another program: stop that, or choose another with SIP_PORT.`,
    )
  })
})

const options = 'OPTIONS sip:relay SIP/2.0\r\nContent-Length: 0\r\n\r\n'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function relay(
  script: { answer?: string; limits?: Partial<StreamLimits> } & Pick<
    Partial<StreamOptions>,
    'needed' | 'known' | 'visitors'
  > = {},
) {
  const heard: { flow: Flow; text: string }[] = []
  const unsent: { flow: Flow; why: string }[] = []
  const closed: Flow[] = []
  const wire: StreamWire = await openTcp({
    host: '127.0.0.1',
    port: portNumber(0),
    log: silence,
    limits: script.limits ?? {},
    needed: script.needed ?? (() => false),
    known: script.known ?? (() => false),
    ...(script.visitors && { visitors: script.visitors }),
    receive(flow, payload) {
      heard.push({ flow, text: new TextDecoder().decode(payload) })
      if (script.answer !== undefined) wire.send(flow, bytes(script.answer))
    },
    unsent: (flow, why) => unsent.push({ flow, why }),
    closed: (flow) => closed.push(flow),
  })
  cleanups.push(() => wire.close())
  return { wire, heard, unsent, closed }
}

async function dialled(wire: StreamWire): Promise<Socket> {
  const socket = connect({ port: wire.address.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  cleanups.push(() => socket.destroy())
  return socket
}

async function listening() {
  const sockets: Socket[] = []
  let text = ''
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((done) => server.close(() => done()))
  }
  cleanups.push(close)
  return { sockets, close, port: (server.address() as AddressInfo).port, text: () => text }
}

function flowTo(port: number): Flow {
  return { transport: 'tcp', address: '127.0.0.1', port: portNumber(port) }
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

/** Shut by the other side, be it with a reset because we were still talking. */
function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })
}
