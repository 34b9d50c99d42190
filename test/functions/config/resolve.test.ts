import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explanation } from '#contract'
import { lineOf } from '../../../functions/registration-token.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, type Client, RELAY_SECRET, startApp } from '../../support/app.ts'

let app: App
let bob: Client & { id: string }
let office: { id: string; realm: string }
let telnyx: { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  office = (
    await app.alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'secure-password' })
  ).body
  const carrier = { name: 'telnyx', hostname: 'sip.telnyx.test', inbound_addresses: ['192.0.2.7'] }
  telnyx = (await app.alice('POST', '/v1.0/providers', carrier)).body
  await app.alice('POST', '/v1.0/routes', { provider_id: telnyx.id, target: '+1' })
})
afterAll(() => app.close())

const ask = (body: object, client: Client = app.alice) => client('POST', '/v1.0/routes/resolve', body)

describe('POST /v1.0/routes/resolve', () => {
  test('says where a call would go and why, as the call itself would be decided', async () => {
    const { status, body } = await ask({ from: 'office1', to: '+12125551234' })
    expect(status).toBe(200)
    expect(explanation.parse(body)).toMatchObject({
      outcome: 'connect',
      decided_by: 'edge',
      version: expect.any(Number),
      message: 'Tries telnyx.',
      candidates: [{ provider_name: 'telnyx', order: 1, dialled: '+12125551234' }],
    })
    const question = {
      call_id: crypto.randomUUID(),
      caller: { kind: 'extension', customer_id: app.aliceId, extension_id: office.id },
      from: { user: 'office1' },
      to: { user: '+12125551234', host: office.realm },
    }
    const { body: decision } = await app.relay('POST', '/relay/v1/route', question)
    expect({ ...decision.explanation, at: '' }).toEqual({ ...body, at: '' })
  })

  test('answers 200 also where the call would be refused', async () => {
    expect(await ask({ from: 'office1', to: '+442079460000', extension_id: office.id })).toMatchObject({
      status: 200,
      body: { outcome: 'reject', status: 403, reason: 'DESTINATION_NOT_ALLOWED' },
    })
  })

  test('says of the customer’s own number that the call stays, and of a list’s flow that it follows', async () => {
    const menu = { name: 'menu', actions: [{ type: 'answer' }] }
    const { body: flow } = await app.alice('POST', '/v1.0/flows', menu)
    const { body: own } = await app.alice('POST', '/v1.0/numbers', {
      number: '+12125550177',
      call_flow_id: flow.id,
    })
    app.database.heard.splice(0)
    const { body } = await ask({ from: 'office1', to: '2125550177' })
    expect(app.database.heard.filter((text) => text.includes('called_numbers'))).toHaveLength(1)
    const message = '+12125550177 is the customer’s own number. Follows the flow menu (version 1).'
    expect(body).toMatchObject({ outcome: 'flow', message, candidates: [] })
    const destinations = [
      { type: 'extension', target: 'office1' },
      { type: 'flow', target: flow.id, when: ['busy'] },
    ]
    await app.alice('PATCH', `/v1.0/numbers/${own.id}`, { call_flow_id: null, destinations })
    expect((await ask({ from: 'office1', to: '+12125550177' })).body.plan).toMatchObject([
      { target: 'office1', outcome: 'connect' },
      { target: flow.id, outcome: 'flow', message: 'Follows the flow menu (version 1).' },
    ])
    await app.alice('DELETE', `/v1.0/numbers/${own.id}`)
  })

  test('decides for the instant it is asked about', async () => {
    const { body } = await ask({ from: 'office1', to: '+12125551234', at: '2026-12-24T18:00:00+01:00' })
    expect(body.at).toBe('2026-12-24T17:00:00.000Z')
  })

  test('explains a call from an address, within the customer’s own configuration', async () => {
    const { body: number } = await app.alice('POST', '/v1.0/numbers', {
      number: '+12125550000',
      extension_id: office.id,
    })
    expect(number.id).toBeDefined()
    const asked = { from: '+14155550000', to: '2125550000', source: '192.0.2.7' }
    expect((await ask(asked)).body).toMatchObject({
      outcome: 'connect',
      caller: { rule: 'source_and_number' },
      number: { e164: '+12125550000' },
    })
    expect((await ask(asked, bob)).body).toMatchObject({ outcome: 'reject', reason: 'UNKNOWN_SOURCE' })
  })

  test('says how many routes it does not list, though only some are brought', async () => {
    const { body: phone } = await bob('POST', '/v1.0/extensions', {
      extension: 'far',
      password: 'long enough',
    })
    const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: 'sip.far.test' })
    for (let at = 0; at < 9; at += 1)
      await bob('POST', '/v1.0/routes', { provider_id: provider.id, target: `+4${at}` })
    const { body } = await ask({ from: 'far', to: '+12125551234', extension_id: phone.id }, bob)
    expect(body).toMatchObject({ reason: 'NO_ROUTE', left_out: 4 })
    expect(body.candidates).toHaveLength(5)
  })

  test('asks the database once, whose the key is included', async () => {
    app.database.heard.splice(0)
    await ask({ from: 'office1', to: '+12125551234' })
    expect(app.database.heard).toHaveLength(1)
  })

  test.each([
    ['to', { from: 'office1' }],
    ['to', { from: 'office1', to: '' }],
    ['from', { from: 'nobody', to: '+12125551234' }],
    ['from', { from: '+12125550000', to: '+12125551234' }],
    ['at', { from: 'office1', to: '1', at: 'tomorrow' }],
    ['at', { from: 'office1', to: '1', at: '0001-01-01T00:00:00+14:00' }],
    ['at', { from: 'office1', to: '1', at: '9999-12-31T23:59:59-14:00' }],
    ['source', { from: 'x', to: '1', source: 'here' }],
    ['extension_id', { from: 'x', to: '1', extension_id: '99999999-9999-4999-8999-999999999999' }],
    ['trunk_id', { from: 'x', to: '1', trunk_id: '99999999-9999-4999-8999-999999999999' }],
    ['source', { from: 'x', to: '1', trunk_id: '99999999-9999-4999-8999-999999999999', source: '192.0.2.7' }],
    ['nonsense', { from: 'office1', to: '1', nonsense: true }],
  ])('refuses nonsense, naming %s', async (field, body) => {
    const { status, body: refusal } = await ask(body)
    expect(status).toBe(400)
    expect(JSON.stringify(refusal)).toContain(`"field":"${field}"`)
  })

  test('does not know another customer’s extension', async () => {
    expect(await ask({ from: 'x', to: '1', extension_id: office.id }, bob)).toMatchObject({ status: 400 })
  })
})

test('a call to our contact at a provider is known by the word in it, wherever it comes from', async () => {
  const line = await lineOf(RELAY_SECRET, telnyx.id)
  const ring = async (word: string) => {
    const key = app.as(await relayKey(RELAY_SECRET, 'relay-1'))
    const { body } = await key('POST', '/relay/v1/route', {
      call_id: crypto.randomUUID(),
      caller: { kind: 'source', address: '203.0.113.50', port: 5060, transport: 'udp', line: word },
      from: { user: '+14155550000' },
      to: { user: '2125550000', host: 'relay.test' },
    })
    return body
  }
  expect(await ring(line)).toMatchObject({
    kind: 'connect',
    explanation: { caller: { rule: 'registration_token' } },
  })
  expect(await ring(`${line.slice(0, -1)}x`)).toMatchObject({ reason: 'UNKNOWN_SOURCE' })
})

test('a full customer is refused by what living relays lease, and by nothing a dead one left', async () => {
  const { pool } = app.database
  await pool.query('update customers set max_channels = 1 where id = $1', [app.aliceId])
  await pool.query(
    `insert into relays (id, boot_id, started_at, beat_at, draining, address, port, version)
     values ('r', gen_random_uuid(), now(), now(), false, '127.0.0.1', 5060, 0)`,
  )
  await pool.query(
    `insert into leases (call_id, scope_kind, scope_id, customer_id, relay_id)
     values (gen_random_uuid(), 'customer', $1, $1, 'r')`,
    [app.aliceId],
  )
  const asked = { from: 'office1', to: '+12125551234' }
  expect((await ask(asked)).body).toMatchObject({
    reason: 'CHANNELS_EXCEEDED',
    limits: [{ kind: 'customer', used: 1, of: 1 }],
  })
  await pool.query("update relays set beat_at = now() - interval '1 minute'")
  expect((await ask(asked)).body).toMatchObject({ outcome: 'connect' })
})
