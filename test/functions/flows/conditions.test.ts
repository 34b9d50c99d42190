import { describe, expect, test } from 'vitest'
import { utcMs } from '#contract'
import { simulate } from '#flows'
import { programOf, type Written } from './told.ts'

/** Where a condition leads: to `then`, or to `else`. */
function leads(type: string, option: object, { at = '2026-11-30T08:15:00Z', variables = {} } = {}): string {
  const written: Written[] = [
    { type, option: { false_target_id: 'else', ...option } },
    { id: 'then', type: 'stop' },
    { id: 'else', type: 'stop' },
  ]
  const { trace } = simulate({
    program: programOf(written),
    variables,
    digits: '',
    at: utcMs(Date.parse(at)),
  })
  return trace.trace[1]?.action_id ?? ''
}

describe('a condition on a variable', () => {
  const variables = { name: 'Ada', count: '12', empty: '' }
  test.each([
    ['==', '${name}', { value_string: 'Ada' }, 'then'],
    ['!=', '${name}', { value_string: 'Ada' }, 'else'],
    ['==', 'name', { value_string: 'Ada' }, 'then'],
    ['==', '${name}', { value_string: '${name}' }, 'then'],
    ['>', '${name}', { value_string: 'Aba' }, 'then'],
    ['<=', '${name}', { value_string: 'Aba' }, 'else'],
    ['>=', '${count}', { value_type: 'number', value_number: 9 }, 'then'],
    ['<', '${count}', { value_type: 'number', value_number: 9 }, 'else'],
    ['==', '${name}', { value_type: 'number', value_number: 0 }, 'else'],
    ['!=', '${name}', { value_type: 'number', value_number: 0 }, 'then'],
    ['==', '${empty}', { value_type: 'number', value_number: 0 }, 'else'],
    ['==', '${count}', { value_type: 'length', value_length: 2 }, 'then'],
    ['>', '${none}', { value_type: 'length', value_length: 0 }, 'else'],
  ])('%s of %s and %o leads to %3$s', (condition, variable, option, where) => {
    expect(leads('condition_variable', { condition, variable, ...option }, { variables })).toBe(where)
  })
})

describe('a condition on the time', () => {
  // 30 November 2026 is a Monday.
  test.each<[string, object, string]>([
    ['2026-11-30T09:15:00Z', { condition: '>=', hour: 8, minute: 30 }, 'then'],
    ['2026-11-30T08:15:00Z', { condition: '>=', hour: 8, minute: 30 }, 'else'],
    ['2026-11-30T08:30:00Z', { condition: '==', hour: 8 }, 'then'],
    ['2026-11-30T08:30:00Z', { condition: '==', minute: 30 }, 'then'],
    ['2026-12-24T08:30:00Z', { condition: '>', month: 11, day: 30 }, 'then'],
    ['2026-11-30T08:30:00Z', { condition: '!=', day: 30 }, 'else'],
    ['2026-11-30T08:30:00Z', { condition: '<', month: 12 }, 'then'],
    ['2026-11-30T08:30:00Z', { weekdays: [1, 2] }, 'then'],
    ['2026-11-29T08:30:00Z', { weekdays: [1, 2] }, 'else'],
    ['2026-11-29T08:30:00Z', { weekdays: [0] }, 'then'],
    // Winter and summer time.
    ['2026-11-30T07:30:00Z', { condition: '>=', hour: 8, minute: 30, time_zone: 'Europe/Berlin' }, 'then'],
    ['2026-07-01T06:30:00Z', { condition: '>=', hour: 8, minute: 30, time_zone: 'Europe/Berlin' }, 'then'],
    ['2026-07-01T06:29:00Z', { condition: '>=', hour: 8, minute: 30, time_zone: 'Europe/Berlin' }, 'else'],
    ['2026-11-30T03:00:00Z', { weekdays: [0], time_zone: 'America/New_York' }, 'then'],
    ['2026-11-30T03:00:00Z', { time_zone: 'Nowhere/Else' }, 'else'],
    ['2026-11-30T08:30:00Z', { periods: [{ days: [1], from: '08:30', to: '17:00' }] }, 'then'],
    ['2026-11-30T17:00:00Z', { periods: [{ days: [1], from: '08:30', to: '17:00' }] }, 'else'],
    ['2026-11-29T12:00:00Z', { periods: [{ days: [1], from: '08:30', to: '17:00' }] }, 'else'],
    ['2026-11-29T23:59:00Z', { periods: [{ from: '12:00', to: '24:00' }] }, 'then'],
    // Over midnight: it is of the day on which it begins.
    ['2026-12-01T02:00:00Z', { periods: [{ days: [1], from: '22:00', to: '06:00' }] }, 'then'],
    ['2026-11-30T02:00:00Z', { periods: [{ days: [1], from: '22:00', to: '06:00' }] }, 'else'],
    ['2026-12-25T12:00:00Z', { holidays: ['12-25'] }, 'else'],
    ['2027-12-25T12:00:00Z', { holidays: ['2026-12-25'] }, 'then'],
    ['2026-12-25T00:30:00Z', { holidays: ['2026-12-25'], time_zone: 'America/New_York' }, 'then'],
  ])('at %s, of %o, leads to %s', (at, option, where) => {
    expect(leads('condition_datetime', option, { at })).toBe(where)
  })
})

describe('a branch', () => {
  const written: Written[] = [
    { type: 'digits_receive' },
    { type: 'branch', option: { target_ids: { 1: 'one', '': 'none' }, default_target_id: 'other' } },
    { id: 'one', type: 'branch', option: { target_ids: { 1: 'other' } } },
    { id: 'end', type: 'stop' },
    { id: 'none', type: 'stop' },
    { id: 'other', type: 'stop' },
  ]
  test.each([
    ['1', ['a1', 'a2', 'one', 'end']],
    [',', ['a1', 'a2', 'none']],
    ['9', ['a1', 'a2', 'other']],
  ])('of %s goes %s, and leaves nothing to the next one', (digits, way) => {
    const { trace } = simulate({ program: programOf(written), variables: {}, digits, at: utcMs(0) })
    expect(trace.trace.map(({ action_id }) => action_id)).toEqual(way)
  })
})
