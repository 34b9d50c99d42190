import { describe, expect, test } from 'vitest'
import { monotonicMs, type ProviderFacts } from '#contract'
import { type Ladder, party } from '../../support/ladder.ts'
import { invite, office, telnyx, twilio } from '../../support/office.ts'
import { beats, configured, edgeSays, hears, knows } from '../../support/providers.ts'

const telnyxFacts = configured(telnyx, { probe_interval: 0 })
const minute = 60_000

describe('where a provider’s host is', () => {
  test('is looked up as soon as it is known, and told with a beat which comes at once', () => {
    const ladder = watched(telnyxFacts)
    expect(ladder.lookups.map(({ question }) => question.question)).toMatchObject([
      { hostname: 'sip.telnyx.test', port: null, transport: null },
    ])
    expect(told(ladder)).toEqual([])
    ladder.isAt(['203.0.113.1', '2001:DB8::1']).gives('beat')
    expect(told(ladder)).toEqual([
      {
        provider_id: telnyxFacts.id,
        hostname: 'sip.telnyx.test',
        port: null,
        transport: null,
        addresses: ['2001:db8:0:0:0:0:0:1', '203.0.113.1'],
        why: '',
      },
    ])
  })

  test('is told again until the edge has heard it, then when it changes, and every six hours', () => {
    const ladder = watched(telnyxFacts)
    ladder.isAt(['203.0.113.1']).gives('beat')
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).hosts).toHaveLength(1)
    expect(told(ladder)).toHaveLength(1)
    expect(told(ladder)).toEqual([])
    ladder.after(30_000).isAt(['203.0.113.2']).gives('beat')
    expect(told(ladder)).toMatchObject([{ addresses: ['203.0.113.2'] }])
    for (let at = 0; at < 361; at++) ladder.after(minute).isAt(['203.0.113.2']).gives()
    expect(told(ladder)).toHaveLength(1)
  })

  test('is asked about every half a minute, and of one which moves each time ever more rarely', () => {
    const ladder = watched(telnyxFacts)
    ladder.isAt(['203.0.113.1']).gives('beat').after(29_999)
    expect(ladder.lookups).toHaveLength(0)
    ladder.after(1).isAt(['203.0.113.1']).gives()
    let looks = 0
    for (let second = 0; second < 3_600; second++) {
      ladder.after(1_000)
      if (ladder.lookups.length === 0) continue
      ladder.isAt([`203.0.113.${++looks}`]).whatever()
    }
    expect(looks).toBeLessThanOrEqual(8)
  })

  test('is looked up once for all providers which are there, and none of it for an address', () => {
    const customers = Array.from({ length: 50 }, (_, at) => ({
      ...telnyxFacts,
      id: `00000000-0000-4000-8000-0000000000${10 + at}`,
    }))
    const literal = { ...telnyxFacts, id: `${telnyxFacts.id.slice(0, -1)}9`, hostname: '203.0.113.9' }
    const ladder = watched(...customers, literal)
    expect(ladder.lookups).toHaveLength(1)
    ladder.isAt(['203.0.113.1']).gives('beat')
    expect(told(ladder)).toHaveLength(50)
  })

  test('is asked about twenty hosts a second at most', () => {
    const many = Array.from({ length: 100 }, (_, at) => ({
      ...telnyxFacts,
      id: `00000000-0000-4000-8000-00000000${1000 + at}`,
      hostname: `sip${at}.telnyx.test`,
    }))
    const ladder = watched(...many)
    const before = ladder.lookups.length
    ladder.after(1_000)
    expect(ladder.lookups.length - before).toBeLessThanOrEqual(20)
    ladder.after(4_000)
    expect(ladder.lookups).toHaveLength(100)
  })

  test('is what it was while DNS is silent, and the edge hears so', () => {
    const ladder = watched(telnyxFacts)
    ladder.isAt(['203.0.113.1']).gives('beat')
    told(ladder)
    ladder.after(30_000).isAt(null, 'DNS gave no answer').gives('beat')
    expect(told(ladder)).toMatchObject([{ addresses: null, why: 'DNS gave no answer' }])
    expect(ladder.engine.rooms.providers.foundAt('203.0.113.1')).toHaveLength(1)
    ladder.after(30_000).isAt([]).gives('beat')
    expect(ladder.engine.rooms.providers.foundAt('203.0.113.1')).toHaveLength(0)
  })

  test('is told anew where the edge no longer has it, as after the provider was elsewhere', () => {
    const ladder = watched(telnyxFacts)
    ladder.isAt(['203.0.113.1']).gives('beat')
    told(ladder)
    const found = [{ address: '203.0.113.1', since: '2026-01-01T00:00:00+00:00' }]
    knows(ladder, { ...telnyxFacts, found })
    expect(told(ladder)).toEqual([])
    knows(ladder, telnyxFacts)
    expect(told(ladder)).toHaveLength(1)
  })

  test('is forgotten with the provider', () => {
    const ladder = watched(telnyxFacts)
    ladder.isAt(['203.0.113.1']).gives('beat')
    knows(ladder, { ...telnyxFacts, enabled: false })
    expect(ladder.engine.rooms.providers.foundAt('203.0.113.1')).toHaveLength(0)
    ladder.after(10 * minute)
    expect(ladder.lookups).toHaveLength(0)
  })
})

describe('a call from where a provider’s host was found', () => {
  test('is the provider’s at this relay, though the edge is away and never heard of it', () => {
    const ladder = watched(telnyxFacts)
    const dials = () => invite(telnyx, 'sip:+15550000000@198.51.100.1', { domain: telnyx.flow.address })
    ladder.isAt([telnyx.flow.address]).gives('beat')
    hears(ladder)
    ladder.after(10_000)
    ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    ladder.when(telnyx, dials()).whatever()
    expect(ladder.events.at(-1)?.data).toMatchObject({ reason: 'NUMBER_NOT_FOUND' })
    const stranger = party('stranger', twilio.flow.address)
    ladder
      .when(stranger, invite(stranger, 'sip:+15550000000@198.51.100.1', { domain: '192.0.2.1' }))
      .whatever()
    expect(ladder.events.at(-1)?.data).toMatchObject({ reason: 'UNKNOWN_SOURCE' })
  })
})

function watched(...providers: ProviderFacts[]): Ladder {
  const ladder = office()
  return knows(ladder, ...providers).whatever()
}

/** What the next beat says of hosts; the edge hears it. */
function told(ladder: Ladder) {
  return beats(ladder, edgeSays()).hosts
}
