import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { type App, BASE_DOMAIN, startApp } from '../../support/app.ts'

let app: App
let provider: string
beforeAll(async () => {
  app = await startApp()
  provider = (await app.alice('POST', '/v1.0/providers', { hostname: 'sip.provider.com' })).body.id
})
afterAll(() => app.close())

describe('POST /v1.0/providers', () => {
  test('gives back what the customer wrote, and never the password', async () => {
    const wish = {
      name: 'Telnyx',
      hostname: 'SIP.Telnyx.com',
      port: 5061,
      transport: 'tls',
      codecs: 'PCMU, PCMA',
      tech_prefix: '99',
      tech_postfix: '#1',
      tech_headers: { 'X-Account': '12' },
      tls_verify: 'none',
      tls_fingerprint: null,
      called_format: '00',
      calling_format: 'national',
      asserted_format: '0{national}',
      country: 'de',
      username: 'alice',
      password: 'hunter2hunter2',
      realm: 'telnyx.com',
      register: true,
      register_expires: 600,
      probe_interval: 0,
      probe_accept: [200, 404],
      max_channels: 30,
      max_cps: 5,
      inbound_addresses: ['192.0.2.0/24', '2001:db8::7'],
      failover: { answer_ms: 20_000 },
      enabled: false,
    }
    const { body } = await app.alice('POST', '/v1.0/providers', wish)
    const { password, ...shown } = wish
    expect(body).toMatchObject({
      ...shown,
      hostname: 'sip.telnyx.com',
      codecs: 'PCMU,PCMA',
      password_set: true,
    })
    expect(JSON.stringify(body)).not.toContain(password)
    expect(body).not.toHaveProperty('password')
  })

  test.each([
    ['hostname', 'https://sip.provider.com/x', /URL/],
    ['hostname', 'sip:sip.provider.com', /URL/],
    ['hostname', 'sip.provider.com:5061', /port/],
    ['hostname', '127.1', /not a host name/],
    ['hostname', '0x7f000001', /not a host name/],
    ['hostname', 'a..b', /not a host name/],
    ['hostname', '', /empty/],
    ['port', 0, /./],
    ['transport', 'ws', /./],
    ['type', 'iax', /./],
    ['codecs', 'PCMU\r\nX: y', /list/],
    ['tech_prefix', '9@evil.test', /letters, digits/],
    ['tech_headers', { 'X-A': 'b\r\nContact: <sip:x>' }, /control/],
    ['tech_headers', { 'P-Asserted-Identity': '<tel:+1>' }, /ourselves/],
    ['tech_headers', { 'bad name': 'x' }, /header name/],
    ['inbound_addresses', ['192.0.2.300'], /IP address/],
    ['inbound_addresses', ['0.0.0.0/0'], /wider than \/24/],
    ['inbound_addresses', ['192.0.2.0/23'], /wider than \/24/],
    ['inbound_addresses', ['::ffff:192.0.2.0/119'], /wider than \/24/],
    ['inbound_addresses', ['2001:db8::/55'], /wider than \/56/],
    ['failover', { next_on: [200] }, /./],
    ['password', 'without a username', /username/],
    ['number_format', 'e164', /not a field we know/],
    ['called_format', 'E164', /\{e164\}/],
    ['calling_format', '0049', /one number|around/],
    ['asserted_format', '{cc}', /one number/],
    ['called_format', '{national};x=y', /digits/],
    ['called_format', '{nation}', /digits/],
    ['country', 'germany', /ISO 3166/],
    ['tls_verify', 'perhaps', /./],
    ['tls_verify', 'fingerprint', /needed/],
    ['tls_fingerprint', 'ab:cd', /SHA-256/],
    ['tls_fingerprint', 'a'.repeat(64), /only looked at/],
    ['realm', '', /empty/],
    ['realm', 'a\r\nb', /control/],
    ['register', true, /username/],
    ['register_expires', 59, /60/],
    ['register_expires', 86_401, /86400/],
    ['probe_interval', 4, /5 to 3600/],
    ['probe_interval', 3601, /5 to 3600/],
    ['probe_accept', [], /names none/],
    ['probe_accept', [100], /final/],
    ['probe_accept', [700], /final/],
    ['max_channels', 0, /null sets no limit/],
    ['max_cps', -1, /null sets no limit/],
    ['failover', { answer_ms: 1 }, /5000/],
    ['failover', { next_on: [403], retry: 1 }, /not a field/],
  ])('refuses %s %j, naming the field', async (field, value, why) => {
    const { status, body } = await app.alice('POST', '/v1.0/providers', {
      hostname: 'sip.test',
      [field]: value,
    })
    expect(status).toBe(400)
    expect(body.error.details[0].field).toMatch(new RegExp(`^(${field}|username|tls_fingerprint)`))
    expect(body.error.message).toMatch(why)
  })

  test('keeps a password that is not sent again, and forgets it with null', async () => {
    const wish = { hostname: 'sip.test', username: 'alice', password: 'first password' }
    const { body } = await app.alice('POST', '/v1.0/providers', wish)
    const path = `/v1.0/providers/${body.id}`
    expect(
      (await app.alice('PUT', path, { hostname: 'sip.test', username: 'alice' })).body.password_set,
    ).toBe(true)
    expect(
      (await app.alice('PUT', path, { hostname: 'sip.test', username: 'alice', password: null })).body
        .password_set,
    ).toBe(false)
    expect((await app.alice('PUT', path, { hostname: 'sip.test' })).body).toMatchObject({
      username: null,
      password_set: false,
    })
  })
})

describe('a provider', () => {
  test('knows a certificate by its fingerprint, however it is written, where there is TLS', async () => {
    const pairs = Array.from({ length: 32 }, () => 'AB').join(':')
    const wish = { hostname: 'pinned.test', tls_verify: 'fingerprint', tls_fingerprint: pairs }
    expect((await app.alice('POST', '/v1.0/providers', wish)).body).toMatchObject({
      tls_verify: 'fingerprint',
      tls_fingerprint: 'ab'.repeat(32),
    })
    const { status, body } = await app.alice('POST', '/v1.0/providers', { ...wish, transport: 'udp' })
    expect([status, body.error.details]).toEqual([
      400,
      [{ field: 'tls_verify', message: 'means nothing over udp' }],
    ])
  })

  test('registers with a username and password, which need not be sent again', async () => {
    const wish = { hostname: 'registers.test', register: true, username: 'alice' }
    const nowhere = await app.alice('POST', '/v1.0/providers', wish)
    expect([nowhere.status, nowhere.body.error.details[0].field]).toEqual([400, 'password'])
    const { body } = await app.alice('POST', '/v1.0/providers', { ...wish, register: false })
    const path = `/v1.0/providers/${body.id}`
    expect(await app.alice('PUT', path, wish)).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'password', message: 'is needed to register' }] } },
    })
    expect(await app.alice('PUT', path, { ...wish, password: 'first password' })).toMatchObject({
      status: 200,
    })
    expect(await app.alice('PUT', path, { ...wish, name: 'renamed' })).toMatchObject({
      status: 200,
      body: { name: 'renamed', register: true, password_set: true },
    })
    expect(await app.alice('PUT', path, { ...wish, password: null })).toMatchObject({ status: 400 })
  })

  test('shows how it is doing, in one statement, and takes that back unread', async () => {
    const wish = { hostname: 'shown.test', register: true, username: 'alice', password: 'first password' }
    const { body: made } = await app.alice('POST', '/v1.0/providers', wish)
    const nothingYet = { status: 'unknown', tm_change: null, latency_ms: null, why: '' }
    const notYet = {
      status: 'not_registered',
      since: null,
      until: null,
      sip_status: null,
      relay_id: null,
    }
    expect(made).toMatchObject({ health: nothingYet, registration: notYet, health_status: 'unknown' })
    const since = '2026-01-02T03:04:05.678901Z'
    await app.database.pool.query(
      `insert into provider_health (provider_id, customer_id, status, since, checked_at, latency_ms, why)
       values ($1, $2, 'unhealthy', $3, $3, 12.5, 'no answer')`,
      [made.id, app.aliceId, since],
    )
    await app.database.pool.query(
      `insert into provider_registrations (provider_id, customer_id, relay_id, epoch, status, since, sip_status, why)
       values ($1, $2, 'relay-1', 1, 'auth_failed', $3, 403, 'wrong password')`,
      [made.id, app.aliceId, since],
    )
    app.database.heard.splice(0)
    const { body } = await app.alice('GET', `/v1.0/providers/${made.id}`)
    expect(app.database.heard.filter((statement) => statement.includes('provider'))).toHaveLength(1)
    expect(body).toMatchObject({
      health_status: 'unhealthy',
      health_checked_at: since,
      health: { status: 'unhealthy', tm_change: since, latency_ms: 12.5, why: 'no answer' },
      registration: {
        status: 'auth_failed',
        since,
        until: null,
        sip_status: 403,
        why: 'wrong password',
        relay_id: 'relay-1',
        next_at: null,
      },
    })
    expect((await app.alice('GET', '/v1.0/providers')).body.result).toContainEqual(body)
    const path = `/v1.0/providers/${made.id}`
    const back = { ...body, health_status: 'healthy', registration: null }
    expect((await app.alice('PUT', path, back)).body).toMatchObject({ health_status: 'unhealthy' })
    const quiet = await app.alice('PUT', path, { ...back, register: false })
    expect(quiet.body.registration).toBeNull()
  })
})

describe('a provider in production', () => {
  let strict: App['env']
  beforeAll(() => {
    strict = { ...app.env, ALLOW_PRIVATE_TARGETS: 'false' }
  })

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '0.0.0.0',
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '64:ff9b::10.0.0.1',
    '[::1]',
    '2002:7f00:1::',
    'localhost',
    'db.internal',
    `x.registrar.${BASE_DOMAIN}`,
  ])('may not be at %s', async (hostname) => {
    const answer = await post({ hostname })
    expect(answer.status).toBe(400)
    expect(answer.body.error.details[0]).toEqual({
      field: 'hostname',
      message: 'is not a place on the public internet',
    })
  })

  test.each(['8.8.8.8', '100.128.0.1', '172.32.0.1', '2606:4700::1111', 'sip.telnyx.com'])(
    'may be at %s',
    async (hostname) => {
      expect((await post({ hostname })).status).toBe(200)
    },
  )

  test('may not claim calls from private addresses', async () => {
    const answer = await post({ hostname: 'sip.provider.com', inbound_addresses: ['10.0.0.0/24'] })
    expect(answer.body.error.details[0].field).toBe('inbound_addresses.0')
  })

  function post(body: object) {
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    return app.send('/v1.0/providers', { method: 'POST', headers, body: JSON.stringify(body) }, strict)
  }
})

describe('POST /v1.0/routes', () => {
  test('writes a target with its plus, however it came', async () => {
    const { body } = await app.alice('POST', '/v1.0/routes', { provider_id: provider, target: '1212' })
    expect(body).toMatchObject({ target: '+1212', priority: 1, weight: 0, enabled: true })
  })

  test('keeps the target of short numbers as they are dialled', async () => {
    for (const target of ['911', '112', '118', '*97', '000']) {
      const { body } = await app.alice('POST', '/v1.0/routes', { provider_id: provider, target })
      expect(body).toMatchObject({ target })
    }
    const { body } = await app.alice('POST', '/v1.0/routes', { provider_id: provider, target: '\u200e00 44' })
    expect(body).toMatchObject({ target: '+44' })
  })

  test('is taken at its hours, in its time zone', async () => {
    const time_window = {
      time_zone: 'Europe/Berlin',
      periods: [
        { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' },
        { days: [6], from: '22:00', to: '02:00' },
        { days: [], from: '12:00', to: '24:00' },
      ],
    }
    const { body } = await app.alice('POST', '/v1.0/routes', { provider_id: provider, time_window })
    expect(JSON.stringify(body.time_window)).toBe(JSON.stringify(time_window))
    const path = `/v1.0/routes/${body.id}`
    expect((await app.alice('PUT', path, { provider_id: provider })).body.time_window).toBeNull()
  })

  test.each([
    ['time_zone', { time_zone: 'Europe/Bonn', periods: [{ from: '08:00', to: '18:00' }] }],
    ['time_zone', { time_zone: '+01:00', periods: [{ from: '08:00', to: '18:00' }] }],
    ['periods', { time_zone: 'UTC', periods: [] }],
    ['periods.0.from', { time_zone: 'UTC', periods: [{ from: '24:00', to: '18:00' }] }],
    ['periods.0.to', { time_zone: 'UTC', periods: [{ from: '08:00', to: '8:30' }] }],
    ['periods.0.to', { time_zone: 'UTC', periods: [{ from: '08:00', to: '08:00' }] }],
    ['periods.0.days.0', { time_zone: 'UTC', periods: [{ days: [0], from: '08:00', to: '18:00' }] }],
    ['periods.0.days', { time_zone: 'UTC', periods: [{ days: [1, 1], from: '08:00', to: '18:00' }] }],
    ['periods.0.until', { time_zone: 'UTC', periods: [{ from: '08:00', to: '09:00', until: 1 }] }],
  ])('refuses a time window whose %s is wrong', async (field, time_window) => {
    const { status, body } = await app.alice('POST', '/v1.0/routes', { provider_id: provider, time_window })
    expect([status, body.error.details[0].field]).toEqual([400, `time_window.${field}`])
  })

  test.each([
    ['target', '+0123'],
    ['target', 'everything'],
    ['priority', 0],
    ['priority', 1.5],
    ['provider_id', 'telnyx'],
  ])('refuses %s %j', async (field, value) => {
    const { status, body } = await app.alice('POST', '/v1.0/routes', {
      provider_id: provider,
      [field]: value,
    })
    expect([status, body.error.details[0].field]).toEqual([400, field])
  })

  test('knows no provider of a stranger or of the past, but the platform’s', async () => {
    const bob = await app.newcomer('Bob')
    expect(await bob('POST', '/v1.0/routes', { provider_id: provider })).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND' } },
    })
    const { body: shared } = await app.platform('POST', '/v1.0/providers', { hostname: 'shared.test' })
    expect(await bob('POST', '/v1.0/routes', { provider_id: shared.id })).toMatchObject({ status: 200 })
    expect(await app.platform('DELETE', `/v1.0/providers/${shared.id}`)).toMatchObject({ status: 409 })
  })
})

describe('POST /v1.0/extensions', () => {
  const wish = (name: string) => ({ extension: name, password: 'long enough' })

  test('refuses the name of an emergency number of a country the customer is in', async () => {
    const bob = await app.newcomer('Bob')
    const tries = async (name: string) => {
      const { status, body } = await bob('POST', '/v1.0/extensions', wish(name))
      return status === 200 ? 'made' : body.error.details[0].field
    }
    expect(await Promise.all(['911', '112', '110', '118', '9110'].map(tries))).toEqual([
      'extension',
      'extension',
      'made',
      'made',
      'made',
    ])
    await bob('POST', '/v1.0/numbers', { number: '+39 06 9876 5432' })
    expect(await tries('113')).toBe('extension')
    await bob('PUT', '/v1.0/customer', { default_country: 'gb' })
    expect(await tries('999')).toBe('extension')
  })

  test('keeps what who helps is told, which is a number of its customer’s and a place where one can be sent', async () => {
    const { body: own } = await app.alice('POST', '/v1.0/numbers', { number: '+15551110911' })
    const place = { country: 'US', city: 'Springfield', street: 'Main Street', house_number: '12' }
    const tries = (emergency: object, name = 'helped') =>
      app.alice('POST', '/v1.0/extensions', { ...wish(name), emergency })
    const { body } = await tries({ callback_number: '(555) 111-0911', place })
    expect(body.emergency).toMatchObject({
      callback_number: own.number,
      place: { ...place, country: 'us', floor: '', latitude: null },
    })
    for (const [emergency, field] of [
      [{ callback_number: '+15559990000' }, 'emergency.callback_number'],
      [{ place: { country: 'US', street: 'Main Street' } }, 'emergency.place.city'],
      [{ place: { country: 'US', latitude: 50 } }, 'emergency.place.latitude'],
      [{ place: { country: 'US', latitude: 91, longitude: 0 } }, 'emergency.place.latitude'],
      [{ place: { country: 'XX', city: 'x' } }, 'emergency.place.country'],
    ] as const)
      expect((await tries(emergency, 'other')).body.error?.details[0].field).toBe(field)
  })

  test('takes "extension" or "username", and tells the phone its realm', async () => {
    const { body } = await app.alice('POST', '/v1.0/extensions', wish('desk'))
    expect(body).toMatchObject({
      extension: 'desk',
      username: 'desk',
      realm: `${app.aliceId}.registrar.${BASE_DOMAIN}`,
    })
    expect(await app.alice('POST', '/v1.0/extensions', { ...wish('a1'), username: 'b1' })).toMatchObject({
      status: 400,
    })
    expect(await app.alice('POST', '/v1.0/extensions', { password: 'long enough' })).toMatchObject({
      status: 400,
    })
  })

  test('has limits, or none', async () => {
    const limits = { max_channels: 2, max_cps: 1, max_daily_minutes: 60 }
    const { body } = await app.alice('POST', '/v1.0/extensions', { ...wish('limited'), ...limits })
    expect(body).toMatchObject(limits)
    const { body: freed } = await app.alice('PUT', `/v1.0/extensions/${body.id}`, {})
    expect(freed).toMatchObject({ max_channels: null, max_cps: null, max_daily_minutes: null })
  })

  test('has one of a name in a customer, and any number of customers with that name', async () => {
    expect(await app.alice('POST', '/v1.0/extensions', wish('twice'))).toMatchObject({ status: 200 })
    expect(await app.alice('POST', '/v1.0/extensions', wish('twice'))).toMatchObject({
      status: 409,
      body: { error: { status: 'ALREADY_EXISTS', reason: 'EXTENSION_TAKEN' } },
    })
    expect(await (await app.newcomer('Bob'))('POST', '/v1.0/extensions', wish('twice'))).toMatchObject({
      status: 200,
    })
  })

  test('gives a name back once its extension is deleted', async () => {
    const { body } = await app.alice('POST', '/v1.0/extensions', wish('again'))
    await app.alice('DELETE', `/v1.0/extensions/${body.id}`)
    expect(await app.alice('POST', '/v1.0/extensions', wish('again'))).toMatchObject({ status: 200 })
  })

  test.each([
    ['extension', 'sales department'],
    ['extension', 'a@b'],
    ['extension', ''],
    ['password', 'short'],
    ['max_contacts', 0],
    ['min_expires', 7200],
    ['digest_algorithms', []],
    ['digest_algorithms', ['MD5', 'MD5']],
    ['caller_id', '+15550009999'],
    ['caller_id', 'office'],
    ['max_channels', 0],
    ['max_cps', 1.5],
    ['max_daily_minutes', '60'],
  ])('refuses %s %j', async (field, value) => {
    const { status, body } = await app.alice('POST', '/v1.0/extensions', {
      ...wish('nobody'),
      [field]: value,
    })
    expect([status, body.error.details[0].field]).toEqual([400, field])
  })

  test('keeps its name and, unless a new one comes, its password', async () => {
    const { body } = await app.alice('POST', '/v1.0/extensions', wish('fixed'))
    const realm = body.realm
    const path = `/v1.0/extensions/${body.id}`
    const ha1 = async () =>
      (await app.relay('POST', '/relay/v1/credential', { realm, username: 'fixed' })).body.ha1_md5
    const before = await ha1()
    expect(await app.alice('PUT', path, { extension: 'moved' })).toMatchObject({ status: 400 })
    expect(await app.alice('PUT', path, { name: 'kept' })).toMatchObject({
      status: 200,
      body: { extension: 'fixed' },
    })
    expect(await ha1()).toBe(before)
    await app.alice('PUT', path, { password: 'another password' })
    expect(await ha1()).not.toBe(before)
  })
})

describe('numbers and flows', () => {
  test('a number is kept as E.164, however it was written, with its country', async () => {
    const { body } = await app.alice('POST', '/v1.0/numbers', { number: '(555) 111-0001' })
    expect(body).toMatchObject({ number: '+15551110001', country: 'us', status: 'active' })
    expect(await app.alice('POST', '/v1.0/numbers', { number: '911' })).toMatchObject({
      status: 400,
      body: {
        error: { message: expect.stringMatching(/emergency number \(US\)/) },
      },
    })
  })

  test('a number leads to an extension or a flow of its own customer, not to both', async () => {
    const { body: extension } = await app.alice('POST', '/v1.0/extensions', {
      extension: 'bell',
      password: 'long enough',
    })
    const { body: flow } = await app.alice('POST', '/v1.0/flows', { actions: connect('bell') })
    const both = { number: '+15551110003', extension_id: extension.id, call_flow_id: flow.id }
    expect(await app.alice('POST', '/v1.0/numbers', both)).toMatchObject({ status: 400 })
    const bob = await app.newcomer('Bob')
    expect(
      await bob('POST', '/v1.0/numbers', { number: '+15551110004', extension_id: extension.id }),
    ).toMatchObject({ status: 400, body: { error: { reason: 'REFERENCE_NOT_FOUND' } } })
    const unset = {
      number: '+15551110005',
      extension_id: extension.id,
      call_flow_id: '00000000-0000-0000-0000-000000000000',
    }
    expect(await app.alice('POST', '/v1.0/numbers', unset)).toMatchObject({
      status: 200,
      body: { call_flow_id: null },
    })
  })

  test.each([
    ['no action', [], 'has no action'],
    ['an action that is none', [{ type: 'mute' }], 'is none of the actions there are'],
    ['an extension nobody has', connect('nobody-here'), 'names no extension of yours'],
  ])('a flow with %s is refused, and the refusal says what is possible', async (_, actions, words) => {
    const { status, body } = await app.alice('POST', '/v1.0/flows', { actions })
    expect(status).toBe(400)
    expect(body.error.details[0].field).toMatch(/^actions/)
    expect(body.error.message).toContain(words)
  })

  test('the default caller id cannot be deleted from under the customer', async () => {
    const { body: number } = await app.alice('POST', '/v1.0/numbers', { number: '+15551110006' })
    await app.alice('PUT', '/v1.0/customer', { default_outgoing_number_id: number.id })
    expect(await app.alice('DELETE', `/v1.0/numbers/${number.id}`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'NUMBER_IN_USE' } },
    })
    await app.alice('PUT', '/v1.0/customer', {})
    expect(await app.alice('DELETE', `/v1.0/numbers/${number.id}`)).toMatchObject({ status: 200 })
  })

  function connect(name: string) {
    return [{ type: 'connect', option: { destinations: destination(name) } }]
  }
  function destination(name: string) {
    return [{ type: 'extension', target_name: name }]
  }
})

describe('customers', () => {
  test('see and change themselves', async () => {
    const bob = await app.newcomer('Bob')
    expect((await bob('GET', '/v1.0/customer')).body).toMatchObject({
      id: bob.id,
      name: 'Bob',
      default_country: 'us',
      destination_whitelist: null,
      require_caller_id: false,
      default_outgoing_number_id: null,
      use_default_routes: true,
      pass_display_name: false,
      digest_algorithms: ['MD5'],
      blocked_prefixes: [],
      max_channels: null,
      max_cps: null,
      max_daily_minutes: null,
      configuration_version: expect.any(Number),
    })
    const wish = {
      name: 'Bob Ltd',
      default_country: 'gb',
      destination_whitelist: ['gb', 'FR'],
      digest_algorithms: ['SHA-256', 'MD5'],
      blocked_prefixes: ['+44900', '1900', '+1900', '118', '00\u00a033'],
      max_channels: 100,
      max_cps: 10,
      max_daily_minutes: 10_000,
    }
    expect((await bob('PUT', '/v1.0/customer', wish)).body).toMatchObject({
      ...wish,
      destination_whitelist: ['gb', 'fr'],
      blocked_prefixes: ['+44900', '+1900', '118', '+33'],
    })
    for (const [field, value] of [
      ['blocked_prefixes', ['+0900']],
      ['blocked_prefixes', ['999']],
      ['max_channels', 0],
      ['max_daily_minutes', -1],
    ] as const) {
      const { status, body } = await bob('PUT', '/v1.0/customer', { ...wish, [field]: value })
      expect([status, body.error.details[0].field.split('.')[0]]).toEqual([400, field])
    }
    expect(await bob('PUT', '/v1.0/customer', { default_country: 'xx' })).toMatchObject({ status: 400 })
  })

  test('see the number of their last change rise with each change, and cannot set it', async () => {
    const bob = await app.newcomer('Bob')
    const version = async () => (await bob('GET', '/v1.0/customer')).body.configuration_version
    const before = await version()
    const { body } = await bob('POST', '/v1.0/providers', { hostname: 'sip.test' })
    const made = await version()
    expect(made).toBeGreaterThan(before)
    await bob('DELETE', `/v1.0/providers/${body.id}`)
    expect(await version()).toBeGreaterThan(made)
    const { body: kept } = await bob('PUT', '/v1.0/customer', { name: 'Bob', configuration_version: 1 })
    expect(kept.configuration_version).toBeGreaterThan(made)
  })

  test('cannot point their default caller id at another’s number', async () => {
    const { body: number } = await app.alice('POST', '/v1.0/numbers', { number: '+15551110007' })
    const bob = await app.newcomer('Bob')
    expect(await bob('PUT', '/v1.0/customer', { default_outgoing_number_id: number.id })).toMatchObject({
      status: 400,
    })
  })

  test('are listed, made and deleted by administrators only', async () => {
    const bob = await app.newcomer('Bob')
    expect(await bob('GET', '/v1.0/customers')).toMatchObject({ status: 403 })
    expect(await bob('POST', '/v1.0/customers', { name: 'Eve' })).toMatchObject({ status: 403 })
    expect(
      (await app.alice('GET', '/v1.0/customers')).body.result.map(({ id }: { id: string }) => id),
    ).toContain(bob.id)
  })

  test('are spoken for by an administrator who names them', async () => {
    const bob = await app.newcomer('Bob')
    const { body } = await app.alice('POST', `/v1.0/providers?customer_id=${bob.id}`, {
      hostname: 'for.bob.test',
    })
    expect(body.customer_id).toBe(bob.id)
    expect(await bob('GET', `/v1.0/providers/${body.id}`)).toMatchObject({ status: 200 })
    expect(await app.alice('POST', '/v1.0/accesskeys', { customer_id: crypto.randomUUID() })).toMatchObject({
      status: 404,
      body: { error: { reason: 'CUSTOMER_NOT_FOUND' } },
    })
    expect(await app.alice('GET', `/v1.0/providers?customer_id=${crypto.randomUUID()}`)).toMatchObject({
      status: 404,
    })
  })

  test('go with everything they configured, and their keys open nothing any more', async () => {
    const bob = await app.newcomer('Bob')
    await bob('POST', '/v1.0/numbers', { number: '+15551110008' })
    const pbx = { domain_name: 'bobs', auth_types: ['ip'], allowed_ips: ['198.51.100.8'] }
    expect(await bob('POST', '/v1.0/trunks', pbx)).toMatchObject({ status: 200 })
    expect(await app.alice('DELETE', `/v1.0/customers/${bob.id}`)).toMatchObject({
      status: 200,
      body: { tm_delete: expect.any(String) },
    })
    expect(await bob('GET', '/v1.0/customer')).toMatchObject({ status: 401 })
    expect(await app.alice('POST', '/v1.0/numbers', { number: '+15551110008' })).toMatchObject({
      status: 200,
    })
    expect(await app.alice('POST', '/v1.0/trunks', pbx)).toMatchObject({ status: 200 })
    for (const query of ['', `?customer_id=${PLATFORM}`]) {
      expect(await app.alice('DELETE', `/v1.0/customers/${app.aliceId}${query}`)).toMatchObject({
        status: 409,
      })
    }
  })
})
