import { describe, expect, test } from 'vitest'
import { code, type Source, sources } from './source.ts'

const house = sources('{relay,functions}/**/*.{ts,tsx}').filter(
  ({ path }) => !path.startsWith('functions/local/'),
)

/** Timers and instants side by side: `now` is monotonic, `at` is UTC, and each has a type of its own. */
describe('an instant', () => {
  test('on the monotonic clock or in UTC is never a plain number where it is handed on as now', () => {
    expect(
      house.filter(({ text }) => /\bnow: (?:MonotonicMs|UtcMs)\b/.test(code(text))).length,
    ).toBeGreaterThan(50)
    expect(house.flatMap(plain)).toEqual([])
  })

  test('of both kinds is handed on side by side, each under its own type', () => {
    const both = house.flatMap(({ path, text }) =>
      [...code(text).matchAll(sideBySide)].map(([found]) => `${path}: ${found}`),
    )
    expect(both.length).toBeGreaterThan(15)
    expect(both.filter((found) => !found.includes('UtcMs') || !found.includes('MonotonicMs'))).toEqual([])
  })

  test('is read in one place of the relay, in one of the edge and in one of the console', () => {
    const readers = house.filter(({ text }) => /\b(?:Date|performance)\.now\b/.test(code(text)))
    expect(readers.map(({ path }) => path)).toEqual([
      'functions/clock.ts',
      'functions/console/clock.ts',
      'relay/io/clock.ts',
    ])
  })

  test.each([
    ['tick(now: number): void {}', 1],
    ['tick(now: MonotonicMs): void {}', 0],
    ['// tick(now: number)', 0],
  ])('is a plain number in %s: %i times', (text, times) => {
    expect(plain({ path: 'relay/planted.ts', text })).toHaveLength(times)
  })
})

describe('a port', () => {
  test('is never a plain number, but in what one starts this by', () => {
    expect(house.filter(({ text }) => /\bport\??: Port\b/.test(code(text))).length).toBeGreaterThan(10)
    expect(house.flatMap(plainPort)).toEqual([])
  })

  test.each([
    ['readonly port: number', 1],
    ['tlsPort?: number', 1],
    ['port: Port', 0],
  ])('is a plain number in %s: %i times', (text, times) => {
    expect(plainPort({ path: 'relay/planted.ts', text })).toHaveLength(times)
  })
})

function plainPort({ path, text }: Source): string[] {
  return [...code(text).matchAll(/\b(?:port|\w+Port)\??: number\b/g)].map(([found]) => `${path}: ${found}`)
}

function plain({ path, text }: Source): string[] {
  return [...code(text).matchAll(/\bnow\??: number\b/g)].map(([found]) => `${path}: ${found}`)
}

const sideBySide = /\bnow: \w+,\s*at: \w+|\bat: \w+,\s*now: \w+/g
