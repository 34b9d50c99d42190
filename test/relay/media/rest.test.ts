import { describe, expect, test } from 'vitest'
import { restOf } from '../../../relay/media/rest.ts'

describe('a thread which looks for packets', () => {
  test.each([
    ['does not rest where the next packet is far away', 1, 0],
    ['rests for a millisecond where that brings two', 2, 1],
    ['rests for as long as eight packets take to come', 16, 0.5],
    ['rests for no less than is worth a wake-up, however many come', 100, 0.2],
  ])('%s', (_, packetsPerMs, ms) => {
    expect(restOf(packetsPerMs)).toBe(ms)
  })

  test('rests ever shorter, the more packets come', () => {
    const rests = [2, 5, 10, 20, 40, 80].map(restOf)
    expect(rests).toEqual(rests.toSorted((a, b) => b - a))
  })
})
