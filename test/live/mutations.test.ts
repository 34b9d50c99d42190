import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket as Stream } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../bench/random.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { mutation } from '../support/mutations.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf, writeSipText } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const seed = Number(process.env.SEED ?? 4475)
const datagrams = 80_000
const onStreams = 20_000
/** So many go out before it is asked whether the relay has read them. */
const batch = 200
const perStream = 5
const streams = 20
const connections = 1_500
const dialled = '+15551234567'

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone

describe(`a hundred thousand mangled messages (seed ${seed})`, () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.60', relay: stack.relay },
      answers('c', 50),
    )
    office = await openOffice(stack, [carrier.place])
    phone = await office.phone('office1', '127.0.7.61')
    await phone.register()
  })
  afterAll(async () => {
    phone?.close()
    carrier?.close()
    await stack?.stop()
  })

  test('make the relay neither throw nor fall nor keep anything of them', async () => {
    const { relay = 0 } = stack.pids()
    await callWorks()
    const originals = lettersOf()
    const dice = seededRandom(seed)
    await overUdp(originals, dice, 5_000)
    await overTcp(originals, dice, 1_000)
    await pause(1_000)
    const before = memoryOf(relay)
    await overUdp(originals, dice, datagrams)
    await overTcp(originals, dice, onStreams)
    await unfinished(originals[0] ?? '')
    const burst = memoryOf(relay)
    expect(stack.words()).not.toMatch(/\bbug\b|TypeError|RangeError/)
    expect(stack.pids().relay).toBe(relay)
    await callWorks()
    expect(burst).toBeGreaterThan(before * 1.1)
    await soon('memory to be what it was', () => memoryOf(relay) < before * 1.1, 60_000, 1_000)
  }, 240_000)
})

async function overUdp(originals: readonly string[], dice: () => number, count: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 50 }, (_, at) => openSocket(`127.0.${90 + at}.66`)))
  const asker = await openStream()
  for (let at = 0; at < count; at++) {
    const from = sockets[at % sockets.length]
    const message = mutation(originals, dice)
    if (message.length > 0) from?.send(message, stack.relay.port, stack.relay.address)
    if (at % batch === batch - 1) await hasRead(asker)
  }
  asker.destroy()
  for (const socket of sockets) socket.close()
}

async function overTcp(originals: readonly string[], dice: () => number, count: number): Promise<void> {
  for (let at = 0; at < count; at += perStream * streams) {
    const messages = Array.from({ length: streams }, () =>
      Array.from({ length: perStream }, () => mutation(originals, dice)),
    )
    await Promise.all(messages.map((each, i) => streamed(each, `127.0.${90 + i}.66`)))
  }
}

/** Over a connection which the relay may close on hearing them. */
async function streamed(messages: readonly Buffer[], from: string): Promise<void> {
  const stream = await openStream(from)
  const closed = new Promise((done) => stream.once('close', done))
  for (const message of messages) stream.write(message)
  stream.end()
  await Promise.race([closed, pause(50)])
  stream.destroy()
}

/** Connections with the beginning of a message each, none of which is ever whole. */
async function unfinished(original: string): Promise<void> {
  const [start = ''] = original.split('\r\n', 1)
  const beginning = `${start}\r\nSubject: ${'x'.repeat(40_000)}`
  const open = await Promise.all(
    Array.from({ length: connections }, (_, at) => openStream(`127.0.${90 + (at % 50)}.${67 + (at % 20)}`)),
  )
  for (const stream of open) stream.write(beginning)
  await pause(1_000)
  for (const stream of open) stream.destroy()
}

/** Asks over a stream, where no answer is too many. */
async function hasRead(stream: Stream): Promise<void> {
  stream.write(
    `OPTIONS sip:${stack.local.realm} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.7.66;branch=z9hG4bK${Math.random()}\r\n` +
      `From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: ${Math.random()}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
  )
  await once(stream, 'data')
}

async function callWorks(): Promise<void> {
  const { call, result } = await phone.call(dialled, 'p')
  expect(statusOf(await result)).toBe(200)
  await call.bye()
}

/** All that phone and carrier have said so far, as octets. */
function lettersOf(): string[] {
  return [phone, carrier].flatMap(({ trace }) =>
    trace.filter(({ way }) => way === 'sent').map(({ message }) => writeSipText(message)),
  )
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, address)
  await once(socket, 'listening')
  return socket.on('error', () => undefined)
}

async function openStream(localAddress = '127.0.7.66'): Promise<Stream> {
  const stream = connect({ host: stack.relay.address, port: stack.relay.port, localAddress })
  stream.on('error', () => undefined)
  await once(stream, 'connect')
  return stream
}

/** Resident octets of a process (Linux). */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}
