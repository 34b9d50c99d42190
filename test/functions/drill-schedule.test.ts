import { describe, expect, test } from 'vitest'
import { parseUtc } from '#contract'
import { drillSchedule, runAfter } from '../../functions/drill-schedule.ts'

const berlin = { at: '03:30', time_zone: 'Europe/Berlin', days: [] }

describe('the next run of a drill', () => {
  test.each([
    ['is in so many minutes', { every_minutes: 90 }, '2026-11-29T12:00:00Z', '2026-11-29T13:30:00.000Z'],
    ['is today where the time is to come', berlin, '2026-11-29T02:29:59Z', '2026-11-29T02:30:00.000Z'],
    ['is tomorrow where it has come', berlin, '2026-11-29T02:30:00Z', '2026-11-30T02:30:00.000Z'],
    ['is on one of its days', { ...berlin, days: [3] }, '2026-11-29T12:00:00Z', '2026-12-02T02:30:00.000Z'],
    [
      'is a week later on the same day',
      { ...berlin, days: [7] },
      '2026-11-29T12:00:00Z',
      '2026-12-06T02:30:00.000Z',
    ],
    ['follows the clocks into summer', berlin, '2026-03-28T12:00:00Z', '2026-03-29T01:30:00.000Z'],
    ['and out of it', berlin, '2026-10-24T12:00:00Z', '2026-10-25T02:30:00.000Z'],
    [
      'is as much later where the clocks pass over it',
      { ...berlin, at: '02:30' },
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:30:00.000Z',
    ],
    [
      'comes once where the clocks show it twice',
      { ...berlin, at: '02:30' },
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00.000Z',
    ],
    [
      'is of the zone’s day, not of ours',
      { ...berlin, time_zone: 'Pacific/Auckland', days: [1] },
      '2026-11-29T12:00:00Z',
      '2026-11-29T14:30:00.000Z',
    ],
  ])('%s', (_, schedule, after, next) => {
    const read = drillSchedule.parse(schedule)
    const run = runAfter(read, parseUtc(after))
    expect(run && new Date(run).toISOString()).toBe(next)
  })

  test('is none without a schedule', () => {
    expect(runAfter(null, parseUtc('2026-11-29T12:00:00Z'))).toBeUndefined()
  })

  test.each([
    [{ every_minutes: 4 }],
    [{ every_minutes: 10, at: '03:30' }],
    [{ at: '24:00', time_zone: 'UTC' }],
    [{ at: '03:30', time_zone: 'Europe/Atlantis' }],
    [{ at: '03:30', time_zone: 'UTC', days: [0] }],
  ])('is not to be told by %j', (schedule) => {
    expect(drillSchedule.safeParse(schedule).success).toBe(false)
  })
})
