import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, Carrier } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf, writeSipText } from '../support/sip-text.ts'
import { soundPlace } from '../support/sound.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const dialled = '+15551234567'
const attacker = '127.0.7.66'

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone

describe('somebody hostile', () => {
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

  test('sends garbage and mangled messages, and the relay neither dies nor grows nor forgets the others', async () => {
    const { relay } = stack.pids()
    const socket = await openSocket()
    const dice = rolling(4475)
    await volley(socket, 1000, () => noise(dice))
    await callWorks()
    const before = memoryOf(relay ?? 0)
    const originals = phone.trace
      .filter(({ way }) => way === 'sent')
      .map(({ message }) => writeSipText(message))
    await volley(socket, 3000, (at) => (at % 2 === 0 ? noise(dice) : mangled(originals, dice)))
    for (let at = 0; at < 40; at++) await streamOf(at % 2 === 0 ? noise(dice) : mangled(originals, dice))
    socket.close()
    await callWorks()
    expect(stack.pids().relay).toBe(relay)
    expect(memoryOf(relay ?? 0) - before).toBeLessThan(80 * 1024 * 1024)
  })

  test('sprays RTP at the ports of a call, and neither hears it nor is heard in it', async () => {
    const thief = await openSocket()
    let stolen = 0
    thief.on('message', () => stolen++)
    const ports = new Set<number>()
    const spraying = setInterval(() => spray(thief, ports), 5)
    carrier.onCall = (call) => {
      around(ports, call.invite.body)
      answers('c', 200)(call)
    }
    const { caller, callee } = await callOnce((body) => around(ports, body), 1500)
    clearInterval(spraying)
    thief.close()
    expect(stolen).toBe(0)
    expect([caller, callee]).toEqual([['c'], ['p']])
  })
})

async function callWorks(): Promise<void> {
  const { caller, callee } = await callOnce()
  expect([caller, callee]).toEqual([['c'], ['p']])
}

/** One good call; gives the voices each side heard. */
async function callOnce(
  answered: (body: string) => void = () => undefined,
  ms = 300,
): Promise<{ caller: string[]; callee: string[] }> {
  const { call, result } = await phone.call(dialled, 'p')
  const response = await result
  expect(statusOf(response)).toBe(200)
  answered(response.body)
  const other = carrier.calls.at(-1)
  await soon('both to be heard', () => call.sound?.heard.size && other?.sound?.heard.size)
  await pause(ms)
  await call.bye()
  const voices = (heard: Map<string, number> | undefined) => [...(heard?.keys() ?? [])]
  return { caller: voices(call.sound?.heard), callee: voices(other?.sound?.heard) }
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, attacker)
  await once(socket, 'listening')
  socket.on('error', () => undefined)
  return socket
}

/** `count` datagrams, paced so that the kernel drops none. */
async function volley(socket: Socket, count: number, message: (at: number) => Buffer): Promise<void> {
  for (let at = 0; at < count; at++) {
    socket.send(message(at), stack.relay.port, stack.relay.address)
    if (at % 25 === 0) await pause(10)
  }
  await pause(200)
}

async function streamOf(bytes: Buffer): Promise<void> {
  const socket = connect({ host: stack.relay.address, port: stack.relay.port, localAddress: attacker })
  socket.on('error', () => undefined)
  socket.write(bytes)
  await pause(10)
  socket.destroy()
}

/** The port an SDP names, and its neighbours: RTCP, and the other side of the same call. */
function around(ports: Set<number>, body: string): void {
  const port = soundPlace(body)?.port ?? 0
  for (let each = port - 8; each <= port + 8; each++) ports.add(each)
}

function spray(socket: Socket, ports: ReadonlySet<number>): void {
  const packet = Buffer.alloc(172, 'x')
  packet.writeUInt16BE(0x8000, 0)
  for (const port of ports) socket.send(packet, port, stack.relay.address)
}

function noise(dice: () => number): Buffer {
  return Buffer.from(Array.from({ length: 1 + Math.floor(dice() * 1200) }, () => Math.floor(dice() * 256)))
}

/** A true message with some bytes changed, cut out or doubled. */
function mangled(originals: string[], dice: () => number): Buffer {
  const bytes = Buffer.from(originals[Math.floor(dice() * originals.length)] ?? 'INVITE')
  const at = Math.floor(dice() * bytes.length)
  const length = Math.floor(dice() * 40)
  const kind = dice()
  if (kind < 0.3) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
  if (kind < 0.6) return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
  for (let each = at; each < Math.min(at + length, bytes.length); each++)
    bytes[each] = Math.floor(dice() * 256)
  return bytes
}

/** The same rolls for the same seed (mulberry32). */
function rolling(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Resident bytes of a process (Linux). */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}
