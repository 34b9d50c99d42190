import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openUdp } from '../../../relay/io/udp.ts'
import type { Wire } from '../../../relay/io/wire.ts'
import { silence } from '../../support/silence.ts'
import { bindingRequest, stunAnswer } from '../../support/stun.ts'

describe('SIP over UDP', () => {
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

  test('names the port which another program has', async () => {
    const { wire } = await relay()
    const { port } = wire.address
    await expect(
      openUdp({ host: '127.0.0.1', port, log: silence, receive() {}, unsent() {} }),
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

async function relay(host = '127.0.0.1') {
  const heard: { flow: Flow; text: string }[] = []
  const unsent: { flow: Flow; why: string }[] = []
  const wire: Wire = await openUdp({
    host,
    port: portNumber(0),
    log: silence,
    receive: (flow, payload) => heard.push({ flow, text: new TextDecoder().decode(payload) }),
    unsent: (flow, why) => unsent.push({ flow, why }),
  })
  open.push(wire)
  return { wire, heard, unsent }
}

async function peer(port = 0) {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
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
