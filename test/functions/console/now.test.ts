import { describe, expect, test } from 'vitest'
import { eventExamples } from '../../../functions/config/event-examples.ts'
import { eventWords } from '../../../functions/console/event-words.ts'
import { figureLines, lastOf } from '../../../functions/console/figure-lines.ts'
import { relayWords } from '../../../functions/console/relay-words.ts'
import type { HappenedEvent, ShownCourse } from '../../../functions/console/shown.ts'

/*
 * What the screen Now says of events and figures.
 */

const plain = { resource_id: 'x', sequence: 1, data: {}, tm_create: '2026-11-24T09:00:00.000Z' }

test.each([
  ['alive', { alive: true, draining: false, calls: 2 }, 'good', '✓ alive'],
  ['alive while it drains', { alive: true, draining: true, calls: 0 }, 'good', '✓ alive'],
  ['missed where it took calls', { alive: false, draining: false, calls: 0 }, 'bad', '✕ not heard'],
  ['missed where calls were left', { alive: false, draining: true, calls: 1 }, 'bad', '✕ not heard'],
  ['not missed where it was stopped', { alive: false, draining: true, calls: 0 }, 'hint', '■ stopped'],
])('a relay is %s', (_, relay, tone, words) => {
  expect(relayWords(relay)).toEqual({ tone, words })
})

describe('an event as a line', () => {
  test.each<[string, Partial<HappenedEvent>, object]>([
    [
      'call.ended',
      {
        data: {
          source: { target: 'office1' },
          destination: { target: '+15551234567' },
          hangup_reason: 'normal',
        },
      },
      { what: 'call ended', whom: 'office1 → +15551234567', why: 'Normal.', address: '#/calls/x' },
    ],
    [
      'call.attempt_failed',
      { data: { attempt: { provider_name: 'Primary', status: 503, reason: 'Service Unavailable' } } },
      { why: 'Primary: 503 Service Unavailable.', tone: 'warn' },
    ],
    [
      'registration.removed',
      { data: { account: 'office1', reason: 'BY_API', why: 'It was ended by the API.' } },
      { whom: 'office1', why: 'It was ended by the API.', address: '#/phones/x' },
    ],
    [
      'provider.health_changed',
      { data: { from: 'healthy', to: 'half_open', why: 'no answer' } },
      { what: 'provider health changed', why: 'Healthy → half open. No answer.' },
    ],
    ['provider.health_changed', { data: { from: 'healthy', to: 'unhealthy' } }, { tone: 'bad' }],
    ['alert.raised', { data: { reason: 'It was ended by the API.' } }, { why: 'It was ended by the API.' }],
    ['call.refused', { data: { reason: 'UNKNOWN_SOURCE' } }, { why: 'Unknown source.', address: '' }],
    [
      'route.updated',
      { data: { changed: ['priority', 'target'] } },
      { why: 'Changed: priority, target.', address: '' },
    ],
    [
      'limit.reached',
      { data: { call_id: 'c', why: 'The customer is at its limit.' } },
      { address: '#/calls/c' },
    ],
    [
      'thing.new',
      { resource_id: null, data: { why: 7, name: ['x'], attempt: null } },
      { whom: '', why: '7.' },
    ],
  ])('%s, %j', (type, event, words) => {
    expect(eventWords({ ...plain, type, ...event })).toMatchObject(words)
  })

  test('is one for each type there is, and says nothing which is no text', () => {
    const all = eventExamples({ ...plain, type: '' }) as HappenedEvent[]
    expect(all.length).toBeGreaterThan(25)
    for (const event of all) {
      const { what, whom, why } = eventWords(event)
      expect(what).not.toBe('')
      expect(`${whom} ${why}`).not.toMatch(/undefined|null|\[object/)
    }
  })
})

describe('the lines of a figure', () => {
  const window = { from: '2026-11-24T06:00:00.000Z', until: '2026-11-24T09:20:00.000Z' }

  test('have a value for each hour in which there was one, for five providers with calls at most', () => {
    const many = [...'abcdefg'].map((name) => group(name, 3))
    const { hours, lines } = figureLines([group('none', 0), ...many], ({ asr }) => asr, window)
    expect(hours.map((hour) => new Date(hour * 1000).getUTCHours())).toEqual([6, 7, 8, 9])
    expect(lines.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(lines[0]?.values).toEqual([null, 0.5, null, 1])
    expect(lastOf(lines[0]?.values ?? [])).toBe(1)
  })

  test('have no last value where there is none', () => {
    expect(lastOf([null, null])).toBeNull()
    expect(lastOf([0, null])).toBe(0)
  })
})

function group(name: string, attempts: number): ShownCourse {
  const of = (asr: number) => ({ attempts, asr, pdd_ms: { p50: null }, loss: null })
  const course = [
    { tm_begin: '2026-11-24T07:00:00.000000Z', ...of(0.5) },
    { tm_begin: '2026-11-24T09:00:00.000000Z', ...of(1) },
  ]
  return { id: name, name, ...of(0.5), course }
}
