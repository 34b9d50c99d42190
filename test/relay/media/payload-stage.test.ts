import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sessionId } from '../../../relay/ground/media.ts'
import { pcmaOfPcmu, pcmuOfPcma, valueOfPcma, valueOfPcmu } from '../../../relay/media/g711.ts'
import { PayloadStage, payloadStages } from '../../../relay/media/payload-stage.ts'
import { plain } from '../../../relay/media/stages.ts'

const bytes = (...octets: number[]) => Uint8Array.from(octets)
const header = (type: number, first = 0x80) => [first, type, 0, 7, 0, 0, 0, 160, 1, 2, 3, 4]
const rewritten = (stage: PayloadStage, packet: Uint8Array) => {
  const length = stage.rewrite(packet, packet.length)
  return length < 0 ? undefined : [...packet.subarray(0, length)]
}

describe('the laws of G.711', () => {
  test.each([
    [0xff, 0xd5],
    [0x7f, 0x55],
    [0x80, 0xaa],
    [0x00, 0x2a],
    [0xfe, 0xd5],
    [0xf0, 0xd2],
    [0x9f, 0xb5],
  ])('PCMU %i sounds as PCMA %i', (pcmu, pcma) => {
    expect(pcmaOfPcmu[pcmu]).toBe(pcma)
  })

  test('turn silence into silence, and the loudest into the loudest, both ways', () => {
    expect([0xd5, 0x55, 0xaa, 0x2a].map((octet) => pcmuOfPcma[octet])).toEqual(
      [0xff, 0x7f, 0x80, 0x00].map(quiet),
    )
  })

  test('lose no more than half a step of the coarser one, and never a sign', () => {
    for (let octet = 0; octet < 256; octet++) {
      const [pcmu, pcma] = [valueOfPcmu(octet), valueOfPcma(octet)]
      expect(Math.abs(valueOfPcma(pcmaOfPcmu[octet] ?? 0) - pcmu)).toBeLessThanOrEqual(
        8 + Math.abs(pcmu) / 24,
      )
      expect(Math.abs(valueOfPcmu(pcmuOfPcma[octet] ?? 0) - pcma)).toBeLessThanOrEqual(
        8 + Math.abs(pcma) / 24,
      )
      expect(((pcmaOfPcmu[octet] ?? 0) ^ octet) & 0x80).toBe(0)
      expect(((pcmuOfPcma[octet] ?? 0) ^ octet) & 0x80).toBe(0)
    }
  })

  /** The quietest of PCMA stands for 8, which PCMU has as 0xfe. */
  function quiet(octet: number): number {
    return (octet & 0x7f) === 0x7f ? octet - 1 : octet
  }
})

test('a leg whose aim says nothing of numbers has no stage', () => {
  const aim = { rtp: undefined, rtcp: undefined, sources: [], eager: true, mux: false, quiet: false }
  const of = (more: object) =>
    payloadStages({
      leg: { session: sessionId(1), side: 'caller' },
      aim: { ...aim, ...more },
      before: plain,
      report() {},
    })
  expect(of({})).toBe(plain)
  expect(of({ rewrite: [{ from: 0, to: 8, law: 'PCMA' }] }).rewrite).toBeInstanceOf(PayloadStage)
})

describe('a packet on its way to a party which numbers otherwise', () => {
  const stage = new PayloadStage([
    { from: 0, to: 8, law: 'PCMA' },
    { from: 8, to: 0, law: 'PCMU' },
    { from: 101, to: 96 },
    { from: 97, to: undefined },
  ])

  test('has that party’s number, and its marker still', () => {
    expect(rewritten(stage, bytes(...header(101), 1, 10))).toEqual([...header(96), 1, 10])
    expect(rewritten(stage, bytes(...header(0x80 | 101), 1, 10))).toEqual([...header(0x80 | 96), 1, 10])
  })

  test('has that party’s law', () => {
    expect(rewritten(stage, bytes(...header(0), 0xff, 0x00, 0x7f))).toEqual([...header(8), 0xd5, 0x2a, 0x55])
    expect(rewritten(stage, bytes(...header(8), 0x2a))).toEqual([...header(0), 0x00])
  })

  test('of no other codec it knows by that number is dropped, and of no other kind stays', () => {
    expect(rewritten(stage, bytes(...header(97), 1))).toBeUndefined()
    expect(rewritten(stage, bytes(...header(13), 40))).toEqual([...header(13), 40])
  })

  test('keeps its sources, its extension and its padding (RFC 3550 §5.1)', () => {
    const extended = [9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0xff, 0xff, 0xff, 0xff]
    const packet = bytes(...header(0, 0xb1), ...extended, 0xff, 0xff, 0, 0, 3)
    expect(rewritten(stage, packet)).toEqual(
      [...header(8, 0xb1), ...extended, 0xd5, 0xff, 0, 0, 3].with(25, 0xd5),
    )
  })

  test('whatever it says of itself, keeps its length and all before its payload', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 64 }), (packet) => {
        packet[1] = (packet[1] ?? 0) & 0x80
        const before = packet.slice()
        expect(stage.rewrite(packet, packet.length)).toBe(packet.length)
        expect(packet.subarray(2, 12)).toEqual(before.subarray(2, 12))
      }),
    )
  })
})
