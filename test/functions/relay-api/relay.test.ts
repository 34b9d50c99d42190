import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  beatAnswer,
  bindingList,
  credentialAnswer,
  PLATFORM,
  type RouteDecision,
  routeDecision,
  targetAnswer,
  tellReceipt,
} from '#contract'
import { protocolIn, understood } from '../../../functions/relay-api/understood.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, BASE_DOMAIN, type Client, isNoGuard, RELAY_SECRET, startApp } from '../../support/app.ts'
import { begunTell } from '../../support/call-tells.ts'
import { Receiver } from '../../support/receiver.ts'
import { soon } from '../../support/wait.ts'

let app: App
let bob: Client & { id: string }
let office: { id: string; realm: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  office = (
    await app.alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'secure-password' })
  ).body
})
afterAll(() => app.close())

describe('a relay’s key', () => {
  test('opens the relay’s doors without asking the database', async () => {
    app.database.heard.splice(0)
    expect(
      await app.relay('POST', '/relay/v1/credential', { realm: 'elsewhere.test', username: 'x' }),
    ).toMatchObject({ status: 200, body: { kind: 'unknown' } })
    expect(app.database.heard).toEqual([])
  })

  test('is refused when it is made up, another’s, or an access key', async () => {
    const key = await relayKey(RELAY_SECRET, 'relay-1')
    const forged = [
      key.replace('relay-1', 'relay-2'),
      key.slice(0, -1),
      await relayKey('another secret, as long as the first one', 'relay-1'),
      app.aliceKey,
      'x',
    ]
    for (const wrong of forged) {
      expect(await app.as(wrong)('GET', '/relay/v1/bindings')).toMatchObject({ status: 401 })
    }
    expect(await app.send('/relay/v1/bindings')).toMatchObject({ status: 401 })
    expect(await app.as(key)('GET', '/v1.0/providers')).toMatchObject({ status: 401 })
  })

  test('is not made for a name that is none', async () => {
    await expect(relayKey(RELAY_SECRET, 'No Spaces')).rejects.toThrow('name')
  })
})

describe('POST /relay/v1/credential', () => {
  const ask = (realm: string, username: string) =>
    app.relay('POST', '/relay/v1/credential', { realm, username })

  test('knows an extension in its realm only', async () => {
    expect(credentialAnswer.parse((await ask(office.realm, 'office1')).body)).toMatchObject({
      kind: 'known',
      extension_id: office.id,
      enabled: true,
      max_contacts: 5,
      keepalive_s: 25,
    })
    for (const [realm, name, customer_id] of [
      [office.realm, 'nobody', app.aliceId],
      [`${bob.id}.registrar.${BASE_DOMAIN}`, 'office1', bob.id],
      [`${crypto.randomUUID()}.registrar.${BASE_DOMAIN}`, 'office1', undefined],
      ['trunkline.test', 'office1', undefined],
      ['', '', undefined],
    ] as const) {
      expect((await ask(realm, name)).body).toEqual({
        kind: 'unknown',
        ttl: expect.any(Number),
        customer_id,
      })
    }
  })

  test('knows nobody whose secret was sealed under a key that is gone, and does not fail', async () => {
    const { pool } = app.database
    const { body } = await bob('POST', '/v1.0/extensions', { extension: 'sealed', password: 'long enough' })
    await pool.query(`update extensions set sealed_md5 = 'gone.' || sealed_md5 where id = $1`, [body.id])
    expect(await ask(body.realm, 'sealed')).toMatchObject({ status: 200, body: { kind: 'unknown' } })
  })

  test('says the algorithms of the extension, else of its customer', async () => {
    const made = await bob('POST', '/v1.0/extensions', { extension: 'b', password: 'long enough' })
    await bob('PUT', '/v1.0/customer', { digest_algorithms: ['SHA-256'] })
    expect((await ask(made.body.realm, 'b')).body.algorithms).toEqual(['SHA-256'])
    await bob('PUT', `/v1.0/extensions/${made.body.id}`, {
      digest_algorithms: ['SHA-256', 'MD5'],
      enabled: false,
    })
    expect((await ask(made.body.realm, 'b')).body).toMatchObject({
      algorithms: ['SHA-256', 'MD5'],
      enabled: false,
    })
  })

  test('forgets a deleted extension', async () => {
    const { body } = await bob('POST', '/v1.0/extensions', { extension: 'brief', password: 'long enough' })
    await bob('DELETE', `/v1.0/extensions/${body.id}`)
    expect((await ask(body.realm, 'brief')).body.kind).toBe('unknown')
  })
})

describe('POST /relay/v1/route', () => {
  test('decides a call out in one round trip: the customer’s routes, then the defaults, with passwords opened', async () => {
    const telnyx = await app.alice('POST', '/v1.0/providers', {
      name: 'telnyx',
      hostname: 'sip.telnyx.test',
      username: 'alice',
      password: 'for the carrier',
    })
    await app.alice('POST', '/v1.0/routes', { provider_id: telnyx.body.id, target: '+1' })
    const shared = await app.platform('POST', '/v1.0/providers', { name: 'shared', hostname: 'shared.test' })
    await app.platform('POST', '/v1.0/routes', { provider_id: shared.body.id })
    app.database.heard.splice(0)
    const decision = await dial('(555) 123-4567')
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    expect(decision).toMatchObject({
      kind: 'connect',
      targets: {
        providers: [
          {
            name: 'telnyx',
            user: '+15551234567',
            credentials: { username: 'alice', password: 'for the carrier', realm: null },
          },
          { name: 'shared', credentials: null },
        ],
      },
      explanation: {
        decided_by: 'edge',
        version: expect.any(Number),
        candidates: [
          { provider_name: 'telnyx', kept: true, order: 1 },
          { provider_name: 'shared', kept: true, order: 2, platform: true },
        ],
      },
    })
    await app.alice('PUT', '/v1.0/customer', { use_default_routes: false })
    expect(await dial('+15551234567')).toMatchObject({ targets: { providers: [{ name: 'telnyx' }] } })
  })

  test('shows the extension’s own number before the default and the only one', async () => {
    const { body: one } = await app.alice('POST', '/v1.0/numbers', { number: '+15552220001' })
    expect(await dial('+15551234567')).toMatchObject({
      caller_id: { asserted: '+15552220001', unverified: false },
    })
    const { body: two } = await app.alice('POST', '/v1.0/numbers', { number: '+15552220002' })
    expect(await dial('+15551234567')).toMatchObject({ caller_id: { asserted: null, unverified: true } })
    await app.alice('PUT', '/v1.0/customer', { default_outgoing_number_id: two.id })
    expect(await dial('+15551234567')).toMatchObject({ caller_id: { asserted: '+15552220002' } })
    await app.alice('PUT', `/v1.0/extensions/${office.id}`, { caller_id: '555 222 0001' })
    expect(await dial('+15551234567')).toMatchObject({ caller_id: { asserted: '+15552220001' } })
    await app.alice('DELETE', `/v1.0/numbers/${one.id}`)
    expect(await dial('+15551234567')).toMatchObject({ caller_id: { asserted: '+15552220002' } })
  })

  test('rings a number in one round trip, from its own customer’s or the platform’s provider and no other', async () => {
    await app.alice('POST', '/v1.0/providers', {
      name: 'carrier',
      hostname: 'c.test',
      inbound_addresses: ['198.51.100.0/28', '2001:db8::/56'],
    })
    const { body: number } = await app.alice('POST', '/v1.0/numbers', {
      number: '+15553330001',
      extension_id: office.id,
    })
    await bob('POST', '/v1.0/providers', { name: 'stranger', hostname: '203.0.113.9' })
    app.database.heard.splice(0)
    expect(await ring('5553330001', '198.51.100.3')).toMatchObject({
      kind: 'connect',
      number_id: number.id,
      customer_id: app.aliceId,
    })
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    for (const written of ['+15553330001', '15553330001', '0015553330001', '1-555-333-0001']) {
      expect(await ring(written, '::ffff:198.51.100.3')).toMatchObject({ number_id: number.id })
    }
    expect(await ring('+15553330001', '2001:db8::5')).toMatchObject({ number_id: number.id })
    expect(await ring('+15553330001', '198.51.100.16')).toMatchObject({
      kind: 'reject',
      status: 403,
      reason: 'UNKNOWN_SOURCE',
    })
    expect(await ring('+15553330001', 'not an address')).toMatchObject({
      status: 403,
      reason: 'UNKNOWN_SOURCE',
    })
    expect(await ring('+15553330001', '203.0.113.9')).toMatchObject({
      status: 403,
      reason: 'UNLISTED_SOURCE',
      customer_id: app.aliceId,
    })
    expect(await ring('+15553330009', '203.0.113.9')).toMatchObject({
      status: 404,
      reason: 'NUMBER_NOT_FOUND',
      customer_id: bob.id,
    })
    const { body: shared } = await app.platform('POST', '/v1.0/providers', {
      name: 'wholesale',
      hostname: '203.0.113.10',
    })
    expect(await ring('+15553330001', '203.0.113.10')).toMatchObject({
      number_id: number.id,
      provider_id: shared.id,
    })
    await app.platform('PUT', `/v1.0/providers/${shared.id}`, { hostname: '203.0.113.10', enabled: false })
    expect(await ring('+15553330001', '203.0.113.10')).toMatchObject({ reason: 'UNKNOWN_SOURCE' })
  })

  test('goes on with the other providers when one password was sealed under a lost key', async () => {
    await app.alice('PUT', '/v1.0/customer', {})
    const [{ id }] = (await app.alice('GET', '/v1.0/providers')).body.result.filter(
      ({ name }: { name: string }) => name === 'telnyx',
    )
    await app.database.pool.query(
      "update providers set sealed_password = 'lost' || substr(sealed_password, 6) where id = $1",
      [id],
    )
    expect(await dial('+15551234567')).toMatchObject({
      targets: { providers: [{ name: 'shared' }] },
      explanation: {
        candidates: [
          { provider_name: 'telnyx', kept: false, why: expect.stringContaining('SEAL_KEYS') },
          { kept: true },
        ],
      },
    })
  })

  test('explains also the routes that could never have matched', async () => {
    const { body } = await app.alice('POST', '/v1.0/providers', { name: 'far', hostname: 'far.test' })
    await app.alice('POST', '/v1.0/routes', { provider_id: body.id, target: '+44' })
    expect((await dial('+15551234567')).explanation?.candidates).toContainEqual(
      expect.objectContaining({
        provider_name: 'far',
        kept: false,
        why: 'the number does not begin with +44',
      }),
    )
  })

  test('says nothing at all to a stranger where the settings ask for silence', async () => {
    const question = {
      call_id: crypto.randomUUID(),
      caller: { kind: 'source', address: '203.0.113.77', port: 5060, transport: 'udp' },
      from: { user: 'x' },
      to: { user: '+15553330001', host: 'y' },
    }
    const headers = { authorization: `Bearer ${await relayKey(RELAY_SECRET, 'relay-1')}` }
    const init = { method: 'POST', headers, body: JSON.stringify(question) }
    // What it was called before works on, or an edge so set would answer nothing at all after an update.
    for (const word of ['silent', 'ignore'])
      expect(
        (await app.send('/relay/v1/route', init, { ...app.env, UNKNOWN_SOURCE: word })).body,
      ).toMatchObject({ kind: 'reject', status: 0, reason: 'UNKNOWN_SOURCE' })
  })

  test('refuses what is no question', async () => {
    expect(await app.relay('POST', '/relay/v1/route', { call_id: 'x' })).toMatchObject({ status: 400 })
  })

  test('takes any dialled text for a question, whatever it tries', async () => {
    for (const user of ["'; drop table calls; --", '\u0000', '%', '\ud800', 'x'.repeat(5000), '{}', '+']) {
      expect(await dial(user)).toMatchObject({ kind: 'reject' })
      expect(await ring(user, '198.51.100.3')).toMatchObject({ kind: 'reject' })
    }
  })

  async function dial(user: string) {
    const caller = { kind: 'extension', customer_id: app.aliceId, extension_id: office.id }
    return decided({ caller, from: { user: 'office1' }, to: { user, host: office.realm } })
  }

  async function ring(user: string, address: string) {
    const caller = { kind: 'source', address, port: 5060, transport: 'udp' }
    return decided({ caller, from: { user: '+442079460000' }, to: { user, host: '192.0.2.1' } })
  }

  async function decided(question: object) {
    const answer = await app.relay('POST', '/relay/v1/route', { call_id: crypto.randomUUID(), ...question })
    expect(answer.status).toBe(200)
    return routeDecision.parse(answer.body)
  }
})

describe('the decision on a call which its relay traces', () => {
  const traceId = '019ad1c200007abc8def0123456789ab'
  const under = (spanId: string) => ({ traceparent: `00-${traceId}-${spanId}-01` })
  let collector: Receiver
  let traced: object
  beforeAll(async () => {
    collector = await Receiver.open()
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=word' }
    traced = { ...app.env, ...settings }
  })
  afterAll(() => collector.close())
  beforeEach(() => {
    collector.messages.length = 0
  })

  test('is a span under the relay’s question', async () => {
    expect((await asked(under('aaaabbbbccccdddd'))).status).toBe(200)
    await soon('the span', () => collector.messages.length > 0)
    const [message] = collector.messages
    expect([message?.path, message?.headers['x-key']]).toEqual(['/hook/v1/traces', 'word'])
    const [span] = message?.body.resourceSpans[0].scopeSpans[0].spans ?? []
    expect(span).toMatchObject({ traceId, parentSpanId: 'aaaabbbbccccdddd', name: 'decide', kind: 2 })
    expect(span.attributes).toContainEqual({
      key: 'decision.reason',
      value: { stringValue: 'UNKNOWN_SOURCE' },
    })
  })

  test('is answered all the same where the collector takes nothing', async () => {
    collector.reply = () => 500
    expect((await asked(under('aaaabbbbccccdddd'))).status).toBe(200)
    await soon('the span', () => collector.messages.length > 0)
    collector.reply = () => 200
  })

  test('is none where the relay asks for none, or no collector is set', async () => {
    await asked({})
    await asked(under('aaaabbbbccccdddd'), app.env)
    await asked(under('ffffffffffffffff'))
    await soon('the last', () => collector.messages.length > 0)
    expect(collector.messages.map(({ text }) => text.includes('ffffffffffffffff'))).toEqual([true])
  })

  async function asked(headers: Record<string, string>, env = traced) {
    const caller = { kind: 'source', address: '192.0.2.77', port: 5060, transport: 'udp' }
    const question = {
      caller,
      from: { user: '+442079460000' },
      to: { user: '+15551234567', host: '192.0.2.1' },
    }
    const authorization = `Bearer ${await relayKey(RELAY_SECRET, 'relay-1')}`
    const body = JSON.stringify({ call_id: crypto.randomUUID(), ...question })
    const init = {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body,
    }
    return app.send('/relay/v1/route', init, env)
  }
})

describe('POST /relay/v1/tells', () => {
  let call: string
  let binding: string
  beforeEach(() => {
    call = crypto.randomUUID()
    binding = crypto.randomUUID()
  })

  test('puts a registration where the API shows it, until it ends', async () => {
    await tells(bindingTold(1, 'registered'))
    const { body } = await app.alice('GET', `/v1.0/extensions/${office.id}/registrations`)
    expect(body.result).toContainEqual(
      expect.objectContaining({
        id: binding,
        extension: 'office1',
        contact: 'sip:office1@192.0.2.9',
        source_address: '192.0.2.9',
        state: 'registered',
      }),
    )
    expect((await app.alice('GET', '/v1.0/registrations')).body.result).toHaveLength(1)
    expect((await bob('GET', '/v1.0/registrations')).body.result).toEqual([])
    await tells(bindingTold(2, 'unregistered'))
    expect((await app.alice('GET', '/v1.0/registrations')).body.result).toEqual([])
  })

  test('says at which relays an extension’s phones are, in one round trip, to its own customer alone', async () => {
    const where = async (customer_id: string, ids = [office.id]) => {
      const answer = await app.relay('POST', '/relay/v1/target', { customer_id, ids })
      expect(answer.status).toBe(200)
      return targetAnswer.parse(answer.body).at
    }
    await tells(bindingTold(1, 'registered'))
    const here = [{ id: office.id, relay_id: 'relay-1', q: 1 }]
    app.database.requests()
    expect(await where(app.aliceId)).toEqual(here)
    expect(app.database.requests()).toBe(1)
    expect(await where(app.aliceId, [crypto.randomUUID(), office.id])).toEqual(here)
    expect(await where(bob.id)).toEqual([])
    await tells(bindingTold(2, 'unregistered'))
    expect(await where(app.aliceId)).toEqual([])
    expect((await app.relay('POST', '/relay/v1/target', { customer_id: app.aliceId, ids: [] })).status).toBe(
      400,
    )
  })

  test('gives a relay its own bindings back after a restart', async () => {
    await tells(bindingTold(7, 'refreshed', { proof: 77 }))
    // As relays ask.
    const list = bindingList.parse((await app.relay('GET', '/relay/v1/bindings?relay_id=relay-1')).body)
    expect(list.bindings).toContainEqual(
      expect.objectContaining({
        binding_id: binding,
        sequence: 7,
        proof: 77,
        path: ['<sip:edge.test;lr>'],
        received: { transport: 'udp', address: '192.0.2.9', port: 5060 },
      }),
    )
    const other = app.as(await relayKey(RELAY_SECRET, 'relay-2'))
    expect((await other('GET', '/relay/v1/bindings')).body).toMatchObject({ bindings: [] })
  })

  test('shows a call as last told, attempts and media included', async () => {
    const attempt = {
      provider_id: null,
      provider_name: 'telnyx',
      address: '192.0.2.4:5060',
      transport: 'udp',
      status: 503,
      reason: 'Service Unavailable',
      decision: 'next',
      started_ms: 4,
      ended_ms: 30,
      pdd_ms: null,
    }
    const tries = [
      {
        address: '192.0.2.4:5060',
        transport: 'udp',
        status: 503,
        reason: 'Service Unavailable',
        codes: [{ status: 503, ms: 30 }],
        started_ms: 4,
        ended_ms: 30,
      },
    ]
    const heard = { packets: 50, bytes: 8000, lost: 0, dropped: 1, jitter_ms: 0.5 }
    await tells(callTold(1, { status: 'dialing' }))
    await tells(
      callTold(2, {
        status: 'hangup',
        ended_at: '2026-11-23T07:00:09.5Z',
        hangup_by: 'callee',
        hangup_reason: 'normal',
        sip_status: 200,
        // The first is told by an older relay, which knows of no tries.
        attempts: [attempt, { ...attempt, tries }],
        media: { from_caller: heard, from_callee: heard },
      }),
    )
    const { body } = await app.alice('GET', `/v1.0/calls/${call}`)
    expect(body).toMatchObject({
      id: call,
      status: 'hangup',
      direction: 'outgoing',
      hangup_by: 'callee',
      hangup_reason: 'normal',
      unverified: true,
      attempts: [
        { ...attempt, tries: [] },
        { ...attempt, tries },
      ],
      media: { from_caller: { ...heard, codecs: [], latched_address: null }, message: null },
      tm_create: '2026-11-23T07:00:00.000000Z',
      tm_hangup: '2026-11-23T07:00:09.500000Z',
      tm_ringing: null,
      // It was never answered.
      duration: null,
      total_duration: 9.5,
    })
    expect((await app.alice('GET', '/v1.0/calls')).body.result).toContainEqual(body)
    expect(await bob('GET', `/v1.0/calls/${call}`)).toMatchObject({ status: 404 })
  })

  test('has a duration once it is over: of what was talked, and of the whole', async () => {
    const talking = { call_id: crypto.randomUUID(), answered_at: '2026-11-23T07:00:03.25Z' }
    const seen = async () => {
      const { body } = await app.alice('GET', `/v1.0/calls/${talking.call_id}`)
      return [body.duration, body.total_duration]
    }
    await tells(callTold(1, { ...talking, status: 'progressing' }))
    expect(await seen()).toEqual([null, null])
    await tells(
      callTold(2, { ...talking, status: 'hangup', ended_at: '2026-11-23T07:01:04Z', hangup_by: 'caller' }),
    )
    expect(await seen()).toEqual([60.75, 64])
  })

  test('ends the calls a relay had before it began anew, unless it said so itself', async () => {
    const started = { kind: 'relay', event: 'started', relay_id: 'relay-1', sequence: 1 }
    const [lost, over, young] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
    const before = { started_at: '2026-11-23T07:00:00.000Z' }
    await tells(callTold(1, { ...before, call_id: lost, status: 'progressing' }))
    await tells(
      callTold(1, { ...before, call_id: over, status: 'progressing' }),
      { ...started, tell_id: crypto.randomUUID(), at: '2026-11-23T08:00:00.000Z' },
      callTold(2, {
        ...before,
        call_id: over,
        status: 'hangup',
        hangup_by: 'callee',
        hangup_reason: 'normal',
      }),
      callTold(1, { call_id: young, started_at: '2026-11-23T08:00:01.000Z', status: 'ringing' }),
    )
    const shown = async (id: string) => (await app.alice('GET', `/v1.0/calls/${id}`)).body
    expect(await shown(lost)).toMatchObject({
      status: 'hangup',
      hangup_by: 'system',
      hangup_reason: 'relay_lost',
      tm_hangup: expect.any(String),
    })
    expect(await shown(over)).toMatchObject({ hangup_reason: 'normal', hangup_by: 'callee' })
    expect(await shown(young)).toMatchObject({ status: 'ringing' })
  })

  test('ends in the same place however often and in whichever order it is told', async () => {
    const [one, two, three] = [
      callTold(1, {}),
      callTold(2, { status: 'progressing' }),
      callTold(3, { status: 'hangup' }),
    ]
    await tells(three, one)
    await tells(two, two, three)
    expect((await app.alice('GET', `/v1.0/calls/${call}`)).body.status).toBe('hangup')
    expect(
      (await app.alice('GET', '/v1.0/calls')).body.result.filter(({ id }: { id: string }) => id === call),
    ).toHaveLength(1)
  })

  test('is one statement for a whole batch', async () => {
    app.database.heard.splice(0)
    await tells(bindingTold(1, 'registered'), ...Array.from({ length: 50 }, (_, at) => callTold(at, {})))
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
  })

  test('stores the good beside the bad, and says which never can be', async () => {
    const malformed = { ...callTold(1, {}), kind: 'gossip' }
    const stranger = callTold(1, { call_id: crypto.randomUUID(), customer_id: crypto.randomUUID() })
    const overflowing = bindingTold(1, 'registered', {
      binding_id: crypto.randomUUID(),
      received: { transport: 'udp', address: 'x', port: 99_999_999_999 },
    })
    const good = callTold(1, {})
    const receipt = await tells(malformed, stranger, overflowing, good, null)
    expect(receipt.accepted).toEqual([good.tell_id])
    expect(receipt.refused.map(({ tell_id }) => tell_id).sort()).toEqual(
      [malformed.tell_id, stranger.tell_id, overflowing.tell_id, 'undefined'].sort(),
    )
    expect((await app.alice('GET', `/v1.0/calls/${call}`)).status).toBe(200)
  })

  test.each([
    ['all of it', 'é 電話 😀 \\\\u00e9', 'é 電話 😀 \\u00e9'],
    ['but for NUL', 'a\\u0000b', 'ab'],
    ['but for the first half of a character', 'a\\ud83d é', 'a\ufffd é'],
    ['but for its second half, in large letters', 'a\\uDE00 é', 'a\ufffd é'],
    ['a character in two escapes whole, beside NUL', '\\ud83d\\ude00\\u0000', '😀'],
  ])('keeps what a phone said, %s', async (_, escaped, kept) => {
    const told = bindingTold(1, 'registered', { user_agent: 'agent' })
    const batch = JSON.stringify({ relay_id: 'relay-1', tells: [told] })
    const headers = { authorization: `Bearer ${await relayKey(RELAY_SECRET, 'relay-1')}` }
    const body = batch.replace('"agent"', `"${escaped}"`)
    const answer = await app.send('/relay/v1/tells', { method: 'POST', headers, body })
    expect(answer).toMatchObject({ status: 200, body: { accepted: [told.tell_id] } })
    const { result } = (await app.alice('GET', '/v1.0/registrations')).body
    expect(result.find(({ id }: { id: string }) => id === binding).user_agent).toBe(kept)
  })

  test('accepts, and ignores, what concerns an extension that is gone', async () => {
    const { body: brief } = await app.alice('POST', '/v1.0/extensions', {
      extension: 'brief',
      password: 'long enough',
    })
    await app.alice('DELETE', `/v1.0/extensions/${brief.id}`)
    const told = bindingTold(1, 'registered', { extension_id: brief.id })
    expect((await tells(told)).accepted).toEqual([told.tell_id])
    expect((await app.alice('GET', `/v1.0/extensions/${brief.id}/registrations`)).body.result).toEqual([])
  })

  test('does not let a relay speak for another, nor move a call to another customer', async () => {
    expect(
      await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-2', tells: [callTold(1, {})] }),
    ).toMatchObject({ status: 403 })
    const foreign = callTold(1, { relay_id: 'relay-2' })
    expect(await tells(foreign)).toMatchObject({ accepted: [], refused: [{ tell_id: foreign.tell_id }] })
    await tells(callTold(1, {}))
    await tells(callTold(2, { customer_id: bob.id }))
    expect(await bob('GET', `/v1.0/calls/${call}`)).toMatchObject({ status: 404 })
  })

  async function tells(...told: unknown[]) {
    const { status, body } = await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: told })
    expect(status).toBe(200)
    return tellReceipt.parse(body)
  }

  function callTold(sequence: number, changes: object) {
    return begunTell(app.aliceId, call, sequence, { explanation: [], ...changes })
  }

  function bindingTold(sequence: number, event: string, changes: object = {}) {
    return {
      kind: 'binding',
      tell_id: crypto.randomUUID(),
      sequence,
      at: '2026-11-23T07:00:00Z',
      event,
      binding: {
        binding_id: binding,
        customer_id: app.aliceId,
        extension_id: office.id,
        relay_id: 'relay-1',
        contact: 'sip:office1@192.0.2.9',
        q: 1,
        call_id: 'c',
        cseq: 1,
        received: { transport: 'udp', address: '192.0.2.9', port: 5060 },
        path: ['<sip:edge.test;lr>'],
        user_agent: 'desk phone',
        registered_at: '2026-11-23T07:00:00Z',
        refreshed_at: '2026-11-23T07:00:00Z',
        expires_at: '2099-01-01T00:00:00Z',
        ...changes,
      },
    }
  }
})

describe('the platform', () => {
  test('is the same customer in the contract and at rest', async () => {
    const { rows } = await app.database.pool.query('select name from customers where id = $1', [PLATFORM])
    expect(rows).toEqual([{ name: 'platform' }])
  })
})

describe('a decision for a relay which cannot read it', () => {
  const call = {
    customer_id: PLATFORM,
    direction: 'incoming',
    source: { type: 'tel', target: '+15550001111' },
    destination: { type: 'tel', target: '+15550002222' },
  }
  test.each([
    ['flow', undefined, 'reject'],
    ['flow', '2', 'reject'],
    ['flow', 'x', 'reject'],
    ['flow', '3', 'flow'],
    ['flow', '40', 'flow'],
    ['connect', undefined, 'connect'],
  ])('of kind %s, which says that it understands %s, is one of kind %s', (kind, said, becomes) => {
    const decision = { ...call, kind, targets: { kind: 'sip' } } as unknown as RouteDecision
    const told = understood(decision, protocolIn(said))
    expect(told.kind).toBe(becomes)
    if (becomes === kind) return
    expect(routeDecision.parse(told)).toMatchObject({ ...call, status: 503, reason: 'RELAY_TOO_OLD' })
  })

  const one = { when: [], targets: [{ type: 'extension', target: 'desk' }] }
  const flow = { when: ['busy'], targets: [{ type: 'flow', target: PLATFORM }] }
  test.each([
    ['which knows none', [one, flow], '4', [one]],
    ['which knows them', [one, flow], '5', [one, flow]],
    ['which knows none, and nothing else is in it', [flow], '4', undefined],
  ])('and has a list which ends with a flow, for one %s', (_, steps, said, left) => {
    const decision = { ...call, kind: 'connect', targets: { kind: 'plan', plan: { steps } } }
    const told = understood(decision as unknown as RouteDecision, protocolIn(said))
    const plan = told.kind === 'connect' && told.targets.kind === 'plan' ? told.targets.plan.steps : undefined
    expect(plan).toEqual(left)
    if (left === undefined) expect(told).toMatchObject({ reason: 'RELAY_TOO_OLD' })
  })
})

test('an answer to a beat is read without the commands which this relay does not know', () => {
  const known = {
    command_id: PLATFORM,
    kind: 'test_provider',
    provider_id: PLATFORM,
    customer_id: PLATFORM,
    type: 'options',
  }
  const commands = [{ command_id: PLATFORM, kind: 'make_coffee' }, known]
  const nothing = { changed: [], slices: [], seconds: [], health: [], registrations: [] }
  const answer = { at: new Date(0).toISOString(), version: 1, relays: 1, ...nothing, commands }
  expect(beatAnswer.parse(answer).commands).toMatchObject([known])
})
