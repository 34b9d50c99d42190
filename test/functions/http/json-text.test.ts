import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repeatedKey } from '../../../functions/http/json-text.ts'

describe('a key which an object has twice', () => {
  test.each<[json: string, path: string[] | undefined]>([
    ['{"name":"a","name":"b"}', ['name']],
    ['{ "name" : 1 ,\n "n\\u0061me"\t: 2 }', ['name']],
    [
      '{"actions":[{"id":"a"},{"id":"b","option":{"text":1,"more":{},"text":2}}]}',
      ['actions', '1', 'option', 'text'],
    ],
    ['[[],[{"a":[{"b":1}],"a":2}]]', ['1', '0', 'a']],
    ['{"__proto__":1,"__proto__":2}', ['__proto__']],
    ['{"":1,"":2}', ['']],
    ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', undefined],
    ['{"a":"\\"a\\":","b":"a","c":["a","a"],"\\\\":"\\\\","\\\\\\"":1}', undefined],
    ['"a"', undefined],
    ['17', undefined],
  ])('of %s is %j', (json, path) => {
    expect(repeatedKey(json)).toEqual(path)
  })

  test('is in nothing which was written from a value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(repeatedKey(JSON.stringify(value, null, 1))).toBeUndefined()
      }),
    )
  })
})
