import { describe, expect, test } from 'vitest'
import { GrowingMap, SmallMap } from '../../../relay/ground/small-map.ts'

/** What both say of themselves. */
function seen(map: SmallMap<string, number> | Map<string, number>) {
  const gets = ['a', 'b', 'c', 'd'].map((key) => [map.has(key), map.get(key)])
  return { size: map.size, entries: [...map], values: [...map.values()], gets }
}

describe('a small map', () => {
  test('says what a Map says, whatever is set and forgotten in whatever order', () => {
    const steps = 'a b c a! b! d c! a d! a b c b! c! a! a b'.split(' ')
    const [small, whole] = [new SmallMap<string, number>(), new Map<string, number>()]
    for (const [nth, step] of steps.entries()) {
      const [key = '', forgets] = step
      for (const map of [small, whole]) {
        if (forgets) map.delete(key)
        else map.set(key, nth)
      }
      expect(seen(small)).toEqual(seen(whole))
    }
    small.clear()
    expect(seen(small)).toEqual(seen(new Map()))
  })

  test.each([
    ['a!'],
    ['a! b!'],
    ['b! a!'],
    ['a! b! c! d'],
    ['b! a! d c!'],
    ['a! a'],
    ['clear'],
    ['clear c d'],
    ['a! clear b'],
  ])('is gone through as a Map is, when meanwhile there happens: %s', (steps) => {
    const [small, whole] = [new SmallMap<string, number>(), new Map<string, number>()]
    expect(met(small, steps.split(' '))).toEqual(met(whole, steps.split(' ')))
    expect(seen(small)).toEqual(seen(whole))
  })
})

describe('a map which grows', () => {
  test.each([3, 8, 9, 40])('says what a Map says, with %i keys and when they have gone', (count) => {
    const [grown, whole] = [new GrowingMap<string, number>(), new Map<string, number>()]
    const both = [grown, whole]
    const same = () => {
      expect([grown.size, [...grown], grown.values()]).toEqual([whole.size, [...whole], [...whole.values()]])
      for (const key of ['0', '7', '39'])
        expect([grown.has(key), grown.get(key)]).toEqual([whole.has(key), whole.get(key)])
    }
    for (const map of both) for (let key = 0; key < count; key++) map.set(`${key}`, key)
    same()
    for (const map of both) for (const [key, value] of map) if (value % 2) map.delete(key)
    same()
    for (const map of both) for (const [key] of map) map.set(key, 7)
    same()
    for (const map of both) for (const [key] of map) map.delete(key)
    for (const map of both) map.set('0', 1)
    same()
    for (const map of both) map.clear()
    same()
  })
})

/** Whom one meets who goes through a, b and c, where all this happens at each of the first two. */
function met(map: SmallMap<string, number> | Map<string, number>, steps: readonly string[]): string[] {
  const keys: string[] = []
  for (const key of ['a', 'b', 'c']) map.set(key, 0)
  for (const [key] of map) {
    keys.push(key)
    if (keys.length > 2) continue
    for (const step of steps) {
      if (step === 'clear') map.clear()
      else if (step.endsWith('!')) map.delete(step.slice(0, 1))
      else map.set(step, 1)
    }
  }
  return keys
}
