import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Aim, Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { receiverReport, rtcpPacket, rtpPacket, senderReport } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'
import { stagesByClock, TAG } from './test-stage.ts'

const OURS = 0x5eed
const [ALICE, BOB] = [0xa11ce, 0xb0b]

describe('a leg which stands alone (RFC 3550 §6.2)', () => {
  test('hears of its sound after two seconds and a half, then every five', () => {
    const alone = scene({ callee: undefined })
    alone.talk('caller', 0, 30_000)
    expect(alone.said.map(({ at, kind }) => `${at} ${kind}`)).toEqual([
      '2500 receiver',
      '7500 receiver',
      '12500 receiver',
      '17500 receiver',
      '22500 receiver',
      '27500 receiver',
    ])
    expect(alone.said[0]).toMatchObject({ ssrc: OURS, to: `${alice} 5001`, of: [ALICE] })
  })

  test('is told what it lost since the report before, in all, and its highest number', () => {
    const alone = scene({ callee: undefined })
    alone.talk('caller', 0, 6_000, (sequence) => sequence % 4 === 3)
    alone.talk('caller', 6_000, 16_000)
    const [first, second, third] = alone.said
    expect(first?.lost).toBe(31)
    expect((first?.fraction ?? 0) / 256).toBeCloseTo(0.25, 1)
    expect((second?.fraction ?? 0) / 256).toBeCloseTo(0.19, 1)
    expect(third).toMatchObject({ lost: 75, fraction: 0 })
    expect(third?.highest).toBeGreaterThan(600)
  })

  test('is told which of its reports we heard last, and how long ago', () => {
    const alone = scene({ callee: undefined })
    alone.talk('caller', 0, 1_000)
    alone.control('caller', 1_000, senderReport(ALICE, 0xaabbccdd))
    alone.talk('caller', 1_000, 4_000)
    expect(alone.said[0]?.lastReport).toBe(0xaabbccdd)
    expect(alone.said[0]?.delay).toBe(Math.round((((alone.said[0]?.at ?? 0) - 1_000) * 65_536) / 1_000))
  })

  test('which says nothing is told that we hear nothing', () => {
    const alone = scene({ callee: undefined })
    alone.sweep(0, 4_000)
    expect(alone.said).toMatchObject([{ kind: 'receiver', of: [] }])
  })

  test('is told goodbye when it is closed, unless it was told nothing', () => {
    const alone = scene({ callee: undefined })
    alone.sweep(0, 4_000)
    alone.close()
    expect(alone.said.at(-1)).toMatchObject({ kind: 'goodbye', ssrc: OURS })
    const short = scene({ callee: undefined })
    short.sweep(0, 1_000)
    short.close()
    expect(short.said).toEqual([])
  })
})

describe('a leg whose partner', () => {
  test('sends no RTCP hears of its sound and of the partner’s, under the partner’s SSRC, and its answer tells how far it is', () => {
    const call = scene()
    call.both(0, 17_000)
    const [report] = call.said.filter(({ to }) => to === `${alice} 5001`)
    expect(report).toMatchObject({ kind: 'sender', ssrc: BOB, of: [ALICE], packets: 751, octets: 751 * 160 })
    const at = report?.at ?? 0
    const block = { ssrc: BOB, lost: 3, jitter: 80, lastReport: report?.ntp ?? 0, delay: 65_536 / 2 }
    call.control('caller', at + 570, receiverReport(ALICE, block))
    expect(call.counters()).toMatchObject({
      caller: { stream: { roundTripMs: 70, reported: { lost: 3, jitterMs: 10 } } },
    })
  })

  test('sends its own hears nothing of us, until that one has been mute for fifteen seconds', () => {
    const call = scene()
    for (let at = 0; at < 40_000; at += 5_000) {
      call.control('callee', at, rtcpPacket(BOB))
      call.both(at, at + 5_000)
    }
    const toAlice = () => call.said.filter(({ to }) => to === `${alice} 5001`)
    expect(toAlice()).toEqual([])
    call.both(40_000, 60_000)
    expect(Math.round((toAlice()[0]?.at ?? 0) / 1_000)).toBe(50)
    // Her own are passed on; Bob hears of us nothing more than she is mute.
    expect(call.said.filter(({ to }) => to === `${bob} 4001`)[0]?.at).toBe(15_000)
  })

  test('is taken away hears from ourselves', () => {
    const call = scene()
    call.both(0, 5_000)
    call.relay.disconnect({ session: sessionId(1), side: 'callee' })
    call.talk('caller', 5_000, 9_000)
    expect(call.said.find(({ to }) => to === `${alice} 5001`)).toMatchObject({ ssrc: OURS, of: [ALICE] })
  })
})

describe('a report of ours', () => {
  test.each<[string, Partial<Aim>, string | undefined]>([
    ['on the sound’s own port where that is agreed (RFC 5761)', { mux: true }, `${alice} 5000`],
    ['nowhere, before it is known where', { rtcp: undefined }, undefined],
    ['nowhere, where a fax is sent', { blind: true }, undefined],
  ])('goes %s', (_, change, to) => {
    const alone = scene({ caller: change, callee: undefined })
    alone.sweep(0, 4_000)
    expect(alone.said[0]?.to).toBe(to)
  })

  test('is protected as all else on its leg', () => {
    const alone = scene({ caller: { clock: 16_000 }, callee: undefined })
    alone.sweep(0, 4_000)
    // Eight bytes, 36 of its CNAME, and the tag.
    expect(alone.lengths).toEqual([8 + 36 + TAG])
  })
})

/** What we said, read as its hearer reads it. */
interface Said {
  readonly at: number
  readonly to: string
  readonly kind: 'sender' | 'receiver' | 'goodbye'
  readonly ssrc: number
  readonly ntp: number
  readonly packets: number
  readonly octets: number
  readonly of: readonly number[]
  readonly fraction: number
  readonly lost: number
  readonly highest: number
  readonly lastReport: number
  readonly delay: number
}

/** Alice calls Bob; a side which is undefined has no leg. Chance always takes the middle. */
function scene(aims: Partial<Record<Side, Partial<Aim> | undefined>> = { caller: {}, callee: {} }) {
  const said: Said[] = []
  const lengths: number[] = []
  let now = 0
  const relay = new MediaRelay(0, stagesByClock(), {
    entropy: {
      below: (below) => (below === 2 ** 32 ? OURS : below / 2 - 1),
      hex: (bytes) => 'a'.repeat(2 * bytes),
    },
    send({ latch }, packet, length) {
      const { address, port } = latch.destination ?? new SocketAddress()
      lengths.push(length)
      said.push(read(now, `${address} ${port}`, Buffer.from(packet.subarray(0, length))))
    },
  })
  const callee = 'callee' in aims && aims.callee === undefined ? {} : { callee: portNumber(2000) }
  const ports = relay.open(sessionId(1), { caller: portNumber(1000), ...callee })
  const places = { caller: [alice, 5000, ALICE], callee: [bob, 4000, BOB] } as const
  const sides = (['caller', 'callee'] as const).filter((side) => side === 'caller' || ports.length > 2)
  for (const side of sides) {
    const [address, port] = places[side]
    relay.aim(monotonicMs(0), sessionId(1), side, { ...aimAt(address, port), ...aims[side] })
  }
  const sequences = { caller: 0, callee: 0 }

  function arrive(side: Side, packet: Buffer, control: boolean): void {
    const [address, port] = places[side]
    const rtpPort = ports.find((one) => one.leg.side === side && one.control === control)
    const from = readSocketAddress(address, portNumber(port + (control ? 1 : 0)))
    if (rtpPort && from) relay.arrive(monotonicMs(now), rtpPort, from, packet, packet.length)
  }

  function speak(side: Side, loses: (sequence: number) => boolean): void {
    const sequence = sequences[side]++
    if (!loses(sequence)) arrive(side, rtpPacket({ sequence, ssrc: places[side][2] }), false)
  }

  const keeps = (_: number) => false
  const pass = (from: number, to: number, ...speaking: [Side, (sequence: number) => boolean][]) => {
    for (now = from; now < to; now += 20) {
      for (const [side, loses] of speaking) speak(side, loses)
      if (now % 100 === 0) relay.sweep(monotonicMs(now))
    }
  }
  return {
    relay,
    said,
    lengths,
    talk: (side: Side, from: number, to: number, loses = keeps) => pass(from, to, [side, loses]),
    both: (from: number, to: number) => pass(from, to, ['caller', keeps], ['callee', keeps]),
    sweep: (from: number, to: number) => pass(from, to),
    control(side: Side, at: number, packet: Buffer) {
      now = at
      arrive(side, packet, true)
    },
    counters() {
      relay.close(sessionId(1))
      return relay.reports.find(({ type }) => type === 'closed')
    },
    close: () => relay.close(sessionId(1)),
  }
}

function read(at: number, to: string, bytes: Buffer): Said {
  const isSender = bytes[1] === 200
  const first = isSender ? 28 : 8
  const count = (bytes[0] ?? 0) & 0x1f
  const word = (offset: number) => (offset + 4 <= bytes.length ? bytes.readUInt32BE(offset) : 0)
  return {
    at,
    to,
    kind: isSender ? 'sender' : bytes.at(-8) === 0x81 && bytes.at(-7) === 203 ? 'goodbye' : 'receiver',
    ssrc: word(4),
    ntp: isSender ? word(10) : 0,
    packets: isSender ? word(20) : 0,
    octets: isSender ? word(24) : 0,
    of: Array.from({ length: count }, (_, i) => word(first + 24 * i)),
    fraction: bytes[first + 4] ?? 0,
    lost: count > 0 ? word(first + 4) & 0xffffff : 0,
    highest: count > 0 ? word(first + 8) : 0,
    lastReport: count > 0 ? word(first + 16) : 0,
    delay: count > 0 ? word(first + 20) : 0,
  }
}
