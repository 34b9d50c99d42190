import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Aim, Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { dgramEngine } from '../../../relay/io/media-dgram.ts'
import type { MediaEngine } from '../../../relay/io/media-engine.ts'
import { ffiEngine } from '../../../relay/io/media-ffi.ts'
import type { RtpPort } from '../../../relay/media/media-leg.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { plain, type Stages, stagesFrom } from '../../../relay/media/stages.ts'
import { type RtpParty, rtcpPacket, rtpPacket, rtpParty } from '../../support/rtp.ts'
import { soon } from '../../support/wait.ts'
import { aimAt, alice, bob, mallory } from './between.ts'
import { stagesByClock, TAG, turned } from './test-stage.ts'

const SECURE = 16_000
const RENAMED = 12_000
const LISTENED = 11_000

describe('a packet on its way', () => {
  test('crosses a plain call as it came', () => {
    const call = staged()
    expect(call.says('caller', sound())).toEqual(sound())
  })

  test('leaves by a protected leg longer than it came, and comes from one shorter', () => {
    const call = staged({ callee: { clock: SECURE } })
    const secured = call.says('caller', sound())
    expect(secured).toHaveLength(172 + TAG)
    expect(call.says('callee', secured)).toEqual(sound())
  })

  test('is protected anew between two protected legs', () => {
    const call = staged({ caller: { clock: SECURE }, callee: { clock: SECURE } })
    expect(call.says('caller', secure(sound()))).toEqual(secure(sound()))
  })

  test.each([
    ['forged', (packet: Buffer) => packet.fill(0, packet.length - TAG)],
    ['plain', () => sound()],
    [
      'all tag and no header',
      (packet: Buffer) => Buffer.concat([packet.subarray(0, 9), packet.subarray(-TAG)]),
    ],
  ])('is dropped by a protected leg where it is %s, and moves no latch', (_, change) => {
    const call = staged({ caller: { clock: SECURE } })
    expect(call.says('caller', change(secure(sound())))).toBeUndefined()
    expect(call.closed()).toMatchObject({ caller: { packets: 0, dropped: 1, latched: undefined } })
  })

  test('of a stranger is not even tried', () => {
    const made: Stages[] = []
    const call = staged({ caller: { clock: SECURE } }, made)
    const tried = vi.spyOn(made[0]?.unprotect ?? {}, 'unprotect' as never)
    expect(call.says('caller', secure(sound()), mallory)).toBeUndefined()
    expect(tried).not.toHaveBeenCalled()
    expect(call.says('caller', secure(sound()))).toEqual(sound())
    expect(tried).toHaveBeenCalledOnce()
  })

  test('is rewritten for the leg it leaves by, RTCP never', () => {
    const call = staged({ callee: { clock: RENAMED } })
    expect(call.says('caller', sound(0))?.[1]).toBe(8)
    expect(call.says('callee', sound(0))?.[1]).toBe(0)
    expect(call.says('caller', sound(13))).toBeUndefined()
    expect(call.control('caller', rtcpPacket(1))).toEqual(rtcpPacket(1))
  })

  test('of RTCP is protected as RTCP', () => {
    const call = staged({ callee: { clock: SECURE } })
    expect(call.control('caller', rtcpPacket(1))).toHaveLength(8 + TAG)
  })

  test('is heard by a listener, which may keep it: it counts, and goes no further', () => {
    const call = staged({ caller: { clock: LISTENED } })
    expect(call.says('caller', sound(101))).toBeUndefined()
    expect(call.says('caller', sound(0))).toEqual(sound(0))
    expect(call.closed()).toMatchObject({ caller: { packets: 2, dropped: 0 } })
  })

  test('of a fax meets no stage, and never leaves by a leg which is protected', () => {
    const call = staged({ caller: { clock: SECURE, blind: true } })
    expect(call.says('caller', Buffer.from([0, 1]))).toEqual(Buffer.from([0, 1]))
    const half = staged({ caller: { blind: true }, callee: { clock: SECURE } })
    expect(half.says('caller', Buffer.from([0, 1]))).toBeUndefined()
  })
})

test('stages are made at each aim, from those before', () => {
  const made: Stages[] = []
  const call = staged({ caller: { clock: SECURE } }, made)
  call.aim('caller', { clock: SECURE })
  expect(made[2]).toBe(made[0])
  call.aim('caller', {})
  expect(made[3]).toEqual({})
  expect(call.says('caller', sound())).toEqual(sound())
})

test('stages of several makers stand in one way; where none has any, the leg is plain', () => {
  const listen = { hear: () => true }
  const rewrite = { rewrite: (_: Uint8Array, length: number) => length }
  const terms = {
    leg: { session: sessionId(1), side: 'caller' },
    aim: aimAt(alice, 1),
    before: plain,
    report() {},
  } as const
  expect(stagesFrom([() => ({ listen }), () => plain, () => ({ rewrite })])(terms)).toEqual({
    listen,
    rewrite,
  })
  expect(stagesFrom([() => plain, () => plain])(terms)).toBe(plain)
})

const engines = process.platform === 'linux' ? (['ffi', 'dgram'] as const) : (['dgram'] as const)

describe.each(engines)('a packet through %s', (name) => {
  const host = '127.0.9.5'
  const [callerPort, calleePort] = [portNumber(36_140), portNumber(36_150)]
  let engine: MediaEngine
  let mediaRelay: MediaRelay
  let parties: RtpParty[]

  beforeEach(async () => {
    parties = [await rtpParty('127.0.9.6', 1), await rtpParty('127.0.9.7', 2)]
    mediaRelay = new MediaRelay(0, stagesByClock(), {
      entropy: { below: () => 1, hex: (bytes) => 'a'.repeat(2 * bytes) },
      send: (...words) => engine.send(...words),
    })
    const made = engineOf(name, host, mediaRelay)
    engine = made
    const ports = mediaRelay.open(sessionId(1), { caller: callerPort, callee: calleePort })
    await Promise.all(ports.map((rtpPort) => new Promise<void>((done) => made.bind(rtpPort, () => done()))))
    const clocks = { caller: 8000, callee: SECURE }
    for (const [i, side] of (['caller', 'callee'] as const).entries()) {
      const { address, port } = parties[i] as RtpParty
      mediaRelay.aim(monotonicMs(0), sessionId(1), side, {
        ...aimAt(address, port),
        clock: clocks[side],
        mux: true,
      })
    }
  })
  afterEach(() => {
    engine.stop()
    for (const party of parties) party.close()
  })

  test('changes its length, before and after its peers are known for good', async () => {
    const [plain, secured] = parties as [RtpParty, RtpParty]
    for (let i = 0; i < 40; i++) {
      plain.send(rtpPacket({ sequence: i, ssrc: 1 }), callerPort, host)
      secured.send(secure(rtpPacket({ sequence: i, ssrc: 2 })), calleePort, host)
      await soon('both to have been heard', () => plain.heard.length > i && secured.heard.length > i)
    }
    for (const [i, { packet }] of secured.heard.entries())
      expect(packet).toEqual(secure(rtpPacket({ sequence: i, ssrc: 1 })))
    for (const [i, { packet }] of plain.heard.entries())
      expect(packet).toEqual(rtpPacket({ sequence: i, ssrc: 2 }))
  })

  test('which is ours leaves, before and after the peer is known for good', async () => {
    const [plain, secured] = parties as [RtpParty, RtpParty]
    mediaRelay.disconnect({ session: sessionId(1), side: 'caller' })
    for (const at of [0, 4_000]) mediaRelay.sweep(monotonicMs(at))
    await soon('both to have heard of us', () => plain.heard.length === 1 && secured.heard.length === 1)
    for (let i = 0; i < 40; i++) plain.send(rtpPacket({ sequence: i, ssrc: 2 }), callerPort, host)
    await soon('the leg to be counted', () => mediaRelay.reports.some(({ type }) => type === 'heard'))
    for (const rtpPort of mediaRelay.close(sessionId(1))) engine.release(rtpPort)
    await soon('the last word', () => plain.heard.length === 2 && secured.heard.length === 2)
    expect(plain.heard.map(({ packet }) => packet.length)).toEqual([44, 52])
    expect(secured.heard.map(({ packet }) => packet.length)).toEqual([44 + TAG, 52 + TAG])
  })
})

function engineOf(name: 'ffi' | 'dgram', host: string, mediaRelay: MediaRelay): MediaEngine {
  const work = {
    arrive: (...words: Parameters<MediaRelay['arrive']>) => mediaRelay.arrive(...words),
    woken: () => false,
    turnMs: () => 20,
    beat() {},
    done() {},
  }
  const engine = name === 'ffi' ? ffiEngine(host, work) : dgramEngine(host, work)
  if (typeof engine === 'string') throw new Error(engine)
  return engine
}

function sound(type = 0): Buffer {
  return rtpPacket({ sequence: 1, ssrc: 1, type })
}

function secure(packet: Buffer): Buffer {
  const longer = Buffer.concat([packet, Buffer.alloc(TAG, 0xa5)])
  turned(longer, packet.length, false)
  return longer
}

/** Alice calls Bob, with stages by the clocks of their aims; packets are seen as they leave. */
function staged(aims: Partial<Record<Side, Partial<Aim>>> = {}, made: Stages[] = []) {
  const mediaRelay = new MediaRelay(0, stagesByClock(made))
  const [callerRtp, callerRtcp, calleeRtp, calleeRtcp] = mediaRelay.open(sessionId(1), {
    caller: portNumber(1000),
    callee: portNumber(2000),
  })
  const places: Record<Side, [string, number]> = { caller: [alice, 5000], callee: [bob, 4000] }
  const aim = (side: Side, change: Partial<Aim> = {}) =>
    mediaRelay.aim(monotonicMs(0), sessionId(1), side, { ...aimAt(...places[side]), ...change })
  aim('caller', aims.caller)
  aim('callee', aims.callee)

  function arrives(rtpPort: RtpPort | undefined, packet: Buffer | undefined, address: string, port: number) {
    if (!rtpPort || !packet) throw new Error('nothing to send')
    const memory = Buffer.alloc(2048)
    packet.copy(memory)
    const from = readSocketAddress(address, portNumber(port)) ?? new SocketAddress()
    const out = mediaRelay.arrive(monotonicMs(1), rtpPort, from, memory, packet.length)
    return out && memory.subarray(0, out.leaving)
  }

  return {
    aim,
    says(side: Side, packet: Buffer | undefined, from: string = places[side][0]) {
      return arrives(side === 'caller' ? callerRtp : calleeRtp, packet, from, places[side][1])
    },
    control(side: Side, packet: Buffer) {
      const [address, port] = places[side]
      return arrives(side === 'caller' ? callerRtcp : calleeRtcp, packet, address, port + 1)
    },
    closed() {
      mediaRelay.close(sessionId(1))
      return mediaRelay.reports.find(({ type }) => type === 'closed')
    },
  }
}
