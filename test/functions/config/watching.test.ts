import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { type App, type Client, startApp } from '../../support/app.ts'

/*
 * What relays told, as its customer may look at it.
 */

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

describe('GET /v1.0/events', () => {
  const [carrier, other] = [crypto.randomUUID(), crypto.randomUUID()]
  const list = async (client: Client, query: string) => (await client('GET', `/v1.0/events${query}`)).body
  const ids = ({ result }: { result: { id: string }[] }) => result.map(({ id }) => id)
  const found = async (client: Client, query: string) => ids(await list(client, query))
  let [first, second, third, strange, nobodys] = ['', '', '', '', '']
  beforeAll(async () => {
    first = await happen(app.aliceId, 'provider.health_changed', 1, carrier)
    second = await happen(app.aliceId, 'call.refused', 2, other)
    third = await happen(app.aliceId, 'provider.health_changed', 3, other)
    strange = await happen(bob.id, 'call.refused', 4, carrier)
    nobodys = await happen(null, 'call.refused', 5, null)
  })
  /** What was configured before is no matter of these. */
  const since = async (client: Client) => {
    const { result } = await list(client, '?page_size=100')
    const before = result.filter(({ type }: { type: string }) => /\.(created|updated)$/.test(type))
    return `?after=${before[0]?.sequence ?? 0}`
  }

  test('gives one’s own, newest first, page by page', async () => {
    const after = await since(app.alice)
    expect(await found(app.alice, after)).toEqual([third, second, first])
    const page = await list(app.alice, `${after}&page_size=2`)
    expect(ids(page)).toEqual([third, second])
    expect(await found(app.alice, `${after}&page_size=2&page_token=${page.next_page_token}`)).toEqual([first])
    expect(await found(bob, await since(bob))).toEqual([strange])
  })

  test('finds those of a type, or about one thing', async () => {
    expect(await found(app.alice, '?type=provider.health_changed')).toEqual([third, first])
    expect(await found(app.alice, `?resource_id=${carrier}`)).toEqual([first])
    expect(await found(app.alice, `?type=call.refused&resource_id=${other}`)).toEqual([second])
    expect(await found(app.alice, '?type=number.verified')).toEqual([])
    expect(await found(app.alice, '?type=provider.*')).toEqual([third, first])
    expect((await found(app.alice, '?type=*')).slice(0, 3)).toEqual([third, second, first])
    expect(await found(app.alice, '?type=call.*&page_size=1')).toEqual([second])
  })

  test('finds those which happened after one, page by page', async () => {
    expect(await found(app.alice, `?after=${first}`)).toEqual([third, second])
    expect(await found(app.alice, `?after=${third}`)).toEqual([])
    const page = await list(app.alice, `?after=${first}&page_size=1`)
    expect(ids(page)).toEqual([third])
    const rest = `?after=${first}&page_size=1&page_token=${page.next_page_token}`
    expect(await found(app.alice, rest)).toEqual([second])
    expect(await found(app.alice, `?after=${page.result[0].sequence - 1}`)).toEqual([third])
    expect(await found(app.alice, `?type=provider.*&after=${first}`)).toEqual([third])
    expect(await app.alice('GET', `/v1.0/events?after=${strange}`)).toMatchObject({ status: 400 })
  })

  test.each([
    ['type', 'Provider%20Health'],
    ['type', 'number.bought'],
    ['type', 'bought.*'],
    ['resource_id', 'carrier'],
    ['after', 'yesterday'],
    ['after', crypto.randomUUID()],
    ['subject_id', crypto.randomUUID()],
    ['page_size', '0'],
  ])('refuses ?%s=%s, naming it', async (parameter, value) => {
    const { status, body } = await app.alice('GET', `/v1.0/events?${parameter}=${value}`)
    expect([status, body.error]).toMatchObject([
      400,
      { reason: 'INVALID_REQUEST_PARAMETER', details: [{ field: parameter }] },
    ])
  })

  test('shows one whole, to its own customer', async () => {
    expect((await app.alice('GET', `/v1.0/events/${first}`)).body).toEqual({
      id: first,
      customer_id: app.aliceId,
      type: 'provider.health_changed',
      resource_id: carrier,
      relay_id: 'relay-1',
      sequence: expect.any(Number),
      data: { to: 'unhealthy' },
      tm_create: '2026-03-01T00:00:01.000000Z',
    })
    expect(await bob('GET', `/v1.0/events/${first}`)).toMatchObject({
      status: 404,
      body: { error: { reason: 'EVENT_NOT_FOUND' } },
    })
    expect(await app.alice('GET', '/v1.0/events/first')).toMatchObject({ status: 400 })
  })

  test('shows nobody’s to the platform', async () => {
    expect((await found(app.platform, ''))[0]).toBe(nobodys)
    expect(await app.alice('GET', `/v1.0/events/${nobodys}`)).toMatchObject({ status: 404 })
    expect(await found(app.alice, `?customer_id=${PLATFORM}&type=call.refused`)).toEqual([nobodys])
  })

  async function happen(customer: string | null, type: string, second: number, subject: string | null) {
    const id = crypto.randomUUID()
    await app.database.pool.query(
      `insert into events (id, customer_id, type, at, relay_id, subject_id, data)
       values ($1, $2, $3, $4, 'relay-1', $5, '{"to": "unhealthy"}')`,
      [id, customer, type, `2026-03-01T00:00:0${second}Z`, subject],
    )
    return id
  }
})

describe('GET /v1.0/relays', () => {
  test('says which live, and how many calls each holds', async () => {
    await relay('relay-1', 'now()')
    await relay('relay-2', "now() - interval '1 minute'")
    const [busy, quiet] = [crypto.randomUUID(), crypto.randomUUID()]
    await lease(busy, 'customer')
    await lease(busy, 'provider')
    await lease(quiet, 'provider')
    const { body } = await app.alice('GET', '/v1.0/relays')
    expect(body).toMatchObject({
      result: [
        {
          id: 'relay-1',
          alive: true,
          draining: false,
          address: '192.0.2.1',
          port: 5060,
          version: 7,
          tm_create: '2026-03-01T00:00:00.000000Z',
          waiting_tells: 3,
          calls: 2,
        },
        { id: 'relay-2', alive: false, calls: 0 },
      ],
      next_page_token: '',
    })
    expect(body.result[0].tm_update).toMatch(/^\d{4}-.*Z$/)
  })

  test('is for administrators', async () => {
    expect(await bob('GET', '/v1.0/relays')).toMatchObject({
      status: 403,
      body: { error: { reason: 'PERMISSION_DENIED' } },
    })
    expect(await app.send('/v1.0/relays')).toMatchObject({ status: 401 })
  })

  function relay(id: string, beatAt: string) {
    return app.database.pool.query(
      `insert into relays (id, boot_id, started_at, beat_at, draining, address, port, version, waiting_tells)
       values ($1, gen_random_uuid(), '2026-03-01T00:00:00Z', ${beatAt}, false, '192.0.2.1', 5060, 7, 3)`,
      [id],
    )
  }

  function lease(call: string, kind: string) {
    return app.database.pool.query(
      `insert into leases (call_id, scope_kind, scope_id, customer_id, relay_id)
       values ($1, $2, gen_random_uuid(), $3, 'relay-1')`,
      [call, kind, app.aliceId],
    )
  }
})

describe('GET /v1.0/calls', () => {
  const found = async (query: string) =>
    (await app.alice('GET', `/v1.0/calls${query}`)).body.result.map(
      ({ sip_call_id }: { sip_call_id: string }) => sip_call_id,
    )
  beforeAll(async () => {
    await call('over', 'hangup', 'outgoing', 1)
    await call('ringing', 'ringing', 'incoming', 2)
    await call('talking', 'progressing', 'outgoing', 3)
  })

  test('finds those of a status or a direction', async () => {
    expect(await found('')).toEqual(['talking', 'ringing', 'over'])
    expect(await found('?status=ringing')).toEqual(['ringing'])
    expect(await found('?direction=outgoing')).toEqual(['talking', 'over'])
    expect(await found('?direction=outgoing&status=hangup')).toEqual(['over'])
  })

  test.each([
    ['status', 'answered'],
    ['direction', 'outbound'],
  ])('refuses ?%s=%s, naming it and what there is', async (parameter, value) => {
    const { status, body } = await app.alice('GET', `/v1.0/calls?${parameter}=${value}`)
    expect([status, body.error.details[0].field]).toEqual([400, parameter])
    expect(body.error.message).toMatch(/ringing|incoming/)
  })

  test('shows why a call went where it went, in the order it is documented', async () => {
    const caller = { why: 'a registered phone', rule: 'digest' }
    const limits = [
      { exceeded: true, of: 30, used: 30, resource: 'channels', id: app.aliceId, kind: 'customer' },
    ]
    const decision = {
      version: 7,
      caller,
      decided_by: 'edge',
      at: '2026-03-01T00:00:04Z',
      outcome: 'reject',
      reason: 'CHANNELS_FULL',
      status: 503,
      limits,
    }
    await call('refused', 'hangup', 'outgoing', 4, decision)
    const [{ decision: shown }] = (await app.alice('GET', '/v1.0/calls')).body.result
    expect(shown).toMatchObject(decision)
    expect(Object.keys(shown).slice(0, 3)).toEqual(['decided_by', 'at', 'version'])
    expect(Object.keys(shown.limits[0])).toEqual(['kind', 'id', 'name', 'resource', 'used', 'of', 'exceeded'])
  })

  function call(name: string, status: string, direction: string, second: number, decision: unknown = null) {
    return app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
         sip_call_id, started_at, attempts, decision)
       values (gen_random_uuid(), $1, 'relay-1', 1, $2, '{"type": "tel", "target": "+1"}',
         '{"type": "tel", "target": "+2"}', $3, false, $4, $5, '[]', $6)`,
      [
        app.aliceId,
        direction,
        status,
        name,
        `2026-03-01T00:00:0${second}Z`,
        decision && JSON.stringify(decision),
      ],
    )
  }
})
