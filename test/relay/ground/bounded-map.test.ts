import { describe, expect, test } from 'vitest'
import { BoundedMap } from '../../../relay/ground/bounded-map.ts'

describe('a bounded map', () => {
  test('forgets the key which was set longest ago, and says so', () => {
    const map = new BoundedMap<string, number>(2)
    expect([map.set('a', 1), map.set('b', 2), map.set('a', 3), map.set('c', 4)]).toEqual([
      undefined,
      undefined,
      undefined,
      'b',
    ])
    expect([...map]).toEqual([
      ['a', 3],
      ['c', 4],
    ])
    expect(map.size).toBe(2)
  })

  test('has room again for each which was deleted', () => {
    const map = new BoundedMap<string, number>(1)
    map.set('a', 1)
    map.delete('a')
    expect(map.set('b', 2)).toBeUndefined()
    expect([map.get('a'), map.get('b')]).toEqual([undefined, 2])
  })
})
