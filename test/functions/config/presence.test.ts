import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

/*
 * Where phones were and why they are there no longer; and from where nobody may guess: as relays tell it.
 */

let app: App
let bob: Client & { id: string }
let relay: TestRelay
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  relay = await newRelay(app, 'relay-1')
})
afterAll(() => app.close())

describe('the history of registrations', () => {
  let extension: { id: string }
  const history = async (query = '', client: Client = app.alice) =>
    (await client('GET', `/v1.0/extensions/${extension.id}/registrations/history${query}`)).body
  const types = async (query = '') =>
    (await history(query)).result.map(({ type }: { type: string }) => type.split('.')[1])
  beforeAll(async () => {
    const wish = { username: 'history', password: 'secure-password' }
    extension = (await app.alice('POST', '/v1.0/extensions', wish)).body
    for (const [nth, { type, data }] of happened.entries())
      await tell({
        type,
        at: `2026-11-24T09:00:0${nth}.000Z`,
        customer_id: app.aliceId,
        data: { subject_id: extension.id, ...data },
      })
    await tell({ type: 'call.refused', customer_id: app.aliceId, data: { subject_id: extension.id } })
  })

  test('has each made, moved, lost and refused, the newest first, with reason, source, user agent and relay', async () => {
    const { result } = await history()
    expect(result.map(({ type }: { type: string }) => type)).toEqual([
      'registration.failed',
      'registration.lost',
      'registration.moved',
      'registration.made',
    ])
    const phone = { transport: 'udp', source_port: 5062, user_agent: 'Desk 7', relay_id: 'relay-1' }
    expect(result).toMatchObject([
      {
        reason: 'WRONG_PASSWORD',
        count: 7,
        sip_status: 401,
        transport: 'tcp',
        source_address: '2001:db8::1',
        contact: null,
      },
      {
        reason: 'NO_ANSWER',
        message: 'It is off.',
        ...phone,
        source_address: '192.0.2.9',
        contact: 'sip:a@10.0.0.5',
      },
      {
        moved_from: {
          contact: 'sip:a@10.0.0.5',
          transport: 'udp',
          source_address: '192.0.2.8',
          relay_id: 'relay-2',
        },
      },
      { reason: null, ...phone, source_address: '192.0.2.8', moved_from: null, count: 1 },
    ])
  })

  test('goes page by page, and is narrowed by type, reason, address and time', async () => {
    const first = await history('?page_size=3')
    const rest = await history(`?page_size=3&page_token=${first.next_page_token}`)
    expect([first.result.length, rest.result.length, rest.next_page_token]).toEqual([3, 1, ''])
    expect(await types('?type=registration.moved')).toEqual(['moved'])
    expect(await types('?reason=NO_ANSWER')).toEqual(['lost'])
    expect(await types('?source_address=192.0.2.8')).toEqual(['made'])
    const between = '?happened_after=2026-11-24T09:00:00.500Z&happened_before=2026-11-24T09:00:02.500Z'
    expect(await types(between)).toEqual(['lost', 'moved'])
    for (const bad of ['type=registration.blocked', 'reason=why', 'happened_after=today'])
      expect(
        await app.alice('GET', `/v1.0/extensions/${extension.id}/registrations/history?${bad}`),
      ).toMatchObject({ status: 400 })
  })

  test('is its customer’s alone', async () => {
    expect(await history('', bob)).toMatchObject({ error: { reason: 'EXTENSION_NOT_FOUND' } })
    const path = `/v1.0/trunks/${extension.id}/registrations/history`
    expect(await app.alice('GET', path)).toMatchObject({ status: 404 })
  })
})

describe('contacts of an account', () => {
  test('are not listed as registered from the moment it is disabled', async () => {
    const { body } = await app.alice('POST', '/v1.0/extensions', {
      username: 'off',
      password: 'secure-password',
    })
    await app.database.pool.query(
      `insert into bindings (id, customer_id, extension_id, relay_id, sequence, event, contact, q, call_id, cseq,
         transport, address, port, path, user_agent, registered_at, refreshed_at, expires_at)
       values (gen_random_uuid(), $1, $2, 'relay-1', 1, 'registered', 'sip:a@192.0.2.1', 1, 'x', 1, 'udp', '192.0.2.1', 5060,
         '{}', '', now(), now(), now() + interval '1 hour')`,
      [app.aliceId, body.id],
    )
    const listed = async () =>
      (await app.alice('GET', `/v1.0/extensions/${body.id}/registrations`)).body.result.length
    expect(await listed()).toBe(1)
    await app.alice('PATCH', `/v1.0/extensions/${body.id}`, { enabled: false })
    expect(await listed()).toBe(0)
    await app.alice('PATCH', `/v1.0/extensions/${body.id}`, { enabled: true })
    expect(await listed()).toBe(1)
  })
})

describe('a blocked address', () => {
  const listed = async (client: Client) =>
    (await client('GET', '/v1.0/blocks')).body.result.map(({ id }: { id: string }) => id)

  test('is seen by the customers whose accounts were tried, and by the platform', async () => {
    const id = await blocked({ [app.aliceId]: 60 })
    expect((await app.alice('GET', '/v1.0/blocks?source_address=192.0.2.66')).body.result).toMatchObject([
      { id, customer_id: app.aliceId, failures: 60, accounts: 20, relay_id: 'relay-1', tm_delete: null },
    ])
    expect((await app.platform('GET', '/v1.0/blocks')).body.result).toMatchObject([
      { id, customer_id: PLATFORM, failures: 100 },
    ])
    expect(await listed(bob)).toEqual([])
    expect(await bob('DELETE', `/v1.0/blocks/${id}`)).toMatchObject({
      status: 404,
      body: { error: { reason: 'BLOCK_NOT_FOUND' } },
    })
    await app.platform('DELETE', `/v1.0/blocks/${id}`)
  })

  test('is named to every relay; taken back by a customer it is free for that one, by the platform for all', async () => {
    const id = await blocked({ [app.aliceId]: 60, [bob.id]: 40 })
    const named = async () => (await relay.beat()).blocks?.filter(({ block_id }) => block_id === id)
    const block = { block_id: id, source: '192.0.2.66', over: false, lifted_for: [] as string[] }
    expect(await named()).toMatchObject([block])
    const { body } = await bob('DELETE', `/v1.0/blocks/${id}`)
    expect(Date.parse(body.tm_delete)).toBeGreaterThan(0)
    expect(await named()).toMatchObject([{ ...block, lifted_for: [bob.id] }])
    expect([(await listed(bob)).includes(id), (await listed(app.alice)).includes(id)]).toEqual([false, true])
    expect(await bob('DELETE', `/v1.0/blocks/${id}`)).toMatchObject({ status: 404 })
    await app.platform('DELETE', `/v1.0/blocks/${id}`)
    expect(await named()).toMatchObject([{ over: true, lifted_for: [bob.id] }])
    // A relay which had no answer tells it once more: it stays taken back.
    await tell(...lastTold)
    expect(await named()).toMatchObject([{ over: true, lifted_for: [bob.id] }])
  })

  test('is kept once however often it is told, is over when its time is up, and gone a month later', async () => {
    const { pool } = app.database
    const gone = await blocked({ [bob.id]: 100 }, -31 * 24 * 3_600_000)
    const over = await blocked({ [bob.id]: 100 }, -1)
    expect(await listed(bob)).toEqual([])
    const [told] = lastTold
    await tell(told ?? {})
    const { rows } = await pool.query('select distinct id from source_blocks where id = any($1)', [
      [gone, over],
    ])
    expect(rows).toEqual([{ id: over }])
  })

  test('told with values which are none is an event, and no block', async () => {
    const { status, body } = await tell({
      type: 'registration.blocked',
      customer_id: bob.id,
      data: { block_id: 'x', until: 'soon' },
    })
    expect([status, body.accepted.length]).toEqual([200, 1])
  })
})

const [here, there] = ['udp 192.0.2.8:5062', 'udp 192.0.2.9:5062']
const phone = { user_agent: 'Desk 7', contact: 'sip:a@10.0.0.5' }
const happened = [
  { type: 'registration.made', data: { ...phone, source: here, source_address: '192.0.2.8', reason: '' } },
  {
    type: 'registration.moved',
    data: {
      ...phone,
      source: there,
      source_address: '192.0.2.9',
      moved_from: { contact: phone.contact, source: here, relay_id: 'relay-2' },
    },
  },
  {
    type: 'registration.lost',
    data: { ...phone, source: there, source_address: '192.0.2.9', reason: 'NO_ANSWER', why: 'It is off.' },
  },
  {
    type: 'registration.failed',
    data: {
      source: 'tcp [2001:db8::1]:40000',
      reason: 'WRONG_PASSWORD',
      count: 7,
      sip_status: 401,
      user_agent: 'x',
    },
  },
]
let lastTold: object[] = []

/** A relay tells of a block, to each customer and to the platform; it ends so many ms from now. */
async function blocked(failures: Record<string, number>, endsIn = 600_000): Promise<string> {
  const [id, until] = [crypto.randomUUID(), new Date(Date.now() + endsIn)]
  const since = new Date(until.getTime() - 600_000).toISOString()
  const words = {
    subject_id: id,
    block_id: id,
    source_address: '192.0.2.66',
    since,
    until: until.toISOString(),
    accounts: 20,
  }
  const told = (customer_id: string | null, failures: number) => ({
    type: 'registration.blocked',
    customer_id,
    tell_id: crypto.randomUUID(),
    data: { ...words, failures },
  })
  lastTold = [told(null, 100), ...Object.entries(failures).map(([customer, count]) => told(customer, count))]
  await tell(...lastTold)
  return id
}

function tell(...events: object[]) {
  const usual = { kind: 'event', at: new Date().toISOString(), relay_id: 'relay-1' }
  const tells = events.map((event) => ({ ...usual, tell_id: crypto.randomUUID(), ...event }))
  return app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells })
}
