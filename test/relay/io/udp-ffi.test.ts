import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { freePort } from '../../../relay/io/udp-dgram.ts'
import type { UdpEngine } from '../../../relay/io/udp-engine.ts'
import { ffiUdp } from '../../../relay/io/udp-ffi.ts'
import { loadUdpLibc, type UdpLibc, type UdpLoaded } from '../../../relay/io/udp-libc.ts'

const real = loadUdpLibc()

describe.skipIf(typeof real === 'string')('a kernel which SIP over UDP asks by libc', () => {
  test('has no room for a while, and all is sent in its order once it has', async () => {
    const { phone, heard } = await party()
    let full = 3
    const { engine } = await opened({
      sendto:
        (given) =>
        (...call) =>
          full-- > 0 ? -1 : given(...call),
      code: () => 'EAGAIN',
    })
    const unsent: unknown[] = []
    for (const text of ['one', 'two', 'three', 'four'])
      engine.send(phone, octets(text), (error) => unsent.push(error))
    expect(heard).toEqual([])
    await expect.poll(() => heard).toEqual(['one', 'two', 'three', 'four'])
    expect(unsent).toEqual([])
  })

  test('never has room again, and what waits has an end', async () => {
    const { phone } = await party()
    const { engine } = await opened({ sendto: () => () => -1, code: () => 'ENOBUFS' })
    const codes: unknown[] = []
    for (let i = 0; i < 4100; i++) engine.send(phone, octets('INVITE'), ({ code }) => codes.push(code))
    expect(codes).toEqual([])
    await expect.poll(() => codes).toEqual(['ENOBUFS', 'ENOBUFS', 'ENOBUFS', 'ENOBUFS'])
  })

  test('has no room, and what waits for a socket which is closed goes to nobody', async () => {
    const [{ phone, heard }, other] = [await party(), await party()]
    let full = 1
    const { engine } = await opened({
      sendto:
        (given) =>
        (...call) =>
          full-- > 0 ? -1 : given(...call),
      code: () => 'EAGAIN',
    })
    const peer = engine.connect(phone)
    peer?.send(octets('INVITE'), () => undefined)
    peer?.close()
    engine.connect(other.phone)?.send(octets('OPTIONS'), () => undefined)
    await expect.poll(() => other.heard).toEqual(['OPTIONS'])
    expect(heard).toEqual([])
  })

  test('refuses what is sent: that is said, and not in the turn which sent it', async () => {
    const { phone } = await party()
    const { engine } = await opened({ sendto: () => () => -1, code: () => 'EPERM' })
    const codes: unknown[] = []
    engine.send(phone, octets('INVITE'), ({ code }) => codes.push(code))
    engine.connect(phone)?.send(octets('INVITE'), ({ code }) => codes.push(code))
    engine.send(phone, octets('INVITE'))
    expect(codes).toEqual([])
    await expect.poll(() => codes).toEqual(['EPERM', 'EPERM'])
  })

  test('has no descriptor left: there is no second socket, and the first goes on', async () => {
    const { phone, heard } = await party()
    let sockets = 0
    const { engine } = await opened({
      socket:
        (given) =>
        (...call) =>
          ++sockets > 1 ? -1 : given(...call),
      code: () => 'EMFILE',
    })
    expect(engine.connect(phone)).toBe(undefined)
    engine.send(phone, octets('OPTIONS'))
    await expect.poll(() => heard).toEqual(['OPTIONS'])
  })

  test('marks what is sent as signalling: DSCP CS3, to whichever family', async () => {
    const sockets: number[] = []
    const noted: Changes = {
      bind:
        (given) =>
        (fd, ...rest) => {
          sockets.push(fd)
          return given(fd, ...rest)
        },
      code: () => 'none',
    }
    await opened(noted)
    await opened(noted, '::1')
    const [IP_TOS, IPV6_TCLASS] = [[0, 1] as const, [41, 67] as const]
    const [ipv4 = -1, ipv6 = -1] = sockets
    expect(
      [markOf(ipv4, IP_TOS), markOf(ipv6, IP_TOS), markOf(ipv6, IPV6_TCLASS)].map((tos) => tos >> 2),
    ).toEqual([24, 24, 24])
  })

  test('lets nobody read several datagrams at a call: that is said before any is lost, and nothing stays open', async () => {
    const port = await freePort('127.0.0.1', portNumber(0))
    const loaded = changed({ recvmmsg: () => () => -1, code: () => 'ENOSYS' })
    expect(ffiUdp('127.0.0.1', port, ears([]), loaded)).toBe('recvmmsg ENOSYS')
    expect(await freePort('127.0.0.1', port)).toBe(port)
  })

  test('has no socket at all: that is said in a sentence, and nothing stays open', async () => {
    const closed: number[] = []
    const loaded = changed({
      bind: () => () => -1,
      close: (given) => (fd) => {
        closed.push(fd)
        return given(fd)
      },
      code: () => 'EADDRNOTAVAIL',
    })
    expect(ffiUdp('192.0.2.10', portNumber(5060), ears([]), loaded)).toBe('bind EADDRNOTAVAIL')
    expect(closed).toHaveLength(2)
  })
})

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

type Changes = { [Name in keyof UdpLibc]?: (given: UdpLibc[Name]) => UdpLibc[Name] } & { code(): string }

/** The real libc with some of its calls changed, and what they fail with. */
function changed({ code, ...calls }: Changes): UdpLoaded {
  const loaded = real as UdpLoaded
  const libc = { ...loaded.libc }
  for (const [name, change] of Object.entries(calls))
    Object.assign(libc, { [name]: (change as (given: unknown) => unknown)(libc[name as keyof UdpLibc]) })
  return { ...loaded, libc, failure: code }
}

async function opened(changes: Changes, host = '127.0.0.1'): Promise<{ engine: UdpEngine }> {
  const port = await freePort(host, portNumber(0))
  const engine = ffiUdp(host, port, ears([]), changed(changes))
  if (typeof engine === 'string') throw new Error(engine)
  open.push(engine)
  return { engine }
}

/** The octet by which routers know what a socket sends. */
function markOf(fd: number, [level, name]: readonly [number, number]): number {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  const { functions } = ffi.dlopen(null, {
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'u64', 'u64'], return: 'i32' },
  })
  const memory = new ArrayBuffer(8192)
  const at = ffi.getRawPointer(memory)
  new DataView(memory).setUint32(8, 4, true)
  expect(functions.getsockopt(fd, level, name, at, at + 8n)).toBe(0)
  return new DataView(memory).getUint32(0, true)
}

function ears(heard: string[]) {
  return {
    hear: (bytes: Uint8Array) => heard.push(String(bytes)),
    lost: () => undefined,
    failing: () => undefined,
  }
}

async function party(): Promise<{ phone: Flow; heard: string[] }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  open.push(socket)
  const heard: string[] = []
  socket.on('message', (bytes) => heard.push(String(bytes)))
  return { phone: { transport: 'udp', address: '127.0.0.1', port: portNumber(socket.address().port) }, heard }
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
