import { describe, expect, test } from 'vitest'
import { mergePatch } from '../../../functions/http/merge-patch.ts'

describe('merging a change into what is there (RFC 7396)', () => {
  test.each([
    ['a value replaces a value', { a: 'b' }, { a: 'c' }, { a: 'c' }],
    ['what is not said stays', { a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    ['a list is replaced whole', { a: ['b'] }, { a: ['c', 'd'] }, { a: ['c', 'd'] }],
    [
      'a list gives way to a value, and a value to a list',
      { a: ['b'], c: 1 },
      { a: 'c', c: [1] },
      { a: 'c', c: [1] },
    ],
    ['an object is merged', { a: { b: 'c', d: 1 } }, { a: { b: 'd' } }, { a: { b: 'd', d: 1 } }],
    ['a null takes a key of an object away', { a: { b: 'c', d: 1 } }, { a: { b: null } }, { a: { d: 1 } }],
    ['a null which takes nothing away says nothing', { a: { d: 1 } }, { a: { b: null } }, { a: { d: 1 } }],
    ['a null that was there before stays', { a: { b: null } }, { a: { d: 1 } }, { a: { b: null, d: 1 } }],
    [
      'an object replaces what is none, without its nulls',
      { a: 'b' },
      { a: { b: null, c: 1 } },
      { a: { c: 1 } },
    ],
    ['a null is a field’s value', { a: 'b' }, { a: null }, { a: null }],
    [
      'an object deep inside is merged too',
      { a: { b: { c: 1, d: 2 } } },
      { a: { b: { c: 3 } } },
      { a: { b: { c: 3, d: 2 } } },
    ],
  ])('%s', (_, present, patch, merged) => {
    expect(mergePatch(present, patch)).toEqual(merged)
  })

  test('makes a key called __proto__ a key like others', () => {
    const merged = mergePatch({ a: 1 }, JSON.parse('{"__proto__": {"b": 2}}'))
    expect(Object.keys(merged)).toEqual(['a', '__proto__'])
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
  })
})
