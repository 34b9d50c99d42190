import { describe, expect, test } from 'vitest'
import { DigitQueue } from '../../../relay/media/digit-queue.ts'
import { dtmfKeys } from '../../../relay/media/dtmf.ts'
import { encoded, type Law, valueOfPcma, valueOfPcmu } from '../../../relay/media/g711.ts'
import { TelephoneEventReader, TelephoneEventWriter } from '../../../relay/media/telephone-event.ts'
import { ToneDetector } from '../../../relay/media/tone-detector.ts'
import { ToneWriter } from '../../../relay/media/tone-generator.ts'
import {
  eventLine,
  type LinePacket,
  packetsOf,
  rtp,
  seeded,
  shaken,
  toneLine,
} from '../../support/dtmf-line.ts'

const laws: readonly (Law | undefined)[] = Array.from(
  { length: 9 },
  (_, _type) => ({ 0: 'PCMU', 8: 'PCMA' }) as const,
).map((named, type) => named[type as 0])
const all = [...dtmfKeys].map((_, code) => code)
const pressed = (codes: readonly number[], ms = 100, pause = 100) =>
  codes.map((code) => ({ code, ms, pause }))

describe('key presses in telephone-event packets (RFC 4733)', () => {
  test('are each heard once, whatever payload type and clock they have, over the turns of sequence and timestamp', () => {
    for (const clock of [8000, 16_000, 48_000])
      expect(events(eventLine(pressed(all), { clock, type: 96 }))).toEqual(all)
  })

  test('are neither lost nor doubled where 5 % is lost, and some comes twice or late', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const keys = keysOf(seed)
      expect([seed, events(shaken(eventLine(pressed(keys, 100, 60)), 0.05, seed))]).toEqual([seed, keys])
    }
  })

  test('of one key in a row are as many as there were', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const keys = [5, 5, 5, 5, 5]
      expect(events(shaken(eventLine(pressed(keys, 60, 50)), 0.05, seed))).toEqual(keys)
    }
  })

  test('as short as 40 ms are known by any one packet, the last alone too', () => {
    const line = eventLine(pressed([1, 2], 40, 40))
    const ends = line.filter((packet) => (packet[13] as number) & 0x80)
    expect(events(ends)).toEqual([1, 2])
    expect(events(line.filter((packet) => !((packet[13] as number) & 0x80)))).toEqual([1, 2])
  })

  test('which last longer than a packet can say are one (§2.5.1.3)', () => {
    const segment = (timestamp: number, duration: number, end = 0) =>
      rtp(101, 0, timestamp, [9, end, duration >> 8, duration & 0xff])
    const long = [segment(1000, 160), segment(1000, 65_440), segment(66_535, 160), segment(66_535, 320, 0x80)]
    expect(events(long)).toEqual([9])
    expect(events([segment(1000, 160), segment(1000, 320), segment(66_535, 160)])).toEqual([9, 9])
  })

  test('are no keys where they are a flash, a line tone, or too short to be read', () => {
    expect(
      events([rtp(101, 0, 0, [16, 0, 0, 160]), rtp(101, 1, 900, [66, 0, 0, 160]), rtp(101, 2, 1800, [1, 0])]),
    ).toEqual([])
  })

  test('are found behind CSRCs and an extension', () => {
    const plain = rtp(101, 0, 0, [7, 10, 0, 160])
    const head = [0x91, ...plain.slice(1, 12), 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0, 0, 0, 0]
    expect(events([Uint8Array.from([...head, ...plain.slice(12)])])).toEqual([7])
  })
})

describe('key presses which are sent as telephone events', () => {
  const written = (keys: string, ms: number, packets = 400) => {
    const queue = new DigitQueue()
    const writer = new TelephoneEventWriter(queue, { type: 101, clock: 8000, sound: 8000 })
    queue.add(keys, ms)
    return soundLine(packets).map((packet) => packet.subarray(0, writer.rewrite(packet, packet.length)))
  }

  test('take the place of the sound for as long, keep its sequence, and end thrice', () => {
    const sent = written('5', 100)
    const told = sent.filter(isEvent)
    expect(told.map((packet) => packet.length)).toEqual(told.map(() => 16))
    expect(
      told.map((packet) => [packet[1], packet[12], packet[13], ((packet[14] ?? 0) << 8) | (packet[15] ?? 0)]),
    ).toEqual([
      [0x80 | 101, 5, 10, 160],
      [101, 5, 10, 320],
      [101, 5, 10, 480],
      [101, 5, 10, 640],
      [101, 5, 0x8a, 800],
      [101, 5, 0x8a, 800],
      [101, 5, 0x8a, 800],
    ])
    expect(new Set(told.map((packet) => packet.slice(4, 8).join()))).toHaveLength(1)
    expect(sent.map((packet) => ((packet[2] ?? 0) << 8) | (packet[3] ?? 0))).toEqual(sent.map((_, at) => at))
    expect(sent.slice(7).every((packet) => packet.length === 172)).toBe(true)
  })

  test('are heard as they were pressed where 5 % is lost, however quickly they were pressed', () => {
    for (let seed = 1; seed <= 30; seed++)
      expect([seed, events(shaken(written('0123456789*#ABCD5555', 80).filter(isEvent), 0.05, seed))]).toEqual(
        [seed, [...all, 5, 5, 5, 5]],
      )
  })

  test('last as long where the sound has another clock, and where it begins anew meanwhile', () => {
    const queue = new DigitQueue()
    const writer = new TelephoneEventWriter(queue, { type: 101, clock: 8000, sound: 48_000 })
    queue.add('58', 100)
    const stamps = [...Array(40).keys()].map((at) => (at < 3 ? 90_000 : 0) + at * 960)
    const sent = stamps.map((timestamp, at) => rtp(111, at, timestamp, new Array(60).fill(0)))
    for (const packet of sent) writer.rewrite(packet, packet.length)
    const told = sent.filter(isEvent).map((packet) => ((packet[14] ?? 0) << 8) | (packet[15] ?? 0))
    const key = [160, 320, 480, 640, 800, 800, 800]
    expect(told).toEqual([...key, ...key])
    expect(queue.isEmpty).toBe(true)
  })

  test('wait for sound, of which none is needed otherwise', () => {
    expect(written('', 100).some(isEvent)).toBe(false)
  })
})

describe('key presses as tones', () => {
  test.each<Law>(['PCMU', 'PCMA'])('of %s are each heard once, short and long', (law) => {
    for (const [ms, pause] of [
      [50, 50],
      [100, 100],
      [1000, 60],
    ] as const)
      expect([ms, tones(toneLine(pressed(all, ms, pause), law))]).toEqual([ms, all])
  })

  test('are heard above noise and where they are quiet', () => {
    expect(tones(toneLine(pressed(all), 'PCMU', { noise: 800 }))).toEqual(all)
    expect(tones(toneLine(pressed(all), 'PCMA', { gain: 0.08 }))).toEqual(all)
  })

  test('are neither lost nor doubled where 5 % is lost', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const keys = keysOf(seed).slice(0, 8)
      expect([seed, tones(apart(toneLine(pressed(keys, 120, 120), 'PCMU', { seed }), 0.05, seed))]).toEqual([
        seed,
        keys,
      ])
    }
  })

  test('are not heard in silence, noise, one tone, a ringing tone or what sweeps through all of them', () => {
    const noise = seeded(3)
    const wave = (of: (second: number) => number) =>
      packetsOf(
        Array.from({ length: 16_000 }, (_, n) => 8_000 * of(n / 8000)),
        'PCMU',
      )
    const turn = (hertz: number, second: number) => Math.sin(2 * Math.PI * hertz * second)
    expect(tones(wave(() => 0))).toEqual([])
    expect(tones(wave(() => noise() * 2 - 1))).toEqual([])
    expect(tones(wave((at) => turn(697, at)))).toEqual([])
    expect(tones(wave((at) => turn(440, at) + turn(480, at)))).toEqual([])
    expect(tones(wave((at) => turn(500 + 600 * at, at)))).toEqual([])
    const key = (at: number) => turn(697, at) + turn(1209, at)
    expect(tones(wave((at) => 0.7 * key(at)))).toEqual([1])
    expect(tones(wave((at) => 0.7 * (key(at) + 2 * turn(2300, at))))).toEqual([])
    expect(tones(wave((at) => 0.7 * (key(at) + turn(770, at))))).toEqual([])
    expect(tones(wave((at) => turn(697, at) + 0.3 * turn(1209, at)))).toEqual([])
  })

  test('are silenced as they are heard, where they go on in another form, and the sound behind them is not', () => {
    const detector = new ToneDetector(laws, true)
    const line = toneLine(pressed([1], 200, 200), 'PCMU')
    for (const packet of line) detector.hear(packet, packet.length)
    const loud = line.map(
      (packet) => Math.max(...[...packet.slice(12)].map((octet) => Math.abs(valueOfPcmu(octet)))) > 2_000,
    )
    expect(loud.filter(Boolean).length).toBeLessThanOrEqual(2)
    const voice = packetsOf(
      Array.from({ length: 3200 }, (_, n) => 9_000 * Math.sin(n / 7)),
      'PCMU',
    )
    const before = voice.map((packet) => packet.join())
    for (const packet of voice) detector.hear(packet, packet.length)
    expect(voice.slice(2).map((packet) => packet.join())).toEqual(before.slice(2))
  })

  test.each<Law>(['PCMU', 'PCMA'])('are sent in the place of %s, and heard as they were pressed', (law) => {
    const queue = new DigitQueue()
    const writer = new ToneWriter(queue, laws)
    queue.add('0123456789*#ABCD', 80)
    const line = soundLine(400, law)
    for (const packet of line) expect(writer.rewrite(packet, packet.length)).toBe(packet.length)
    expect(tones(line)).toEqual(all)
    expect(line.at(-1)?.slice(12)).toEqual(soundLine(400, law).at(-1)?.slice(12))
  })

  test.each<[Law, (octet: number) => number]>([
    ['PCMU', valueOfPcmu],
    ['PCMA', valueOfPcma],
  ])('are written in %s as the octet which is nearest', (law, value) => {
    for (let octet = 0; octet < 256; octet++)
      expect(Math.abs(value(encoded(law, value(octet))) - value(octet))).toBeLessThanOrEqual(8)
  })
})

test('keys which find no room, or are none, are passed over', () => {
  const queue = new DigitQueue()
  queue.add('x1y2 d', 100)
  expect(drained(queue)).toEqual([1, 2, 15])
  queue.add('5'.repeat(100), 100)
  expect(drained(queue)).toHaveLength(64)
})

function drained(queue: DigitQueue): number[] {
  const codes: number[] = []
  for (; !queue.isEmpty; queue.drop()) codes.push(queue.code)
  return codes
}

function events(line: readonly LinePacket[]): number[] {
  const reader = new TelephoneEventReader()
  return line.map((packet) => reader.hear(packet, packet.length)).filter((code) => code >= 0)
}

function tones(line: readonly LinePacket[]): number[] {
  const detector = new ToneDetector(laws, false)
  return line.map((packet) => detector.hear(packet, packet.length)).filter((code) => code >= 0)
}

function keysOf(seed: number): number[] {
  const dice = seeded(seed * 31)
  return Array.from({ length: 16 }, () => Math.floor(dice() * 16))
}

function isEvent(packet: LinePacket): boolean {
  return ((packet[1] as number) & 0x7f) === 101
}

/** Sound of the other law than silence, so that what was overwritten shows. */
function soundLine(packets: number, law: Law = 'PCMU'): LinePacket[] {
  const voice = Array.from({ length: packets * 160 }, (_, n) => 3_000 * Math.sin(n / 9))
  return packetsOf(voice, law)
}

/** What arrives of a line which loses single packets, and delivers in order. */
function apart(line: readonly LinePacket[], loss: number, seed: number): LinePacket[] {
  const dice = seeded(seed)
  let lost = false
  return line.filter(() => {
    lost = !lost && dice() < loss
    return !lost
  })
}
