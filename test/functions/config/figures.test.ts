import { describe, expect, test } from 'vitest'
import { figuresOf, percentile } from '../../../functions/config/figures.ts'

const none = {
  attempts: 0,
  answered: 0,
  no_answer: 0,
  busy: 0,
  cancelled: 0,
  declined: 0,
  talked_ms: 0,
  heard: 0,
  packets: 0,
  lost: 0,
  jitter_us: 0,
  failures: {},
  pdd: {},
}

describe('figures', () => {
  test.each([
    ['nothing', {}, { asr: null, ner: null, acd_seconds: null, minutes: 0, loss: null, jitter_ms: null }],
    [
      'people who do not answer are the network’s success',
      { attempts: 4, answered: 1, busy: 1, no_answer: 1 },
      { asr: 0.25, ner: 0.75 },
    ],
    [
      'who hangs up early, or declines, too',
      { attempts: 3, cancelled: 1, declined: 1 },
      { asr: 0, ner: 0.6667 },
    ],
    [
      'the mean call is of those answered',
      { attempts: 9, answered: 2, talked_ms: 90_000 },
      { acd_seconds: 45, minutes: 1.5 },
    ],
    ['what was lost is of all that was sent', { packets: 99, lost: 1 }, { loss: 0.01 }],
    ['packets which came twice lose nothing', { packets: 99, lost: -1 }, { loss: 0 }],
    [
      'jitter is of the calls which were heard',
      { answered: 5, heard: 2, jitter_us: 5_000 },
      { jitter_ms: 2.5 },
    ],
  ])('%s', (_, counts, figures) => {
    expect(figuresOf({ ...none, ...counts })).toMatchObject(figures)
  })
})

describe('a percentile', () => {
  test.each([
    [0.5, [], null],
    [0.5, [1800], 1800],
    [0.95, [100, 200, 300], 300],
    [0.5, [100, 200, 300], 200],
    [0.95, Array.from({ length: 100 }, (_, nth) => (nth + 1) * 10), 950],
    [0.5, Array.from({ length: 100 }, (_, nth) => (nth + 1) * 10), 500],
  ])('%s of %j is %s, within a fortieth', (share, delays, exact) => {
    const buckets: Record<string, number> = {}
    for (const ms of delays) {
      const bucket = Math.ceil(Math.log(ms) / Math.log(1.05))
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    const found = percentile(buckets, share)
    if (exact === null || found === null) expect(found).toBe(exact)
    else expect(Math.abs(found - exact) / exact).toBeLessThan(0.026)
  })
})
