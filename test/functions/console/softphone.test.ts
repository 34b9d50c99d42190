import { describe, expect, test } from 'vitest'
import { callerWords, endOf, levelOf, qualityOf } from '../../../functions/console/softphone-words.ts'

describe('the phone in the console says', () => {
  test('why a call ended, and who ended it', () => {
    expect(endOf('Terminated', true)).toBe('You hung up.')
    expect(endOf('Terminated', false)).toBe('The other side hung up.')
    expect(endOf('Busy', false)).toBe('Busy.')
    expect(endOf('Incompatible SDP', false)).toContain('no media for browsers')
    expect(endOf('SIP Failure Code', false)).toBe('It failed: SIP Failure Code.')
  })

  test('how what comes sounds, by what came since the last look', () => {
    const counts = (received: number, lost: number, jitter = 0.004) => ({
      received,
      lost,
      jitter,
      roundTrip: undefined,
    })
    const before = counts(1000, 500)
    expect(qualityOf(before, counts(1100, 500))).toEqual({
      tone: 'good',
      words: 'Good: 0 % lost, 4 ms of jitter',
    })
    expect(qualityOf(before, counts(1098, 502))).toMatchObject({ tone: 'warn' })
    expect(qualityOf(before, counts(1090, 510))).toMatchObject({ tone: 'bad' })
    expect(qualityOf(before, counts(1100, 500, 0.08))).toMatchObject({ tone: 'bad' })
    expect(qualityOf(before, { ...counts(1100, 499), roundTrip: 0.123 })?.words).toBe(
      'Good: 0 % lost, 4 ms of jitter, 123 ms there and back',
    )
    expect(qualityOf(before, before)).toBeUndefined()
  })

  test('how loud a side is: silence nothing, a full tone all, each 6 dB a tenth', () => {
    const tone = (amplitude: number) =>
      Float32Array.from({ length: 8000 }, (_, at) => amplitude * Math.sin((2 * Math.PI * 400 * at) / 8000))
    expect(levelOf(new Float32Array(1024))).toBe(0)
    expect(levelOf(tone(1))).toBeCloseTo(1, 3)
    expect(levelOf(tone(0.5))).toBeCloseTo(0.9, 2)
    expect(levelOf(tone(0.0001))).toBe(0)
  })

  test('who calls, by name, else by number', () => {
    expect(callerWords('Office', 'office2')).toBe('Office')
    expect(callerWords('', 'office2')).toBe('office2')
    expect(callerWords(undefined, undefined)).toBe('an unknown caller')
  })
})
