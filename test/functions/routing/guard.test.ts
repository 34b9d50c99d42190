import { describe, expect, test } from 'vitest'
import { type OutboundGuard, outboundGuard, type RouteQuestion } from '#contract'
import type { Use } from '#routing'
import { ALICE, decided, dials, extension, route, type Scene } from './fixtures.ts'

const GERMANY = '+493012345678'
const id = extension('alice').id

describe('calls out which are guarded against fraud', () => {
  const blocked = { blocked: true }
  const refuses = { new_countries: 'refuse' } as const
  const alerts = { new_countries: 'alert' } as const
  const known = { known_countries: ['DE'] }
  test.each<[string, Partial<OutboundGuard>, Partial<OutboundGuard>, string, string | undefined, string?]>([
    ['go out where nothing is set', {}, {}, GERMANY, undefined],
    [
      'of a blocked extension',
      blocked,
      {},
      GERMANY,
      'OUTBOUND_BLOCKED',
      `POST /v1.0/extensions/${id}/release`,
    ],
    ['of a blocked customer', {}, blocked, GERMANY, 'OUTBOUND_BLOCKED', 'POST /v1.0/customer/release'],
    ['to a phone of the customer go through, blocked or not', blocked, blocked, 'bob', undefined],
    ['for help go through, blocked or not', blocked, blocked, '911', undefined],
    [
      'to a new country, which the extension refuses',
      refuses,
      {},
      GERMANY,
      'COUNTRY_NEW',
      `${id}/release with country de`,
    ],
    [
      'to a new country, which the customer refuses',
      {},
      refuses,
      GERMANY,
      'COUNTRY_NEW',
      '/v1.0/customer/release with country de',
    ],
    [
      'to a new country which the extension may call, whatever its customer says',
      { new_countries: 'allow' },
      refuses,
      GERMANY,
      undefined,
    ],
    ['to a country the extension was released for', { ...refuses, ...known }, {}, GERMANY, undefined],
    ['to a country its customer was released for', refuses, known, GERMANY, undefined],
    ['to its own country', refuses, refuses, '+15551234567', undefined],
    ['to a new country which is told of', alerts, {}, GERMANY, undefined],
  ])('%s', (_, own, customers, to, reason, sentence) => {
    const decision = decided(dials(to), sceneOf(own, customers))
    expect(decision).toMatchObject(reason ? { kind: 'reject', status: 403, reason } : { kind: 'connect' })
    if (sentence) expect(`${reason}: ${decision.explanation?.message}`.slice(0, 120)).toContain(sentence)
  })

  test('tell who is suspected, and of what', () => {
    const suspicion = (own: Partial<OutboundGuard>, to = GERMANY) =>
      decided(dials(to), sceneOf(own, {})).explanation?.suspicion
    expect(suspicion(alerts)).toMatchObject({
      kind: 'extension',
      id,
      reason: 'COUNTRY_NEW',
      refused: false,
      country: 'de',
    })
    expect(suspicion(refuses)).toMatchObject({ id, reason: 'COUNTRY_NEW', refused: true, country: 'de' })
    expect(suspicion(blocked)).toMatchObject({ id, reason: 'OUTBOUND_BLOCKED', refused: true })
    expect(suspicion({ ...alerts, ...known })).toBeUndefined()
  })

  test.each<[string, string, number, string | undefined]>([
    ['begin while fewer did than may', '+15551234567', 9, undefined],
    ['wait where as many began as may', '+15551234567', 10, 'VELOCITY_EXCEEDED'],
    ['to phones of the customer are none of them', 'bob', 10, undefined],
    ['for help begin at any time', '911', 10, undefined],
  ])('%s', (_, to, used, reason) => {
    const share = { used, of: 10 }
    const use = (): Use => ({ channels: null, cps: null, daily_minutes: null, calls_per_minute: share })
    const decision = decided(dials(to), sceneOf({ max_calls_per_minute: 10 }, {}), { use })
    expect(decision).toMatchObject(reason ? { kind: 'reject', status: 403, reason } : { kind: 'connect' })
    if (!reason) return
    expect(decision.explanation).toMatchObject({
      limits: [{ kind: 'extension', id, resource: 'calls_per_minute', exceeded: true }],
      suspicion: { id, reason, refused: true },
      message: expect.stringContaining(`POST /v1.0/extensions/${id}/release`),
    })
    // As much of it as a phone shows.
    expect(`${reason}: ${decision.explanation?.message}`.slice(0, 120)).toContain(`${id}/release`)
  })

  test('which are sent on are the calls of who sends them on', () => {
    const forwarder = { kind: 'extension', id, name: 'alice' } as const
    const question: RouteQuestion = {
      ...dials(GERMANY),
      caller: { kind: 'forwarder', customer_id: ALICE, forwarder, type: 'tel', called: 'alice', path: [] },
    }
    expect(decided(question, sceneOf({ blocked: true }, {}))).toMatchObject({ reason: 'OUTBOUND_BLOCKED' })
  })
})

function sceneOf(own: Partial<OutboundGuard>, customers: Partial<OutboundGuard>): Scene {
  return {
    customer: { allowed: ['US', 'DE'], guard: outboundGuard.parse(customers) },
    extensions: [extension('alice', { guard: outboundGuard.parse(own) }), extension('bob')],
    routes: [route('telnyx')],
  }
}
