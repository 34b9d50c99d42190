import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { type Side, sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { libopus } from '../../../relay/io/libopus.ts'
import { digitStages } from '../../../relay/media/digit-stage.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { payloadStages } from '../../../relay/media/payload-stage.ts'
import { stagesFrom } from '../../../relay/media/stages.ts'
import { opusStages } from '../../../relay/media/transcode-stage.ts'
import { steadyEntropy } from '../../support/entropy.ts'
import { rtcpPacket } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'

const make = libopus()
const opus = { from: [111], to: 111, law: 'PCMA', ms: 20 } as const

describe.skipIf(typeof make === 'string')('a call whose caller speaks Opus and whose callee G.711', () => {
  test('is heard both ways, each in its own codec and by its own numbers', () => {
    const call = turned()
    for (let at = 0; at < 3; at++) call.says('callee', sound(8, 160, at, 9))
    expect(call.sent.map(({ type, side }) => `${side} ${type}`)).toEqual(Array(3).fill('caller 111'))
    const [first] = call.sent.splice(0)
    for (let at = 0; at < 3; at++) call.says('caller', silenceInOpus(at))
    expect(call.sent.map(({ type, side, length }) => `${side} ${type} ${length}`)).toEqual(
      Array(3).fill('callee 8 172'),
    )
    expect(first?.length).toBeLessThan(172)
    // What was counted is what came, on its own clock.
    expect(call.closed()).toMatchObject({
      caller: { packets: 3, jitterMs: expect.any(Number), stream: { payloadType: 111 } },
      callee: { packets: 3, stream: { payloadType: 8 } },
    })
  })

  test('has each side’s keys heard here, and sent on by the other’s clock', () => {
    const call = turned()
    call.says('caller', silenceInOpus(0))
    call.says('caller', key(1))
    expect(call.told('digit')).toMatchObject([{ side: 'caller', key: '5', form: 'rfc4733' }])
    call.presses('callee', '5')
    call.sent.splice(0)
    for (let at = 2; at < 14; at++) call.says('caller', silenceInOpus(at))
    const keys = call.sent.filter(({ type }) => type === 101)
    expect(keys.length).toBeGreaterThan(4)
    expect(new Set(keys.map(({ time }) => time)).size).toBe(1)
    call.presses('caller', '6')
    call.sent.splice(0)
    for (let at = 0; at < 12; at++) call.says('callee', sound(8, 160, at, 9))
    const onward = call.sent.filter(({ type }) => type === 110)
    // 20 ms are 960 ticks of this clock (RFC 4733 §2.3.5).
    expect(onward.slice(0, 2).map(({ duration }) => duration)).toEqual([960, 1_920])
  })

  test('goes on under the same aim as it was, and is as it came once its aim says nothing of Opus', () => {
    const call = turned()
    // Three packets of 30 ms are four frames, and half of one.
    for (let at = 0; at < 2; at++) call.says('callee', sound(8, 240, at, 9))
    call.aim('caller', { opus, clock: 48_000 })
    call.says('callee', sound(8, 240, 2, 9))
    expect(call.sent.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3])
    call.aim('caller', {})
    expect(call.says('callee', sound(8, 240, 3, 9))).toBe(true)
  })

  test('goes on by the same numbers under another law, length and number for Opus, as after a change of who says G.711', () => {
    const call = turned()
    for (let at = 0; at < 3; at++) call.says('caller', silenceInOpus(at))
    for (let at = 0; at < 2; at++) call.says('callee', sound(8, 240, at, 9))
    const [before, last] = ['callee', 'caller'].map((side) => call.sent.findLast((one) => one.side === side))
    call.aim('caller', { opus: { from: [96], to: 96, law: 'PCMU', ms: 20 }, clock: 48_000 })
    call.sent.splice(0)
    call.says('caller', silenceInOpus(3, 96))
    call.says('callee', sound(0, 240, 2, 9))
    const [own, theirs] = ['callee', 'caller'].map((side) => call.sent.find((one) => one.side === side))
    expect(own).toMatchObject({ type: 0, sequence: (before?.sequence ?? 0) + 1 })
    expect((own?.time ?? 0) - (before?.time ?? 0)).toBe(160)
    expect(theirs).toMatchObject({ type: 96, sequence: (last?.sequence ?? 0) + 1 })
    expect((theirs?.time ?? 0) - (last?.time ?? 0)).toBe(960)
  })

  test('takes no more from either than what speaks, so that a flood takes no other call’s time', () => {
    const call = turned()
    for (let at = 0; at < 450; at++) call.says('callee', sound(8, 160, at, 9))
    expect(call.sent).toHaveLength(300)
  })

  test('takes no more of it in long packets, nor in such as follow far behind what was lost', () => {
    const long = turned()
    for (let at = 0; at < 100; at++) long.says('callee', sound(8, 1_440, at, 9))
    expect(Math.abs(long.sent.length - 300)).toBeLessThan(10)
    const lossy = turned()
    for (let at = 0; at < 450; at++)
      lossy.says('caller', packetOf(111, at * 7, at * 6_720, 7, Uint8Array.of(0x08)))
    // Seven for each which comes.
    expect(Math.abs(lossy.sent.length - 300)).toBeLessThan(10)
  })

  test.each([5, 10, 20, 60])(
    'takes all that is said for a minute in packets of %d ms, some of them late and at once',
    (ms) => {
      const call = turned()
      const count = 60_000 / ms
      for (let at = 0; at < count; at++) {
        // Two seconds each come together.
        const now = Math.ceil((at * ms) / 2_000) * 2_000
        call.says('callee', sound(8, ms * 8, at, 9), now)
      }
      expect(call.sent).toHaveLength(3_000)
    },
  )

  test('tells in a sender’s report which moment a packet is of, by the numbers of those which are sent', () => {
    const call = turned()
    for (let at = 0; at < 2; at++) call.says('callee', sound(8, 160, at, 9))
    const report = senderReport(9, 320)
    call.control('callee', report)
    // Two packets of 160 samples began at 0 in both: 320 ticks of one clock are six times as many of the other.
    expect(report.readUInt32BE(16)).toBe(1_920)
  })
})

function turned() {
  const sent: Sent[] = []
  const send = ({ leg }: { leg: { side: Side } }, packet: Uint8Array, length: number) =>
    void sent.push(sentAs(leg.side, packet, length))
  const stages = stagesFrom([
    digitStages(payloadStages),
    opusStages(typeof make === 'string' ? undefined : make),
  ])
  const mediaRelay = new MediaRelay(0, stages, { entropy: steadyEntropy(), send })
  const ports = mediaRelay.open(sessionId(1), { caller: portNumber(1_000), callee: portNumber(2_000) })
  const places: Record<Side, [string, number]> = { caller: [alice, 5_000], callee: [bob, 4_000] }
  const aim = (side: Side, more: object) =>
    mediaRelay.aim(monotonicMs(0), sessionId(1), side, { ...aimAt(...places[side]), ...more })
  const arrives = (at: number, side: Side, packet: Buffer, now = 1) => {
    const [address, port] = places[side]
    const from = readSocketAddress(address, portNumber(port + (at % 2))) ?? new SocketAddress()
    const rtpPort = ports[at]
    return rtpPort && mediaRelay.arrive(monotonicMs(now), rtpPort, from, packet, packet.length) !== undefined
  }
  const send4733 = (type: number, clock: number) => ({ form: 'rfc4733', type, clock }) as const
  aim('caller', {
    opus,
    clock: 48_000,
    digits: { events: [110], passes: false, send: send4733(110, 48_000) },
  })
  aim('callee', { digits: { events: [101], passes: false, send: send4733(101, 8_000) } })
  return {
    sent,
    aim,
    says: (side: Side, packet: Buffer, now?: number) => arrives(side === 'caller' ? 0 : 2, side, packet, now),
    control: (side: Side, packet: Buffer) => arrives(side === 'caller' ? 1 : 3, side, packet),
    presses: (side: Side, keys: string) => mediaRelay.digits({ session: sessionId(1), side }, keys, 100),
    told: (type: string) => mediaRelay.reports.filter((report) => report.type === type),
    closed() {
      mediaRelay.close(sessionId(1))
      return mediaRelay.reports.find(({ type }) => type === 'closed')
    },
  }
}

interface Sent {
  readonly side: Side
  readonly type: number
  readonly sequence: number
  readonly time: number
  readonly length: number
  /** Of a key. */
  readonly duration: number
}

function sentAs(side: Side, bytes: Uint8Array, length: number): Sent {
  const packet = Buffer.from(bytes.subarray(0, length))
  return {
    ...{ side, length, type: (packet[1] as number) & 0x7f },
    ...{ sequence: packet.readUInt16BE(2), time: packet.readUInt32BE(4) },
    duration: length === 16 ? packet.readUInt16BE(14) : 0,
  }
}

function packetOf(type: number, at: number, time: number, ssrc: number, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(12 + payload.length)
  packet[0] = 0x80
  packet[1] = type
  packet.writeUInt16BE(at, 2)
  packet.writeUInt32BE(time, 4)
  packet.writeUInt32BE(ssrc, 8)
  packet.set(payload, 12)
  return packet
}

function sound(type: number, count: number, at: number, ssrc: number): Buffer {
  return packetOf(type, at, at * count, ssrc, new Uint8Array(count).fill(0xd5))
}

/** A frame of 20 ms which says that nothing is said (RFC 6716 §3.1: SILK, narrow band). */
function silenceInOpus(at: number, type = 111): Buffer {
  return packetOf(type, at, at * 960, 7, Uint8Array.of(0x08))
}

/** The 5, just pressed. */
function key(at: number): Buffer {
  return packetOf(110, at, at * 960, 7, Uint8Array.of(5, 10, 3, 0xc0))
}

function senderReport(ssrc: number, time: number): Buffer {
  const packet = Buffer.alloc(28)
  rtcpPacket(ssrc).copy(packet, 0, 0, 8)
  packet[0] = 0x80
  packet[1] = 200
  packet.writeUInt16BE(6, 2)
  packet.writeUInt32BE(ssrc, 4)
  packet.writeUInt32BE(time, 16)
  return packet
}
