import { describe, expect, test } from 'vitest'
import type { BindingTell } from '#contract'
import { holdMsOf } from '../../../relay/io/refreshes.ts'
import { bindingTell } from './tells.ts'

const hour = '2026-01-01T01:00:00.000Z'
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
  ])('%s', (_, told, knownUntil, relays, ms) => expect(holdMsOf(told, known(knownUntil), relays)).toBe(ms))
})

function place(): NonNullable<BindingTell['moved_from']> {
  const { contact, received } = refreshed.binding
  return { contact, ...received }
}

/** The registration of before, which runs out then. */
function known(until: string | undefined) {
  return until === undefined ? undefined : { ...refreshed.binding, expires_at: until }
}

/** A refresh by a REGISTER so many numbers later. */
function numbered(later: number): BindingTell {
  return { ...refreshed, binding: { ...refreshed.binding, cseq: refreshed.binding.cseq + later } }
}
