import { describe, expect, test } from 'vitest'
import { changeOf } from '../../../functions/console/registration-event.ts'
import type { RegistrationChange } from '../../../functions/console/shown.ts'
import { dayFrom, dayOf, daySentence } from '../../../functions/console/stretches.ts'

/*
 * How a phone stood over a day, by what the API has of its registrations. Times are hours of that day.
 */

const HOUR_MS = 3_600_000
const here = ['sip:1@a']

describe('the day of a phone', () => {
  test.each<[string, RegistrationChange[], string[], string, string]>([
    ['nothing happened, and it is there', [], here, 'registered 0-24', 'It was registered all the time.'],
    ['nothing happened, and it is not', [], [], 'gone 0-24', 'It was not registered.'],
    [
      'it came, went and came again',
      [made(20), ended(15), made(3)],
      here,
      'gone 0-3, registered 3-15, gone 15-20, registered 20-24',
      'It was registered for 16 h, with 2 gaps, the longest 5 h.',
    ],
    [
      'it was there before, and went',
      [ended(6)],
      [],
      'registered 0-6, gone 6-24',
      'It was registered for 6 h, with 1 gap of 18 h, and is not now.',
    ],
    [
      'one of two contacts went',
      [ended(12, 'sip:1@b', 'B'), made(8, 'sip:1@b', 'B')],
      here,
      'registered 0-24',
      'It was registered all the time.',
    ],
    [
      'behind NAT it came by another contact, and of the first nothing more is heard',
      [ended(18, 'sip:1@b'), made(9, 'sip:1@b'), made(3)],
      [],
      'gone 0-3, registered 3-18, gone 18-24',
      'It was registered for 15 h, with 2 gaps, the longest 6 h, and is not now.',
    ],
    [
      'it moved, and what it moved from was there before',
      [{ ...made(9, 'sip:1@b'), type: 'registration.moved', moved_from: { contact: 'sip:1@a' } }],
      ['sip:1@b'],
      'registered 0-24',
      'It was registered all the time.',
    ],
  ])('where %s', (_, changes, contacts, stretches, sentence) => {
    const there = contacts.map((contact) => ({ contact, tm_create: at(-1) }))
    const day = dayOf({ changes, there, from: ms(0), until: ms(24), knownFrom: ms(0) })
    expect(told(day.stretches)).toBe(stretches)
    expect(daySentence(day)).toBe(sentence)
  })

  test('begins when the phone was made, and is not known before the oldest of changes which are cut', () => {
    const there = [{ contact: 'sip:1@a', tm_create: at(18) }]
    const [young, old] = [
      dayFrom([], false, [], ms(20), ms(24)),
      dayFrom([made(18)], true, there, ms(-99), ms(24)),
    ]
    expect(told(young.stretches)).toBe('gone 20-24')
    expect(told(old.stretches)).toBe('unknown 0-18, registered 18-24')
  })

  test('is told by the events of all phones as by the history of its own', () => {
    const event = { type: 'registration.failed', resource_id: 'x', sequence: 9, tm_create: at(3) }
    const data = {
      why: 'The password is wrong.',
      source: 'udp [2001:db8::1]:5060',
      sip_status: 401,
      count: 2,
    }
    expect(changeOf({ ...event, data })).toEqual({
      ...{ id: '9', phone_id: 'x', type: 'registration.failed', message: 'The password is wrong.' },
      ...{ contact: null, moved_from: null, source_address: '2001:db8::1', user_agent: '' },
      ...{ sip_status: 401, count: 2, tm_create: at(3) },
    })
    const moved = { contact: 'sip:1@b', moved_from: { contact: 'sip:1@a' }, source: 'ws 192.0.2.1:9' }
    expect(changeOf({ ...event, type: 'registration.moved', data: moved })).toMatchObject({
      ...{ contact: 'sip:1@b', moved_from: { contact: 'sip:1@a' }, source_address: '192.0.2.1', count: 1 },
    })
  })

  test('is not known before the oldest change of a page which is not the last', () => {
    const there = [{ contact: 'sip:1@a', tm_create: at(-1) }]
    const day = dayOf({
      changes: [ended(20), made(10)],
      there: [],
      from: ms(0),
      until: ms(24),
      knownFrom: ms(10),
    })
    expect(told(day.stretches)).toBe('unknown 0-10, registered 10-20, gone 20-24')
    expect(daySentence(day)).toContain('Of the first 10 h nothing is known.')
    expect(
      dayOf({ changes: [], there, from: ms(0), until: ms(24), knownFrom: ms(24) }).stretches,
    ).toHaveLength(1)
  })

  test('has when it was refused, which changes nothing about where it is', () => {
    const refused = { ...ended(5), type: 'registration.failed', contact: null }
    const there = [{ contact: 'sip:1@a', tm_create: at(-1) }]
    const day = dayOf({ changes: [refused], there, from: ms(0), until: ms(24), knownFrom: ms(0) })
    expect([told(day.stretches), day.refusals]).toEqual(['registered 0-24', [ms(5)]])
  })
})

function told(stretches: ReturnType<typeof dayOf>['stretches']): string {
  const hour = (time: number) => (time - ms(0)) / HOUR_MS
  return stretches.map(({ from, until, standing }) => `${standing} ${hour(from)}-${hour(until)}`).join(', ')
}

function ms(hour: number): number {
  return Date.parse('2026-11-24T00:00:00Z') + hour * HOUR_MS
}

function at(hour: number): string {
  return new Date(ms(hour)).toISOString()
}

function made(hour: number, contact = 'sip:1@a', user_agent = 'A'): RegistrationChange {
  return { ...ended(hour, contact, user_agent), type: 'registration.made' }
}

function ended(hour: number, contact = 'sip:1@a', user_agent = 'A'): RegistrationChange {
  return {
    id: crypto.randomUUID(),
    type: 'registration.removed',
    message: null,
    contact,
    moved_from: null,
    source_address: '192.0.2.9',
    user_agent,
    sip_status: null,
    count: 1,
    tm_create: at(hour),
  }
}
