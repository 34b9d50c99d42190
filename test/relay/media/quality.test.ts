import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meanOpinionScore } from '../../../relay/media/quality.ts'

const well = { codec: 'PCMU', packets: 1000, lost: 0, gaps: 0, jitterMs: 0, roundTripMs: undefined }

describe('the E-model (ITU-T G.107)', () => {
  test.each<[what: string, change: Partial<Parameters<typeof meanOpinionScore>[0]>, mos: number | undefined]>(
    [
      ['G.711 with nothing in its way', {}, 4.4],
      ['G.729', { codec: 'G729' }, 4.09],
      ['1 % lost', { packets: 990, lost: 10, gaps: 10 }, 4.32],
      ['5 % lost, here and there', { packets: 950, lost: 50, gaps: 50 }, 3.9],
      ['5 % lost, ten at a time', { packets: 950, lost: 50, gaps: 5 }, 3.79],
      ['20 % lost', { packets: 800, lost: 200, gaps: 160 }, 2.61],
      [
        '20 % lost, and every fifth of the others twice',
        { packets: 960, duplicates: 160, lost: 200, gaps: 160 },
        2.61,
      ],
      ['everything but one packet lost', { packets: 1, lost: 999, gaps: 1 }, 1.17],
      ['100 ms there and back', { roundTripMs: 100 }, 4.37],
      ['a satellite', { roundTripMs: 600 }, 3.59],
      ['60 ms of jitter', { jitterMs: 60 }, 4.34],
      ['a codec which G.113 does not know', { codec: 'SPEEX' }, undefined],
      ['no packet', { packets: 0 }, undefined],
    ],
  )('%s', (_, change, mos) => {
    expect(meanOpinionScore({ ...well, ...change })).toBe(mos)
  })

  test('never leaves its scale, and more loss never sounds better', () => {
    const sound = fc.record({
      codec: fc.constantFrom('PCMU', 'G729', 'GSM', 'OPUS'),
      packets: fc.integer({ min: 1, max: 1e6 }),
      lost: fc.integer({ min: 0, max: 1e6 }),
      gaps: fc.constant(0),
      jitterMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
      roundTripMs: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), { nil: undefined }),
    })
    fc.assert(
      fc.property(sound, fc.nat(1e6), (heard, more) => {
        const [mos = 0, worse = 0] = [
          meanOpinionScore(heard),
          meanOpinionScore({ ...heard, lost: heard.lost + more }),
        ]
        expect(mos).toBeGreaterThanOrEqual(1)
        expect(mos).toBeLessThanOrEqual(4.5)
        expect(worse).toBeLessThanOrEqual(mos)
      }),
    )
  })
})
