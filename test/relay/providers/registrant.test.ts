import { describe, expect, test } from 'vitest'
import { monotonicMs, type ProviderFacts, type RegistrationReport } from '#contract'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { type Ladder, type Party, party } from '../../support/ladder.ts'
import { answers, office, provider, telnyx, twilio } from '../../support/office.ts'
import { beats, configured, knows, ownerId } from '../../support/providers.ts'

const telnyxTcp = party('Telnyx', '203.0.113.1', 5060, 'tcp')
const { provider_id } = provider(telnyx)
const contact = '<sip:trunk7@198.51.100.1:5060;line=L1>'
const minute = 60_000

describe('a registration at a provider (RFC 3261 §10.2)', () => {
  test('is asked for as its username at its hostname, with a contact that bears its line', () => {
    const ladder = told()
    ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    const asked = ladder.lastRequest(telnyx)
    expect(asked.requestUri).toBe('sip:sip.telnyx.test')
    expect(asked.from.uri).toBe('sip:trunk7@sip.telnyx.test')
    expect(asked.to.uri).toBe('sip:trunk7@sip.telnyx.test')
    expect(asked.header('contact')).toBe(`${contact};expires=3600`)
    expect(asked.header('expires')).toBe('3600')
    expect(asked.header('authorization')).toBeUndefined()
    expect(report(ladder)).toMatchObject({ status: 'pending', epoch: 1, customer_id: ownerId })
  })

  test('is proved when challenged, once, under the same Call-ID and the next number', () => {
    const ladder = asking()
    const first = ladder.lastRequest(telnyx)
    challenge(ladder).gives('REGISTER to Telnyx')
    const second = ladder.lastRequest(telnyx)
    expect(second.callId).toBe(first.callId)
    expect(second.from.tag).toBe(first.from.tag)
    expect(second.cseq.number).toBe(first.cseq.number + 1)
    expect(second.header('authorization')).toContain('username="trunk7", realm="telnyx"')
    grant(ladder, 3600)
    expect(report(ladder)).toMatchObject({ status: 'registered', sip_status: 200, why: '200 OK' })
  })

  test('is proved to a proxy that asks as well', () => {
    const ladder = asking()
    const headers: Header[] = [['proxy-authenticate', asks('n1')]]
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 407, { headers }))
    ladder.gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('proxy-authorization')).toContain('username="trunk7"')
  })

  test('is proved once more where only the nonce was stale, and no third time', () => {
    const ladder = challenge(asking()).whatever()
    challenge(ladder, `${asks('n2')}, stale=true`).gives('REGISTER to Telnyx')
    challenge(ladder, `${asks('n3')}, stale=true`).gives()
    expect(report(ladder)).toMatchObject({ status: 'auth_failed', sip_status: 401 })
  })

  test('is auth_failed when its credentials are refused, and tried again half an hour later', () => {
    const ladder = challenge(challenge(asking()).whatever()).gives()
    expect(report(ladder)).toMatchObject({ status: 'auth_failed', sip_status: 401, why: '401 Unauthorized' })
    const wait = untilDue(ladder)
    expect(wait).toBeGreaterThanOrEqual(24 * minute)
    expect(wait).toBeLessThanOrEqual(36 * minute)
  })

  test('is auth_failed by 403, and tried at once when the password changes', () => {
    const ladder = asking()
    refuse(ladder, 403)
    expect(report(ladder)).toMatchObject({ status: 'auth_failed', sip_status: 403 })
    configure(ladder, { password: 'better' }).gives('ask locate')
    expect(report(ladder)).toMatchObject({ status: 'pending' })
    ladder.locate(telnyx).gives('REGISTER to Telnyx')
  })

  test('shows its credentials to the configured realm only', () => {
    const ladder = challenge(asking({ realm: 'other' })).gives()
    expect(report(ladder)).toMatchObject({ status: 'auth_failed', sip_status: 401 })
  })

  test('is proved to each node of the carrier, though their realms differ', () => {
    const ladder = challenge(asking()).whatever()
    grant(ladder, 60)
    refreshes(ladder)
    challenge(ladder, 'Digest realm="node b", nonce="x", qop="auth"').gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('authorization')).toContain('realm="node b"')
    grant(ladder, 60)
  })

  test('is proved to a proxy and to the registrar behind it, in one request', () => {
    const ladder = asking()
    const headers: Header[] = [['proxy-authenticate', 'Digest realm="proxy", nonce="p", qop="auth"']]
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 407, { headers }))
    challenge(ladder.gives('REGISTER to Telnyx')).gives('REGISTER to Telnyx')
    const asked = ladder.lastRequest(telnyx)
    expect(asked.header('proxy-authorization')).toContain('realm="proxy"')
    expect(asked.header('authorization')).toContain('realm="telnyx"')
    grant(ladder, 60)
  })

  test('without a password is auth_failed and asks nobody', () => {
    const ladder = told({ password: null })
    ladder.gives()
    expect(report(ladder)).toMatchObject({ status: 'auth_failed', why: 'it has no username and password' })
  })

  test('adopts the least time of a 423 at once, and keeps to it', () => {
    const ladder = asking({ register_expires: 60 })
    refuse(ladder, 423, [['min-expires', '300']])
      .gives('ask locate')
      .locate(telnyx)
      .gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('300')
    grant(ladder, 300)
    refreshes(ladder)
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('300')
  })

  test('asks for an hour where a 423 does not say what is long enough', () => {
    const ladder = asking({ register_expires: 60 })
    refuse(ladder, 423).gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('3600')
    refuse(ladder, 423).gives()
    expect(report(ladder)).toMatchObject({ status: 'failed', sip_status: 423 })
  })

  test('waits before it asks again where each 423 wants more than the one before', () => {
    const ladder = asking({ register_expires: 60 })
    const more = (seconds: number) => refuse(ladder, 423, [['min-expires', `${seconds}`]])
    more(100).gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    more(200).gives()
    expect(untilDue(ladder)).toBeGreaterThanOrEqual(24_000)
    ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('200')
    more(300).gives()
    expect(untilDue(ladder)).toBeGreaterThanOrEqual(48_000)
  })

  test('keeps what was granted where a refresh is too brief and stays so', () => {
    const ladder = registered({ register_expires: 600 }, 600)
    refreshes(ladder)
    refuse(ladder, 423, [['min-expires', '300']]).gives()
    expect(report(ladder)).toMatchObject({ status: 'registered', sip_status: 423 })
  })

  test('fails where a 423 names no longer time', () => {
    const ladder = asking()
    refuse(ladder, 423, [['min-expires', '60']]).gives()
    expect(report(ladder)).toMatchObject({ status: 'failed', sip_status: 423 })
  })
})

describe('what was granted', () => {
  test.each([
    [
      'beside our contact',
      [
        ['contact', `${contact};expires=120`],
        ['expires', '900'],
      ],
      120,
    ],
    ['beside ours among others', [['contact', `<sip:x@192.0.2.9>;expires=30, ${contact};expires=90`]], 90],
    ['beside ours without its line', [['contact', '<sip:trunk7@198.51.100.1:5060>;expires=70']], 70],
    ['in Expires', [['expires', '1800']], 1800],
    ['nowhere, as we asked', [], 3600],
  ] as [string, Header[], number][])('is read %s', (_, headers, seconds) => {
    const ladder = asking()
    ladder.when(telnyx, plainly(ladder.lastRequest(telnyx), 200, headers)).gives()
    const until = new Date(report(ladder)?.until ?? 0).getTime()
    expect(until - (1_700_000_000_000 + ladder.now)).toBeCloseTo(seconds * 1000, -1)
  })

  test('for no time at all is a failure, tried again ever later', () => {
    const ladder = asking()
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      ladder
        .when(telnyx, plainly(ladder.lastRequest(telnyx), 200, [['contact', `${contact};expires=0`]]))
        .gives()
      expect(report(ladder)).toMatchObject({ status: 'failed', why: '200 OK, but for no time at all' })
      waits.push(untilDue(ladder))
      ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b))
    expect(waits[0]).toBeGreaterThanOrEqual(24_000)
  })

  test.each([60, 120, 3600])(
    'for %i s is refreshed after half to nine tenths of it, never the same',
    (seconds) => {
      const ladder = registered({}, seconds)
      const waits = new Set<number>()
      for (let i = 0; i < 20; i++) {
        const wait = untilDue(ladder)
        expect(wait).toBeGreaterThanOrEqual(seconds * 500)
        expect(wait).toBeLessThanOrEqual(seconds * 900)
        waits.add(wait)
        ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
        grant(ladder, seconds)
      }
      expect(waits.size).toBeGreaterThan(10)
    },
  )

  test('is refreshed under one Call-ID with rising numbers', () => {
    const ladder = registered({}, 60)
    for (let i = 0; i < 5; i++) {
      refreshes(ladder)
      grant(ladder, 60)
    }
    const sent = ladder.messages(telnyx).filter((one): one is Request => one.kind === 'request')
    expect(new Set(sent.map(({ callId }) => callId)).size).toBe(1)
    const numbers = sent.map(({ cseq }) => cseq.number)
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
  })

  test('stands until its end though a refresh fails, and is failed then', () => {
    const ladder = registered({}, 600)
    refreshes(ladder)
    refuse(ladder, 500).gives()
    expect(report(ladder)).toMatchObject({ status: 'registered', sip_status: 500 })
    const until = new Date(report(ladder)?.until ?? 0).getTime() - 1_700_000_000_000
    failsUntil(ladder, until - 1_000)
    expect(report(ladder)).toMatchObject({ status: 'registered' })
    failsUntil(ladder, until + 5_000)
    expect(report(ladder)).toMatchObject({ status: 'failed', until: null })
  })
})

describe('a registration that fails', () => {
  test('is tried again after thirty seconds, doubled each time up to half an hour, and never given up', () => {
    const ladder = asking()
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      refuse(ladder, 500).gives()
      waits.push(untilDue(ladder))
      ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    }
    const expected = [30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 1800, 1800]
    for (const [i, wait] of waits.entries()) {
      const ms = (expected[i] ?? 0) * 1000
      expect(wait).toBeGreaterThanOrEqual(ms * 0.8)
      expect(wait).toBeLessThanOrEqual(ms * 1.2)
    }
    expect(new Set(waits.slice(6)).size).toBeGreaterThan(3)
  })

  test.each([500, 503])('comes back when the Retry-After of its %i says', (status) => {
    const ladder = asking()
    refuse(ladder, status, [['retry-after', '77 (soon)']]).gives()
    expect(untilDue(ladder)).toBe(77_000)
  })

  test('is not tried at once, nor ever as soon as before, though Retry-After says 0', () => {
    const ladder = asking()
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      refuse(ladder, 503, [['retry-after', '0']]).gives()
      waits.push(untilDue(ladder))
      ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
  })

  test('goes to the next address when the first is silent, out of service or cannot be reached', () => {
    const ladder = told().gives('ask locate').locate(telnyx, twilio).gives('REGISTER to Telnyx')
    ladder.after(500).whatever().after(3_499).whatever().after(1).gives('REGISTER to Twilio')
    ladder.hear({ type: 'unsent', flow: twilio.flow, why: 'connection refused' }).gives()
    expect(report(ladder)).toMatchObject({ status: 'failed', sip_status: 0, why: 'connection refused' })
    untilDue(ladder)
    ladder.gives('ask locate').locate(telnyx, twilio).gives('REGISTER to Telnyx')
    refuse(ladder, 503).gives('REGISTER to Twilio')
    grant(ladder, 60, twilio)
    expect(report(ladder)).toMatchObject({ status: 'registered' })
  })

  test('is refreshed at the address which took it', () => {
    const ladder = told().gives('ask locate').locate(telnyx, twilio).gives('REGISTER to Telnyx')
    refuse(ladder, 503).gives('REGISTER to Twilio')
    grant(ladder, 60, twilio)
    untilDue(ladder)
    ladder.gives('ask locate').locate(telnyx, twilio).gives('REGISTER to Twilio')
  })

  test('for want of an address says why', () => {
    const ladder = told().gives('ask locate')
    ladder.answer({ ask: 'locate', answer: { flows: [], why: 'DNS gave no answer' } }).gives()
    expect(report(ladder)).toMatchObject({ status: 'failed', why: 'DNS gave no answer' })
  })
})

describe('who holds a registration', () => {
  test('waits for its configuration, and says nothing before', () => {
    const ladder = office()
    beat(ladder, [1])
    ladder.gives()
    expect(report(ladder)).toBeUndefined()
    configure(ladder).gives('ask locate')
  })

  test('goes on refreshing while the edge is away', () => {
    const ladder = registered({}, 60)
    for (let i = 0; i < 60; i++) {
      refreshes(ladder)
      grant(ladder, 60)
    }
    expect(report(ladder)).toMatchObject({ status: 'registered' })
  })

  test('stops and sends nothing when another relay has it', () => {
    const ladder = registered({}, 60)
    beat(ladder, [])
    ladder.after(10 * minute).gives()
    expect(report(ladder)).toBeUndefined()
    expect(ladder.engine.nextDeadline()).toBeUndefined()
  })

  test('takes its own contact back when the edge withdraws it, before the snapshot says why', () => {
    const ladder = registered()
    beat(ladder, [], [provider_id])
    ladder.gives('REGISTER to Telnyx')
    const leaving = ladder.lastRequest(telnyx)
    expect(leaving.header('contact')).toBe(`${contact};expires=0`)
    expect(report(ladder)).toBeUndefined()
    ladder.when(telnyx, plainly(leaving, 200)).gives()
    expect(ladder.engine.load.registrations).toBe(0)
    configure(ladder, { deleted: true })
      .after(10 * minute)
      .gives()
  })

  test('takes it back once, though the snapshot comes before the edge withdraws it', () => {
    const ladder = registered()
    configure(ladder, { register: false }).gives('REGISTER to Telnyx')
    beat(ladder, [], [provider_id])
    ladder.when(telnyx, plainly(ladder.lastRequest(telnyx), 200)).gives()
    ladder.after(10 * minute).gives()
  })

  test('begins at once when it is given it, and names its epoch', () => {
    const ladder = registered({}, 60)
    beat(ladder, [])
    beat(ladder, [7])
    ladder.after(100).gives('ask locate')
    expect(report(ladder)).toMatchObject({ epoch: 7, status: 'pending' })
  })

  test.each([
    ['disabled', { enabled: false }],
    ['deleted', { deleted: true }],
    ['not to be registered', { register: false }],
  ])('takes its own contact back when the provider is %s', (_, change) => {
    const ladder = registered()
    configure(ladder, change).gives('REGISTER to Telnyx')
    const leaving = ladder.lastRequest(telnyx)
    expect(leaving.header('contact')).toBe(`${contact};expires=0`)
    expect(leaving.header('expires')).toBe('0')
    challenge(ladder).gives('REGISTER to Telnyx')
    grant(ladder, 0)
    expect(report(ladder)).toMatchObject({ status: 'not_registered' })
    ladder.after(60 * minute).gives()
  })

  test('takes the old contact back and registers anew when the provider moves', () => {
    const ladder = registered()
    configure(ladder, { hostname: 'sip.new.test' }).gives('REGISTER to Telnyx', 'ask locate')
    const leaving = ladder.lastRequest(telnyx)
    ladder.when(telnyx, plainly(leaving, 200)).gives()
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('0')
    ladder.locate(twilio).gives('REGISTER to Twilio')
    expect(ladder.lastRequest(twilio).requestUri).toBe('sip:sip.new.test')
  })

  test('is not disturbed by changes which do not concern it', () => {
    const ladder = registered()
    configure(ladder, { name: 'Telnyx EU', tech_prefix: '9' }).gives()
    expect(report(ladder)).toMatchObject({ status: 'registered' })
  })

  test('takes back what was asked for and not answered yet', () => {
    const ladder = asking()
    ladder.hear({ type: 'drain' }).gives('beat', 'REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('0')
    grant(ladder, 0)
    ladder.after(10 * minute).gives()
  })

  test('hands over when it drains: takes its contact back, and registers no more', () => {
    const ladder = registered({}, 60)
    ladder.hear({ type: 'drain' }).gives('beat', 'REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).toBe('0')
    expect(ladder.engine.load.registrations).toBe(1)
    grant(ladder, 0)
    expect(ladder.engine.load.registrations).toBe(0)
    expect(report(ladder)).toMatchObject({ status: 'not_registered', why: 'this relay takes no new calls' })
    beat(ladder, [1])
    configure(ladder, { password: 'new' })
    ladder.after(10 * minute).gives()
  })
})

describe('a relay which takes new calls again', () => {
  test('registers anew what it still has to keep', () => {
    const ladder = registered({}, 60)
    ladder.hear({ type: 'drain' }).gives('beat', 'REGISTER to Telnyx')
    grant(ladder, 0)
    ladder.hear({ type: 'resume' }).gives('beat')
    ladder.after(minute).gives('ask locate')
    ladder.locate(telnyx).gives('REGISTER to Telnyx')
    expect(ladder.lastRequest(telnyx).header('expires')).not.toBe('0')
    grant(ladder, 60)
    expect(report(ladder)).toMatchObject({ status: 'registered' })
  })
})

describe('many registrations', () => {
  test('begin ten a second', () => {
    const ladder = office()
    const ids = Array.from(
      { length: 100 },
      (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    )
    knows(ladder, ...ids.map((id) => trunk({ id })))
    const registrations = ids.map((id) => ({ provider_id: id, epoch: 1 }))
    beats(ladder, { registrations })
    ladder.whatever()
    const begun = [ladder.questions.length]
    for (let second = 1; second <= 10; second++) begun.push(ladder.after(1_000).whatever().questions.length)
    expect(begun).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100])
  })
})

describe('a registration over TCP', () => {
  const connected: Party = { name: 'Telnyx', flow: { ...telnyxTcp.flow, connection: 7 } }

  test('keeps its connection open, and is needed by it', () => {
    const ladder = overTcp()
    expect(ladder.lastRequest(telnyxTcp).header('contact')).toContain(';line=L1;transport=tcp>')
    expect(ladder.engine.rooms.knownFlows.needs(connected.flow)).toBe(true)
    const pings: unknown[] = []
    for (let at = 0; at < 60_000; at += 1_000) {
      const effects = ladder.engine.receive(monotonicMs(ladder.now + at), { type: 'tick' })
      pings.push(...effects.filter((effect) => effect.type === 'send'))
    }
    expect(pings).toEqual([
      { type: 'send', flow: connected.flow, bytes: new TextEncoder().encode('\r\n\r\n') },
      { type: 'send', flow: connected.flow, bytes: new TextEncoder().encode('\r\n\r\n') },
    ])
  })

  test('is made anew within two seconds when the connection is lost', () => {
    const ladder = overTcp()
    ladder.hear({ type: 'closed', flow: connected.flow })
    expect(ladder.engine.rooms.knownFlows.needs(connected.flow)).toBe(false)
    const wait = untilDue(ladder)
    expect(wait).toBeLessThanOrEqual(2_000)
    ladder.gives('ask locate')
  })

  test('goes on with a refresh which is under way when its connection is lost', () => {
    const ladder = overTcp()
    while (ladder.questions.length === 0)
      ladder.after((ladder.engine.nextDeadline() ?? 0) - ladder.now).whatever()
    ladder.hear({ type: 'closed', flow: connected.flow }).after(1_000).gives()
    ladder.locate(telnyxTcp).gives('REGISTER to Telnyx')
    grant(ladder, 3600, connected)
    expect(report(ladder)).toMatchObject({ status: 'registered' })
  })

  test('is made anew ever later where its connection is lost again and again, and soon after one which lasted', () => {
    const ladder = overTcp()
    const waits: number[] = []
    const lost = (connection: number) => {
      ladder.hear({ type: 'closed', flow: { ...telnyxTcp.flow, connection } })
      waits.push(untilDue(ladder))
      ladder.gives('ask locate').locate(telnyxTcp).gives('REGISTER to Telnyx')
      grant(ladder, 3600, { name: 'Telnyx', flow: { ...telnyxTcp.flow, connection: connection + 1 } })
    }
    for (let connection = 7; connection < 15; connection++) lost(connection)
    for (const [i, wait] of waits.slice(1).entries()) {
      expect(wait).toBeGreaterThanOrEqual(2_000 * 2 ** i)
      expect(wait).toBeLessThanOrEqual(4_000 * 2 ** i)
    }
    ladder.after(30_000).gives('ping to Telnyx').after(30_000).gives('ping to Telnyx')
    lost(15)
    expect(waits.at(-1)).toBeLessThanOrEqual(2_000)
  })

  function overTcp(): Ladder {
    const ladder = told({ transport: 'tcp' }, [telnyxTcp, twilio]).gives('ask locate')
    ladder.locate(telnyxTcp).gives('REGISTER to Telnyx')
    grant(ladder, 3600, connected)
    return ladder
  }
})

function trunk(more: Partial<ProviderFacts> = {}): ProviderFacts {
  return configured(telnyx, {
    username: 'trunk7',
    password: 'secret',
    register: true,
    line: 'L1',
    probe_interval: 0,
    ...more,
  })
}

function configure(ladder: Ladder, more: Partial<ProviderFacts> = {}): Ladder {
  return knows(ladder, trunk(more))
}

/** The edge says which registrations are this relay's, by epoch. */
function beat(ladder: Ladder, epochs: number[], withdrawn: string[] = []): void {
  const registrations = epochs.map((epoch) => ({ provider_id, epoch }))
  beats(ladder, { registrations, withdrawn })
}

/** The relay was told to keep Telnyx's registration. */
function told(more: Partial<ProviderFacts> = {}, carriers?: Party[]): Ladder {
  const ladder = configure(office({}, ...(carriers ?? [])), more)
  beat(ladder, [1])
  return ladder
}

function asking(more: Partial<ProviderFacts> = {}): Ladder {
  return told(more).gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
}

function registered(more: Partial<ProviderFacts> = {}, seconds = 3600): Ladder {
  const ladder = asking(more)
  grant(ladder, seconds)
  return ladder
}

function asks(nonce: string): string {
  return `Digest realm="telnyx", nonce="${nonce}", algorithm=MD5, qop="auth"`
}

function challenge(ladder: Ladder, how = asks('n1')): Ladder {
  const headers: Header[] = [['www-authenticate', how]]
  return ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 401, { headers }))
}

function refuse(ladder: Ladder, status: number, headers: Header[] = []): Ladder {
  return ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, status, { headers }))
}

/** The provider grants our contact, as it stands in our request. */
function grant(ladder: Ladder, seconds: number, from: Party = telnyx): void {
  const asked = ladder.lastRequest(from)
  const ours = (asked.header('contact') ?? '').replace(/expires=\d+/, `expires=${seconds}`)
  const headers: Header[] = seconds > 0 ? [['contact', ours]] : []
  ladder.when(from, plainly(asked, 200, headers)).gives()
}

/** An answer with these headers and no Contact of its own. */
function plainly(asked: Request, status: number, headers: Header[] = []): Response {
  return reply(asked, status, { toTag: 'registrar', headers })
}

/** Milliseconds until the relay looks for the provider again. */
function untilDue(ladder: Ladder): number {
  ladder.quiet()
  const before = ladder.now
  while (ladder.questions.length === 0) {
    const next = ladder.engine.nextDeadline()
    if (next === undefined) throw new Error('nothing is due any more')
    // Only what is asked may come out: look before each step.
    ladder.after(Math.max(0, next - ladder.now))
  }
  return ladder.now - before
}

function refreshes(ladder: Ladder): void {
  untilDue(ladder)
  ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
}

/** Every refresh is refused until then. */
function failsUntil(ladder: Ladder, at: number): void {
  while (ladder.now < at) {
    const next = ladder.engine.nextDeadline() ?? at
    ladder.after(Math.max(0, Math.min(next, at) - ladder.now)).whatever()
    if (ladder.questions.length === 0) continue
    ladder.locate(telnyx).gives('REGISTER to Telnyx')
    refuse(ladder, 500).gives()
  }
}

function report(ladder: Ladder): RegistrationReport | undefined {
  return ladder.engine
    .pulse(monotonicMs(ladder.now))
    .registrations.find((one) => one.provider_id === provider_id)
}
