import { describe, expect, test } from 'vitest'
import { ATTEMPTS, type AttemptOutcome, judged, retryAfterMs } from '../../../functions/events/schedule.ts'

const [taken, refused]: AttemptOutcome[] = [answer(200), answer(500)] as [AttemptOutcome, AttemptOutcome]

describe('after an attempt to deliver', () => {
  const rungs = [
    [1, 5],
    [2, 300],
    [3, 1_800],
    [4, 7_200],
    [5, 18_000],
    [6, 36_000],
    [7, 50_400],
    [8, 72_000],
    [9, 86_400],
  ] as const

  test.each(rungs)(
    'number %i which failed, the next is %i seconds later, a tenth more or less',
    (attempt, seconds) => {
      const delays = [0, 0.5, 1].map((chance) => judged(refused, attempt, chance).delayMs / 1000)
      expect(delays).toEqual([0.9, 1, 1.1].map((part) => Math.round(seconds * part * 1000) / 1000))
      expect(judged(refused, attempt, 0.5).status).toBe('waiting')
    },
  )

  test('which was the last there is no other: 75 hours have gone by', () => {
    expect(rungs.length + 1).toBe(ATTEMPTS)
    expect(judged(refused, ATTEMPTS, 0.5)).toEqual({ status: 'failed', delayMs: 0, gone: false })
    expect(rungs.reduce((sum, [, seconds]) => sum + seconds, 0) / 3600).toBeCloseTo(75.6, 1)
  })

  test.each([1, 5, ATTEMPTS])('number %i which was taken it is over', (attempt) => {
    expect(judged(taken, attempt, 0.5)).toEqual({ status: 'delivered', delayMs: 0, gone: false })
  })

  test('answered 410 it is over, and the receiver is gone', () => {
    expect(judged(answer(410), 1, 0.5)).toEqual({ status: 'failed', delayMs: 0, gone: true })
  })

  test.each([
    ['60', 1, 60],
    ['1', 1, 5],
    ['999999', 1, 86_400],
    ['Sat, 28 Nov 2026 22:00:00 GMT', 1, 5],
    [null, 2, 300],
  ])('answered with Retry-After: %s, attempt %i waits for %i seconds', (header, attempt, seconds) => {
    const asked = { ...answer(503), retryAfterMs: retryAfterMs(header) }
    expect(judged(asked, attempt, 0.5).delayMs).toBe(seconds * 1000)
  })
})

function answer(status: number): AttemptOutcome {
  return { status, body: '', error: status < 300 ? null : 'It failed.', retryAfterMs: 0 }
}
