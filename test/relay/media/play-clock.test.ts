import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { type Clocked, PlayClock } from '../../../relay/media/play-clock.ts'

describe('the clock of what is played', () => {
  test('has each due every 20 ms, to the millisecond, for an hour', () => {
    const { clock, due } = clocked(1, 123.4)
    let now = 123.4
    for (let ms = 0; now < 3_600_000; now += ms) ms = clock.beat(monotonicMs(now), due)
    const [times = []] = due.times
    expect(times.length).toBe(3_600_000 / 20 - 6)
    expect(times.at(-1)).toBeCloseTo((times[0] as number) + (times.length - 1) * 20, 6)
  })

  test('spreads those who begin at once over the time of a packet', () => {
    const { clock, due } = clocked(200, 0)
    const asked: number[] = []
    for (let now = 0; now <= 20; now += 2) {
      const before = due.count
      clock.beat(monotonicMs(now), due)
      asked.push(due.count - before)
    }
    expect(asked).toEqual([0, ...new Array(10).fill(20)])
  })

  test('says how long until the next is due, and that none is', () => {
    const { clock, due } = clocked(1, 0)
    expect(clock.beat(monotonicMs(0.5), due)).toBeCloseTo(1.5)
    expect(clock.beat(monotonicMs(3), due)).toBeCloseTo(19)
    due.ms = 0
    expect(clock.beat(monotonicMs(22), due)).toBe(Number.POSITIVE_INFINITY)
    expect(clock.beat(monotonicMs(5_000), due)).toBe(Number.POSITIVE_INFINITY)
  })

  test.each([
    [7, [2]],
    [38, [2, 22]],
    [200, [162, 182]],
    [5_007, [4_968, 4_988]],
  ])('woken %d ms late has it send what was due, two packets of one at most', (late, expected) => {
    const { clock, due } = clocked(1, 0)
    clock.beat(monotonicMs(late), due)
    expect(due.times[0]).toEqual(expected)
  })

  test.each([10, 20, 30, 60])('keeps packets of %d ms apart by as much', (ms) => {
    const { clock, due } = clocked(3, 0)
    due.ms = ms
    for (let now = 0; now < 600; now++) clock.beat(monotonicMs(now), due)
    for (const times of due.times) expect(times).toEqual(times.map((_, at) => (times[0] as number) + at * ms))
  })

  test('begins anew after all have left', () => {
    const { clock, due, each } = clocked(1, 0)
    due.ms = 0
    clock.beat(monotonicMs(2), due)
    due.ms = 20
    clock.add(monotonicMs(9_999), each[0] as Clocked)
    expect(clock.beat(monotonicMs(9_999), due)).toBe(2)
    clock.beat(monotonicMs(10_001), due)
    expect(due.times[0]?.at(-1)).toBe(10_001)
  })
})

/** So many in a clock from `now` on; `due` notes when each was. */
function clocked(many: number, now: number) {
  const clock = new PlayClock<Clocked>()
  const each: Clocked[] = Array.from({ length: many }, () => ({ next: undefined }))
  for (const one of each) clock.add(monotonicMs(now), one)
  const due = Object.assign(
    (one: Clocked, at: number) => {
      due.times[each.indexOf(one)]?.push(at)
      due.count++
      return due.ms
    },
    { ms: 20, count: 0, times: each.map((): number[] => []) },
  )
  return { clock, due, each }
}
