import { describe, expect, test } from 'vitest'
import { utcMs } from '#contract'
import {
  houseAt,
  isUsed,
  lookAt,
  looked,
  type RoundsPlan,
  stirred,
  unknownPlan,
} from '../../../functions/rounds/plan.ts'

const began = 1_800_000_000_000
const at = (ms: number) => utcMs(began + ms)
const nothing = { dueInMs: undefined, house: true }
const hour = 3_600_000

describe('when what is due is looked for', () => {
  test('is at once where nothing is known', () => {
    expect(lookAt(unknownPlan)).toBeLessThan(at(0))
  })

  test('is an hour later where nothing is due and the database sleeps', () => {
    const asleep = looked(unknownPlan, at(0), nothing)
    expect(lookAt(asleep)).toBe(at(hour))
    expect(isUsed(asleep, at(0))).toBe(false)
  })

  test.each([
    ['when the next thing is due', 90_000, 90_000],
    ['a minute later, where something is overdue and was not done', 0, 60_000],
    ['a minute later, where it has been so for long', -5_000, 60_000],
    ['an hour later, where the next thing is due in days', 9e8, hour],
  ])('is %s', (_, dueInMs, ms) => {
    expect(lookAt(looked(unknownPlan, at(0), { dueInMs, house: true }))).toBe(at(ms))
  })

  test('is a minute later where the database did not say', () => {
    const before = looked(unknownPlan, at(0), nothing)
    expect(lookAt(looked(before, at(hour), undefined))).toBe(at(hour))
    expect(lookAt(looked({ ...before, keptHouseAt: at(hour) }, at(hour), undefined))).toBe(at(hour + 60_000))
  })

  test('is two seconds after the database is used for the first time, then every five for a minute, then no more', () => {
    let plan = stirred(looked(unknownPlan, at(0), nothing), at(600_000))
    expect(lookAt(plan)).toBe(at(602_000))
    const looks = looksUntil(700_000)
    expect(looks.slice(0, 3)).toEqual([602_000, 607_000, 612_000])
    // What was begun as late as it may be is over by the last of them.
    expect(looks.at(-1)).toBe(662_000)

    function looksUntil(end: number): number[] {
      const looks: number[] = []
      for (let next = lookAt(plan); next <= at(end); next = lookAt(plan)) {
        looks.push(next - began)
        plan = looked(plan, next, { dueInMs: undefined, house: houseAt(plan) <= next })
      }
      return looks
    }
  })

  test('does not wake the database for what is old, where it was used and then left alone before five minutes were over', () => {
    let plan = looked(unknownPlan, at(0), nothing)
    plan = looked(stirred(plan, at(10_000)), at(70_000), { dueInMs: undefined, house: false })
    expect(lookAt(plan)).toBe(at(hour))
    expect(lookAt(stirred(plan, at(200_000)))).toBe(at(202_000))
    expect(houseAt(stirred(plan, at(200_000)))).toBe(at(300_000))
  })

  test('goes on while the database is used, and what is old is looked at every five minutes', () => {
    let plan: RoundsPlan = looked(unknownPlan, at(0), nothing)
    const houses: number[] = []
    for (let ms = 0; ms < hour; ms += 5_000) {
      if (ms % 30_000 === 0) plan = stirred(plan, at(ms))
      expect(isUsed(plan, at(ms))).toBe(true)
      if (lookAt(plan) > at(ms)) continue
      const house = houseAt(plan) <= at(ms)
      if (house) houses.push(ms)
      plan = looked(plan, at(ms), { dueInMs: undefined, house })
    }
    expect(houses).toHaveLength(11)
  })

  test('is not put off by a look which the use of the database came after', () => {
    const plan = stirred(looked(unknownPlan, at(0), nothing), at(1_000))
    expect(lookAt(plan)).toBe(at(5_000))
  })
})
