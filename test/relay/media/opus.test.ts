import { describe, expect, test } from 'vitest'
import { libopus } from '../../../relay/io/libopus.ts'
import { encoded, valueOfPcma, valueOfPcmu } from '../../../relay/media/g711.ts'
import { OpusDecoder } from '../../../relay/media/opus-decoder.ts'
import { OpusEncoder } from '../../../relay/media/opus-encoder.ts'
import type { TranscodeStage } from '../../../relay/media/stages.ts'
import { levelAt, sine } from '../../support/wav.ts'

const made = libopus()
const make = typeof made === 'string' ? () => expect.unreachable(made) : made

test('a libopus which is not there is told of in a sentence', () => {
  expect(libopus(['libopus-of-none.so'])).toContain('libopus-of-none.so')
})

describe.skipIf(typeof made === 'string')('Opus beside G.711', () => {
  const seconds = 2
  const tone = sine(1_000, { rate: 8_000, seconds })

  test.each(['PCMU', 'PCMA'] as const)(
    'a tone in %s keeps its pitch and, within 1 dB, its level, there and back',
    (law) => {
      const heard = samplesIn(decoded(opusOf(tone), { law }))
      expect(heard.length).toBeGreaterThan(8_000 * seconds - 400)
      const sounds = heard.slice(4_000, 12_000)
      expect(Math.abs(levelAt(1_000, sounds, 8_000) + 6)).toBeLessThan(1)
      const others = [200, 440, 700, 900, 1_100, 1_500, 2_000, 3_000].map((hz) => levelAt(hz, sounds, 8_000))
      expect(Math.max(...others)).toBeLessThan(-36)
    },
  )

  test('packets follow each other in number and time on the clock of each, and the first is marked', () => {
    const opus = opusOf(tone)
    expect(opus.map(numbers).slice(0, 3)).toEqual([
      { type: 111, marked: true, sequence: 65_534, time: 4_294_967_000, ssrc: 7 },
      { type: 111, marked: false, sequence: 65_535, time: 664, ssrc: 7 },
      { type: 111, marked: false, sequence: 0, time: 1_624, ssrc: 7 },
    ])
    expect(decoded(opus).map(numbers).slice(0, 3)).toEqual([
      { type: 0, marked: true, sequence: 65_534, time: 4_294_967_000, ssrc: 7 },
      { type: 0, marked: false, sequence: 65_535, time: 4_294_967_160, ssrc: 7 },
      { type: 0, marked: false, sequence: 0, time: 24, ssrc: 7 },
    ])
  })

  test.each([5, 10, 30, 40, 60])(
    'packets of G.711 of %d ms become frames of 20 ms, and those such packets',
    (ms) => {
      const opus = opusOf(tone, ms)
      expect(Math.abs(opus.length - 100)).toBeLessThan(2)
      const back = decoded(opus, { ms })
      expect(new Set(back.map(({ length }) => length))).toEqual(new Set([12 + ms * 8]))
      expect(samplesIn(back).length).toBeGreaterThan(8_000 * seconds - 1_000)
    },
  )

  test('frames of 60 ms, three in a packet, become packets of 20 ms', () => {
    const opus = opusOf(tone)
    const merged = opus.flatMap((packet, at) =>
      at % 3 === 0 && opus[at + 2]
        ? [threeIn(packet, opus[at + 1] as Uint8Array, opus[at + 2] as Uint8Array)]
        : [],
    )
    for (const [at, packet] of merged.entries()) packet.writeUInt16BE(at, 2)
    const heard = decoded(merged)
    expect(heard).toHaveLength(merged.length * 3)
    expect(Math.abs(levelAt(1_000, samplesIn(heard).slice(4_000, 12_000), 8_000) + 6)).toBeLessThan(1)
  })

  test('of what is lost, one packet of twenty, nothing is missing in time, and the tone goes on', () => {
    const opus = opusOf(tone)
    const heard = decoded(opus.filter((_, at) => at % 20 !== 13))
    expect(heard).toHaveLength(opus.length)
    expect(heard.filter((packet) => numbers(packet).marked)).toHaveLength(1)
    const sounds = samplesIn(heard)
    expect(Math.abs(levelAt(1_000, sounds.slice(4_000, 12_000), 8_000) + 6)).toBeLessThan(1)
    // In each of the places where one was lost, too.
    for (const at of [13, 33, 53, 73, 93]) {
      const around = sounds.slice(at * 160, (at + 1) * 160)
      expect(levelAt(1_000, around, 8_000)).toBeGreaterThan(-12)
    }
  })

  test('what is lost of G.711 takes numbers of its own, so that the party’s decoder knows', () => {
    const opus = encodedBy(packetsOf(tone, 20).filter((_, at) => at !== 10 && at !== 11))
    const gap = opus.map(numbers).find(({ sequence }, at) => at > 0 && sequence !== ((65_534 + at) & 0xffff))
    expect(gap).toMatchObject({
      marked: false,
      sequence: (65_534 + 12) & 0xffff,
      time: (4_294_967_000 + 12 * 960) % 2 ** 32,
    })
  })

  test('a pause (DTX, a hold) is one: time goes on, numbers do not, and what follows is marked', () => {
    const opus = opusOf(tone).map((packet, at) => (at < 50 ? packet : later(packet, 48_000)))
    const heard = decoded(opus).map(numbers)
    const marks = heard.filter(({ marked }) => marked)
    expect(marks).toHaveLength(2)
    const [first, second] = marks
    expect((((second?.time ?? 0) - (first?.time ?? 0)) | 0) / 8).toBe(2_000)
    expect(((second?.sequence ?? 0) - (first?.sequence ?? 0)) & 0xffff).toBe(50)
  })

  test('what comes late, or twice, is heard once', () => {
    const opus = opusOf(tone)
    const [at9, at10] = [opus[9], opus[10]] as [Uint8Array, Uint8Array]
    const mixed = [...opus.slice(0, 9), at10, at9, at10, ...opus.slice(11)]
    expect(decoded(mixed)).toHaveLength(opus.length)
  })

  test('keys pass on Opus’ clock, between its frames', () => {
    const encoder = new OpusEncoder(make(), 111)
    const [first, second] = packetsOf(tone, 20) as [Buffer, Buffer]
    through(encoder, first)
    const key = Buffer.from(second.subarray(0, 16))
    key[1] = 0x80 | 110
    expect(through(encoder, key).map(numbers)).toEqual([
      { type: 110, marked: true, sequence: 65_535, time: 664, ssrc: 7 },
    ])
  })

  test('comfort noise becomes a frame as loud as it says: numbers go on, time too, and nothing counts as lost', () => {
    // 400 ms of speech, a pause of 600 ms whose noise is told of thrice, and speech again.
    const said = packetsOf(tone, 20)
    const noises = [20, 30, 40].map((at) => noiseOf(said[at] as Buffer, 45))
    const opus = encodedBy(renumbered([...said.slice(0, 20), ...noises, ...said.slice(50, 60)]))
    const told = opus.map(numbers)
    expect(told.map(({ sequence }) => (sequence - 65_534) & 0xffff)).toEqual(opus.map((_, at) => at))
    const frames = [...said.keys()].filter(
      (at) => at < 20 || [20, 30, 40].includes(at) || (at >= 50 && at < 60),
    )
    expect(told.map(({ time }) => ((time - 4_294_967_000) >>> 0) / 960)).toEqual(frames)
    expect(told.flatMap(({ marked }, at) => (marked ? [frames[at]] : []))).toEqual([0, 30, 40, 50])
    const heard = samplesIn(decoded(opus))
    const loudness = (at: number) => rms(heard.slice(at * 160, (at + 1) * 160))
    // Of the noise; the first is the end of the tone, too.
    for (const at of [21, 22]) expect(Math.abs(loudness(at) + 45)).toBeLessThan(8)
    expect(Math.abs(levelAt(1_000, heard.slice(25 * 160, 33 * 160), 8_000) + 6)).toBeLessThan(1)
  })

  test.each<[string, number[]]>([
    ['of no level', []],
    ['louder than any room', [0]],
  ])('comfort noise %s is no noise which hurts', (_, payload) => {
    const [first] = packetsOf(tone, 20)
    const noise = Buffer.concat([noiseOf(first as Buffer, 0).subarray(0, 12), Buffer.from(payload)])
    const heard = encodedBy(renumbered(Array.from({ length: 5 }, (_, at) => later(noise, at * 160))))
    expect(heard).toHaveLength(5)
    expect(rms(samplesIn(decoded(heard)))).toBeLessThan(-25)
  })

  test.each([5, 10, 20, 40])('comfort noise in each packet of %i ms makes time go no faster', (ms) => {
    const said = packetsOf(tone, ms)
    const [from, to] = [200 / ms, 400 / ms]
    const paused = said.slice(0, 600 / ms).map((one, at) => (at >= from && at < to ? noiseOf(one, 45) : one))
    const told = encodedBy(paused).map(numbers)
    const last = told.at(-1)?.time ?? 0
    expect(((last - 4_294_967_000) >>> 0) / 960).toBe(29)
    expect(told).toHaveLength(ms > 20 ? 25 : 30)
  })

  test('of a pause in which a packet of comfort noise was lost only that is missing in the numbers', () => {
    const said = packetsOf(tone, 20)
    const opus = encodedBy([...said.slice(0, 10), moved(said[30] as Buffer, 11)])
    expect(numbers(opus.at(-1) as Buffer)).toMatchObject({ marked: true, sequence: (65_534 + 11) & 0xffff })
  })

  test('frames of one octet, as in a pause every 400 ms (DTX), keep time and number, and are nothing loud', () => {
    const opus = opusOf(tone)
    const quiet = [50, 70, 90].map((at) => (opus[at] as Buffer).subarray(0, 13))
    const heard = decoded(renumbered([...opus.slice(0, 50), ...quiet]))
    const told = heard.map(numbers)
    expect(told.map(({ sequence }) => (sequence - 65_534) & 0xffff)).toEqual(heard.map((_, at) => at))
    const pause = told.slice(-3).map(({ time }) => ((time - 4_294_967_000) >>> 0) / 160)
    expect(pause).toEqual([50, 70, 90])
    expect(rms(samplesIn(heard.slice(-2)))).toBeLessThan(-20)
  })

  test('the time of a sender’s report is that of the packets which are written', () => {
    const encoder = new OpusEncoder(make(), 111)
    for (const packet of packetsOf(tone, 30).slice(0, 5)) through(encoder, packet)
    expect(encoder.timeOf(7, (4_294_967_000 + 5 * 240) % 2 ** 32)).toBe((4_294_967_000 + 5 * 1_440) % 2 ** 32)
  })

  test('whatever stands in a packet of Opus, nothing throws, and what is good is heard again behind it', () => {
    const decoder = new OpusDecoder(make(), { from: [111], to: 111, law: 'PCMU', ms: 20 })
    let seed = 1
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    for (let at = 0; at < Number(process.env.OPUS_PACKETS ?? 3_000); at++) {
      const packet = Buffer.from(
        Uint8Array.from({ length: 12 + random(random(4) === 0 ? 1_400 : 60) }, () => random(256)),
      )
      packet[0] = 0x80
      packet[1] = 111
      if (random(3) > 0) packet.writeUInt16BE(at & 0xffff, 2)
      if (random(3) > 0) packet.writeUInt32BE((at * 960) >>> 0, 4)
      if (random(5) > 0) packet.writeUInt32BE(7, 8)
      expect(through(decoder, packet).length).toBeLessThan(14)
    }
    const heard = opusOf(tone).flatMap((packet) => through(decoder, packet))
    expect(Math.abs(levelAt(1_000, samplesIn(heard).slice(4_000, 12_000), 8_000) + 6)).toBeLessThan(1)
  })

  /** As a party sends it. */
  function opusOf(samples: readonly number[], ms = 20): Buffer[] {
    return encodedBy(packetsOf(samples, ms))
  }

  function encodedBy(packets: readonly Uint8Array[]): Buffer[] {
    const encoder = new OpusEncoder(make(), 111)
    return packets.flatMap((packet) => through(encoder, packet))
  }

  function decoded(
    packets: readonly Uint8Array[],
    { law = 'PCMU', ms = 20 }: { law?: 'PCMU' | 'PCMA'; ms?: number } = {},
  ): Buffer[] {
    const decoder = new OpusDecoder(make(), { from: [111], to: 111, law, ms })
    return packets.flatMap((packet) => through(decoder, packet))
  }
})

function through(stage: TranscodeStage, packet: Uint8Array): Buffer[] {
  const into = new Uint8Array(2_048)
  stage.take(packet, packet.length)
  const written: Buffer[] = []
  for (let length = stage.next(into); length > 0; length = stage.next(into))
    written.push(Buffer.from(into.subarray(0, length)))
  return written
}

/** PCMU whose numbers are about to begin anew. */
function packetsOf(samples: readonly number[], ms: number): Buffer[] {
  const count = ms * 8
  return Array.from({ length: Math.floor(samples.length / count) }, (_, at) => {
    const packet = Buffer.alloc(12 + count)
    packet[0] = 0x80
    packet.writeUInt16BE((65_534 + at) & 0xffff, 2)
    packet.writeUInt32BE((4_294_967_000 + at * count) % 2 ** 32, 4)
    packet.writeUInt32BE(7, 8)
    for (let i = 0; i < count; i++)
      packet[12 + i] = encoded('PCMU', Math.round((samples[at * count + i] as number) * 32_767))
    return packet
  })
}

function numbers(packet: Buffer) {
  const [, second = 0] = packet
  return {
    type: second & 0x7f,
    marked: second >= 0x80,
    sequence: packet.readUInt16BE(2),
    time: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
  }
}

function samplesIn(packets: readonly Buffer[]): number[] {
  return packets.flatMap((packet) => {
    const value = (packet[1] as number) % 0x80 === 8 ? valueOfPcma : valueOfPcmu
    return [...packet.subarray(12)].map((octet) => value(octet) / 32_768)
  })
}

/** In its place, how loud the pause is which begins there, −dBov (RFC 3389 §3). */
function noiseOf(packet: Buffer, level: number): Buffer {
  const noise = Buffer.from([...packet.subarray(0, 12), level])
  noise[1] = 13
  return noise
}

/** Their numbers follow each other; their times are as they were. */
function renumbered(packets: readonly Buffer[]): Buffer[] {
  return packets.map(moved)
}

function moved(packet: Buffer, at: number): Buffer {
  const numbered = Buffer.from(packet)
  numbered.writeUInt16BE((65_534 + at) & 0xffff, 2)
  return numbered
}

/** How loud it is, dB of full scale. */
function rms(samples: readonly number[]): number {
  return 10 * Math.log10(samples.reduce((sum, sample) => sum + sample ** 2, 1e-12) / samples.length)
}

function later(packet: Buffer, ticks: number): Buffer {
  const moved = Buffer.from(packet)
  moved.writeUInt32BE((packet.readUInt32BE(4) + ticks) % 2 ** 32, 4)
  return moved
}

/** Code 3 of RFC 6716 §3.2.5: three frames of 20 ms in one packet, each with its length before it but the last. */
function threeIn(...packets: [Uint8Array, Uint8Array, Uint8Array]): Buffer {
  const frames = packets.map((packet) => Buffer.from(packet.subarray(13)))
  const lengths = frames
    .slice(0, 2)
    .map(({ length }) =>
      length < 252
        ? Buffer.from([length])
        : Buffer.from([252 + (length & 3), (length - 252 - (length & 3)) / 4]),
    )
  const [head = new Uint8Array()] = packets
  const toc = ((head[12] as number) & 0xfc) | 3
  return Buffer.concat([head.subarray(0, 12), Buffer.from([toc, 0x80 | 3]), ...lengths, ...frames])
}
