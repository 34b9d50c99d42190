import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { TokenBucket } from '../../../relay/ground/token-bucket.ts'

describe('a bucket of tokens', () => {
  test.each([
    ['is full at first', 3, [0, 0, 0, 0], [true, true, true, false]],
    [
      'has one more for each which came meanwhile',
      1,
      [0, 499, 500, 999, 1_000],
      [true, false, true, false, true],
    ],
    ['never holds more than at first', 2, [0, 60_000, 60_000, 60_000], [true, true, true, false]],
  ])('%s', (_, atOnce, times, taken) => {
    const bucket = new TokenBucket({ atOnce, perSecond: 2 })
    expect(times.map((now) => bucket.take(monotonicMs(now)))).toEqual(taken)
  })

  test('takes one back which was not spent, and no more than it holds', () => {
    const bucket = new TokenBucket({ atOnce: 1, perSecond: 0 })
    expect(bucket.take(monotonicMs(0))).toBe(true)
    bucket.giveBack(monotonicMs(0))
    bucket.giveBack(monotonicMs(0))
    expect([bucket.has(monotonicMs(0)), bucket.take(monotonicMs(0)), bucket.take(monotonicMs(0))]).toEqual([
      true,
      true,
      false,
    ])
  })
})
