import { describe, expect, test } from 'vitest'
import { blanksOf } from '../../../functions/http/blanks.ts'

describe('a blank', () => {
  const blank = blanksOf(['id', 'name', 'etag'])

  test('has its keys in their order, each null', () => {
    expect(JSON.stringify(blank())).toBe('{"id":null,"name":null,"etag":null}')
  })

  test('is another each time', () => {
    const first = blank()
    first.name = 'Alice'
    expect(blank().name).toBe(null)
  })
})
