import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'
import { heard } from '../../support/diagnosis.ts'

/*
 * Diagnoses as they are asked for: what is read, by how many questions. What is found of it the pure tables say.
 */

let app: App
let alice: Client & { id: string }
let provider: string
let extension: string
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  provider = (await alice('POST', '/v1.0/providers', { name: 'Telnyx', hostname: '203.0.113.1' })).body.id
  extension = (await alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'secure-password' }))
    .body.id
})
afterAll(() => app.close())

/** A call as a relay tells it, diagnosed. */
async function diagnosed(changes: object) {
  const now = new Date().toISOString()
  const tell = callTell(alice.id, { started_at: now, ended_at: now, ...changes })
  await tellAs(app, 'relay-1', tell)
  return alice('GET', `/v1.0/calls/${tell.call.call_id}/diagnosis`)
}

const refused = (reject_reason: string, changes: object = {}) =>
  diagnosed({ reject_reason, reject_message: 'No.', answered_at: null, hangup_reason: 'failed', ...changes })

/** What was decided of a call to a number which was refused. */
function rejecting(rule: string, e164: string, country: string) {
  const number = { dialled: e164, kind: 'number', e164, country }
  const at = '2026-11-23T07:00:00Z'
  return { decided_by: 'relay', at, version: 1, outcome: 'reject', caller: { rule, why: '' }, number }
}

describe('GET /v1.0/calls/{id}/diagnosis', () => {
  test('finds nothing where nothing is wrong, and asks the database once', async () => {
    const tell = callTell(alice.id, { media: { from_caller: heard(), from_callee: heard() } })
    await tellAs(app, 'relay-1', tell)
    const { call_id } = tell.call
    await alice('GET', `/v1.0/calls/${call_id}/diagnosis`)
    app.database.requests()
    expect((await alice('GET', `/v1.0/calls/${call_id}/diagnosis`)).body).toEqual({
      call_id,
      verdict: 'healthy',
      findings: [],
    })
    // One is whose key it is.
    expect(app.database.requests()).toBeLessThanOrEqual(2)
  })

  test('says which way there was no sound', async () => {
    const mute = heard({ packets: 0, mos: null, sdp_address: '10.0.0.5:4000' })
    const { body } = await diagnosed({ media: { from_caller: heard(), from_callee: mute } })
    expect(body).toMatchObject({
      verdict: 'failed',
      findings: [
        {
          code: 'ONE_WAY_AUDIO_NO_RTP_FROM_CALLEE',
          sentence: expect.stringContaining('10.0.0.5:4000'),
          evidence: { sdp_address: '10.0.0.5:4000' },
        },
        { code: 'PRIVATE_ADDRESS_IN_SDP_OF_CALLEE' },
      ],
    })
  })

  test('names the request which mends a provider of one’s own', async () => {
    const attempts = [attemptTold(provider, 407)]
    expect((await refused('CREDENTIALS_REFUSED', { attempts })).body.findings[0].request).toEqual({
      method: 'PATCH',
      path: `/v1.0/providers/${provider}`,
      body: { username: '', password: '' },
      fill_in: ['username', 'password'],
    })
  })

  test('allows a country beside those which are allowed, by a request which can be sent as it is', async () => {
    const decision = rejecting('digest', '+4930', 'DE')
    const { request } = (await refused('DESTINATION_NOT_ALLOWED', { decision })).body.findings[0]
    expect(request.body).toEqual({ destination_whitelist: ['us', 'de'] })
    expect((await alice(request.method, request.path, request.body)).status).toBe(200)
    await alice('PATCH', '/v1.0/customer', { destination_whitelist: null })
  })

  test.each<[what: string, listed: () => object]>([
    ['a number', () => ({ number: '+12125550123' })],
    ['a range', () => ({ number: '+12125550100', number_to: '+12125550199' })],
    ['any number of a provider', () => ({ number: 'any', provider_id: provider })],
  ])(
    'names the request which mends whom %s was to ring, though a call which is refused names neither',
    async (_, listed) => {
      const trunk = await alice('POST', '/v1.0/trunks', {
        domain_name: 'acme',
        auth_types: ['ip'],
        allowed_ips: ['192.0.2.7'],
      })
      const number = (await alice('POST', '/v1.0/numbers', listed())).body.id
      const mended = async (reason: string) => {
        const decision = rejecting('host', '+12125550123', 'US')
        const { request } = (
          await refused(reason, { direction: 'incoming', provider_id: provider, decision })
        ).body.findings[0]
        return [request?.method, request?.path, request?.body]
      }
      const itself = `/v1.0/numbers/${number}`
      expect(await mended('NUMBER_NOT_CONNECTED')).toEqual(['PATCH', itself, { extension_id: '' }])
      expect(await mended('NUMBER_DISABLED')).toEqual(['PATCH', itself, { enabled: true }])
      await alice('PATCH', itself, { extension_id: extension })
      const phone = `/v1.0/extensions/${extension}`
      expect(await mended('EXTENSION_DISABLED')).toEqual(['PATCH', phone, { enabled: true }])
      await alice('PATCH', itself, { extension_id: null, trunk_id: trunk.body.id })
      const pbx = `/v1.0/trunks/${trunk.body.id}`
      expect(await mended('TRUNK_DISABLED')).toEqual(['PATCH', pbx, { enabled: true }])
      await alice('DELETE', itself)
      await alice('DELETE', pbx)
    },
  )

  test('names the range which a number lies in before any number of its provider', async () => {
    const e164 = '+12125550123'
    const decision = {
      decided_by: 'relay',
      at: '2026-11-23T07:00:00Z',
      version: 1,
      outcome: 'reject',
      caller: { rule: 'host', why: '' },
      number: { dialled: e164, kind: 'number', e164, country: 'US' },
    }
    const call = { direction: 'incoming', provider_id: provider, decision }
    for (const listed of [
      { number: 'any', provider_id: provider },
      { number: '+12125550100', number_to: '+12125550199' },
    ]) {
      const { id } = (await alice('POST', '/v1.0/numbers', listed)).body
      const { body } = await refused('NUMBER_DISABLED', call)
      expect(body.findings[0].request.path).toBe(`/v1.0/numbers/${id}`)
    }
  })

  test('says how the callee’s registration ended, where it was not registered', async () => {
    await app.database.pool.query(
      `insert into events (id, customer_id, type, at, relay_id, subject_id, data) values
       (gen_random_uuid(), $1, 'registration.expired', now() - interval '1 hour', 'relay-1', $2, $3)`,
      [
        alice.id,
        extension,
        {
          reason: 'NOT_REFRESHED',
          why: 'It was not registered anew in time.',
          contact: 'sip:office1@192.168.1.20:5060',
          source_address: '203.0.113.9',
        },
      ],
    )
    const destination = { type: 'extension', target: 'office1', target_name: '', name: '', detail: '' }
    const { body } = await refused('NOT_REGISTERED', { direction: 'internal', destination })
    expect(body.findings).toMatchObject([
      { code: 'NOT_REGISTERED', evidence: { diagnosis: `/v1.0/extensions/${extension}/diagnosis` } },
      { code: 'REGISTRATION_EXPIRED_BEHIND_NAT', evidence: { source_address: '203.0.113.9' } },
    ])
  })
})

describe('GET /v1.0/extensions/{id}/diagnosis', () => {
  const diagnosis = async () => (await alice('GET', `/v1.0/extensions/${extension}/diagnosis`)).body
  const codes = async () => (await diagnosis()).findings.map(({ code }: { code: string }) => code)

  test('says what was refused of late, by its id or by its name, and asks the database once', async () => {
    await alice('GET', `/v1.0/extensions/${extension}/diagnosis`)
    await tellAs(app, 'relay-1', failed('WRONG_PASSWORD', extension), failed('UNKNOWN_DOMAIN', null))
    app.database.requests()
    expect((await codes()).sort()).toEqual([
      'REGISTRATION_EXPIRED_BEHIND_NAT',
      'UNKNOWN_DOMAIN',
      'WRONG_PASSWORD',
    ])
    expect(app.database.requests()).toBeLessThanOrEqual(2)
  })

  test('says where it is registered, and whether that relay is heard', async () => {
    await app.database.pool.query(
      `insert into bindings (id, customer_id, extension_id, relay_id, sequence, event, contact, q, call_id, cseq, transport,
         address, port, path, user_agent, registered_at, refreshed_at, expires_at)
       values (gen_random_uuid(), $1, $2, 'relay-9', 1, 'registered', 'sip:office1@203.0.113.9', 1, 'a', 1, 'udp',
         '203.0.113.9', 5060, '{}', 'Phone', now(), now() + interval '1 minute', now() + interval '1 hour')`,
      [alice.id, extension],
    )
    const { findings, registrations, calls } = await diagnosis()
    expect(findings.map(({ code }: { code: string }) => code)).toEqual(['RELAY_LOST'])
    expect(registrations).toMatchObject([
      { relay_id: 'relay-9', address: '203.0.113.9:5060', relay_alive: false },
    ])
    expect(calls).toMatchObject({
      looked_at: 1,
      findings: [{ code: 'NOT_REGISTERED' }, { code: 'REGISTRATION_EXPIRED_BEHIND_NAT' }],
    })
  })

  const failed = (reason: string, subject_id: string | null) => ({
    kind: 'event',
    tell_id: crypto.randomUUID(),
    at: new Date().toISOString(),
    relay_id: 'relay-1',
    customer_id: alice.id,
    type: 'registration.failed',
    data: {
      reason,
      why: 'No.',
      account: 'office1@a.test',
      subject_id,
      source_address: '203.0.113.9',
      count: 1,
    },
  })
})

describe('GET /v1.0/providers/{id}/diagnosis', () => {
  test('says which addresses called and are not listed, by a request which can be sent as it is', async () => {
    const tell = {
      kind: 'event',
      tell_id: crypto.randomUUID(),
      at: new Date().toISOString(),
      relay_id: 'relay-1',
      customer_id: alice.id,
      type: 'call.refused',
      data: {
        reason: 'UNKNOWN_SOURCE',
        why: 'No rule fits.',
        to: '+15557654321',
        source_address: '198.51.100.9',
        count: 1,
      },
    }
    await tellAs(app, 'relay-1', tell)
    app.database.requests()
    const { body } = await alice('GET', `/v1.0/providers/${provider}/diagnosis`)
    expect(app.database.requests()).toBeLessThanOrEqual(2)
    expect(body.findings.map(({ code }: { code: string }) => code)).toEqual([
      'UNKNOWN_SOURCE',
      'NO_ROUTE_LEADS_HERE',
    ])
    const { request } = body.findings[0]
    expect((await alice(request.method, request.path, request.body)).body.inbound_addresses).toEqual([
      '198.51.100.9',
    ])
    expect((await app.alice('GET', `/v1.0/providers/${provider}/diagnosis`)).status).toBe(404)
  })
})
