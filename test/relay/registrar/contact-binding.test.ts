import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utcMs } from '#contract'
import { iso } from '../../../relay/registrar/contact-binding.ts'

describe('an instant of a binding', () => {
  test('is written as Date writes it, whichever were written before', () => {
    const instant = fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true })
    fc.assert(
      fc.property(fc.array(instant, { minLength: 1, maxLength: 8 }), (instants) => {
        for (const at of instants.flatMap((each) => [each, each + 1, each + 999]))
          expect(iso(utcMs(at))).toBe(new Date(at).toISOString())
      }),
    )
  })
})
