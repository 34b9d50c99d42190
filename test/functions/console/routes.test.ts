import { describe, expect, test } from 'vitest'
import { differences } from '../../../functions/console/difference.ts'
import { unregisteredWords } from '../../../functions/console/health-words.ts'
import { asTried, shareOf, targetWords, windowWords } from '../../../functions/console/route-order.ts'
import type { ShownRoute } from '../../../functions/console/shown.ts'

/*
 * The plan of routes as the console shows it, and what differs between two versions.
 */

test('a carrier which heard nothing of our registration did not refuse it', () => {
  const failed = { status: 'failed', why: 'it is so' }
  expect(unregisteredWords({ ...failed, sip_status: 403 })).toBe('It refuses our registration: it is so')
  for (const sip_status of [0, null])
    expect(unregisteredWords({ ...failed, sip_status })).toBe('Our registration does not reach it: it is so')
})

describe('the plan', () => {
  test('has first what begins with more of a number, then the lower priority, those which share, the older', () => {
    const routes = [
      route('all 1', { target: 'all' }),
      route('+1 second', { target: '+1', priority: 2 }),
      route('+1 turn', { target: '+1', tm_create: '2026-01-01' }),
      route('+1 share', { target: '+1', weight: 5, tm_create: '2026-01-02' }),
      route('+1212', { target: '+1212', priority: 9 }),
      route('+1 younger', { target: '+1', priority: 2, tm_create: '2026-01-03' }),
    ]
    expect(
      asTried(routes).map(({ target, routes: own }) => [target, ...own.map(({ name }) => name)]),
    ).toEqual([
      ['+1212', '+1212'],
      ['+1', '+1 share', '+1 turn', '+1 second', '+1 younger'],
      ['all', 'all 1'],
    ])
  })

  test('says which share of the calls a route has, where several of one priority share them', () => {
    const [a, b, turn, off] = [
      route('a', { weight: 70 }),
      route('b', { weight: 30 }),
      route('turn', {}),
      route('off', { weight: 900, enabled: false }),
    ]
    const all = [a, b, turn, off, route('later', { weight: 10, priority: 2 })]
    expect(all.map((one) => shareOf(one, all))).toEqual([0.7, 0.3, undefined, undefined, undefined])
  })

  test.each([
    ['all', 'Every number'],
    ['+1212', 'Numbers which begin with +1212'],
  ])('says which numbers %s means', (target, words) => {
    expect(targetWords(target)).toBe(words)
  })

  test.each([
    [[], 'every day 08:00–17:00 in Europe/Berlin'],
    [[5, 1, 2, 3, 4], 'Mon–Fri 08:00–17:00 in Europe/Berlin'],
    [[1, 3, 6, 7], 'Mon, Wed, Sat–Sun 08:00–17:00 in Europe/Berlin'],
  ])('says when, on days %j', (days, words) => {
    const periods = [{ days, from: '08:00', to: '17:00' }]
    expect(windowWords({ time_zone: 'Europe/Berlin', periods })).toBe(words)
  })
})

describe('what differs', () => {
  test.each([
    [{ a: 1 }, { a: 1 }, []],
    [{ a: 1, b: { c: 'x' } }, { a: 2, b: { c: 'y' } }, ['a: 1 → 2', 'b.c: "x" → "y"']],
    [{ a: 1 }, { b: 1 }, ['a: 1 → ', 'b:  → 1']],
    [{ list: [1, 2] }, { list: [2, 1] }, ['list: [1,2] → [2,1]']],
    [{ a: null }, { a: { b: 1 } }, ['a: null → {"b":1}']],
    [{ tm_update: 1, a: { tm_update: 1 } }, { tm_update: 2, a: { tm_update: 2 } }, []],
  ])('between %j and %j is told value by value', (was, is, told) => {
    const differing = differences(was, is, ['tm_update'])
    expect(differing.map((one) => `${one.at}: ${one.was} → ${one.is}`)).toEqual(told)
  })
})

function route(name: string, one: Partial<ShownRoute>): ShownRoute {
  return {
    id: name,
    name,
    provider_id: 'p',
    target: 'all',
    priority: 1,
    weight: 0,
    time_window: null,
    failover: null,
    enabled: true,
    tm_create: '2026-01-02',
    ...one,
  }
}
