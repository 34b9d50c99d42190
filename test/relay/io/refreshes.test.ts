import { describe, expect, test } from 'vitest'
import type { BindingTell } from '#contract'
import { holdMsOf, KnownFleet } from '../../../relay/io/refreshes.ts'
import { bindingTell } from './tells.ts'

const [before, hour] = ['2025-12-31T23:30:00.000Z', '2026-01-01T01:00:00.000Z']
const refreshed = bindingTell('refreshed')

describe('a refresh of a registration', () => {
  test.each<[string, BindingTell, string | undefined, number, number]>([
    ['waits a minute for others, at a relay by itself', refreshed, hour, 1, 60_000],
    ['waits three where three relays share the minute', refreshed, hour, 3, 180_000],
    ['waits five at most, however many relays there are', refreshed, hour, 400, 300_000],
    ['is told before the registration known of runs out', refreshed, '2026-01-01T00:00:30.000Z', 3, 25_000],
    ['is told at once where that is about to run out', refreshed, '2026-01-01T00:00:04.000Z', 1, 0],
    ['is told at once where none is known of', refreshed, undefined, 1, 0],
    ['is told at once from another place', { ...refreshed, moved_from: place() }, hour, 1, 0],
    ['is told at once of a phone which was lost', { ...refreshed, reason: 'ANSWERS_AGAIN' }, hour, 1, 0],
    ['is told at once of a phone which was with another relay meanwhile', numbered(9), hour, 1, 0],
    ['waits where a challenge came between', numbered(2), hour, 1, 60_000],
    [
      'is told at once of a phone which began anew',
      { ...refreshed, binding: { ...refreshed.binding, call_id: 'new' } },
      hour,
      1,
      0,
    ],
    ['is no first registration', bindingTell('registered'), hour, 1, 0],
    ['is no end of one', bindingTell('unregistered'), hour, 1, 0],
  ])('%s', (_, told, knownUntil, relays, ms) =>
    expect(holdMsOf(told, known(knownUntil), fleetOf(relays))).toBe(ms),
  )
})

describe('a refresh of a phone which began anew', () => {
  const anew = { ...refreshed, binding: { ...refreshed.binding, call_id: 'new' } }

  test('waits where this relay has been alone since it was heard last', () => {
    const fleet = new KnownFleet()
    fleet.said(1, Date.parse(before))
    expect(fleet.said(undefined, Date.parse(hour))).toBe(false)
    expect(holdMsOf(anew, known(hour), fleet)).toBe(60_000)
  })

  test('is told at once where another relay was there in between, or may have been', () => {
    const fleet = new KnownFleet()
    expect(holdMsOf(anew, known(hour), fleet)).toBe(0)
    fleet.said(1, Date.parse(before))
    expect([fleet.said(1, Date.parse(before) + 1), fleet.said(2, Date.parse(before) + 1)]).toEqual([
      false,
      true,
    ])
    expect(holdMsOf(anew, known(hour), fleet)).toBe(0)
    expect(fleet.said(1, Date.parse(before) + 2)).toBe(false)
    expect(holdMsOf(anew, known(hour), fleet)).toBe(0)
  })

  test('is told at once while the edge is away, and afterwards where another relay may have come and gone by then', () => {
    const fleet = new KnownFleet()
    fleet.said(1, Date.parse(before))
    fleet.missed()
    expect(holdMsOf(anew, known(hour), fleet)).toBe(0)
    expect(fleet.said(1, Date.parse(before) + 1)).toBe(false)
    expect(holdMsOf(anew, known(hour), fleet)).toBe(0)
    fleet.missed()
    expect(fleet.said(2, Date.parse(hour))).toBe(true)
  })
})

test('what is told again of a registration, as after a restart, is told at once', () => {
  expect(holdMsOf(refreshed, { ...refreshed.binding, expires_at: hour }, fleetOf(1))).toBe(0)
})

function place(): NonNullable<BindingTell['moved_from']> {
  const { contact, received } = refreshed.binding
  return { contact, ...received }
}

/** So many relays, of which none was ever known to be alone. */
function fleetOf(relays: number) {
  return { relays, aloneSince: Number.POSITIVE_INFINITY }
}

/** The registration of before, which runs out then. */
function known(until: string | undefined) {
  return until === undefined ? undefined : { ...refreshed.binding, refreshed_at: before, expires_at: until }
}

/** A refresh by a REGISTER so many numbers later. */
function numbered(later: number): BindingTell {
  return { ...refreshed, binding: { ...refreshed.binding, cseq: refreshed.binding.cseq + later } }
}
