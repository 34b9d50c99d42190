import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs, type ProviderFacts, portNumber } from '#contract'
import { type Ladder, type Party, party } from '../../support/ladder.ts'
import { aliceDials, answers, office, provider, sdp, telnyx, through, twilio } from '../../support/office.ts'
import { beats, configured, healthOf, hears, knows, ownerId } from '../../support/providers.ts'

/** The same address over TCP. */
const telnyxTcp = party('Telnyx', '203.0.113.1', 5060, 'tcp')

describe('a provider that is looked after', () => {
  test('is asked OPTIONS within three seconds, and healthy once it has answered', () => {
    const ladder = watching(configured(telnyx))
    expect(healthOf(ladder, telnyx)).toBeUndefined()
    firstLook(ladder)
    ladder.locate(telnyx).gives('OPTIONS to Telnyx')
    const asked = ladder.lastRequest(telnyx, 'OPTIONS')
    expect(asked.requestUri).toBe('sip:sip.telnyx.test')
    expect(asked.maxForwards).toBe(70)
    expect(asked.header('contact')).toBe('<sip:198.51.100.1:5060>')
    expect(asked.header('user-agent')).toBe('Trunkline')
    expect(asked.from.sip).toMatchObject({ host: '198.51.100.1' })
    ladder
      .after(20)
      .when(telnyx, answers(asked, telnyx, 200))
      .gives()
    expect(healthOf(ladder, telnyx)).toMatchObject({
      status: 'healthy',
      customer_id: ownerId,
      latency_ms: 20,
      last: { by: 'probe', status: 200 },
      why: '200 OK from 203.0.113.1:5060 over UDP',
    })
  })

  test('is asked with the From it knows us by where it has credentials', () => {
    const ladder = watching(configured(telnyx, { username: 'trunk7', password: 'p' }))
    firstLook(ladder)
    ladder.locate(telnyx).whatever()
    expect(ladder.lastRequest(telnyx).from.sip).toMatchObject({ user: 'trunk7', host: 'sip.telnyx.test' })
  })

  test('is asked again at T1, twice as slowly each time, and after four seconds it said nothing', () => {
    const ladder = watching(configured(telnyx))
    firstLook(ladder)
    ladder.locate(telnyx).gives('OPTIONS to Telnyx')
    ladder.after(499).gives().after(1).gives('OPTIONS to Telnyx')
    ladder.after(999).gives().after(1).gives('OPTIONS to Telnyx')
    ladder.after(1_999).gives().after(1).gives('OPTIONS to Telnyx')
    ladder.after(499).gives()
    expect(healthOf(ladder, telnyx)).toBeUndefined()
    ladder.after(1).gives()
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'unknown', last: { by: 'probe', status: 0 } })
    expect(ladder.engine.load.transactions).toBe(0)
  })

  test('is asked once over TCP', () => {
    const ladder = watching(configured(telnyx, { transport: 'tcp' }), [telnyxTcp, twilio])
    firstLook(ladder)
    ladder.locate(telnyxTcp).gives('OPTIONS to Telnyx')
    expect(ladder.lastRequest(telnyxTcp).requestUri).toBe('sip:sip.telnyx.test;transport=tcp')
    expect(ladder.lastRequest(telnyxTcp).via.transport).toBe('TCP')
    ladder.after(3_999).gives()
  })

  test('is asked at its next address when the first is silent or out of service', () => {
    const ladder = watching(configured(telnyx))
    firstLook(ladder)
    ladder.locate(telnyx, twilio).gives('OPTIONS to Telnyx')
    ladder.when(telnyx, reply(ladder, telnyx, 503)).gives('OPTIONS to Twilio')
    ladder.when(twilio, reply(ladder, twilio, 200)).gives()
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy' })
  })

  test('is unhealthy after three silences, which are looked at more closely than the usual interval', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 60 }))
    const began = ladder.now
    for (let i = 0; i < 3; i++) unanswered(ladder)
    expect(healthOf(ladder, telnyx)).toMatchObject({
      status: 'unhealthy',
      why: '3 failures in a row, last: no response in 4 s at 203.0.113.1:5060 over UDP',
    })
    expect(ladder.now - began).toBeLessThan(25_000)
    expect(ladder.notes.filter(({ event }) => event === 'provider.unhealthy')).toMatchObject([
      { level: 'warn', fields: { provider_id: provider(telnyx).provider_id, name: 'Telnyx' } },
    ])
  })

  test('is half open after one answer, and healthy after the next, which is asked for soon', () => {
    const ladder = watching(configured(telnyx))
    for (let i = 0; i < 3; i++) unanswered(ladder)
    answered(ladder, 200)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'half_open' })
    const before = ladder.now
    answered(ladder, 200)
    expect(ladder.now - before).toBeLessThanOrEqual(6_000)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy' })
    expect(ladder.notes.some(({ event, level }) => event === 'provider.healthy' && level === 'info')).toBe(
      true,
    )
  })

  test.each([
    [404, null, 'healthy'],
    [405, null, 'healthy'],
    [503, null, 'unknown'],
    [408, null, 'unknown'],
    [503, [503], 'healthy'],
    [200, [404], 'unknown'],
  ] as const)('which answers %i where %j is accepted is %s', (status, accepted, health) => {
    const ladder = watching(configured(telnyx, { probe_accept: accepted && [...accepted] }))
    answered(ladder, status)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: health, last: { status } })
  })

  test.each([
    ['has no address', 'DNS gave no answer for sip.telnyx.test: ENOTFOUND'],
    ['may not be reached', 'address_not_allowed: 10.0.0.1'],
  ])('which %s has failed, and says why', (_, why) => {
    const ladder = watching(configured(telnyx))
    firstLook(ladder)
    ladder.answer({ ask: 'locate', answer: { flows: [], why } }).gives()
    expect(healthOf(ladder, telnyx)).toMatchObject({ last: { status: 0 } })
  })

  test('whose connection cannot be made has failed at once, in the words of the network', () => {
    const ladder = watching(configured(telnyx, { transport: 'tcp' }), [telnyxTcp, twilio])
    for (let i = 0; i < 3; i++) {
      look(ladder)
      ladder.locate(telnyxTcp).gives('OPTIONS to Telnyx')
      ladder.hear({ type: 'unsent', flow: telnyxTcp.flow, why: 'its certificate is for x, not y' }).gives()
    }
    expect(healthOf(ladder, telnyx)?.why).toContain('its certificate is for x, not y')
  })

  test('which takes calls and knows no OPTIONS has failed where nobody listens, not where it is silent', () => {
    const ladder = watching(configured(telnyx))
    call(ladder, telnyx, 200)
    for (let i = 0; i < 3; i++) unanswered(ladder)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy' })
    for (let i = 0; i < 3; i++) {
      look(ladder).locate(telnyx).gives('OPTIONS to Telnyx')
      ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'nobody listens there' }).gives()
    }
    expect(healthOf(ladder, telnyx)).toMatchObject({
      status: 'unhealthy',
      why: expect.stringContaining('nobody listens there'),
    })
  })

  test('is left alone once it is disabled, deleted or asked for no probes', () => {
    for (const change of [{ enabled: false }, { deleted: true }, { probe_interval: 0 }]) {
      const ladder = watching(configured(telnyx))
      answered(ladder, 200)
      knows(ladder, configured(telnyx, change))
      ladder.after(120_000).gives()
      expect(ladder.engine.nextDeadline()).toBeUndefined()
    }
  })

  test('is looked at anew when it moves, even while a probe is under way', () => {
    const ladder = watching(configured(telnyx))
    answered(ladder, 200)
    look(ladder)
    ladder.locate(telnyx).gives('OPTIONS to Telnyx')
    const old = ladder.lastRequest(telnyx)
    knows(ladder, configured(telnyx, { port: portNumber(5080) }))
    expect(healthOf(ladder, telnyx)).toBeUndefined()
    ladder.when(telnyx, answers(old, telnyx, 200)).gives()
    expect(healthOf(ladder, telnyx)).toBeUndefined()
    firstLook(ladder)
    expect(ladder.questions.at(-1)?.question).toMatchObject({ question: { port: 5080 } })
  })

  test('keeps its health when something else about it changes', () => {
    const ladder = watching(configured(telnyx))
    answered(ladder, 200)
    knows(ladder, configured(telnyx, { name: 'Telnyx EU' }))
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy' })
  })

  test('is asked at its interval, a fifth more or less', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 30 }))
    answered(ladder, 200)
    const gaps: number[] = []
    for (let i = 0; i < 40; i++) {
      const before = ladder.now
      answered(ladder, 200)
      gaps.push(ladder.now - before)
    }
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24_000 - 100)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(36_000 + 100)
    expect(new Set(gaps).size).toBeGreaterThan(20)
  })
})

describe('a thousand providers', () => {
  const thousand = Array.from({ length: 1_000 }, (_, i) =>
    configured(telnyx, { id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}` }),
  )

  test('are asked one by one, no more than forty a second, each once per interval', () => {
    const ladder = watching(...thousand)
    const asked: number[] = []
    for (let ms = 0; ms < 60_000; ms += 100) {
      ladder.after(100).whatever()
      for (const { id } of ladder.questions.splice(0)) {
        asked.push(ladder.now)
        ladder.hear({ type: 'answered', id, answer: { ask: 'locate', answer: { flows: [telnyx.flow] } } })
        ladder.when(telnyx, reply(ladder.whatever(), telnyx, 200)).whatever()
      }
    }
    for (let from = 0; from < 60_000; from += 1_000)
      expect(asked.filter((at) => at > from && at <= from + 1_000).length).toBeLessThanOrEqual(41)
    expect(asked.length).toBeGreaterThan(1_900)
    expect(beats(ladder).health).toHaveLength(1_000)
  })
})

describe('calls', () => {
  test('demote a provider which answers three of them with 503, without any probe', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    for (let i = 0; i < 3; i++) {
      call(ladder, telnyx, 503)
      expect(healthOf(ladder, telnyx)?.status).toBe(i < 2 ? 'unknown' : 'unhealthy')
    }
    expect(healthOf(ladder, telnyx)).toMatchObject({
      last: { by: 'call', status: 503 },
      why: '3 failures in a row, last: 503 Service Unavailable from 203.0.113.1:5060',
    })
  })

  test('demote a provider which is silent, or has no address', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    dial(ladder).locate(telnyx).whatever()
    ladder.after(3_000).whatever()
    expect(healthOf(ladder, telnyx)).toMatchObject({ last: { by: 'call', status: 0 } })
    dial(ladder)
      .answer({ ask: 'locate', answer: { flows: [], why: 'no address found' } })
      .whatever()
    call(ladder, telnyx, 408)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'unhealthy' })
  })

  test.each([486, 404, 603, 200, 403])('which end with %i say that the provider is alive', (status) => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    call(ladder, telnyx, status)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy', last: { by: 'call', status } })
  })

  test('which ring say so at once, and only once', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    call(ladder, telnyx, 180)
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy', last: { status: 180 } })
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 503)).whatever()
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy', last: { status: 180 } })
  })

  test('to a second address of the provider are no failure of it', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    dial(ladder).locate(telnyx, twilio).whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .gives('ACK to Telnyx', 'INVITE to Twilio')
    expect(healthOf(ladder, telnyx)).toBeUndefined()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 180)).whatever()
    expect(healthOf(ladder, telnyx)).toMatchObject({ status: 'healthy' })
  })
})

describe('what the edge hears and says', () => {
  const { provider_id } = provider(telnyx)
  const others: Partial<BeatAnswer> = {
    health: [{ provider_id, status: 'unhealthy', since: '2026-01-01T00:00:00.000Z' }],
  }

  test('counts where we saw nothing ourselves for five minutes', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    const { engine } = hears(ladder, others).after(6_000)
    expect(engine.rooms.providers.health(monotonicMs(ladder.now), provider_id)).toBe('unhealthy')
    call(ladder, telnyx, 486)
    expect(engine.rooms.providers.health(monotonicMs(ladder.now), provider_id)).toBe('healthy')
    expect(engine.rooms.providers.health(monotonicMs(ladder.now + 300_000), provider_id)).toBe('unhealthy')
  })

  test('is one trial at a time for what it calls half open', () => {
    const ladder = watching(configured(telnyx, { probe_interval: 0 }))
    const half: Partial<BeatAnswer> = {
      health: [{ provider_id, status: 'half_open', since: '2026-01-01T00:00:00.000Z' }],
    }
    const { engine } = hears(ladder, half)
    expect(engine.rooms.providers.trial(monotonicMs(ladder.now), provider_id)).toBe(true)
    expect(engine.rooms.providers.trial(monotonicMs(ladder.now + 10_000), provider_id)).toBe(false)
    expect(engine.rooms.providers.trial(monotonicMs(ladder.now + 30_000), provider_id)).toBe(true)
  })

  test('of a provider nobody configured is nothing', () => {
    const ladder = office()
    call(ladder, telnyx, 503)
    expect(beats(ladder).health).toEqual([])
    expect(ladder.engine.rooms.providers.trial(monotonicMs(ladder.now), provider_id)).toBe(false)
  })
})

/** A relay which knows these providers; parties may be told otherwise than the office's. */
function watching(...list: (ProviderFacts | Party[])[]): Ladder {
  const facts = list.filter((one): one is ProviderFacts => !Array.isArray(one))
  const parties = list.find((one): one is Party[] => Array.isArray(one))
  return knows(office({}, ...(parties ?? [])), ...facts)
}

/** Time passes until the next probe sets out: it asks where its provider is. */
function look(ladder: Ladder): Ladder {
  ladder.whatever()
  for (
    let next = ladder.engine.nextDeadline();
    ladder.questions.length === 0;
    next = ladder.engine.nextDeadline()
  ) {
    if (next === undefined) throw new Error('nobody is looked at any more')
    ladder.after(Math.max(0, next - ladder.now))
    if (ladder.questions.length === 0) ladder.whatever()
  }
  return ladder.gives('ask locate')
}

function firstLook(ladder: Ladder): void {
  const before = ladder.now
  look(ladder)
  expect(ladder.now - before).toBeLessThanOrEqual(3_000)
}

function reply(ladder: Ladder, from: Party, status: number) {
  return answers(ladder.lastRequest(from, 'OPTIONS'), from, status)
}

function answered(ladder: Ladder, status: number): void {
  look(ladder).locate(telnyx).gives('OPTIONS to Telnyx')
  ladder.when(telnyx, reply(ladder, telnyx, status)).gives()
}

function unanswered(ladder: Ladder): void {
  look(ladder).locate(telnyx).gives('OPTIONS to Telnyx')
  ladder.after(0).whatever().after(3_999).whatever().after(1).gives()
}

/** Alice calls somebody through Telnyx. */
function dial(ladder: Ladder): Ladder {
  aliceDials(ladder, '+15551234567')
  return ladder.decide(through(provider(telnyx))).gives('ask locate')
}

function call(ladder: Ladder, carrier: Party, status: number): void {
  dial(ladder).locate(carrier).gives('INVITE to Telnyx')
  const body = status === 200 ? { body: sdp('203.0.113.1') } : {}
  ladder.when(carrier, answers(ladder.lastRequest(carrier, 'INVITE'), carrier, status, body)).whatever()
}
