import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { prepare } from '../../../functions/env.ts'
import { ha1s } from '../../../functions/secrets.ts'
import { type App, BASE_DOMAIN, type Client, startApp } from '../../support/app.ts'

/*
 * Whose a call is that comes in: trunks, numbers, and that no two could claim it.
 */

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

let made = 0
/** A trunk by digest, of a domain nobody has yet. */
function pbx(changes: object = {}) {
  const digest = { auth_types: ['basic'], username: 'pbx', password: 'long enough' }
  return { domain_name: `pbx${made++}`, ...digest, ...changes }
}
/** One by its address. */
function byAddress(...allowed_ips: string[]) {
  return { domain_name: `pbx${made++}`, auth_types: ['ip'], allowed_ips }
}

describe('POST /v1.0/trunks', () => {
  test('gives back what the customer wrote, with its realm, and never the password', async () => {
    const { body: number } = await app.alice('POST', '/v1.0/numbers', { number: '+15552220001' })
    await app.alice('POST', '/v1.0/numbers', { number: '+15552220100', number_to: '+15552220199' })
    const wish = {
      name: 'Head office',
      detail: 'Asterisk 22',
      auth_types: ['basic', 'ip'],
      username: 'pbx',
      allowed_ips: ['198.51.100.0/28', '2001:db8:7::1'],
      hostname: 'pbx.example.com',
      port: 5061,
      transport: 'tls',
      tls_verify: 'fingerprint',
      tls_fingerprint: 'ab'.repeat(32),
      codecs: 'PCMA,G722',
      called_format: 'national',
      calling_format: '00{e164}',
      country: 'de',
      caller_ids: [number.number, '+15552220150'],
      digest_algorithms: ['SHA-256'],
      ring_timeout: 30,
      max_channels: 10,
      max_cps: 2,
      max_daily_minutes: 500,
      max_contacts: 2,
      min_expires: 120,
      max_expires: 600,
      default_expires: 300,
      keepalive_s: 30,
      enabled: true,
    }
    const { status, body } = await app.alice('POST', '/v1.0/trunks', {
      ...wish,
      domain_name: 'Head-Office.A',
      password: 'hunter2hunter2',
    })
    expect([status, body]).toMatchObject([
      200,
      {
        ...wish,
        domain_name: 'head-office.a',
        realm: `head-office.a.trunk.${BASE_DOMAIN}`,
        password_set: true,
        customer_id: app.aliceId,
        tm_delete: null,
      },
    ])
    expect(JSON.stringify(body)).not.toContain('hunter2')
    expect(JSON.stringify(body)).not.toMatch(/ha1|sealed/i)
  })

  test.each([
    ['domain_name', undefined],
    ['domain_name', 'x'],
    ['domain_name', '1pbx'],
    ['domain_name', 'pbx.'],
    ['domain_name', 'pbx-'],
    ['domain_name', 'pbx..a'],
    ['domain_name', 'p_bx'],
    ['domain_name', 'x'.repeat(32)],
    ['auth_types', []],
    ['auth_types', ['tls']],
    ['auth_types', ['basic', 'basic']],
    ['auth_types', undefined],
    ['username', null],
    ['username', 'a b'],
    ['password', undefined],
    ['password', 'short'],
    ['allowed_ips', ['192.0.2.1']],
    ['caller_ids', ['+15550009999']],
    ['caller_ids', ['office']],
    ['hostname', 'sip:pbx.test'],
    ['port', 5060],
    ['transport', 'tls'],
    ['called_format', '{}'],
    ['country', 'xx'],
    ['min_expires', 7200],
    ['max_channels', 0],
    ['tls_verify', 'fingerprint'],
    ['digest_algorithms', []],
    ['ring_timeout', 1],
  ])('refuses %s %j, naming the field', async (field, value) => {
    const { status, body } = await app.alice('POST', '/v1.0/trunks', pbx({ [field]: value }))
    const [{ field: named }] = body.error.details
    expect([status, named.split('.')[0].replace('tls_fingerprint', 'tls_verify')]).toEqual([400, field])
  })

  test.each([
    ['allowed_ips', { allowed_ips: [] }],
    ['allowed_ips', { allowed_ips: ['192.0.2.300'] }],
    ['allowed_ips', { allowed_ips: ['0.0.0.0/0'] }],
    ['username', { username: 'pbx' }],
    ['password', { password: 'long enough' }],
  ])('known by its address it is refused %s in %j', async (field, changes) => {
    const wish = { ...byAddress('198.51.100.99'), ...changes }
    const { status, body } = await app.alice('POST', '/v1.0/trunks', wish)
    expect([status, body.error.details[0].field.split('.')[0]]).toEqual([400, field])
  })

  test('takes what older clients send for "none"', async () => {
    const wish = { ...byAddress('198.51.100.98'), username: '', password: '' }
    expect(await app.alice('POST', '/v1.0/trunks', wish)).toMatchObject({
      status: 200,
      body: { username: null, password_set: false },
    })
  })

  test('may be nowhere private in production', async () => {
    const strict = { ...app.env, ALLOW_PRIVATE_TARGETS: 'false' }
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    for (const [field, wish] of [
      ['allowed_ips.0', byAddress('10.0.0.1')],
      ['hostname', pbx({ hostname: '192.168.1.1' })],
    ] as const) {
      const { status, body } = await app.send(
        '/v1.0/trunks',
        { method: 'POST', headers, body: JSON.stringify(wish) },
        strict,
      )
      expect([status, body.error.details[0].field]).toEqual([400, field])
    }
  })
})

describe('a trunk', () => {
  test('has a domain nobody else in the world has, until it is deleted', async () => {
    const { body } = await app.alice('POST', '/v1.0/trunks', pbx({ domain_name: 'taken' }))
    expect(await bob('POST', '/v1.0/trunks', pbx({ domain_name: 'TAKEN' }))).toMatchObject({
      status: 409,
      body: { error: { status: 'ALREADY_EXISTS', reason: 'TRUNK_DOMAIN_TAKEN' } },
    })
    await app.alice('DELETE', `/v1.0/trunks/${body.id}`)
    expect(await bob('POST', '/v1.0/trunks', pbx({ domain_name: 'taken' }))).toMatchObject({ status: 200 })
  })

  test('keeps its domain, and its password unless the username changes', async () => {
    const wish = pbx()
    const { body } = await app.alice('POST', '/v1.0/trunks', wish)
    const path = `/v1.0/trunks/${body.id}`
    const put = (changes: object) =>
      app.alice('PUT', path, { ...wish, domain_name: undefined, password: undefined, ...changes })
    expect((await put({ domain_name: 'other' })).body.error.details[0].field).toBe('domain_name')
    const first = await secrets(body.id)
    expect(await put({ name: 'renamed' })).toMatchObject({ status: 200, body: { password_set: true } })
    expect(await secrets(body.id)).toEqual(first)
    expect((await put({ username: 'other' })).body.error.details[0].field).toBe('password')
    expect(await put({ username: 'other', password: 'another one' })).toMatchObject({ status: 200 })
    expect(await secrets(body.id)).toEqual(await ha1s('other', body.realm, 'another one'))
  })

  test('forgets its password once only its address counts', async () => {
    const wish = pbx()
    const { body } = await app.alice('POST', '/v1.0/trunks', wish)
    const path = `/v1.0/trunks/${body.id}`
    const ip = { auth_types: ['ip'], allowed_ips: ['198.51.100.97'] }
    expect((await app.alice('PUT', path, ip)).body).toMatchObject({ username: null, password_set: false })
    const back = await app.alice('PUT', path, { auth_types: ['basic'], username: 'pbx' })
    expect([back.status, back.body.error.details[0].field]).toEqual([400, 'password'])
  })

  test('shows only numbers of its own customer', async () => {
    await bob('POST', '/v1.0/numbers', { number: '+15552220002' })
    const { status, body } = await app.alice(
      'POST',
      '/v1.0/trunks',
      pbx({ caller_ids: ['+15552220001', '+15552220002'] }),
    )
    expect([status, body.error]).toMatchObject([
      400,
      { reason: 'REFERENCE_NOT_FOUND', details: [{ field: 'caller_ids.1' }] },
    ])
  })

  test('shows where it registered, beside the phones, to its own customer', async () => {
    const { body: trunk } = await app.alice('POST', '/v1.0/trunks', pbx())
    await app.database.pool.query(
      `insert into bindings (id, customer_id, trunk_id, relay_id, sequence, event, contact, q, call_id, cseq, transport,
         address, port, path, user_agent, registered_at, refreshed_at, expires_at)
       values (gen_random_uuid(), $1, $2, 'relay-1', 1, 'registered', 'sip:pbx@192.0.2.9', 1, 'c', 1, 'udp',
         '192.0.2.9', 5060, '{}', 'PBX', now(), now(), now() + interval '1 hour')`,
      [app.aliceId, trunk.id],
    )
    const mine = {
      trunk_id: trunk.id,
      trunk_domain_name: trunk.domain_name,
      trunk_name: trunk.name,
      extension_id: null,
      extension: null,
    }
    const own = await app.alice('GET', `/v1.0/trunks/${trunk.id}/registrations`)
    expect(own.body.result).toMatchObject([{ ...mine, contact: 'sip:pbx@192.0.2.9' }])
    expect((await app.alice('GET', '/v1.0/registrations')).body.result).toMatchObject([mine])
    expect((await bob('GET', '/v1.0/registrations')).body.result).toEqual([])
    expect(await bob('GET', `/v1.0/trunks/${trunk.id}/registrations`)).toMatchObject({ status: 404 })
    await app.alice('DELETE', `/v1.0/trunks/${trunk.id}`)
    expect((await app.alice('GET', '/v1.0/registrations')).body.result).toEqual([])
  })

  test('is kept while numbers lead to it, unless they may lead nowhere', async () => {
    const { body: trunk } = await app.alice('POST', '/v1.0/trunks', pbx())
    const { body: number } = await app.alice('POST', '/v1.0/numbers', {
      number: '+15552220003',
      trunk_id: trunk.id,
    })
    expect(number.trunk_id).toBe(trunk.id)
    const path = `/v1.0/trunks/${trunk.id}`
    expect(await app.alice('DELETE', path)).toMatchObject({
      status: 409,
      body: { error: { reason: 'TRUNK_IN_USE' } },
    })
    expect(await bob('DELETE', `${path}?cascade=true`)).toMatchObject({ status: 404 })
    expect(await app.alice('DELETE', `${path}?cascade=true`)).toMatchObject({ status: 200 })
    expect((await app.alice('GET', `/v1.0/numbers/${number.id}`)).body).toMatchObject({
      trunk_id: null,
      tm_delete: null,
    })
  })

  async function secrets(id: string) {
    const { rows } = await app.database.pool.query('select * from trunks where id = $1', [id])
    const { seal } = prepare(app.env)
    const open = (field: string, sealed: string) => seal.open({ table: 'trunks', id, field }, sealed)
    return {
      md5: await open('ha1_md5', rows[0].sealed_md5),
      sha256: await open('ha1_sha256', rows[0].sealed_sha256),
    }
  }
})

describe('a range of numbers', () => {
  const range = (number: string, number_to: string) => ({ number, number_to })

  test('is written as its first and last', async () => {
    const { body } = await app.alice('POST', '/v1.0/numbers', range('(555) 333-0000', '555 333 0099'))
    expect(body).toMatchObject({ number: '+15553330000', number_to: '+15553330099', country: 'us' })
    const path = `/v1.0/numbers/${body.id}`
    expect(await app.alice('PUT', path, { ...body, name: 'ours' })).toMatchObject({
      status: 200,
      body: { name: 'ours', number_to: '+15553330099' },
    })
    expect(await app.alice('PUT', path, { name: 'still ours' })).toMatchObject({ status: 200 })
    for (const [field, value] of [
      ['number', '+15553330001'],
      ['number_to', '+15553330098'],
      ['number_to', null],
    ] as const) {
      const answer = await app.alice('PUT', path, { [field]: value })
      expect([answer.status, answer.body.error.details[0].field]).toEqual([400, field])
    }
  })

  test.each([
    ['+15553340000', '+15553340000', /not after/],
    ['+15553340009', '+15553340000', /not after/],
    ['+15553340000', '+155533400001', /not a phone number|digits/],
    ['+4930123456', '+49301234567', /digits/],
    ['+15553340000', '+15554340000', /1000000/],
    ['+12125550000', '+14165550000', /another country/],
    ['+15553340000', 'many', /phone number/],
    ['any', '+15553340000', /beside "any"/],
  ])('is not %s to %s', async (number, to, why) => {
    const { status, body } = await app.alice('POST', '/v1.0/numbers', range(number, to))
    expect([status, body.error.details[0].field]).toEqual([400, 'number_to'])
    expect(body.error.message).toMatch(why)
  })

  test.each([
    ['\u202a+1\u00a0555\u2011334\u20110100\u202c', '+15553340100'],
    ['٥٥٥ ٣٣٤ ٠١٠١', '+15553340101'],
    ['1-555-334-CALL', '+15553342255'],
  ])('is read as it shows: %s', async (number, e164) => {
    expect((await app.alice('POST', '/v1.0/numbers', { number })).body).toMatchObject({ number: e164 })
  })

  test('is refused with an extension behind it, which nobody could call', async () => {
    const { status, body } = await app.alice('POST', '/v1.0/numbers', { number: '+15553340102;ext=7' })
    expect([status, body.error.details[0].field]).toEqual([400, 'number'])
    expect(body.error.message).toMatch(/extension/)
  })

  test('may be a million numbers', async () => {
    const all = range('+15557000000', '+15557999999')
    expect(await app.alice('POST', '/v1.0/numbers', all)).toMatchObject({ status: 200 })
  })

  test.each([
    ['the same', '+15553350100', '+15553350199'],
    ['one inside', '+15553350150', null],
    ['its first', '+15553350100', null],
    ['its last', '+15553350199', null],
    ['a range around', '+15553350000', '+15553350999'],
    ['a range over its beginning', '+15553350000', '+15553350100'],
    ['a range over its end', '+15553350199', '+15553350300'],
    ['a range inside', '+15553350110', '+15553350120'],
  ])('shares no number with another: %s', async (_, number, number_to) => {
    const { body: mine } = await taken
    const wish = { number, number_to }
    const again = await app.alice('POST', '/v1.0/numbers', wish)
    expect([again.status, again.body.error.reason]).toEqual([409, 'NUMBER_TAKEN'])
    expect(again.body.error.message).toContain(mine.id)
    const stranger = await app.alice('POST', '/v1.0/numbers', { ...wish, customer_id: bob.id })
    expect([stranger.status, stranger.body.error.reason]).toEqual([409, 'NUMBER_TAKEN'])
    expect(JSON.stringify(stranger.body)).not.toContain(mine.id)
  })
  const taken = lazily(() =>
    app.alice('POST', '/v1.0/numbers', { number: '+15553350100', number_to: '+15553350199' }),
  )

  test('leaves room beside itself, and for shorter numbers that begin alike', async () => {
    await taken
    for (const number of ['+15553350099', '+15553350200']) {
      expect(await bob('POST', '/v1.0/numbers', { number })).toMatchObject({ status: 200 })
    }
    await app.alice('POST', '/v1.0/numbers', { number: '+4930123400', number_to: '+4930123499' })
    expect(await bob('POST', '/v1.0/numbers', { number: '+493012345' })).toMatchObject({ status: 200 })
  })

  test('covers no single number assigned to anybody, and says which', async () => {
    await app.alice('POST', '/v1.0/numbers', { number: '+15553360050', customer_id: bob.id })
    const { status, body } = await app.alice('POST', '/v1.0/numbers', range('+15553360000', '+15553360099'))
    expect([status, body.error.message]).toEqual([409, 'number: holds +15553360050, which is already in use'])
  })

  test('has one winner, however many ask for it at once', async () => {
    const wishes = Array.from({ length: 6 }, (_, at) => range(`+1555337000${at}`, '+15553370099'))
    const answers = await Promise.all(
      wishes.map((wish, at) =>
        app.alice('POST', '/v1.0/numbers', at % 2 === 0 ? wish : { ...wish, customer_id: bob.id }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409])
  })

  test('is not what a call can show by default', async () => {
    const { body } = await taken
    expect(await app.alice('PUT', '/v1.0/customer', { default_outgoing_number_id: body.id })).toMatchObject({
      status: 400,
    })
  })
})

describe('a number', () => {
  test('never leads to what was deleted while it was saved', async () => {
    const account = { extension: 'going', password: 'long enough' }
    const destinations = [{ type: 'extension', target_name: 'going' }]
    for (const [at, noun] of ['extensions', 'trunks', 'flows', 'extensions', 'trunks', 'flows'].entries()) {
      const { body: phone } = await app.alice('POST', '/v1.0/extensions', account)
      const wish = {
        extensions: {},
        trunks: pbx(),
        flows: { actions: [{ type: 'connect', option: { destinations } }] },
      }[noun]
      const thing = noun === 'extensions' ? phone : (await app.alice('POST', `/v1.0/${noun}`, wish)).body
      const field = { extensions: 'extension_id', trunks: 'trunk_id', flows: 'call_flow_id' }[noun] ?? ''
      const { body: kept } = await app.alice('POST', '/v1.0/numbers', { number: `+1555339000${at}` })
      const saving = [
        app.alice('POST', '/v1.0/numbers', { number: `+1555338000${at}`, [field]: thing.id }),
        app.alice('PUT', `/v1.0/numbers/${kept.id}`, { [field]: thing.id }),
      ]
      const [gone, ...saved] = await Promise.all([
        app.alice('DELETE', `/v1.0/${noun}/${thing.id}${at < 3 ? '' : '?cascade=true'}`),
        ...saving,
      ])
      for (const { status, body } of saved)
        expect([200, 400].includes(status), JSON.stringify(body)).toBe(true)
      const { rows } = await app.database.pool.query(
        `select from numbers where deleted_at is null and $1 in (extension_id, trunk_id, call_flow_id)`,
        [thing.id],
      )
      if (gone?.status === 200) expect(rows).toEqual([])
      else expect(gone?.status).toBe(409)
      await app.alice('DELETE', `/v1.0/extensions/${phone.id}?cascade=true`)
    }
  })

  test('nor does a flow', async () => {
    const actions = [
      { type: 'connect', option: { destinations: [{ type: 'extension', target_name: 'leaving' }] } },
    ]
    for (const cascade of [false, true]) {
      const account = { extension: 'leaving', password: 'long enough' }
      const { body: phone } = await app.alice('POST', '/v1.0/extensions', account)
      const path = `/v1.0/extensions/${phone.id}?cascade=${cascade}`
      const [gone, made] = await Promise.all([
        app.alice('DELETE', path),
        app.alice('POST', '/v1.0/flows', { actions }),
      ])
      const flow = made.status === 200 ? (await app.alice('GET', `/v1.0/flows/${made.body.id}`)).body : null
      if (gone.status !== 200) expect([gone.status, made.status]).toEqual([409, 200])
      else if (flow) expect(flow.tm_delete).not.toBeNull()
      await app.alice('DELETE', `/v1.0/extensions/${phone.id}?cascade=true`)
    }
  })

  test('leads to one of extension, flow and trunk, of its own customer', async () => {
    const { body: trunk } = await app.alice('POST', '/v1.0/trunks', pbx())
    const { body: desk } = await app.alice('POST', '/v1.0/extensions', {
      extension: 'desk',
      password: 'long enough',
    })
    const both = { number: '+15554440001', trunk_id: trunk.id, extension_id: desk.id }
    const { status, body } = await app.alice('POST', '/v1.0/numbers', both)
    expect([status, body.error.message]).toEqual([400, 'extension_id: and trunk_id exclude each other'])
    expect(await bob('POST', '/v1.0/numbers', { number: '+15554440002', trunk_id: trunk.id })).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND', details: [{ field: 'trunk_id' }] } },
    })
  })
})

describe('the number "any"', () => {
  test('takes what comes from one provider of the customer', async () => {
    const { body: provider } = await app.alice('POST', '/v1.0/providers', { hostname: 'sip.any.test' })
    const any = { number: 'any', provider_id: provider.id }
    const { body } = await app.alice('POST', '/v1.0/numbers', any)
    expect(body).toMatchObject({ ...any, number_to: null, country: null })
    expect(await app.alice('POST', '/v1.0/numbers', any)).toMatchObject({
      status: 409,
      body: { error: { reason: 'NUMBER_TAKEN' } },
    })
    expect(await bob('POST', '/v1.0/numbers', any)).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND' } },
    })
    const path = `/v1.0/numbers/${body.id}`
    expect(await app.alice('PUT', path, { ...body, name: 'rest' })).toMatchObject({ status: 200 })
    expect(await app.alice('PUT', path, { provider_id: crypto.randomUUID() })).toMatchObject({ status: 400 })
    expect(await app.alice('DELETE', `/v1.0/providers/${provider.id}`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'PROVIDER_IN_USE' } },
    })
    await app.alice('DELETE', `/v1.0/providers/${provider.id}?cascade=true`)
    expect((await app.alice('GET', path)).body.tm_delete).not.toBeNull()
  })

  test.each([[{ number: 'any' }], [{ number: '+15554440003', provider_id: crypto.randomUUID() }]])(
    'and a provider belong together: %j',
    async (wish) => {
      const { status, body } = await app.alice('POST', '/v1.0/numbers', wish)
      expect([status, body.error.details[0].field]).toEqual([400, 'provider_id'])
    },
  )

  test('takes what comes from the platform’s provider only at an administrator’s word', async () => {
    const { body: shared } = await app.platform('POST', '/v1.0/providers', { hostname: 'sip.shared.test' })
    const any = { number: 'any', provider_id: shared.id }
    expect(await bob('POST', '/v1.0/numbers', any)).toMatchObject({ status: 400 })
    expect(await app.alice('POST', '/v1.0/numbers', any)).toMatchObject({ status: 200 })
    const other = await app.alice('POST', `/v1.0/numbers?customer_id=${bob.id}`, any)
    expect([other.status, other.body.error.reason]).toEqual([409, 'AMBIGUOUS_SOURCE'])
    expect(await app.platform('DELETE', `/v1.0/providers/${shared.id}`)).toMatchObject({ status: 409 })
  })
})

describe('an ambiguous source is refused when it is saved', () => {
  const carrier = (inbound_addresses: string[], changes: object = {}) => ({
    hostname: `sip${made++}.carrier.test`,
    inbound_addresses,
    ...changes,
  })
  const registered = { register: true, username: 'u', password: 'long enough' }

  test('where two providers of one customer call from one network', async () => {
    const { body: first } = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.0/28']))
    const second = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.7']))
    expect([second.status, second.body.error]).toMatchObject([
      409,
      {
        status: 'FAILED_PRECONDITION',
        reason: 'AMBIGUOUS_SOURCE',
        details: [
          {
            field: 'inbound_addresses',
            message: `calls from 203.0.113.7 could not be told apart from those of your provider ${first.id}`,
          },
        ],
      },
    ])
    const wider = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.0/24']))
    expect(wider.body.error.details[0].message).toContain('203.0.113.0/24')
    const host = await app.alice('POST', '/v1.0/providers', { hostname: '203.0.113.9' })
    expect(host.body.error.reason).toBe('AMBIGUOUS_SOURCE')
    expect(await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.16']))).toMatchObject({
      status: 200,
    })
  })

  test('but not where two are at one host with ports of their own', async () => {
    const at = (port: number | null, changes: object = {}) =>
      app.alice('POST', '/v1.0/providers', { hostname: '203.0.113.77', port, ...changes })
    const { body: first } = await at(null)
    const { body: second } = await at(5090)
    expect([first.port, second.port]).toEqual([null, 5090])
    for (const same of [
      await at(5060),
      await at(5090),
      await at(5091, { inbound_addresses: ['203.0.113.77'] }),
    ])
      expect([same.status, same.body.error.reason]).toEqual([409, 'AMBIGUOUS_SOURCE'])
    expect(await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.76/30']))).toMatchObject({
      status: 409,
    })
    const path = `/v1.0/providers/${second.id}`
    expect(await app.alice('PUT', path, { hostname: '203.0.113.77' })).toMatchObject({ status: 409 })
    expect(await app.alice('PUT', path, { hostname: '203.0.113.77', port: 5091 })).toMatchObject({
      status: 200,
    })
  })

  test('where two providers of one customer are at one name and port, however it is written', async () => {
    const at = (who: Client, changes: object = {}) =>
      who('POST', '/v1.0/providers', { hostname: 'sip.named.test', ...changes })
    const { body: first } = await at(app.alice)
    for (const same of [
      {},
      { port: 5060 },
      { hostname: 'SIP.Named.Test.' },
      { transport: 'tls' },
      registered,
    ])
      expect(await at(app.alice, same)).toMatchObject({
        status: 409,
        body: {
          error: {
            reason: 'AMBIGUOUS_SOURCE',
            details: [
              {
                field: 'hostname',
                message: `calls from sip.named.test could not be told apart from those of your provider ${first.id}`,
              },
            ],
          },
        },
      })
    expect(await at(app.alice, { enabled: false })).toMatchObject({ status: 200 })
    const { body: second } = await at(app.alice, { port: 5090 })
    const path = `/v1.0/providers/${second.id}`
    expect(await app.alice('PUT', path, { hostname: 'sip.named.test' })).toMatchObject({ status: 409 })
    expect((await app.alice('GET', path)).body.port).toBe(5090)
    expect(await app.alice('PUT', path, { hostname: 'sip.named.test', port: 5090 })).toMatchObject({
      status: 200,
    })
    expect(await at(bob)).toMatchObject({ status: 200 })
    expect(await at(app.platform)).toMatchObject({ status: 200 })
    expect(await at(app.platform)).toMatchObject({ status: 409 })
  })

  test('also by a change, which leaves the provider as it was', async () => {
    const { body: first } = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.32']))
    const { body: second } = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.33']))
    const path = `/v1.0/providers/${second.id}`
    const answer = await app.alice('PUT', path, carrier(['203.0.113.32']))
    expect([answer.status, answer.body.error.message]).toEqual([409, expect.stringContaining(first.id)])
    expect((await app.alice('GET', path)).body.inbound_addresses).toEqual(['203.0.113.33'])
    expect(await app.alice('PUT', path, carrier(['203.0.113.33'], { name: 'same' }))).toMatchObject({
      status: 200,
    })
    await app.alice('DELETE', `/v1.0/providers/${first.id}`)
    expect(await app.alice('PUT', path, carrier(['203.0.113.32']))).toMatchObject({ status: 200 })
  })

  test('but not of a provider that is off, until it is put on', async () => {
    await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.40']))
    const off = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.40'], { enabled: false }))
    expect(off.status).toBe(200)
    expect(await app.alice('PUT', `/v1.0/providers/${off.body.id}`, carrier(['203.0.113.40']))).toMatchObject(
      { status: 409 },
    )
  })

  test('but not where both providers register: each call says over which it comes', async () => {
    const both = carrier(['203.0.113.48'], registered)
    expect(await app.alice('POST', '/v1.0/providers', both)).toMatchObject({ status: 200 })
    expect(await app.alice('POST', '/v1.0/providers', both)).toMatchObject({ status: 200 })
    expect(await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.48']))).toMatchObject({
      status: 409,
    })
  })

  test('but customers may share a carrier: the number tells them apart', async () => {
    expect(await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.56']))).toMatchObject({
      status: 200,
    })
    expect(await bob('POST', '/v1.0/providers', carrier(['203.0.113.56']))).toMatchObject({ status: 200 })
  })

  test('where a PBX known by its address is at a provider’s of its customer, or another PBX’s', async () => {
    const { body: provider } = await app.alice('POST', '/v1.0/providers', carrier(['203.0.113.64']))
    const own = await app.alice('POST', '/v1.0/trunks', byAddress('203.0.113.64/30'))
    expect([own.status, own.body.error]).toMatchObject([
      409,
      { reason: 'AMBIGUOUS_SOURCE', details: [{ field: 'allowed_ips' }] },
    ])
    expect(own.body.error.message).toContain(`your provider ${provider.id}`)
    const { body: trunk } = await bob('POST', '/v1.0/trunks', byAddress('203.0.113.72'))
    expect((await bob('POST', '/v1.0/trunks', byAddress('203.0.113.72'))).body.error.message).toContain(
      `your trunk ${trunk.id}`,
    )
    const late = await bob('POST', '/v1.0/providers', carrier(['203.0.113.72'], registered))
    expect([late.status, late.body.error.reason]).toEqual([409, 'AMBIGUOUS_SOURCE'])
    const path = `/v1.0/trunks/${trunk.id}`
    const at = (...allowed_ips: string[]) => bob('PUT', path, { auth_types: ['ip'], allowed_ips })
    expect(await at('203.0.113.72', '203.0.113.73')).toMatchObject({ status: 200 })
    await bob('POST', '/v1.0/providers', carrier(['203.0.113.74']))
    expect(await at('203.0.113.74')).toMatchObject({ status: 409 })
  })

  test('but nothing of another customer’s stands in the way, nor is it betrayed', async () => {
    const address = '203.0.113.80'
    const both = async (path: string, of: (who: Client) => Promise<object> | object) => {
      for (const who of [app.alice, bob])
        expect(await who('POST', path, await of(who))).toMatchObject({ status: 200 })
    }
    await both('/v1.0/trunks', () => byAddress('203.0.113.81'))
    const his = (await bob('POST', '/v1.0/trunks', byAddress(address))).body
    const mine = (await app.alice('POST', '/v1.0/providers', carrier([address]))).body
    expect([his.allowed_ips, mine.inbound_addresses]).toEqual([[address], [address]])
    await both('/v1.0/numbers', async (who) => {
      const { body } = await who('POST', '/v1.0/providers', carrier(['203.0.113.82']))
      return { number: 'any', provider_id: body.id }
    })
  })

  test('also when all ask at once: one wins', async () => {
    const answers = await Promise.all([
      ...Array.from({ length: 3 }, () => bob('POST', '/v1.0/providers', carrier(['203.0.113.96']))),
      ...Array.from({ length: 3 }, () => bob('POST', '/v1.0/trunks', byAddress('203.0.113.96'))),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409])
  })

  test('the platform’s providers stand in everybody’s way, and may list wider networks', async () => {
    expect(
      await app.platform('POST', '/v1.0/providers', carrier(['203.0.113.104', '100.128.0.0/10'])),
    ).toMatchObject({
      status: 200,
    })
    const { body } = await bob('POST', '/v1.0/trunks', byAddress('203.0.113.104'))
    expect(body.error.reason).toBe('AMBIGUOUS_SOURCE')
    expect(JSON.stringify(body)).not.toContain(PLATFORM)
  })
})

/** Something made when it is first awaited, once. */
function lazily<Value>(make: () => Promise<Value>): PromiseLike<Value> {
  let promise: Promise<Value> | undefined
  return {
    // biome-ignore lint/suspicious/noThenProperty: it is awaited like a promise.
    then(resolve, reject) {
      promise ??= make()
      return promise.then(resolve, reject)
    },
  }
}
