import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { readConfig } from '../../relay/config.ts'
import { type Aim, type MediaReport, type Side, sessionId } from '../../relay/ground/media.ts'
import type { MediaPlane } from '../../relay/io/media.ts'
import { startMediaPlane } from '../../relay/io/media-plane.ts'
import { encoded, valueOfPcmu } from '../../relay/media/g711.ts'
import { type RtpParty, rtpPacket, rtpParty } from '../support/rtp.ts'
import { hasRtpengine, Rtpengine } from '../support/rtpengine.ts'
import { pause, soon } from '../support/wait.ts'

const at = '127.0.9.21'
const pcmu = { types: ['0', '101'], lines: ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000'] }
const asked = { caller: portNumber(9_000), callee: portNumber(9_002) }

describe.skipIf(!hasRtpengine)('what is ordered of sound, carried out by rtpengine', () => {
  let rtpengine: Rtpengine
  let plane: MediaPlane
  let alice: RtpParty
  let bob: RtpParty
  const reports: MediaReport[] = []
  const folder = mkdtempSync(join(tmpdir(), 'rtpengine-'))
  let calls = 0

  beforeAll(async () => {
    rtpengine = await Rtpengine.open(at)
    const read = readConfig({
      EDGE_URL: 'http://127.0.0.1:1',
      RELAY_KEY: `rk_berlin-1.${'w'.repeat(43)}`,
      SIP_HOST: '127.0.9.22',
      RTP_PORTS: '36200-36239',
      DATA_DIR: folder,
      MEDIA_ENGINE: rtpengine.setting,
    })
    if (!read.ok) throw new Error(read.faults.join())
    plane = await startMediaPlane(read.config, {
      timeoutMs: 60_000,
      recordings: folder,
      report: (report) => reports.push(report),
      log() {},
    })
  })

  beforeEach(async () => {
    reports.length = 0
    alice = await rtpParty('127.0.9.23', 0xa11ce)
    bob = await rtpParty('127.0.9.24', 0xb0b)
  })

  afterEach(() => {
    alice.close()
    bob.close()
  })

  afterAll(async () => {
    await plane?.stop()
    await rtpengine?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a sound is played to one party alone, another behind it, and each is told of once', async () => {
    const { session } = await call()
    plane.order({ type: 'play', session, side: 'caller', play: 1, sounds: [tone(440, 200), tone(0, 100)] })
    plane.order({ type: 'play', session, side: 'caller', play: 2, sounds: [tone(880, 200)] })
    await told('played', 2)
    expect(played()).toEqual([
      [1, undefined, near(300)],
      [2, undefined, near(200)],
    ])
    const heard = samplesOf(alice)
    expect(heard.length).toBeGreaterThan(3_500)
    expect(frequency(heard.slice(0, 1_600))).toBeCloseTo(440, -2)
    expect(frequency(heard.slice(-1_400))).toBeCloseTo(880, -2)
    expect(bob.heard).toHaveLength(0)
  })

  test('what plays for ever is stopped, and what waits behind it begins', async () => {
    const { session } = await call()
    plane.order({ type: 'play', session, side: 'caller', play: 1, sounds: [tone(440, 100)], loop: true })
    plane.order({ type: 'play', session, side: 'caller', play: 2, sounds: [tone(880, 100)] })
    await soon('to be played to', () => alice.heard.length > 20 || undefined)
    expect(played()).toEqual([])
    plane.order({ type: 'stop-play', session, side: 'caller', play: 1 })
    await told('played', 2)
    expect(played().map(([play]) => play)).toEqual([1, 2])
  })

  test('a file which is none is not played, and why is told', async () => {
    const { session } = await call()
    const path = join(folder, 'nothing.wav')
    plane.order({ type: 'play', session, side: 'caller', play: 1, sounds: [{ kind: 'file', path }] })
    await told('played', 1)
    expect(played()).toEqual([[1, expect.stringContaining('ENOENT'), 0]])
  })

  test('keys are heard of who presses them, and sent to who is to hear them', async () => {
    const { session, ports } = await call()
    await speak(alice, ports.caller, 5)
    press(alice, ports.caller, 5)
    await told('digit', 1)
    expect(reports.filter(({ type }) => type === 'digit')).toEqual([
      { type: 'digit', session, side: 'caller', key: '5', form: 'rfc4733' },
    ])
    const before = alice.heard.length
    const speaking = speak(bob, ports.callee, 40)
    await soon('bob to be heard', () => alice.heard.length > before + 3 || undefined)
    plane.order({ type: 'digits', session, side: 'caller', keys: '7', ms: 100 })
    const event = await soon('an event', () =>
      alice.heard.slice(before).find(({ packet }) => ((packet[1] ?? 0) & 0x7f) === 101),
    )
    expect(event.packet[12]).toBe(7)
    await speaking
  })

  test('both parties are recorded, each in a channel of its own, until the session ends', async () => {
    const { session, ports } = await call()
    const recording = { session, recording: 'r1' }
    plane.order({
      type: 'record',
      ...recording,
      side: 'both',
      path: 'both.wav',
      channels: 2,
      maxMs: 60_000,
    })
    await pause(300)
    await Promise.all([speak(alice, ports.caller, 30, 440), speak(bob, ports.callee, 30, 880)])
    plane.order({ type: 'close', session })
    await told('recorded', 1)
    expect(reports.find(({ type }) => type === 'recorded')).toMatchObject({
      recording: 'r1',
      end: 'closed',
    })
    const [left, right] = channelsOf(join(folder, 'both.wav'))
    expect(frequency(left)).toBeCloseTo(440, -2)
    expect(frequency(right)).toBeCloseTo(880, -2)
  })

  test('a party is joined with one of another session', async () => {
    const [one, two] = [await call(), await call()]
    const to = { session: two.session, side: 'callee' } as const
    plane.order({ type: 'connect', session: one.session, side: 'caller', to })
    const carol = await rtpParty('127.0.9.25', 0xca401)
    plane.order({ type: 'aim', ...to, aim: aimAt(carol) })
    await pause(300)
    await soon('both to hear', async () => {
      await Promise.all([speak(alice, one.ports.caller, 10), speak(carol, two.ports.callee, 10)])
      return carol.heard.length > 8 && alice.heard.length > 8
    })
    expect(bob.heard).toHaveLength(0)
    carol.close()
  })

  test('one which cannot be had is told of in words, and so is the silence of a dead rtpengine', async () => {
    await rtpengine.close()
    const session = sessionId(++calls)
    plane.order({ type: 'open', session, ports: asked })
    await told('failed', 1)
    expect(reports).toContainEqual({ type: 'failed', session, why: 'rtpengine does not answer' })
  })

  /** Both have said where they are. */
  async function call() {
    const session = sessionId(++calls)
    plane.order({ type: 'open', session, ports: asked })
    const opened = await soon('ports', () =>
      reports.find((each) => each.type === 'opened' && each.session === session),
    )
    for (const [side, party] of [
      ['caller', alice],
      ['callee', bob],
    ] as [Side, RtpParty][])
      plane.order({ type: 'aim', session, side, aim: aimAt(party) })
    await pause(100)
    const ports = opened.type === 'opened' ? opened.ports : undefined
    if (ports === undefined) throw new Error('it has no ports')
    return { session, ports }
  }

  function told(type: MediaReport['type'], times: number): Promise<true> {
    return soon(
      `${times} times ${type} of ${JSON.stringify(reports)}`,
      () => reports.filter((each) => each.type === type).length >= times || undefined,
    )
  }

  function played() {
    return reports.flatMap((each) => (each.type === 'played' ? [[each.play, each.why, each.ms]] : []))
  }
})

function aimAt(party: RtpParty): Aim {
  const place = { address: party.address, port: portNumber(party.port) }
  const spoken = [{ type: 0, law: 'PCMU' as const }]
  return {
    rtp: place,
    rtcp: undefined,
    sources: [party.address],
    eager: true,
    mux: true,
    quiet: false,
    formats: pcmu,
    spoken,
  }
}

function tone(hz: number, ms: number) {
  return { kind: 'tone', hz: [hz], ms } as const
}

function near(ms: number): unknown {
  return expect.toSatisfy((said: number) => said > ms - 20 && said < ms + 150)
}

const sequences = new WeakMap<RtpParty, number>()

/** Speaks for `packets` of 20 ms, a tone where one is named. */
async function speak(party: RtpParty, port: number, packets: number, hz?: number): Promise<void> {
  for (let i = 0; i < packets; i++) {
    const sequence = next(party)
    const packet = rtpPacket({ sequence, ssrc: party.port })
    if (hz !== undefined) packet.set(toneOf(hz, sequence), 12)
    party.send(packet, port, at)
    await pause(20)
  }
}

/** One event (RFC 4733), its end three times. */
function press(party: RtpParty, port: number, key: number): void {
  const rtpTime = next(party) * 160
  for (let i = 1; i <= 8; i++) {
    const packet = rtpPacket({ sequence: next(party), ssrc: party.port, rtpTime, type: 101, size: 4 })
    packet.set([key, i > 5 ? 0x8a : 0x0a, (Math.min(i, 6) * 160) >> 8, (Math.min(i, 6) * 160) & 0xff], 12)
    party.send(packet, port, at)
  }
}

function next(party: RtpParty): number {
  const sequence = (sequences.get(party) ?? 0) + 1
  sequences.set(party, sequence)
  return sequence
}

function toneOf(hz: number, sequence: number): Uint8Array {
  return Uint8Array.from({ length: 160 }, (_, i) =>
    encoded('PCMU', 8_000 * Math.sin((2 * Math.PI * hz * (sequence * 160 + i)) / 8000)),
  )
}

/** What a party was played, as samples. */
function samplesOf({ heard }: RtpParty): number[] {
  return heard
    .filter(({ packet }) => ((packet[1] ?? 0) & 0x7f) === 0)
    .flatMap(({ packet }) => [...packet.subarray(12)].map((octet) => valueOfPcmu(octet)))
}

function channelsOf(path: string): [number[], number[]] {
  const file = readFileSync(path)
  const samples = Array.from({ length: (file.length - 44) >> 1 }, (_, i) => file.readInt16LE(44 + 2 * i))
  return [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)]
}

/** Hz, by how often what is loud changes its sign. */
function frequency(samples: readonly number[]): number {
  const loud = samples.filter((sample) => Math.abs(sample) > 200)
  const changes = loud.filter((sample, i) => i > 0 && sample > 0 !== (loud[i - 1] as number) > 0).length
  const first = samples.findIndex((sample) => Math.abs(sample) > 200)
  const last = samples.findLastIndex((sample) => Math.abs(sample) > 200)
  return (changes * 4000) / (last - first)
}
