import { execFileSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { portNumber, srtpSuites } from '#contract'
import type { Note } from '../../relay/ground/effects.ts'
import type { Aim, MediaReport } from '../../relay/ground/media.ts'
import { sessionId } from '../../relay/ground/media.ts'
import { type MediaPlane, startMedia } from '../../relay/io/media.ts'
import type { MediaEngineName } from '../../relay/io/media-thread.ts'
import { valueOfPcmu } from '../../relay/media/g711.ts'
import { suiteSizes } from '../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../relay/media/srtp-pure.ts'
import { SrtpReceiver } from '../../relay/media/srtp-receiver.ts'
import { SrtpSender } from '../../relay/media/srtp-sender.ts'
import { type RtpParty, rtcpPacket, rtpPacket, rtpParty } from '../support/rtp.ts'

const engines: MediaEngineName[] = process.platform === 'linux' ? ['ffi', 'dgram'] : ['dgram']
const host = '127.0.9.1'
/** Apart from every other test's ports. */
const ports = { caller: portNumber(36_100), callee: portNumber(36_110) }

describe.each(engines)('the media thread with %s', (engine) => {
  let plane: MediaPlane
  let reports: MediaReport[]
  let alice: RtpParty
  let bob: RtpParty
  let folder: string

  beforeEach(async () => {
    reports = []
    folder = mkdtempSync(join(tmpdir(), 'recordings-'))
    plane = await startMedia({
      engine,
      host,
      timeoutMs: 1_000,
      recordings: folder,
      report: (each) => reports.push(each),
      log() {},
    })
    alice = await rtpParty('127.0.9.2', 0xa11ce)
    bob = await rtpParty('127.0.9.3', 0xb0b)
  })

  afterEach(async () => {
    alice.close()
    bob.close()
    await plane.stop()
    rmSync(folder, { recursive: true })
  })

  test('carries sound both ways and says at the end what it heard', async () => {
    call()
    await reply(alice, bob)
    alice.say(ports.caller, host, 10)
    bob.say(ports.callee, host, 20)
    await Promise.all([bob.hears(11), alice.hears(21)])
    expect(bob.heard.at(-1)).toMatchObject({ address: host, port: ports.callee })
    expect(bob.heard.at(-1)?.packet).toEqual(rtpPacket({ sequence: 10, ssrc: 0xa11ce }))
    plane.order({ type: 'close', session: sessionId(1) })
    expect(await reported('closed')).toMatchObject({
      caller: { packets: 11, bytes: 11 * 172, lost: 0, dropped: 0 },
      callee: { packets: 21, lost: 0, dropped: 0 },
    })
    expect(reports.filter(({ type }) => type === 'heard')).toMatchObject([
      { side: 'caller', address: '127.0.9.2', port: alice.port },
      { side: 'callee', address: '127.0.9.3', port: bob.port },
    ])
  })

  test('joins a party with another one, of another session, and closes the leg of the first (a transfer)', async () => {
    const carol = await rtpParty('127.0.9.4', 0xca401)
    const port = portNumber(ports.callee + 4)
    const [from, to] = [
      { session: sessionId(1), side: 'caller' },
      { session: sessionId(2), side: 'callee' },
    ] as const
    call()
    await reply(alice, bob)
    plane.order({ type: 'open', session: to.session, ports: { callee: port } })
    plane.order({ type: 'aim', ...to, aim: aimAt(carol) })
    plane.order({ type: 'connect', ...from, to })
    plane.order({ type: 'close', session: from.session, side: 'callee' })
    await settled()
    alice.say(ports.caller, host)
    carol.say(port, host)
    await Promise.all([carol.hears(1), alice.hears(2)])
    expect(carol.heard[0]).toMatchObject({ port, packet: rtpPacket({ sequence: 1, ssrc: 0xa11ce }) })
    expect(bob.heard).toHaveLength(1)
    plane.order({ type: 'disconnect', ...to })
    await settled()
    alice.say(ports.caller, host)
    plane.order({ type: 'close', session: from.session })
    plane.order({ type: 'close', session: to.session })
    await until(() => reports.filter(({ type }) => type === 'closed').length === 2)
    expect(carol.heard).toHaveLength(1)
    expect(reports.filter(({ type }) => type === 'closed')).toMatchObject([
      { session: 1, callee: { packets: 1 } },
      { session: 2, caller: { packets: 0 }, callee: { packets: 1 } },
    ])
    carol.close()
  })

  test('carries RTCP from port to port', async () => {
    call()
    await reply(alice, bob)
    const control = await rtpParty('127.0.9.3', 1)
    plane.order({ type: 'aim', session: sessionId(1), side: 'callee', aim: aimAt(bob, control.port) })
    await settled()
    alice.send(rtcpPacket(0xa11ce), ports.caller + 1, host)
    await control.hears(1)
    expect(control.heard[0]).toMatchObject({ packet: rtcpPacket(0xa11ce), port: ports.callee + 1 })
    control.close()
  })

  test('has no socket for RTCP which comes by the port of RTP, and one again when that is over (RFC 5761)', async () => {
    const both = { ...aimAt(alice), mux: true }
    const rtcp = { host, port: ports.caller + 1 }
    call()
    await reply(alice, bob)
    expect(await isFree(rtcp)).toBe(false)
    plane.order({ type: 'aim', session: sessionId(1), side: 'caller', aim: both })
    await settled()
    expect(await isFree(rtcp)).toBe(true)
    bob.send(rtcpPacket(0xb0b), ports.callee + 1, host)
    await alice.hears(2)
    expect(alice.heard[1]).toMatchObject({ packet: rtcpPacket(0xb0b), port: ports.caller })
    const control = await rtpParty('127.0.9.2', 1)
    const [apart, to] = [aimAt(alice, control.port), { session: sessionId(1), side: 'caller' } as const]
    plane.order({ type: 'aim', ...to, aim: apart })
    await settled()
    expect(await isFree(rtcp)).toBe(false)
    bob.send(rtcpPacket(0xb0b), ports.callee + 1, host)
    await control.hears(1)
    expect(control.heard[0]).toMatchObject({ packet: rtcpPacket(0xb0b), port: ports.caller + 1 })
    control.close()
    // Somebody else has it when it is wanted again: the sound goes on.
    plane.order({ type: 'aim', ...to, aim: both })
    await settled()
    const other = await taken(rtcp)
    plane.order({ type: 'aim', ...to, aim: apart })
    await settled()
    bob.say(ports.callee, host)
    await alice.hears(3)
    await new Promise<void>((closed) => other.close(() => closed()))
    plane.order({ type: 'close', session: sessionId(1) })
    await reported('closed')
    expect(await isFree(rtcp)).toBe(true)
  })

  test.each(srtpSuites)('carries %s on one side and plain RTP on the other', async (suite) => {
    const { key, salt } = suiteSizes[suite]
    const [theirs, ours] = [1, 2].map((byte) => ({ suite, secret: new Uint8Array(key + salt).fill(byte) }))
    if (theirs === undefined || ours === undefined) throw new Error('two keys were made')
    call()
    plane.order({
      type: 'aim',
      session: sessionId(1),
      side: 'caller',
      aim: { ...aimAt(alice), srtp: { theirs, ours } },
    })
    await settled()
    const sender = new SrtpSender(theirs, pureCipher)
    const receiver = new SrtpReceiver(ours, pureCipher)
    for (let sequence = 0; sequence < 40; sequence++) {
      const packet = roomy(rtpPacket({ sequence, ssrc: 0xa11ce }))
      const length = sender.protect(packet, 172, false)
      alice.send(packet.subarray(0, length), ports.caller, host)
      alice.send(rtpPacket({ sequence: 500 + sequence, ssrc: 0xa11ce }), ports.caller, host)
      bob.say(ports.callee, host)
      if (sequence === 0) await Promise.all([bob.hears(1), alice.hears(1)])
    }
    await Promise.all([bob.hears(40), alice.hears(40)])
    expect(bob.heard.map(({ packet }) => packet)).toEqual(
      bob.heard.map((_, sequence) => rtpPacket({ sequence, ssrc: 0xa11ce })),
    )
    for (const [sequence, { packet }] of alice.heard.entries()) {
      const opened = roomy(packet)
      expect(receiver.unprotect(opened, packet.length, false)).toBe(172)
      expect(Buffer.from(opened.subarray(0, 172))).toEqual(rtpPacket({ sequence, ssrc: 0xb0b }))
    }
    plane.order({ type: 'close', session: sessionId(1) })
    expect(await reported('closed')).toMatchObject({ caller: { packets: 40, dropped: 40 } })
  })

  test('gives a sprayer nothing, before and after the parties spoke', async () => {
    const mallory = await rtpParty('127.0.9.66', 0xbad)
    call()
    await settled()
    for (const port of Object.values(ports)) mallory.say(port, host, 50)
    await reply(alice, bob)
    for (const port of Object.values(ports)) mallory.say(port, host, 50)
    alice.say(ports.caller, host, 20)
    bob.say(ports.callee, host, 20)
    await Promise.all([bob.hears(21), alice.hears(21)])
    const foreign = [...alice.heard, ...bob.heard].filter(({ packet }) => packet.readUInt32BE(8) === 0xbad)
    expect({ stolen: mallory.heard.length, injected: foreign.length }).toEqual({ stolen: 0, injected: 0 })
    mallory.close()
  })

  test('hears a party at its new port as soon as a new answer was aimed', async () => {
    call()
    await reply(alice, bob)
    const moved = await rtpParty('127.0.9.3', 0xb0b2)
    moved.say(ports.callee, host)
    await settled()
    expect(alice.heard).toHaveLength(1)
    plane.order({ type: 'aim', session: sessionId(1), side: 'callee', aim: aimAt(moved) })
    await settled()
    moved.say(ports.callee, host)
    await alice.hears(2)
    alice.say(ports.caller, host)
    await moved.hears(1)
    moved.close()
  })

  test('gives the announced port both directions, although another port of its address was first', async () => {
    const neighbour = await rtpParty('127.0.9.2', 0xbad)
    call()
    await settled()
    for (let i = 0; i < 40; i++) {
      neighbour.say(ports.caller, host)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    bob.say(ports.callee, host)
    await Promise.all([bob.hears(1), neighbour.hears(1)])
    await reply(alice, bob)
    bob.say(ports.callee, host, 20)
    neighbour.say(ports.caller, host, 20)
    await alice.hears(21)
    expect(neighbour.heard).toHaveLength(1)
    expect(bob.heard.filter(({ packet }) => packet.readUInt32BE(8) === 0xa11ce)).toHaveLength(1)
    neighbour.close()
  })

  test('follows a stream which a NAT moved, and nobody else', async () => {
    call()
    await reply(alice, bob)
    const neighbour = await rtpParty('127.0.9.2', 0xbad)
    const moved = await rtpParty('127.0.9.2', 0xa11ce)
    let sequence = 1
    const speaking = setInterval(() => {
      neighbour.say(ports.caller, host)
      moved.send(rtpPacket({ sequence: sequence++, ssrc: 0xa11ce }), ports.caller, host)
      bob.say(ports.callee, host)
    }, 20)
    await moved.hears(1)
    await moved.hears(20)
    clearInterval(speaking)
    expect(neighbour.heard).toHaveLength(0)
    neighbour.close()
    moved.close()
  })

  test('goes on when a party is away for a moment and its port refuses', async () => {
    call()
    await reply(alice, bob)
    bob.close()
    for (let i = 0; i < 5; i++) {
      alice.say(ports.caller, host)
      await settled()
    }
    bob = await rtpParty('127.0.9.3', 0xb0b, bob.port)
    alice.say(ports.caller, host, 3)
    await bob.hears(2)
    bob.say(ports.callee, host, 2)
    await alice.hears(2)
  })

  test('obeys at once although nothing moves', async () => {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30))
      plane.order({ type: 'open', session: sessionId(i), ports })
      plane.order({ type: 'close', session: sessionId(i) })
      await reported('closed')
      reports.length = 0
    }
  })

  test('says when all four sockets are there', async () => {
    call()
    expect(await reported('opened')).toEqual({ type: 'opened', session: 1 })
    expect(reports.map(({ type }) => type)).toEqual(['opened'])
  })

  test('reports ports which are taken, and the session is gone', async () => {
    const squatter = await rtpParty(host, 1, ports.callee)
    plane.order({ type: 'open', session: sessionId(1), ports })
    expect(await reported('failed')).toMatchObject({ session: 1, why: expect.stringMatching(/EADDRINUSE/) })
    squatter.close()
    await settled()
    plane.order({ type: 'open', session: sessionId(2), ports })
    plane.order({ type: 'close', session: sessionId(2) })
    expect(await reported('closed')).toMatchObject({ session: 2 })
  })

  test('reports the side which fell silent, then both', async () => {
    call()
    await reply(alice, bob)
    const talking = setInterval(() => alice.say(ports.caller, host), 100)
    expect(await reported('silent')).toMatchObject({ session: 1, side: 'callee' })
    clearInterval(talking)
    reports.length = 0
    expect(await reported('silent')).toMatchObject({ session: 1, side: 'both' })
  })

  test('writes what both say to a file which can be played while it grows, and ends with the session', async () => {
    call()
    await reply(alice, bob)
    record()
    const talking = setInterval(() => bob.say(ports.callee, host), 20)
    // A block is there before the header tells of it.
    await until(() => toldOf() >= 16_000)
    const told = toldOf()
    expect(told).toBeLessThanOrEqual(sizeOf() - 44)
    clearInterval(talking)
    plane.order({ type: 'close', session: sessionId(1) })
    const { ms, bytes } = (await reported('recorded')) as Extract<MediaReport, { type: 'recorded' }>
    expect(Math.floor((bytes - 44) / 32)).toBe(ms)
    const samples = new Int16Array(file().slice(44).buffer)
    expect(samples.filter((_, n) => n % 2 === 0).every((sample) => sample === 0)).toBe(true)
    expect(samples.filter((sample) => sample === valueOfPcmu(0xd5)).length).toBeGreaterThan(4000)
  })

  test('tells of a full disk and goes on with the call', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24k', 'tmpfs', folder])
    try {
      call()
      await reply(alice, bob)
      record()
      const failed = await reported('recorded')
      expect(failed).toMatchObject({ end: 'failed', why: expect.stringMatching(/no space left/) })
      alice.say(ports.caller, host)
      await bob.hears(2)
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })

  function record(): void {
    const session = sessionId(1)
    const what = { recording: 'r', path: 'r.wav', channels: 2, maxMs: 60_000 } as const
    plane.order({ type: 'record', session, side: 'both', ...what })
  }

  function file(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(readFileSync(join(folder, 'r.wav')))
  }

  function sizeOf(): number {
    try {
      return file().length
    } catch {
      return 0
    }
  }

  /** Octets of samples of which the file's header tells. */
  function toldOf(): number {
    const [told = 0] = sizeOf() < 44 ? [] : new Uint32Array(file().slice(40, 44).buffer)
    return told
  }

  function call(): void {
    plane.order({ type: 'open', session: sessionId(1), ports })
    plane.order({ type: 'aim', session: sessionId(1), side: 'caller', aim: aimAt(alice) })
    plane.order({ type: 'aim', session: sessionId(1), side: 'callee', aim: aimAt(bob) })
  }

  /** One packet each way: both latches are locked afterwards. */
  async function reply(one: RtpParty, other: RtpParty): Promise<void> {
    await settled()
    one.say(ports.caller, host)
    other.say(ports.callee, host)
    await Promise.all([one.hears(1), other.hears(1)])
  }

  /** The thread has obeyed everything ordered so far: it answers in order. */
  async function settled(): Promise<void> {
    plane.order({
      type: 'open',
      session: sessionId(-1),
      ports: { caller: portNumber(ports.caller + 20), callee: portNumber(ports.callee + 20) },
    })
    plane.order({ type: 'close', session: sessionId(-1) })
    await until(() => reports.some((each) => each.type === 'closed' && each.session === -1))
    reports = reports.filter(({ session }) => session !== -1)
    await new Promise((resolve) => setTimeout(resolve, engine === 'dgram' ? 30 : 0))
  }

  async function reported(type: MediaReport['type']): Promise<MediaReport | undefined> {
    await until(() => reports.some((each) => each.type === type))
    return reports.find((each) => each.type === type)
  }
})

describe.each(engines)('the media thread over IPv6 with %s', (engine) => {
  test.each([
    ['both ways', '::1', '::1', '::1'],
    ['between an IPv4 and an IPv6 party', '::', '127.0.0.1', '::1'],
  ])('carries sound %s', async (_, host, callerAt, calleeAt) => {
    const reports: MediaReport[] = []
    const plane = await startMedia({ engine, host, report: (each) => reports.push(each), log() {} })
    const [alice, bob] = [await rtpParty(callerAt, 1), await rtpParty(calleeAt, 2)]
    plane.order({ type: 'open', session: sessionId(1), ports })
    plane.order({ type: 'aim', session: sessionId(1), side: 'caller', aim: aimAt(alice) })
    plane.order({ type: 'aim', session: sessionId(1), side: 'callee', aim: aimAt(bob) })
    const talking = setInterval(() => {
      alice.say(ports.caller, callerAt)
      bob.say(ports.callee, calleeAt)
    }, 10)
    await Promise.all([alice.hears(5), bob.hears(5)])
    clearInterval(talking)
    expect(alice.heard[0]).toMatchObject({ address: callerAt, port: ports.caller })
    expect(reports).toContainEqual({
      type: 'heard',
      session: 1,
      side: 'caller',
      address: callerAt,
      port: alice.port,
    })
    await plane.stop()
    alice.close()
    bob.close()
  })
})

test('the media thread has a sentence for an engine which cannot work here', async () => {
  const start = startMedia({ engine: 'ffi', host: 'localhost', report() {}, log() {} })
  await expect(start).rejects.toThrow(/^RTP_ENGINE=ffi does not work here: ./)
})

test('the media thread falls back to dgram by itself, and says why', async () => {
  const notes: Note[] = []
  const plane = await startMedia({ host: 'localhost', report() {}, log: (note) => notes.push(note) })
  expect(plane.engine).toBe('dgram')
  expect(notes).toMatchObject([
    { level: 'warn', event: 'media_started', fields: { why: expect.any(String) } },
  ])
  await plane.stop()
})

function aimAt(party: RtpParty, rtcpPort = party.port + 1): Aim {
  const { address, port } = party
  return {
    rtp: { address, port: portNumber(port) },
    rtcp: { address, port: portNumber(rtcpPort) },
    sources: [address],
    eager: true,
    mux: false,
    quiet: false,
  }
}

/** Whether a port can be had. */
async function isFree(place: { host: string; port: number }): Promise<boolean> {
  const socket = await taken(place).catch(() => undefined)
  if (socket !== undefined) await new Promise<void>((closed) => socket.close(() => closed()))
  return socket !== undefined
}

async function taken({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, host)
  await once(socket, 'listening')
  return socket
}

function roomy(packet: Uint8Array): Uint8Array {
  const room = new Uint8Array(2048)
  room.set(packet)
  return room
}

async function until(happened: () => boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!happened()) {
    if (performance.now() > end) throw new Error('it did not happen within thirty seconds')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
