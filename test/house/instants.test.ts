import { expect, test } from 'vitest'
import { code, sources } from './source.ts'

/** Timers and instants side by side: `now` is monotonic, and a plain number; `at` is UTC, and its own type. */
test('a function which is told both what the timer says and what UTC is cannot be told them the wrong way round', () => {
  const files = sources('relay/**/*.ts').map(({ path, text }) => ({ path, text: code(text) }))
  const both = files.flatMap(({ path, text }) =>
    [...text.matchAll(sideBySide)].map(([found]) => `${path}: ${found}`),
  )
  expect(both.length).toBeGreaterThan(15)
  expect(both.filter((found) => !found.includes('UtcMs'))).toEqual([])
})

const sideBySide = /\bnow: number,\s*at: \w+|\bat: \w+,\s*now: number/g
