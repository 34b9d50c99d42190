import { describe, expect, test } from 'vitest'
import { SmallMap } from '../../../relay/ground/small-map.ts'

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

  test('may lose a key while it is gone through', () => {
    const map = new SmallMap<string, number>()
    for (const [nth, key] of ['a', 'b', 'c'].entries()) map.set(key, nth)
    const gone: string[] = []
    for (const [key] of map) {
      gone.push(key)
      map.delete(key)
    }
    expect([gone, map.size]).toEqual([['a', 'b', 'c'], 0])
  })
})
