import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Aim, DigitAim, PlayedCodec, PlayedSound, Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { digitStages } from '../../../relay/media/digit-stage.ts'
import { encoded, type Law, silence, valueOfPcmu } from '../../../relay/media/g711.ts'
import { MediaRelay, type RtcpSending } from '../../../relay/media/media-relay.ts'
import { looksLikeControl } from '../../../relay/media/packet-shape.ts'
import { payloadStages } from '../../../relay/media/payload-stage.ts'
import type { RecordingSink } from '../../../relay/media/recorder.ts'
import { readReports } from '../../../relay/media/rtcp.ts'
import { eventLine, toneLine } from '../../support/dtmf-line.ts'
import { wave, wavOf } from '../../support/played-wav.ts'
import { receiverReport, rtcpPacket, rtpPacket } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'

const session = sessionId(1)
const pcmu: PlayedCodec = { codec: 'PCMU', type: 0, ms: 20 }
const hello = wave(100)
const file: PlayedSound = { kind: 'file', path: '/prompts/hello.wav' }

describe('a file which is played to a party', () => {
  test.each<[Law, number, number]>([
    ['PCMU', 0, 20],
    ['PCMA', 8, 20],
    ['PCMA', 96, 10],
    ['PCMU', 0, 30],
    ['PCMU', 0, 60],
  ])(
    'is heard as %s, type %d, in packets of %d ms, sample by sample, one after the other',
    (codec, type, ms) => {
      const leg = alone({ plays: { codec, type, ms } })
      leg.play(1, [file]).reads('/prompts/hello.wav', hello)
      leg.until(400)
      const packets = Math.ceil(100 / ms)
      const octets = [...hello].map((sample) => encoded(codec, sample))
      const padding = new Array(packets * ms * 8 - octets.length).fill(silence[codec])
      expect(leg.sent.flatMap(({ payload }) => payload)).toEqual([...octets, ...padding])
      expect(leg.sent.map(({ at }) => at)).toEqual(leg.sent.map((_, i) => leg.begun + i * ms))
      expect(leg.sent.map((one) => [one.sequence, one.timestamp, one.marker, one.type])).toEqual(
        Array.from({ length: packets }, (_, i) => [100 + i, 5_000 + i * ms * 8, i === 0, type]),
      )
      expect(new Set(leg.sent.map(({ ssrc }) => ssrc)).size).toBe(1)
      expect(leg.told()).toEqual(['played 1: 100'])
    },
  )

  test('waits until it was read, and is read once for all', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [file]).play(2, [file]).until(300)
    expect([leg.sent.length, leg.wanted()]).toEqual([0, ['/prompts/hello.wav']])
    leg.reads('/prompts/hello.wav', hello).until(600)
    leg.play(3, [file]).until(900)
    expect(leg.wanted()).toEqual([])
    expect(leg.told()).toEqual(['played 1: 100', 'played 2: 100', 'played 3: 100'])
  })

  test('which is not to be had is told of with why, and what waits behind it plays', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 20 }, file, file]).play(2, [{ kind: 'silence', ms: 40 }])
    leg.misses('/prompts/hello.wav', 'ENOENT').until(300)
    expect(leg.told()).toEqual(['played 1: 0 /prompts/hello.wav: ENOENT', 'played 2: 40'])
    leg.play(3, [file]).reads('/prompts/hello.wav', hello).until(600)
    expect(leg.told()).toEqual(['played 3: 100'])
  })

  test('which is none is told of with why', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [file])
    leg.relay.player?.read('/prompts/hello.wav', new Uint8Array(4))
    expect(leg.told()).toEqual(['played 1: 0 /prompts/hello.wav: It is no WAV file.'])
  })
})

describe('sounds', () => {
  test('of one play, and of the next, are joined without a gap', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 5 }, file]).play(2, [file, { kind: 'silence', ms: 0 }])
    leg.reads('/prompts/hello.wav', hello).until(400)
    const octets = [...hello].map((sample) => encoded('PCMU', sample))
    const quiet = new Array(40).fill(silence.PCMU)
    const all = leg.sent.flatMap(({ payload }) => payload)
    expect(all.slice(0, 1640)).toEqual([...quiet, ...octets, ...octets])
    expect(leg.sent.length).toBe(11)
    expect(leg.told()).toEqual(['played 1: 105', 'played 2: 100'])
  })

  test('which loop go on until they are stopped, within a packet, and are told of once', () => {
    const leg = alone({ plays: pcmu })
    leg
      .play(
        1,
        [
          { kind: 'tone', hz: [425], ms: 30 },
          { kind: 'silence', ms: 10 },
        ],
        true,
      )
      .until(2_000)
    expect(leg.told()).toEqual([])
    leg.stop(1).stop(1)
    const sent = leg.sent.length
    leg.until(3_000)
    expect(leg.sent.length).toBe(sent)
    expect(leg.told()).toEqual([`played 1: ${sent * 20}`])
  })

  test('of no length are over at once, if they loop too', () => {
    const leg = alone({ plays: pcmu })
    leg
      .play(1, [])
      .play(2, [{ kind: 'silence', ms: 0 }], true)
      .play(3, [{ kind: 'tone', hz: [425], ms: -5 }])
    leg.until(100)
    expect(leg.told()).toEqual(['played 1: 0', 'played 2: 0', 'played 3: 0'])
    expect(leg.sent).toEqual([])
  })

  test('which wait may be stopped before they begin', () => {
    const leg = alone({ plays: pcmu })
    leg
      .play(1, [{ kind: 'silence', ms: 40 }])
      .play(2, [file])
      .play(3, [{ kind: 'silence', ms: 40 }])
    leg.stop(2).until(300)
    expect(leg.told()).toEqual(['played 2: 0', 'played 1: 40', 'played 3: 40'])
  })

  test.each([
    [[425], undefined, -13],
    [[350, 440], -20, -20],
    [[697, 1209], -9, -9],
  ])('of %j Hz have each of them, at their level, and no other', (hz, dbm0, level) => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'tone', hz, ms: 1_000, ...(dbm0 !== undefined && { dbm0 }) }]).until(1_100)
    const samples = leg.sent.flatMap(({ payload }) => payload.map(valueOfPcmu))
    for (const each of hz) expect(levelOf(samples, each)).toBeCloseTo(level, 0)
    for (const other of [300, 1_000, 2_000]) expect(levelOf(samples, other)).toBeLessThan(level - 35)
    expect(Math.abs(samples.at(-1) as number)).toBeLessThan(1_000)
  })

  test('are silent where no tone can be made', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'tone', hz: [0, -1, 4_000, Number.NaN], ms: 40 }]).until(100)
    expect(new Set(leg.sent.flatMap(({ payload }) => payload))).toEqual(new Set([silence.PCMU]))
  })
})

describe('the stream of what is played', () => {
  test('goes on over a pause: its sequence as if there was none, its timestamp as time, and it is marked', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 40 }]).until(1_000)
    leg.play(2, [{ kind: 'silence', ms: 40 }]).until(1_200)
    const [one, two, three, four] = leg.sent
    expect([two?.sequence, three?.sequence, four?.sequence]).toEqual([101, 102, 103])
    expect((three?.timestamp ?? 0) - (two?.timestamp ?? 0)).toBe(((three?.at ?? 0) - (two?.at ?? 0)) * 8)
    expect([one?.marker, two?.marker, three?.marker, four?.marker]).toEqual([true, false, true, false])
    expect(three?.ssrc).toBe(one?.ssrc)
  })

  test('is not broken by a next sound which is ordered as the one before ends', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 40 }]).until(leg.begun + 21)
    expect(leg.told()).toEqual(['played 1: 40'])
    leg.play(2, [{ kind: 'silence', ms: 20 }]).until(200)
    expect(leg.sent.map(({ at, marker }) => [at - leg.begun, marker])).toEqual([
      [0, true],
      [20, false],
      [40, false],
    ])
  })

  test('of a thread which was away goes on behind a pause, all of the sound, and two packets at once at most', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [file]).reads('/prompts/hello.wav', hello).until(leg.begun)
    leg.wakes(leg.begun + 1_000).until(leg.begun + 2_000)
    const octets = [...hello].map((sample) => encoded('PCMU', sample))
    expect(leg.sent.flatMap(({ payload }) => payload)).toEqual(octets)
    expect(leg.sent.filter(({ at }) => at === leg.begun + 1_000).length).toBe(2)
    expect(leg.sent.map(({ marker }) => marker)).toEqual([true, true, false, false, false])
    const [first, second] = leg.sent
    expect((second?.timestamp ?? 0) - (first?.timestamp ?? 0)).toBe(980 * 8)
  })

  test('is told of in reports under its SSRC, and the party’s answer tells how far it is', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 20_000 }]).until(4_000)
    const [report] = leg.reports
    const heard = leg.sent.filter(({ at }) => at < (report?.at ?? 0))
    expect(report?.packet[1]).toBe(200)
    expect(report?.packet.readInt32BE(4)).toBe(heard[0]?.ssrc)
    expect(report?.packet.readUInt32BE(20)).toBe(heard.length)
    expect(report?.packet.readUInt32BE(24)).toBe(heard.length * 160)
    const due = (heard[0]?.timestamp ?? 0) + ((report?.at ?? 0) - leg.begun) * 8
    expect(report?.packet.readUInt32BE(16)).toBe(due)
    const [said] = readReports(report?.packet ?? Buffer.alloc(0), 28)
    const block = { ssrc: heard[0]?.ssrc ?? 0, lost: 2, jitter: 80, lastReport: said?.ntp ?? 0, delay: 0 }
    leg.controls('caller', receiverReport(0xa11ce, block))
    const late = 4_000 - (report?.at ?? 0)
    expect(leg.closed()).toMatchObject({
      caller: { stream: { roundTripMs: late, reported: { lost: 2, jitterMs: 10 } } },
    })
  })

  test('follows a new answer to another codec', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 100 }]).until(leg.begun + 20)
    leg.aims({ plays: { codec: 'PCMA', type: 8, ms: 20 } }).until(300)
    expect(leg.sent.map(({ type }) => type)).toEqual([0, 0, 8, 8, 8])
    expect(leg.sent.at(-1)?.payload[0]).toBe(silence.PCMA)
  })
})

describe('what cannot be played is told of with why, once', () => {
  test('to a leg which is none', () => {
    const leg = alone({ plays: pcmu })
    leg.relay.play(monotonicMs(0), { type: 'play', session, side: 'callee', play: 7, sounds: [file] })
    expect(leg.told()).toEqual(['played 7: 0 There is no such leg.'])
  })

  test.each<[string, Partial<Aim>]>([
    ['a party which speaks neither PCMU nor PCMA', {}],
    ['a fax', { plays: pcmu, blind: true }],
  ])('to %s', (_, aim) => {
    const leg = alone(aim)
    leg.play(1, [file]).until(100)
    expect(leg.told()).toEqual(['played 1: 0 Its party takes no codec in which sounds are played.'])
  })

  test('to one which has agreed on another codec meanwhile', () => {
    const leg = alone({ plays: pcmu })
    leg.play(1, [{ kind: 'silence', ms: 100 }]).until(leg.begun + 20)
    leg.aims({}).until(300)
    expect(leg.told()).toEqual(['played 1: 40 Its party takes no codec in which sounds are played any more.'])
  })

  test('to one which is closed: what plays, and what waits', () => {
    const leg = alone({ plays: pcmu })
    leg
      .play(1, [{ kind: 'silence', ms: 100 }])
      .play(2, [file])
      .until(leg.begun + 20)
    leg.relay.close(session)
    leg.until(300)
    expect(leg.told()).toEqual(['played 1: 40 It was closed.', 'played 2: 0 It was closed.'])
    expect(leg.sent.length).toBe(2)
  })
})

describe('while sounds are played to a party', () => {
  test('its partner is not heard, but its RTCP; afterwards it is again', () => {
    const call = joined({ plays: pcmu })
    expect(call.says('callee', rtpPacket({ sequence: 1, ssrc: 9 }))).toBe('caller')
    call.play(1, [{ kind: 'silence', ms: 40 }])
    expect(call.says('callee', rtpPacket({ sequence: 2, ssrc: 9 }))).toBe('caller')
    call.until(call.begun)
    expect(call.says('callee', rtpPacket({ sequence: 3, ssrc: 9 }))).toBeUndefined()
    expect(call.controls('callee', rtcpPacket(9))).toBe('caller')
    expect(call.says('caller', rtpPacket({ sequence: 3, ssrc: 9 }))).toBe('callee')
    call.until(200)
    expect(call.says('callee', rtpPacket({ sequence: 4, ssrc: 9 }))).toBe('caller')
    expect(call.closed()).toMatchObject({ callee: { dropped: 0 } })
  })

  test('a recording has them in the place of its partner, unless that speaks', () => {
    const samples = [...hello].map((sample) => valueOfPcmu(encoded('PCMU', sample)))
    const quiet = joined({ plays: pcmu })
    quiet.records().play(1, [file]).reads('/prompts/hello.wav', hello).until(1_000)
    const heard = quiet.recorded(1)
    const begins = heard.findIndex((sample) => sample !== 0)
    expect(begins).toBeLessThan(30 * 8)
    expect(heard.slice(begins - 1, begins - 1 + samples.length)).toEqual(samples)
    expect(new Set(quiet.recorded(0))).toEqual(new Set([0]))
    const loud = joined({ plays: pcmu })
    loud.records().play(1, [file]).reads('/prompts/hello.wav', hello)
    for (let sequence = 0; sequence < 50; sequence++) {
      loud.says('callee', rtpPacket({ sequence, ssrc: 9, type: 8 }))
      loud.until(loud.now + 20)
    }
    expect(loud.sent.length).toBe(5)
    expect(loud.recorded(1).filter((sample) => Math.abs(sample) > 100)).toEqual([])
  })

  test('its partner is heard again as soon as that is stopped', () => {
    const call = joined({ plays: pcmu })
    call.play(1, [{ kind: 'tone', hz: [425], ms: 40 }], true).until(100)
    expect(call.says('callee', rtpPacket({ sequence: 1, ssrc: 9 }))).toBeUndefined()
    call.stop(1)
    expect(call.says('callee', rtpPacket({ sequence: 2, ssrc: 9 }))).toBe('caller')
  })

  test.each<[string, DigitAim, Uint8Array[]]>([
    ['events', { events: [101], passes: false }, eventLine([{ code: 5, ms: 100, pause: 50 }])],
    [
      'tones',
      { events: [], passes: false, tones: [{ type: 0, law: 'PCMU' }] },
      toneLine([{ code: 5, ms: 100, pause: 100 }], 'PCMU'),
    ],
  ])('the keys it presses are heard as %s', (_, digits, line) => {
    const leg = alone({ plays: pcmu, digits })
    leg.play(1, [{ kind: 'tone', hz: [425], ms: 2_000 }])
    for (const packet of line) leg.until(leg.now + 20).says('caller', packet)
    expect(leg.keys()).toEqual(['5'])
    expect(leg.sent.length).toBeGreaterThan(line.length - 3)
  })

  test('the keys it is sent take the place of its sound, in one stream', () => {
    const send = { form: 'rfc4733', type: 101, clock: 8000 } as const
    const leg = alone({ plays: pcmu, digits: { events: [], passes: true, send } })
    leg.play(1, [{ kind: 'tone', hz: [425], ms: 1_000 }]).until(100)
    leg.relay.digits({ session, side: 'caller' }, '5', 100)
    for (let at = 100; at < 400; at += 20) {
      leg.until(at)
      leg.relay.pace(monotonicMs(at))
    }
    const events = leg.sent.filter(({ type }) => type === 101)
    expect(events.map(({ payload }) => payload[0])).toEqual(new Array(7).fill(5))
    expect(new Set(leg.sent.map(({ ssrc }) => ssrc)).size).toBe(1)
    expect(leg.sent.map(({ sequence }) => sequence)).toEqual(leg.sent.map((_, i) => 100 + i))
  })
})

describe('a party whose partner is not there yet', () => {
  test('is told of when it fell silent while sounds are played to it, and counted', () => {
    const menu = joined({ plays: pcmu }, false)
    menu.play(1, [{ kind: 'tone', hz: [425], ms: 1_000 }], true).talks(5_000, 50)
    menu.until(200_000)
    expect(menu.silences()).toEqual(['both 60000'])
    expect(menu.closed()).toMatchObject({ caller: { packets: 50 } })
  })

  test('is not missed before it has spoken, nor while nothing was played to it', () => {
    const menu = joined({ plays: pcmu }, false)
    menu.play(1, [{ kind: 'tone', hz: [425], ms: 1_000 }], true).until(100_000)
    expect(menu.silences()).toEqual([])
    const ringing = joined({ plays: pcmu }, false)
    ringing.talks(5_000, 50).until(100_000)
    expect(ringing.silences()).toEqual([])
  })
})

describe('a party which is there for us alone', () => {
  test.each<[string, Partial<Aim>, (menu: ReturnType<typeof joined>) => unknown, string[]]>([
    ['was never heard, and nothing is played', {}, () => {}, ['both 60000']],
    ['was silent before, too', {}, (menu) => menu.talks(5_000, 50).until(90_000), ['both 60000']],
    ['is on hold', { quiet: true }, () => {}, []],
  ])('and %s is listened to from then on: %j', (_, aim, before, expected) => {
    const menu = joined({ plays: pcmu, ...aim }, false)
    before(menu)
    expect(menu.silences()).toEqual([])
    const from = menu.listens().now
    menu.until(from + 59_000)
    expect(menu.silences()).toEqual([])
    menu.until(from + 200_000)
    expect(menu.silences()).toEqual(expected)
  })
})

describe('a party which is not known to be where it says', () => {
  test('hears all of a sound, from when it was heard itself', () => {
    const leg = alone({ plays: pcmu, eager: false })
    leg.play(1, [file]).reads('/prompts/hello.wav', hello).until(500)
    expect(leg.sent).toEqual([])
    leg.talks(5_000, 10).until(1_000)
    expect(leg.sent.length).toBe(5)
    expect(leg.told()).toEqual(['played 1: 100'])
  })

  test('and never speaks is waited for a second', () => {
    const leg = alone({ plays: pcmu, eager: false })
    leg.play(1, [{ kind: 'silence', ms: 200 }]).until(2_000)
    expect(leg.sent).toEqual([])
    expect(leg.told()).toEqual(['played 1: 200'])
  })

  test('is spoken to first where both agree, and at its real port once it was heard', () => {
    const leg = alone({ plays: pcmu })
    leg
      .play(1, [{ kind: 'silence', ms: 2_000 }])
      .until(400)
      .talks(6_000, 40)
    expect(leg.sent[0]?.port).toBe(5_000)
    expect(leg.sent.at(-1)?.port).toBe(6_000)
  })
})

/** A packet as the party hears it. */
interface Heard {
  readonly at: number
  readonly port: number
  readonly type: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: number[]
}

/** Alice's leg, which has no partner. */
function alone(aim: Partial<Aim>) {
  return scene(aim, false)
}

/** Alice's leg, whose partner is Bob's, who has said where he is or has not. */
function joined(aim: Partial<Aim>, isThere = true) {
  return scene(aim, true, isThere)
}

function scene(aim: Partial<Aim>, withPartner: boolean, isThere = withPartner) {
  const sent: Heard[] = []
  const reports: { at: number; packet: Buffer }[] = []
  const blocks: Int16Array[] = []
  let now = 0
  const rtcp: RtcpSending = {
    entropy: {
      below: (many) => ({ [2 ** 8]: 100, [2 ** 31]: 5_000 })[many] ?? many / 2 - 1,
      hex: () => 'ab',
    },
    send({ latch }, packet, length) {
      const bytes = Buffer.from(packet.subarray(0, length))
      if (looksLikeControl(bytes, length)) reports.push({ at: now, packet: bytes })
      else sent.push(heard(now, latch.destination?.port ?? 0, bytes))
    },
  }
  const sink: RecordingSink = { open() {}, write: (_, block) => void blocks.push(block), close() {} }
  const relay = new MediaRelay(60_000, digitStages(payloadStages), rtcp, sink)
  const callee = withPartner ? { callee: portNumber(2000) } : {}
  const ports = relay.open(session, { caller: portNumber(1000), ...callee })
  const aimed = (change: Partial<Aim>) =>
    relay.aim(monotonicMs(now), session, 'caller', { ...aimAt(alice, 5000), ...change })
  aimed(aim)
  if (isThere) relay.aim(monotonicMs(now), session, 'callee', aimAt(bob, 4000))

  function arrive(side: Side, packet: Uint8Array, control: boolean, port: number): string | undefined {
    const rtpPort = ports.find(({ leg, control: own }) => leg.side === side && own === control)
    const from = readSocketAddress(side === 'caller' ? alice : bob, portNumber(port)) ?? new SocketAddress()
    return rtpPort && relay.arrive(monotonicMs(now), rtpPort, from, packet, packet.length)?.leg.side
  }

  const leg = {
    relay,
    sent,
    reports,
    /** When the first packet of a play which was ordered at zero is due. */
    begun: 2,
    get now() {
      return now
    },
    play(play: number, sounds: readonly PlayedSound[], loop?: true) {
      const command = { type: 'play', session, side: 'caller', play, sounds, ...(loop && { loop }) } as const
      relay.play(monotonicMs(now), command)
      return leg
    },
    stop(play: number) {
      relay.stopPlay({ session, side: 'caller' }, play)
      return leg
    },
    listens() {
      relay.listen(monotonicMs(now), { session, side: 'caller' })
      return leg
    },
    reads(path: string, samples: Int16Array) {
      relay.player?.read(path, wavOf(samples))
      return leg
    },
    misses(path: string, why: string) {
      relay.player?.unread(path, why)
      return leg
    },
    /** From now on, Alice left, Bob right. */
    records() {
      const terms = { side: 'both', recording: 'r', path: 'r.wav', channels: 2, maxMs: 60_000 } as const
      relay.record(monotonicMs(now), { type: 'record', session, ...terms })
      return leg
    },
    recorded(channel: 0 | 1) {
      relay.recordings.change(monotonicMs(now), { type: 'record-stop', session, recording: 'r' })
      return blocks.flatMap((block) => [...block]).filter((_, n) => n % 2 === channel)
    },
    wanted: () => relay.player?.sounds.wanted.splice(0),
    aims(change: Partial<Aim>) {
      aimed(change)
      return leg
    },
    /** The thread wakes every two milliseconds, as far as this. */
    until(end: number) {
      for (; now < end; now += 2) beat()
      beat()
      return leg
    },
    /** It was away until this. */
    wakes(at: number) {
      now = at
      beat()
      return leg
    },
    says: (side: Side, packet: Uint8Array, port = side === 'caller' ? 5_000 : 4_000) =>
      arrive(side, packet, false, port),
    /** Alice speaks, every 20 ms. */
    talks(port: number, packets: number) {
      for (let sequence = 0; sequence < packets; sequence++) {
        leg.says('caller', rtpPacket({ sequence, ssrc: 9 }), port)
        leg.until(now + 20)
      }
      return leg
    },
    controls: (side: Side, packet: Uint8Array) =>
      arrive(side, packet, true, side === 'caller' ? 5_001 : 4_001),
    told: () =>
      relay.reports
        .splice(0)
        .flatMap((each) =>
          each.type === 'played' ? [`played ${each.play}: ${each.ms}${each.why ? ` ${each.why}` : ''}`] : [],
        ),
    silences: () =>
      relay.reports
        .splice(0)
        .flatMap((each) =>
          each.type === 'silent' ? [`${each.side} ${Math.round(each.ms / 1_000) * 1_000}`] : [],
        ),
    keys: () => relay.reports.splice(0).flatMap((each) => (each.type === 'digit' ? [each.key] : [])),
    closed() {
      relay.close(session)
      return relay.reports.splice(0).find(({ type }) => type === 'closed')
    },
  }
  function beat(): void {
    relay.player?.beat(monotonicMs(now))
    if (now % 50 === 0) relay.sweep(monotonicMs(now))
  }
  return leg
}

function heard(at: number, port: number, packet: Buffer): Heard {
  return {
    at,
    port,
    type: (packet[1] as number) & 0x7f,
    marker: (packet[1] as number) >= 0x80,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readInt32BE(8),
    payload: [...packet.subarray(12)],
  }
}

/** How loud a frequency is in samples, dBm0. */
function levelOf(samples: readonly number[], hz: number): number {
  const turn = (2 * Math.PI * hz) / 8000
  const [re, im] = [Math.cos, Math.sin].map((of) =>
    samples.reduce((sum, sample, n) => sum + sample * of(turn * n), 0),
  ) as [number, number]
  const amplitude = (2 * Math.hypot(re, im)) / samples.length
  return 20 * Math.log10(amplitude / 32_767) + 3.17
}
