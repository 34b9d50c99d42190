import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { utcMs } from '#contract'
import { entropy } from '../../../relay/io/entropy.ts'

describe('random numbers', () => {
  test('makes UUIDs which sort by time and are never the same (RFC 9562 §5.7)', () => {
    const at = Date.UTC(2026, 0, 1)
    const ids = Array.from({ length: 2_000 }, (_, i) => entropy.uuid(utcMs(at + i)))
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
    for (const id of ids) expect(z.uuidv7().safeParse(id).success).toBe(true)
  })

  test('draws hex of the length asked for, each time another', () => {
    const drawn = Array.from({ length: 1_000 }, () => entropy.hex(8))
    for (const text of drawn) expect(text).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(drawn).size).toBe(drawn.length)
  })

  test('draws every number below a bound, and no other', () => {
    const drawn = new Set(Array.from({ length: 500 }, () => entropy.below(5)))
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4])
  })
})
