import { describe, expect, test } from 'vitest'
import { type MonotonicMs, monotonicMs, portNumber } from '#contract'
import { type Aim, type MediaReport, type Side, sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import type { RtpPort } from '../../../relay/media/media-leg.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import type { RecordingTerms } from '../../../relay/media/recorder.ts'
import type { SinkReport } from '../../../relay/media/recordings.ts'
import { readWav, wavHeader } from '../../../relay/media/wav.ts'
import { type LinePacket, packetsOf, rtp, shaken } from '../../support/dtmf-line.ts'
import { aimAt } from './between.ts'

/** Seconds of sound, each sample the level of a party, so that what lies where can be told. */
const line = (seconds: number, level: number, law: 'PCMU' | 'PCMA' = 'PCMU') =>
  packetsOf(new Array(seconds * 8000).fill(level), law)
const [ANN, BOB] = [4092, -4092] as const

describe('a recording', () => {
  test('has each party in a channel of its own, or both in one', () => {
    const apart = office()
    apart.record({ channels: 2 })
    apart.play(2, { caller: line(2, ANN), callee: line(2, BOB, 'PCMA') })
    apart.order('record-stop')
    expect(apart.told()).toMatchObject({ end: 'stopped', ms: 2000, bytes: 44 + 2000 * 8 * 4 })
    expect(apart.levels(0)).toEqual({ [ANN]: 16_000 })
    expect(near(apart.channel(1), -4032)).toBe(16_000)

    const mixed = office()
    mixed.record({ channels: 1 })
    mixed.play(1, { caller: line(1, 30_000), callee: line(1, 30_000) })
    mixed.order('record-stop')
    expect(mixed.told()).toMatchObject({ ms: 1000, bytes: 44 + 8000 * 2 })
    expect(Math.max(...mixed.channel(0))).toBe(32_767)
  })

  test('is looked after twenty times a second until its file is closed, where without one it would be five', () => {
    const call = office()
    expect(call.relay.sweepMs).toBe(200)
    call.record({ channels: 2 })
    expect(call.relay.sweepMs).toBe(50)
    call.order('record-stop')
    expect(call.relay.sweepMs).toBe(50)
    call.told()
    expect(call.relay.sweepMs).toBe(200)
  })

  test.each([
    ['one party alone', { side: 'caller', channels: 1 } as const, { [ANN]: 8000 }],
    ['the other alone', { side: 'callee', channels: 1 } as const, { [BOB]: 8000 }],
  ])('is of %s where that is ordered', (_, terms, levels) => {
    const call = office()
    call.record(terms)
    call.play(1, { caller: line(1, ANN), callee: line(1, BOB) })
    call.order('record-stop')
    call.told()
    expect(call.levels(0)).toEqual(levels)
  })

  test('puts what is lost as silence, and what comes late, twice or in another order where it was said', () => {
    const call = office()
    call.record({ side: 'caller', channels: 1 })
    const spoken = packetsOf(
      Array.from({ length: 80_000 }, (_, n) => levelOf(Math.floor(n / 160))),
      'PCMU',
    )
    const came = shaken(spoken, 0.1, 3)
    call.play(10, { caller: paced(came) })
    call.order('record-stop')
    call.told()
    const sound = call.channel(0)
    const frames = Array.from({ length: 500 }, (_, n) => sound[n * 160 + 80])
    const lost = spoken.map((packet) => !came.some((one) => sequence(one) === sequence(packet)))
    expect(frames).toEqual(lost.map((gone, n) => (gone ? 0 : levelOf(n))))
    expect(lost.filter(Boolean).length).toBeGreaterThan(20)
  })

  test.each([1.002, 0.998])('stays with a party whose clock runs at %f of ours', (speed) => {
    const call = office()
    call.record({ side: 'caller', channels: 1 })
    const seconds = 60
    const spoken = line(seconds, ANN).map((packet, n) => ({ packet, at: (n * 20) / speed }))
    call.play(seconds, { caller: spoken })
    call.order('record-stop')
    expect(call.told()).toMatchObject({ ms: seconds * 1000 })
    const heard = call.levels(0)[ANN] ?? 0
    expect(heard / (seconds * 8000)).toBeGreaterThan(0.998)
  })

  test.each([
    ['its SSRC changes (a new key, a transfer)', { ssrc: 7, timestamp: 0x7000_0000, from: 3000 }],
    ['its timestamps jump', { ssrc: 0xdecade, timestamp: 0x7000_0000, from: 3000 }],
    ['its timestamps go back, which five packets may', { ssrc: 0xdecade, timestamp: -900_000, from: 3100 }],
  ])('goes on where the sound comes when %s', (_, { ssrc, timestamp, from }) => {
    const call = office()
    call.record({ side: 'caller', channels: 1 })
    const first = paced(line(1, ANN))
    const second = paced(line(1, BOB)).map(({ packet, at }, n) => ({
      packet: renamed(packet, ssrc, timestamp + n * 160),
      at: at + 3000,
    }))
    call.play(4, { caller: [...first, ...second] })
    call.order('record-stop')
    call.told()
    expect(regions(call.channel(0))).toEqual([
      [0, ANN],
      [1000, 0],
      [from, BOB],
    ])
  })

  test('has silence for a hold, which ends it only where silence is to', () => {
    const call = office()
    call.record({ side: 'caller', channels: 1, silenceMs: 2000 })
    const held = [...paced(line(1, ANN)), ...paced(line(4, ANN)).slice(100).map(later(-500))]
    call.play(4, { caller: held })
    expect(call.told()).toBeUndefined()
    call.play(5, {})
    expect(call.told()).toMatchObject({ end: 'silence', ms: expect.closeTo(5500, -2.6) })
    expect(regions(call.channel(0))).toEqual([
      [0, ANN],
      [1000, 0],
      [1500, ANN],
      [3500, 0],
    ])
  })

  test('paused holds nothing of what is said, and keeps its time; a pause is no silence', () => {
    const call = office()
    call.record({ side: 'caller', channels: 1, silenceMs: 1000 })
    const spoken = paced(line(6, ANN))
    call.play(1, { caller: spoken.slice(0, 50) })
    call.order('record-pause')
    call.order('record-pause')
    call.play(3, { caller: spoken.slice(50, 200).map(later(-1000)) })
    call.order('record-resume')
    call.play(2, { caller: spoken.slice(200).map(later(-4000)) })
    call.order('record-stop')
    expect(call.told()).toMatchObject({ end: 'stopped', ms: 6000 })
    expect(regions(call.channel(0))).toEqual([
      [0, ANN],
      [1000, 0],
      [4000, ANN],
    ])
  })

  test('ends at its longest time to the sample, and with its session', () => {
    const long = office()
    long.record({ maxMs: 1500, channels: 2 })
    long.play(3, { caller: line(3, ANN) })
    expect(long.told()).toMatchObject({ end: 'max', ms: 1500, bytes: 44 + 1500 * 8 * 4 })
    const closed = office()
    closed.record({})
    closed.play(1, { caller: line(1, ANN) })
    closed.relay.close(sessionId(1))
    expect(closed.told()).toMatchObject({ end: 'closed', ms: 950 })
  })

  test.each([
    ['stopped', (call: ReturnType<typeof office>) => call.order('record-stop')],
    ['closed', (call: ReturnType<typeof office>) => call.relay.close(sessionId(1))],
  ])('which is %s as soon as it begins is none, and is told so', (_, ends) => {
    const call = office()
    call.record({})
    ends(call)
    const why = 'it was over before anything was recorded'
    expect(call.told()).toMatchObject({ end: 'failed', ms: 0, bytes: 0, why })
  })

  test('hears who comes into the call in the place of who left it', () => {
    const call = office()
    call.record({ channels: 2 })
    call.play(1, { caller: line(1, ANN), callee: line(1, BOB) })
    call.relay.connect({ session: sessionId(1), side: 'caller' }, { session: sessionId(2), side: 'callee' })
    call.play(1, { callee: line(1, BOB), carol: line(2, 988).slice(0, 50) })
    call.relay.close(sessionId(1), 'callee')
    call.play(1, { carol: line(2, 988).slice(50) })
    call.order('record-stop')
    call.told()
    expect(regions(call.channel(1))).toEqual([
      [0, BOB],
      [1000, 988],
    ])
  })

  test.each<[string, Partial<RecordingTerms>, Partial<Aim>, string]>([
    ['a party which speaks nothing of G.711', {}, { spoken: [] }, 'what is spoken is not G.711'],
    ['a session which has none of it', { session: sessionId(9) }, {}, 'that party has no sound'],
  ])('of %s is refused with why', (_, terms, aim, why) => {
    const call = office(aim)
    call.record(terms)
    expect(call.told()).toEqual({
      type: 'recorded',
      session: terms.session ?? sessionId(1),
      recording: 'r1',
      ms: 0,
      bytes: 0,
      end: 'failed',
      why,
    })
  })

  test('is refused of a call which is recorded, and of sound which is heard to be another codec', () => {
    const call = office()
    call.record({})
    call.record({ recording: 'r2' })
    expect(call.told()).toMatchObject({ recording: 'r2', end: 'failed', why: 'the call is recorded already' })
    const opus = office()
    opus.play(1, { caller: [1, 2, 3].map((n) => rtp(111, n, n, [1, 2])) })
    opus.record({ side: 'caller' })
    expect(opus.told()).toMatchObject({ end: 'failed', why: 'what is spoken is not G.711' })
  })

  test('says which payload types it did not understand, where it understood none of a party', () => {
    const call = office()
    call.record({ side: 'caller', channels: 1 })
    call.play(1, { caller: [{ packet: rtp(111, 1, 1, [1, 2]), at: 0 }] })
    call.order('record-stop')
    expect(call.told()).toMatchObject({ end: 'stopped', why: 'not decoded: payload types 111' })
  })

  test('fails with why when the disk does, and when it is too slow; the call goes on, and another can begin', () => {
    const full = office()
    full.record({})
    full.play(1, { caller: line(1, ANN) })
    full.sink({
      type: 'failed',
      recording: 'r1',
      bytes: 16_044,
      why: 'ENOSPC: no space left on device, write',
    })
    expect(full.told()).toMatchObject({
      end: 'failed',
      bytes: 16_044,
      why: expect.stringContaining('ENOSPC'),
    })
    expect(full.says('caller', line(1, ANN)[0])).toBe(true)
    full.record({ recording: 'r2' })
    full.play(1, {})
    full.order('record-stop', 'r2')
    expect(full.told()).toMatchObject({ recording: 'r2', end: 'stopped' })

    const slow = office({}, false)
    slow.record({})
    slow.play(15, {})
    expect(slow.told()).toMatchObject({ end: 'failed', why: 'the disk is slower than what is said' })
  })
})

describe('the header of a WAV file', () => {
  test.each([1, 2] as const)('of %d channels is read as it was written', (channels) => {
    expect(readWav(wavHeader(channels, 32_000))).toEqual({ channels, bytes: 32_000, ms: 2000 / channels })
  })

  test.each([
    ['too short', new Uint8Array(43)],
    ['another format', new Uint8Array(44)],
  ])('which is %s is none', (_, header) => expect(readWav(header)).toBeUndefined())
})

interface Arriving {
  readonly packet: LinePacket
  readonly at: number
}

/** Ann calls Bob, and Carol stands alone; a disk which writes at once, or (`quick` false) never. */
function office(aim: Partial<Aim> = {}, quick = true) {
  const blocks: Int16Array[] = []
  let channels = 2
  const waiting: SinkReport[] = []
  const relay = new MediaRelay(60_000, undefined, undefined, {
    open(terms) {
      channels = terms.channels
      blocks.length = 0
    },
    write(recording, block) {
      blocks.push(block)
      if (quick) waiting.push({ type: 'written', recording })
    },
    close(recording) {
      const samples = blocks.reduce((sum, block) => sum + block.byteLength, 0)
      waiting.push({ type: 'closed', recording, bytes: samples && 44 + samples })
    },
  })
  const ports = {
    ...opened(relay, 1, { caller: 1000, callee: 2000 }),
    carol: opened(relay, 2, { callee: 3000 }).callee,
  }
  for (const port of Object.values(ports))
    relay.aim(monotonicMs(0), port.leg.session, port.leg.side, { ...aimAt('192.0.2.1', port.port), ...aim })
  let now = 1_000_000
  const at = (): MonotonicMs => monotonicMs(now)
  const hearSink = () => {
    for (const report of waiting.splice(0)) relay.recordings.told(at(), report)
  }
  const channel = (which: number) =>
    Int16Array.from(blocks.flatMap((block) => [...block.filter((_, n) => n % channels === which)]))
  const call = {
    relay,
    record: (terms: Partial<RecordingTerms>) => {
      const usual = { session: sessionId(1), side: 'both', recording: 'r1', path: 'r1.wav' } as const
      relay.record(at(), { type: 'record', ...usual, channels: 2, maxMs: 3_600_000, ...terms })
    },
    order: (type: 'record-pause' | 'record-resume' | 'record-stop', recording = 'r1') =>
      relay.recordings.change(at(), { type, session: sessionId(1), recording }),
    says(who: keyof typeof ports, packet: LinePacket | undefined): boolean {
      const port = ports[who]
      const from = readSocketAddress('192.0.2.1', port.port) ?? new SocketAddress()
      const bytes = Uint8Array.from(packet ?? [])
      return relay.arrive(at(), port, from, bytes, bytes.length) !== undefined
    },
    /** So many seconds pass, in which the parties speak. */
    play(seconds: number, lines: Partial<Record<keyof typeof ports, readonly (LinePacket | Arriving)[]>>) {
      const from = now
      const due = Object.entries(lines)
        .flatMap(([who, packets]) => arriving(packets).map((one) => ({ ...one, who: who as Side })))
        .sort((one, other) => one.at - other.at)
      let next = 0
      for (const until = from + seconds * 1000; now < until; now = Math.min(until, now + 50)) {
        const turn = now + 50
        for (; (due[next]?.at ?? Number.POSITIVE_INFINITY) + from < turn; next++) {
          now = from + (due[next]?.at ?? 0)
          call.says((due[next]?.who ?? 'caller') as Side, due[next]?.packet)
        }
        now = turn - 50
        relay.sweep(at())
        hearSink()
      }
    },
    sink: (report: SinkReport) => relay.recordings.told(at(), report),
    /** What was told of a recording. */
    told(): MediaReport | undefined {
      hearSink()
      return relay.reports.splice(0).find(({ type }) => type === 'recorded')
    },
    channel,
    /** How many samples there are of each value. */
    levels: (which: number) => countOf(channel(which)),
  }
  return call
}

function opened<S extends Side>(
  relay: MediaRelay,
  session: number,
  ports: Record<S, number>,
): Record<S, RtpPort> {
  const asked = Object.fromEntries(
    Object.entries<number>(ports).map(([side, port]) => [side, portNumber(port)]),
  )
  const all = relay.open(sessionId(session), asked).filter(({ control }) => !control)
  return Object.fromEntries(all.map((port) => [port.leg.side, port])) as Record<S, RtpPort>
}

function arriving(packets: readonly (LinePacket | Arriving)[]): Arriving[] {
  return packets.map((one, n) => ('packet' in one ? one : { packet: one, at: n * 20 }))
}

/** Each at the time its place in the order has. */
function paced(packets: readonly LinePacket[]): Arriving[] {
  return packets.map((packet, n) => ({ packet, at: Math.max(n, sequence(packet)) * 20 }))
}

function later(ms: number) {
  return ({ packet, at }: Arriving): Arriving => ({ packet, at: at + ms })
}

function sequence(packet: LinePacket): number {
  return ((packet[2] as number) << 8) | (packet[3] as number)
}

function renamed(packet: LinePacket, ssrc: number, timestamp: number): LinePacket {
  const copy = Uint8Array.from(packet)
  const view = new DataView(copy.buffer)
  view.setUint32(4, timestamp >>> 0)
  view.setUint32(8, ssrc)
  return copy
}

/** A value of PCMU for each packet, none of them 0. */
function levelOf(packet: number): number {
  return [988, 1980, 4092, 8316][packet % 4] as number
}

function countOf(samples: Int16Array): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const sample of samples) counts[sample] = (counts[sample] ?? 0) + 1
  return counts
}

function near(samples: Int16Array, level: number): number {
  return samples.filter((sample) => Math.abs(sample - level) < 100).length
}

/** Where, in ms, another value begins, those of less than ten milliseconds aside. */
function regions(samples: Int16Array): [number, number][] {
  const found: [number, number][] = []
  let from = 0
  for (let at = 1; at <= samples.length; at++) {
    if (at < samples.length && samples[at] === samples[from]) continue
    const value = samples[from] as number
    if (at - from >= 80 && found.at(-1)?.[1] !== value) found.push([Math.round(from / 80) * 10, value])
    from = at
  }
  return found
}
