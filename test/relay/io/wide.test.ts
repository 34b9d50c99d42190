import { expect, test } from 'vitest'
import { wide } from '../../../relay/io/wide.ts'

test('a number goes to C in the 32 bits of an int, whether it is usual, large or below zero', () => {
  expect([0, 172, 4095, 4096, 70_000].map(wide)).toEqual([0n, 172n, 4095n, 4096n, 70_000n])
  expect([-1, -172].map(wide)).toEqual([0xffff_ffffn, 0xffff_ff54n])
})
