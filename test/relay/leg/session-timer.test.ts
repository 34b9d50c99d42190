import { describe, expect, test } from 'vitest'
import {
  acceptTimer,
  answerTimer,
  lengthen,
  noTimer,
  offerTimer,
  type SessionTimer,
  timerMs,
} from '../../../relay/leg/session-timer.ts'
import { intervalRefusal } from '../../../relay/sip/screen.ts'
import { invite, readRequest, readResponse, responseText } from '../../support/wire.ts'

type Headers = Record<string, string>

const asking = (headers: Headers) => readRequest(invite({ headers }))
const saying = (status: number, headers: Headers) => readResponse(responseText(status, { headers }))
const timer = (more: Partial<SessionTimer> = {}): SessionTimer => ({ ...noTimer(), ...more })
const knows = { Supported: 'timer' }

describe('our 2xx as a UAS (RFC 4028 §9, table 2)', () => {
  test.each<[string, Headers, string | undefined, string | undefined]>([
    ['who knows no timer gets none', {}, undefined, undefined],
    [
      'a proxy which asks for one is refreshed by us',
      { 'Session-Expires': '600' },
      '600;refresher=uas',
      undefined,
    ],
    [
      'who knows timers and leaves it open is refreshed by us',
      { ...knows, 'Session-Expires': '600' },
      '600;refresher=uas',
      'timer',
    ],
    [
      'who wants to refresh does',
      { ...knows, 'Session-Expires': '600;refresher=uac' },
      '600;refresher=uac',
      'timer',
    ],
    ['who wants us to has it', { ...knows, x: '600 ; refresher = UAS' }, '600;refresher=uas', 'timer'],
    [
      'who requires it knows it',
      { Require: 'timer', 'Session-Expires': '120;refresher=uac' },
      '120;refresher=uac',
      'timer',
    ],
    ['who only knows timers is asked for half an hour', knows, '1800;refresher=uas', 'timer'],
    ['and for no less than it takes', { ...knows, 'Min-SE': '3600' }, '3600;refresher=uas', 'timer'],
    [
      'a day is too long to find out who is gone',
      { ...knows, 'Session-Expires': '86400' },
      '1800;refresher=uas',
      'timer',
    ],
    [
      'but not where less is not taken',
      { ...knows, 'Session-Expires': '7200', 'Min-SE': '7200' },
      '7200;refresher=uas',
      'timer',
    ],
    ['a second is no interval which a proxy may ask for', { 'Session-Expires': '1' }, undefined, undefined],
    [
      'what cannot be read asks for nothing',
      { ...knows, 'Session-Expires': 'soon' },
      '1800;refresher=uas',
      'timer',
    ],
  ])('%s', (_, headers, expires, required) => {
    const said = new Map(answerTimer(timer(), asking(headers)))
    expect([said.get('session-expires'), said.get('require')]).toEqual([expires, required])
  })

  test('who refreshes goes on refreshing where a change does not say', () => {
    const kept = timer({ interval: 600, ours: false })
    expect(answerTimer(kept, asking(knows))).toContainEqual(['session-expires', '600;refresher=uac'])
  })

  test('ends the timer of a party which stopped asking for one', () => {
    const kept = timer({ interval: 600, ours: false })
    answerTimer(kept, asking({}))
    expect(timerMs(kept)).toBeUndefined()
  })

  test.each<[string, Headers, number | undefined]>([
    ['89 s is too short', { ...knows, 'Session-Expires': '89' }, 422],
    ['90 s is not', { ...knows, 'Session-Expires': '90' }, undefined],
    ['who does not know what 422 means is not told', { 'Session-Expires': '15' }, undefined],
  ])('%s (§6)', (_, headers, status) => {
    const refusal = intervalRefusal(asking(headers))
    expect(refusal?.status).toBe(status)
    if (refusal) expect(refusal.headers).toEqual([['min-se', '90']])
  })
})

describe('our request as a UAC (§7)', () => {
  test.each<[string, Partial<SessionTimer>, string]>([
    ['asks for half an hour and leaves open who refreshes', {}, '1800'],
    ['goes on refreshing', { interval: 600, ours: true, known: true }, '600;refresher=uac'],
    ['leaves it to the party which does', { interval: 600, ours: false, known: true }, '600;refresher=uas'],
    ['refreshes a party which cannot', { interval: 600, ours: false, known: false }, '600;refresher=uac'],
    [
      'asks for no less than the party takes',
      { interval: 600, ours: true, known: true, minSe: 900 },
      '900;refresher=uac',
    ],
  ])('%s', (_, more, expires) => {
    expect(new Map(offerTimer(timer(more))).get('session-expires')).toBe(expires)
  })

  test.each<[string, Headers, number | undefined, boolean]>([
    ['uas: it refreshes', { 'Session-Expires': '15;refresher=uas', Require: 'timer' }, 10_000, false],
    ['uac: we do, at half time', { 'Session-Expires': '15;refresher=uac', Require: 'timer' }, 7_500, true],
    ['not saying who: we do', { 'Session-Expires': '900' }, 450_000, true],
    [
      'ever shorter: not oftener than every five seconds',
      { 'Session-Expires': '0;refresher=uac' },
      5_000,
      true,
    ],
    ['nothing: no timer', {}, undefined, true],
    ['nothing, but takes UPDATE: for our benefit alone', { Allow: 'INVITE, UPDATE' }, 900_000, true],
  ])('hears in the 2xx %s (§7.2)', (_, headers, ms, ours) => {
    const kept = timer()
    acceptTimer(kept, asking({ 'Session-Expires': '1800' }), saying(200, headers))
    expect(timerMs(kept)).toBe(ms)
    if (ms !== undefined) expect(kept.ours).toBe(ours)
  })

  test.each<[string, number, Headers, boolean]>([
    ['may go once more with the interval which 422 names', 422, { 'Min-SE': '3600' }, true],
    ['not where that is no longer than what was asked', 422, { 'Min-SE': '1800' }, false],
    ['not where it is absurd', 422, { 'Min-SE': '2000000000' }, false],
    ['not where none is named', 422, {}, false],
    ['not after any other refusal', 486, { 'Min-SE': '3600' }, false],
  ])('%s (§7.3)', (_, status, headers, again) => {
    const kept = timer()
    expect(lengthen(kept, asking({ 'Session-Expires': '1800' }), saying(status, headers))).toBe(again)
    expect(new Map(offerTimer(kept)).get('min-se')).toBe(again ? '3600' : undefined)
  })
})

test('who does not refresh is given up a third of the interval, but 32 s at most, before its end (§10)', () => {
  expect(timerMs(timer({ interval: 90 }))).toBe(60_000)
  expect(timerMs(timer({ interval: 1_800 }))).toBe(1_768_000)
})
