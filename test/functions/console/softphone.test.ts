import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { renewing } from '../../../functions/console/softphone-renewal.ts'
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

describe('the token of the phone in the console', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Seconds at which another was asked for, where these tries fail, and at which it was over. */
  async function asked(forSeconds: number, fails: (at: number) => boolean) {
    const [tries, over, start]: [number[], number[], number] = [[], [], Date.now()]
    const seconds = () => (Date.now() - start) / 1000
    const end = renewing({
      expire: 3600,
      renew: async () => {
        tries.push(seconds())
        if (fails(seconds())) throw new Error('The API is away.')
        return 600
      },
      over: () => over.push(seconds()),
    })
    await vi.advanceTimersByTimeAsync(forSeconds * 1000)
    return { tries, over, end }
  }

  test('is renewed at half its time, each for as long as it is good', async () => {
    const { tries, end } = await asked(2_500, () => false)
    expect(tries).toEqual([1800, 2100, 2400])
    end()
    await vi.advanceTimersByTimeAsync(10_000_000)
    expect(tries).toHaveLength(3)
  })

  test('is asked for again soon where that fails, ever more rarely, and goes on as before once there is one', async () => {
    const { tries, over } = await asked(2_300, (at) => at < 1_900)
    expect(tries).toEqual([1800, 1805, 1815, 1835, 1875, 1935, 2235])
    expect(over).toEqual([])
  })

  test('is over where all tries fail in its time, of which none is given away, and nothing is asked any more', async () => {
    const { tries, over } = await asked(20_000, () => true)
    expect(tries.at(-1)).toBeGreaterThan(3600 - 61)
    expect(tries.at(-1)).toBeLessThan(3600)
    expect(over).toEqual([tries.at(-1)])
  })

  test.each([
    ['goes on with the one it gets', false, [36_000, 36_300]],
    ['has none where that fails', true, [36_000]],
  ])('is asked for once by a page which slept past its end, and %s', async (_, fails, expected) => {
    const { tries, over } = await asked(1_000, () => fails)
    vi.setSystemTime(Date.now() + 34_200_000)
    await vi.advanceTimersByTimeAsync(1_200_000)
    expect(tries).toEqual(expected)
    expect(over).toEqual(fails ? expected : [])
  })

  test('is renewed no more, whatever comes back, once the phone is switched off', async () => {
    let answer: (seconds: number) => void = () => undefined
    const renew = vi.fn(() => new Promise<number>((resolve) => (answer = resolve)))
    const end = renewing({ expire: 60, renew, over: () => undefined })
    await vi.advanceTimersByTimeAsync(30_000)
    end()
    answer(60)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(renew).toHaveBeenCalledTimes(1)
  })
})
