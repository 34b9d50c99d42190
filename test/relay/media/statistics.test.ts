import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { Statistics } from '../../../relay/media/statistics.ts'
import { rtpPacket } from '../../support/rtp.ts'

describe('what was heard (RFC 3550 appendix A)', () => {
  test('counts no loss while every number comes', () => {
    expect(hear(sequence(100, 200)).lost).toBe(0)
  })

  test('counts gaps, and takes late ones back', () => {
    expect(hear([1, 2, 5, 6]).lost).toBe(2)
    expect(hear([1, 2, 5, 3, 4, 6]).lost).toBe(0)
  })

  test('takes one from before the first which came for no packet that makes up for a loss', () => {
    expect(hear([2, 1, 4])).toMatchObject({ lost: 1, reordered: 1, gaps: 1 })
    expect(hear([1, 65_535, 3]).lost).toBe(2)
  })

  test('goes on counting past 65535', () => {
    expect(hear([65_534, 65_535, 0, 1, 3]).lost).toBe(1)
  })

  test('takes no duplicate for a packet which was lost', () => {
    expect(hear([1, 1, 1, 2, 2])).toMatchObject({ lost: 0, duplicates: 3, reordered: 0 })
    expect(hear([1, 1, 3, 3, 1, 5])).toMatchObject({ lost: 2, duplicates: 3, reordered: 0, gaps: 2 })
    expect(hear([1, 4, 2, 2, 4])).toMatchObject({ lost: 1, duplicates: 2, reordered: 1 })
  })

  test('knows a duplicate across 65535, and takes what comes a window later for no duplicate', () => {
    expect(hear([65_534, 65_535, 0, 65_534, 0, 1])).toMatchObject({ lost: 0, duplicates: 2 })
    expect(hear([...sequence(0, 400), ...sequence(656, 2000)])).toMatchObject({ lost: 256, duplicates: 0 })
    expect(hear([...sequence(0, 300), 500, 450, 460, 450])).toMatchObject({ duplicates: 1, reordered: 2 })
  })

  test('hears nothing of jitter, gaps or the type of sound in a duplicate', () => {
    const statistics = new Statistics()
    const at = (ms: number, number: number) =>
      statistics.hear(monotonicMs(ms), rtpPacket({ sequence: number, ssrc: 1 }))
    for (let i = 0; i < 50; i++) at(i * 20, i)
    const before = statistics.jitterMs
    at(1_090, 49)
    at(1_095, 30)
    at(1_100, 50)
    expect(statistics).toMatchObject({ duplicates: 2, longestGapMs: 120 })
    expect(statistics.jitterMs).toBeGreaterThan(before)
  })

  test('counts losses in a row as one gap, and what comes late as reordered', () => {
    expect(hear([1, 2, 5, 6, 9])).toMatchObject({ gaps: 2, reordered: 0, lost: 4 })
    expect(hear([1, 3, 2, 4])).toMatchObject({ gaps: 1, reordered: 1, lost: 0 })
    expect(hear([1, 1, 2])).toMatchObject({ gaps: 0, reordered: 0 })
  })

  test('keeps the longest time between two packets, but for a rest', () => {
    const statistics = new Statistics()
    for (const [i, at] of [0, 20, 300, 320].entries())
      statistics.hear(monotonicMs(at), rtpPacket({ sequence: i, ssrc: 1 }))
    expect(statistics.longestGapMs).toBe(280)
    statistics.rest()
    statistics.hear(monotonicMs(9_000), rtpPacket({ sequence: 4, ssrc: 1 }))
    expect(statistics.longestGapMs).toBe(280)
  })

  test('knows the sound’s payload type from comfort noise and key presses', () => {
    const statistics = new Statistics()
    const types = [8, 8, 13, 13, 101, 101, 101]
    const times = [0, 160, 320, 480, 640, 640, 640]
    for (const [i, type] of types.entries())
      statistics.hear(monotonicMs(i * 20), rtpPacket({ sequence: i, ssrc: 1, type, rtpTime: times[i] ?? 0 }))
    expect(statistics.payloadType).toBe(8)
  })

  test('starts afresh with another source and keeps what the first had lost', () => {
    const statistics = hear([1, 2, 4])
    for (const each of [9_000, 9_001, 9_003])
      statistics.hear(monotonicMs(0), rtpPacket({ sequence: each, ssrc: 2 }))
    expect(statistics.lost).toBe(2)
  })

  test('takes two in a row far away for a restart, and one alone for a stray', () => {
    expect(hear([1, 2, 30_000, 3, 4]).lost).toBe(0)
    expect(hear([1, 2, 30_000, 30_001, 30_002]).lost).toBe(0)
  })

  test('finds no jitter in an even stream', () => {
    expect(arrivals((i) => i * 20).jitterMs).toBe(0)
  })

  test('nears the deviation of an uneven one', () => {
    expect(arrivals((i) => i * 20 + (i % 2) * 5).jitterMs).toBeCloseTo(5, 1)
  })

  test('does not take the packets of one key press for jitter', () => {
    const statistics = new Statistics()
    for (let i = 0; i < 50; i++)
      statistics.hear(monotonicMs(i * 20), rtpPacket({ sequence: i, ssrc: 1, rtpTime: 1600 }))
    expect(statistics.jitterMs).toBe(0)
  })

  test('counts in the clock of the codec', () => {
    const statistics = new Statistics()
    statistics.ticks = 48
    for (let i = 0; i < 50; i++)
      statistics.hear(monotonicMs(i * 20), rtpPacket({ sequence: i, ssrc: 1, rtpTime: i * 960 }))
    expect(statistics.jitterMs).toBe(0)
  })
})

function hear(numbers: number[]): Statistics {
  const statistics = new Statistics()
  for (const [i, each] of numbers.entries())
    statistics.hear(monotonicMs(i * 20), rtpPacket({ sequence: each, ssrc: 1 }))
  return statistics
}

function arrivals(at: (i: number) => number): Statistics {
  const statistics = new Statistics()
  for (let i = 0; i < 500; i++) statistics.hear(monotonicMs(at(i)), rtpPacket({ sequence: i, ssrc: 1 }))
  return statistics
}

function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
