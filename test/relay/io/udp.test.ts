import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openUdp } from '../../../relay/io/udp.ts'
import type { UdpEngineName } from '../../../relay/io/udp-engine.ts'
import type { Wire } from '../../../relay/io/wire.ts'
import { silence } from '../../support/silence.ts'
import { bindingRequest, stunAnswer } from '../../support/stun.ts'

describe.each(['ffi', 'dgram'] as const)('SIP over UDP by %s', (engine) => {
  const relay = (host?: string) => opened(engine, host)

  test('receives a datagram with the flow it came by, and answers it there', async () => {
    const { wire, heard } = await relay()
    const phone = await peer()
    phone.send('OPTIONS sip:relay SIP/2.0', wire.address.port, '127.0.0.1')
    await until(() => heard.length === 1)
    const [{ flow, text } = lost()] = heard
    expect(text).toBe('OPTIONS sip:relay SIP/2.0')
    expect(flow).toEqual({ transport: 'udp', address: '127.0.0.1', port: phone.address().port })
    const answered = once(phone, 'message')
    wire.send(flow, bytes('SIP/2.0 200 OK'))
    const [answer, from] = await answered
    expect(String(answer)).toBe('SIP/2.0 200 OK')
    expect(from.port).toBe(wire.address.port)
  })

  test('sends requests from the port it listens on, and hears their answers', async () => {
    const { wire, heard } = await relay()
    const carrier = await peer()
    carrier.on('message', (_, from) => carrier.send('SIP/2.0 100 Trying', from.port, from.address))
    wire.send(flowTo(carrier.address().port), bytes('INVITE sip:carrier SIP/2.0'))
    await until(() => heard.length === 1)
    expect(heard[0]?.text).toBe('SIP/2.0 100 Trying')
  })

  test('says at once that nobody listens at a destination (RFC 3261 §18.4)', async () => {
    const { wire, unsent } = await relay()
    const gone = await peer()
    const { port } = gone.address()
    await new Promise<void>((closed) => gone.close(() => closed()))
    wire.send(flowTo(port), bytes('INVITE sip:nobody SIP/2.0'))
    await until(() => unsent.length > 0)
    expect(unsent[0]).toEqual({ flow: flowTo(port), why: 'nobody listens there' })
  })

  test('tells who asks by STUN where it is seen from, and takes that for no SIP', async () => {
    const { wire, heard } = await relay()
    const phone = await peer()
    const answered = once(phone, 'message')
    phone.send(bindingRequest(), wire.address.port, '127.0.0.1')
    const [answer] = await answered
    expect(stunAnswer(answer).mapped).toBe(`127.0.0.1:${phone.address().port}`)
    expect(heard).toEqual([])
  })

  test('says that there is no port 0, nor one beyond the last', async () => {
    const { wire, unsent } = await relay()
    for (const port of [0, 65_536]) {
      for (const text of ['BYE sip:nobody SIP/2.0', 'SIP/2.0 200 OK']) wire.send(flowTo(port), bytes(text))
    }
    expect(unsent).toEqual([])
    await until(() => unsent.length === 4)
    expect(unsent.map(({ why }) => why)).toContain('there is no such port')
  })

  test('reaches a destination which refused before and listens again', async () => {
    const { wire, unsent } = await relay()
    const first = await peer()
    const { port } = first.address()
    await new Promise<void>((closed) => first.close(() => closed()))
    wire.send(flowTo(port), bytes('INVITE sip:nobody SIP/2.0'))
    await until(() => unsent.length > 0)
    const second = await peer(port)
    const heard = once(second, 'message')
    wire.send(flowTo(port), bytes('INVITE sip:somebody SIP/2.0'))
    expect(String((await heard)[0])).toBe('INVITE sip:somebody SIP/2.0')
  })

  test('hears strangers while it talks to a carrier', async () => {
    const { wire, heard } = await relay()
    const [carrier, stranger] = [await peer(), await peer()]
    wire.send(flowTo(carrier.address().port), bytes('INVITE sip:carrier SIP/2.0'))
    stranger.send('OPTIONS sip:relay SIP/2.0', wire.address.port, '127.0.0.1')
    await until(() => heard.length === 1)
    expect(heard[0]?.flow.port).toBe(stranger.address().port)
  })

  test('passes over keep-alives and STUN without a word (RFC 5626 §3.5.1)', async () => {
    const { wire, heard } = await relay()
    const phone = await peer()
    for (const quiet of ['\r\n\r\n', '\0\0\0\0', '', '\0\x01\0\0abcdefghijklmnop'])
      phone.send(quiet, wire.address.port, '127.0.0.1')
    phone.send('OPTIONS sip:relay SIP/2.0', wire.address.port, '127.0.0.1')
    await until(() => heard.length > 0)
    expect(heard.map(({ text }) => text)).toEqual(['OPTIONS sip:relay SIP/2.0'])
  })

  test('speaks IPv6, and IPv4 on the same socket under its plain address', async () => {
    const { wire, heard } = await relay('::')
    const phone = await peer()
    phone.send('OPTIONS sip:relay SIP/2.0', wire.address.port, '127.0.0.1')
    await until(() => heard.length === 1)
    const { flow } = heard[0] ?? lost()
    expect(flow.address).toBe('127.0.0.1')
    for (const text of ['SIP/2.0 200 OK', 'INVITE sip:phone SIP/2.0']) {
      const answered = once(phone, 'message')
      wire.send(flow, bytes(text))
      expect(String((await answered)[0])).toBe(text)
    }
  })

  test('speaks with IPv6, and says of that, too, that nobody listens there', async () => {
    const { wire, heard, unsent } = await relay('::1')
    const phone = await peer(0, '::1')
    phone.send('OPTIONS sip:relay SIP/2.0', wire.address.port, '::1')
    await until(() => heard.length === 1)
    const { flow } = heard[0] ?? lost()
    expect(flow).toEqual({ transport: 'udp', address: '::1', port: phone.address().port })
    const answered = once(phone, 'message')
    wire.send(flow, bytes('SIP/2.0 200 OK'))
    expect(String((await answered)[0])).toBe('SIP/2.0 200 OK')
    await new Promise<void>((closed) => phone.close(() => closed()))
    wire.send(flow, bytes('INVITE sip:nobody SIP/2.0'))
    await until(() => unsent.length > 0)
    expect(unsent[0]).toEqual({ flow, why: 'nobody listens there' })
  })

  test('says that an address of the other family is not reached', async () => {
    const { wire, unsent } = await relay()
    const flow = { ...flowTo(5060), address: '::1' }
    for (const text of ['INVITE sip:nobody SIP/2.0', 'SIP/2.0 200 OK']) wire.send(flow, bytes(text))
    wire.send({ ...flow, address: '::2' }, bytes('OPTIONS sip:nobody SIP/2.0'), true)
    expect(unsent).toEqual([])
    await until(() => unsent.length >= 2)
    for (const each of unsent) expect(each.flow).toEqual(flow)
  })

  test('hears each of many datagrams which come at once, the longest and the empty ones between them', async () => {
    const { wire, heard } = await relay()
    const [phone, other] = [await peer(), await peer()]
    const texts = Array.from({ length: 100 }, (_, i) => `MESSAGE sip:${i} SIP/2.0${'x'.repeat(i * 10)}`)
    texts[50] = `MESSAGE sip:50 SIP/2.0${'y'.repeat(65_507 - 22)}`
    for (const [i, text] of texts.entries()) {
      const from = i % 2 === 0 ? phone : other
      from.send(text, wire.address.port, '127.0.0.1')
      from.send('', wire.address.port, '127.0.0.1')
    }
    await until(() => heard.length === 100)
    expect(heard.map(({ text }) => text).toSorted()).toEqual(texts.toSorted())
    for (const { flow, text } of heard) {
      const i = Number(/^MESSAGE sip:(\d+)/.exec(text)?.[1])
      expect(flow.port).toBe((i % 2 === 0 ? phone : other).address().port)
    }
  })

  test('hears nothing more once it is closed, though more lies there, and leaves the port to others', async () => {
    const { wire, heard, onHeard } = await relay()
    const { port } = wire.address
    const [phone, carrier] = [await peer(), await peer()]
    wire.send(flowTo(carrier.address().port), bytes('INVITE sip:carrier SIP/2.0'))
    let closed: Promise<void> | undefined
    onHeard(() => {
      closed ??= wire.close()
    })
    for (let i = 0; i < 40; i++) phone.send(`MESSAGE sip:${i} SIP/2.0`, port, '127.0.0.1')
    await until(() => closed !== undefined)
    await closed
    const next = await peer(port)
    const first = once(next, 'message')
    phone.send('OPTIONS sip:next SIP/2.0', port, '127.0.0.1')
    expect(String((await first)[0])).toBe('OPTIONS sip:next SIP/2.0')
    expect(heard).toHaveLength(1)
  })

  test('writes nothing once it is closed into what has its descriptors then, and says that it was not sent', async () => {
    const { wire, unsent } = await relay()
    const server = createServer((theirs) => theirs.pipe(theirs)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(server)
    await wire.close()
    const { port } = server.address() as AddressInfo
    const others = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
    for (const other of others) await once(other, 'connect')
    for (const text of ['SIP/2.0 200 OK', 'INVITE sip:nobody SIP/2.0']) wire.send(flowTo(port), bytes(text))
    for (const other of others) {
      const echoed = text(other)
      other.end('their own')
      expect(await echoed).toBe('their own')
    }
    await until(() => unsent.length === 2)
  })

  test('names the port which another program has', async () => {
    const { wire } = await relay()
    const { port } = wire.address
    await expect(
      openUdp({ host: '127.0.0.1', port, log: silence, engine, receive() {}, unsent() {} }),
    ).rejects.toThrow(
      `UDP 127.0.0.1:${port} is in use by another program: stop that, or choose another with SIP_PORT.`,
    )
  })

  test('says that a message is too long for a datagram', async () => {
    const { wire, unsent } = await relay()
    wire.send(flowTo((await peer()).address().port), new Uint8Array(70_000).fill(65))
    await until(() => unsent.length > 0)
    expect(unsent[0]?.why).toBe('too long for one datagram')
  })
})

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) {
    try {
      await socket.close()
    } catch {
      // Closed by the test itself.
    }
  }
})

async function opened(engine: UdpEngineName, host = '127.0.0.1') {
  const heard: { flow: Flow; text: string }[] = []
  const unsent: { flow: Flow; why: string }[] = []
  let after = () => {}
  const wire: Wire = await openUdp({
    host,
    port: portNumber(0),
    log: silence,
    engine,
    receive: (flow, payload) => {
      heard.push({ flow, text: new TextDecoder().decode(payload) })
      after()
    },
    unsent: (flow, why) => unsent.push({ flow, why }),
  })
  open.push(wire)
  const onHeard = (then: () => void) => {
    after = then
  }
  return { wire, heard, unsent, onHeard }
}

async function peer(port = 0, address = '127.0.0.1') {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.bind(port, address)
  await once(socket, 'listening')
  open.push(socket)
  return socket
}

function flowTo(port: number): Flow {
  return { transport: 'udp', address: '127.0.0.1', port: portNumber(port) }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function until(true_: () => boolean): Promise<void> {
  for (let i = 0; i < 6_000 && !true_(); i++) await new Promise((later) => setTimeout(later, 5))
  expect(true_()).toBe(true)
}

function lost(): never {
  throw new Error('nothing was heard')
}
