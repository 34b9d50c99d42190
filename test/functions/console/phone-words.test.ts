import { describe, expect, test } from 'vitest'
import {
  goodAt,
  isConnected,
  onlyHere,
  refusedSince,
  ringsWords,
  scopeToEnd,
} from '../../../functions/console/phone-words.ts'

const token = {
  id: 'token',
  key_id: 'own',
  key_name: null,
  tm_create: '2026-11-25T09:50:00.000000Z',
  tm_expire: '2026-11-25T10:00:00.000000Z',
}

describe('a token of a phone in the console', () => {
  test.each([
    ['2026-11-25T09:59:59.999Z', [token]],
    ['2026-11-25T10:00:00.000Z', []],
  ])('is shown until its time is over: at %s', (at, shown) => {
    expect(goodAt(Date.parse(at), [token])).toEqual(shown)
  })

  test.each([
    ['own', true, 'call'],
    ['own', false, 'call'],
    ['other', true, 'configure'],
    ['other', false, 'call'],
  ])('made by “own”, and looked at by “%s” (with call: %s), needs %s to be ended', (key, mayCall, scope) => {
    expect(scopeToEnd(token, key, mayCall)).toBe(scope)
  })
})

describe('a link by which a phone sets itself up', () => {
  test.each([
    ['http://127.0.0.1:8787/provisioning/x', /does not reach 127\.0\.0\.1: begin by .*npm start/],
    ['http://localhost:8787/provisioning/x', /does not reach localhost/],
    ['http://[::1]:8787/provisioning/x', /does not reach \[::1\]/],
    ['http://192.0.2.10:8787/provisioning/x', /^$/],
    ['https://api.example.com/provisioning/x', /^$/],
  ])('is said to lead nowhere elsewhere, where it does not: %s', (url, says) => {
    expect(onlyHere(url)).toMatch(says)
  })
})

describe('a number which is set up', () => {
  const nobody = {
    id: 'number',
    number: '+15551234567',
    name: '',
    extension_id: null,
    trunk_id: null,
    call_flow_id: null,
    destinations: null,
  }

  test.each([
    [{}, false, 'rings nobody yet'],
    [{ extension_id: 'phone' }, true, 'rings office1'],
    [{ call_flow_id: 'flow' }, true, 'follows a flow'],
    [{ trunk_id: 'pbx' }, true, 'rings something else'],
    [{ destinations: [{}] }, true, 'rings something else'],
  ])('with %o leads somewhere: %s, and %s', (rings, connected, words) => {
    const number = { ...nobody, ...rings }
    expect(isConnected(number)).toBe(connected)
    expect(ringsWords(number, [{ id: 'phone', extension: 'office1' }])).toBe(`+15551234567 ${words}`)
  })
})

test.each([
  [['failed', 'made'], true],
  [['blocked', 'failed'], true],
  [['expired', 'made', 'failed'], false],
  [['expired', 'failed', 'made'], true],
  [['moved', 'failed'], false],
  [[], false],
])('a phone which is not there, to which %j happened, is shown as refused: %s', (types, shown) => {
  const changes = types.map((type) => ({ type: `registration.${type}` }))
  expect(refusedSince(changes) !== undefined).toBe(shown)
})
