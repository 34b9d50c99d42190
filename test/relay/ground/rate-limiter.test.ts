import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { RateLimiter } from '../../../relay/ground/rate-limiter.ts'

describe('an allowance', () => {
  test('is spent at once or as it comes back, and never saved up beyond its size', () => {
    const limiter = new RateLimiter({ atOnce: 3, perSecond: 2 })
    expect(spent(limiter, 0, 'a', 5)).toBe(3)
    expect(spent(limiter, 500, 'a', 5)).toBe(1)
    expect(spent(limiter, 60_000, 'a', 5)).toBe(3)
  })

  test('is everybody’s own', () => {
    const limiter = new RateLimiter({ atOnce: 1, perSecond: 1 })
    expect(spent(limiter, 0, 'a', 2)).toBe(1)
    expect(spent(limiter, 0, 'b', 2)).toBe(1)
  })

  test('is kept for as many as it was told to, and for those seen last', () => {
    const limiter = new RateLimiter({ atOnce: 1, perSecond: 0, remembered: 2 })
    for (const who of ['a', 'b', 'a', 'c']) limiter.take(monotonicMs(0), who)
    expect(limiter.take(monotonicMs(0), 'a')).toBe(false)
    expect(limiter.take(monotonicMs(0), 'b')).toBe(true)
  })
})

function spent(limiter: RateLimiter, now: number, who: string, tries: number): number {
  return Array.from({ length: tries }, () => limiter.take(monotonicMs(now), who)).filter(Boolean).length
}
