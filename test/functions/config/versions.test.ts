import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '#db'
import { quotasOf } from '../../../functions/config/quota.ts'
import { planFor } from '../../../functions/config/restoration.ts'
import { outcomeOf, statementsFor } from '../../../functions/config/restoring.ts'
import { rowsSince, type ThenAndNow } from '../../../functions/store/history.ts'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let alice: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
})
afterAll(() => app.close())

describe('POST /v1.0/routes/resolve with a version', () => {
  test('decides on the configuration as it was, whatever has become of it', async () => {
    const office = await made('extensions', { extension: 'office', password: 'secure-password' })
    const [first, second] = [
      await made('providers', { name: 'first', hostname: 'first.test' }),
      await made('providers', { name: 'second', hostname: 'second.test' }),
    ]
    const route = await made('routes', { name: 'out', provider_id: first.id })
    const then = await versionOf(alice)
    await alice('PUT', `/v1.0/routes/${route.id}`, { name: 'out', provider_id: second.id })
    const changed = await versionOf(alice)
    for (const { path } of [route, second, first, office]) await alice('DELETE', path)

    const asked = { from: '+12025550100', to: '+12125550123', extension_id: office.id }
    const at = async (version: number) => {
      const { body } = await alice('POST', '/v1.0/routes/resolve', { ...asked, version })
      return [body.version, body.candidates?.map((one: { provider_name: string }) => one.provider_name)]
    }
    expect(await at(then)).toEqual([then, ['first']])
    expect(await at(changed)).toEqual([changed, ['second']])
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND' } },
    })
  })

  test('names the version of a flow as it was, as GET /versions/{version} does, and a change names none', async () => {
    const flow = await made('flows', { name: 'menu', actions: [{ type: 'hangup' }] })
    const number = { number: '+15557770101', call_flow_id: flow.id }
    const provider = await made('providers', { hostname: 'in.test', inbound_addresses: ['192.0.2.77'] })
    await made('numbers', number)
    const versions = [await versionOf(alice)]
    for (const body of [{ detail: 'renamed' }, { actions: [{ type: 'answer' }, { type: 'hangup' }] }]) {
      await alice('PATCH', `/v1.0/flows/${flow.id}`, body)
      versions.push(await versionOf(alice))
    }
    const asked = { from: '+12025550100', to: number.number, source: '192.0.2.77' }
    const at = async (version: number) => {
      const { body } = await alice('POST', '/v1.0/routes/resolve', { ...asked, version })
      const then = (await alice('GET', `/v1.0/versions/${version}`)).body
      return [body.flow?.version, then.flows.find(({ id }: { id: string }) => id === flow.id)?.version]
    }
    expect(await Promise.all(versions.map(at))).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
    ])
    const { body } = await alice('GET', `/v1.0/changes?resource_id=${flow.id}`)
    expect(body.result[0]).toMatchObject({ changed: ['actions'] })
    expect(body.result[0].after).not.toHaveProperty('version')
    for (const { path } of [flow, provider]) await alice('DELETE', `${path}?cascade=true`)
  })

  test('takes one round trip beside the key’s', async () => {
    const { body } = await alice('GET', '/v1.0/customer')
    app.database.requests()
    const asked = { from: '+1', to: '+12125550123', source: '192.0.2.7', version: body.configuration_version }
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({ status: 200 })
    expect(app.database.requests()).toBe(2)
  })

  test.each([
    ['which is not there yet is refused', 1_000_000_000, 404, 'VERSION_NOT_FOUND'],
    ['from before the customer was there is refused', 1, 410, 'VERSION_GONE'],
  ])('%s', async (_, version, status, reason) => {
    const asked = { from: '+1', to: '+12125550123', source: '192.0.2.7', version }
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({
      status,
      body: { error: { reason } },
    })
  })
})

describe('GET /v1.0/versions/{version}', () => {
  test.each([
    ['which is not there yet is refused', '1000000000', 404, 'VERSION_NOT_FOUND'],
    ['from before the customer was there is refused', '1', 410, 'VERSION_GONE'],
    ['which is none is refused', 'latest', 400, 'INVALID_ID'],
    ['which is none is refused', '0', 400, 'INVALID_ID'],
    ['which is none is refused', '99999999999999999999', 400, 'INVALID_ID'],
  ])('%s: %s', async (_, version, status, reason) => {
    for (const answer of [
      await alice('GET', `/v1.0/versions/${version}`),
      await alice('POST', `/v1.0/versions/${version}/restore`),
    ])
      expect(answer).toMatchObject({ status, body: { error: { reason } } })
  })

  test('is not kept any more where its changes are not, and what is kept is told', async () => {
    const bob = await app.newcomer('Bob')
    const first = await versionOf(bob)
    await bob('PATCH', '/v1.0/customer', { detail: 'second' })
    const second = await versionOf(bob)
    await bob('PATCH', '/v1.0/customer', { detail: 'third' })
    await app.database.pool.query('delete from changes where customer_id = $1 and version <= $2', [
      bob.id,
      first,
    ])
    expect(await bob('GET', `/v1.0/versions/${first}`)).toMatchObject({
      status: 410,
      body: {
        error: { message: `Version ${first} is not kept; the oldest which can be told is ${second}.` },
      },
    })
    expect((await bob('GET', `/v1.0/versions/${second}`)).body.customer.detail).toBe('second')
  })
})

describe('POST /v1.0/versions/{version}/restore', () => {
  test.each([
    ['of another customer', { customer_id: crypto.randomUUID() }, 403],
    ['of what it does not know', { dry_run: true }, 400],
    ['which is no object', [], 400],
  ])('refuses a body %s, and brings nothing back', async (_, body, status) => {
    const then = await versionOf(alice)
    await alice('PATCH', '/v1.0/customer', { detail: crypto.randomUUID() })
    const now = await versionOf(alice)
    expect(await alice('POST', `/v1.0/versions/${then}/restore`, body)).toMatchObject({ status })
    expect(await versionOf(alice)).toBe(now)
  })

  test('is of the customer whom an administrator’s body names', async () => {
    const eve = await app.newcomer('Eve')
    const then = await versionOf(eve)
    await eve('PATCH', '/v1.0/customer', { detail: 'changed' })
    const { body } = await app.alice('POST', `/v1.0/versions/${then}/restore`, { customer_id: eve.id })
    expect(body.changes).toMatchObject([{ resource_type: 'customer', resource_id: eve.id }])
    expect((await eve('GET', '/v1.0/customer')).body.detail).toBe('')
  })

  test('brings back what was deleted, with its id and its secrets', async () => {
    const bob = await app.newcomer('Bob')
    const { body: phone } = await bob('POST', '/v1.0/extensions', {
      extension: 'bob',
      password: 'secure-password',
    })
    const then = await versionOf(bob)
    const kept = await sealed('extensions', phone.id)
    await bob('DELETE', `/v1.0/extensions/${phone.id}`)
    const { body } = await bob('POST', `/v1.0/versions/${then}/restore`)
    expect(body).toMatchObject({
      restored: then,
      changes: [{ resource_type: 'extension', resource_id: phone.id, action: 'restored' }],
      left_out: [],
    })
    expect(body.version).toBe(await versionOf(bob))
    expect(await sealed('extensions', phone.id)).toEqual(kept)
    expect((await bob('GET', '/v1.0/extensions')).body.result).toMatchObject([
      { id: phone.id, tm_delete: null },
    ])
  })

  test('leaves a password as it is, though it was another then', async () => {
    const bob = await app.newcomer('Bob')
    const { body: phone } = await bob('POST', '/v1.0/extensions', {
      extension: 'bob',
      password: 'leaked-password',
    })
    const then = await versionOf(bob)
    await bob('PUT', `/v1.0/extensions/${phone.id}`, {
      extension: 'bob',
      password: 'another-password',
      name: 'x',
    })
    const kept = await sealed('extensions', phone.id)
    await bob('POST', `/v1.0/versions/${then}/restore`)
    expect((await bob('GET', `/v1.0/extensions/${phone.id}`)).body.name).toBe('')
    expect(await sealed('extensions', phone.id)).toEqual(kept)
  })

  test('is one change, signed with its key, and can be taken back', async () => {
    const bob = await app.newcomer('Bob')
    await bob('POST', '/v1.0/providers', { name: 'one', hostname: 'one.test' })
    const then = await versionOf(bob)
    const { body: two } = await bob('POST', '/v1.0/providers', { name: 'two', hostname: 'two.test' })
    await bob('POST', '/v1.0/routes', { name: 'over two', provider_id: two.id })
    await bob('PATCH', '/v1.0/customer', { max_cps: 7 })
    const now = await versionOf(bob)
    const { body: back } = await bob('POST', `/v1.0/versions/${then}/restore`)
    expect(back.version).toBe(now + 1)
    const { body: made } = await bob('GET', `/v1.0/changes?version=${back.version}`)
    expect(made.result).toHaveLength(3)
    expect(
      new Set(made.result.map(({ request_id, key_id }: Record<string, string>) => `${request_id} ${key_id}`))
        .size,
    ).toBe(1)
    expect(made.result[0].key_id).not.toBeNull()
    expect((await bob('GET', '/v1.0/customer')).body.max_cps).toBeNull()
    await bob('POST', `/v1.0/versions/${now}/restore`)
    expect(await configurationOf(bob)).toEqual(await asItWas(bob, now))
  })

  test('gives an address, a name and a domain back to what had them first', async () => {
    const bob = await app.newcomer('Bob')
    const bodies = [
      ['providers', { hostname: 'first.test', inbound_addresses: ['203.0.113.77'] }],
      ['extensions', { extension: 'desk', password: 'secure-password' }],
      ['trunks', { domain_name: 'moved', auth_types: ['ip'], allowed_ips: ['203.0.113.78'] }],
      ['numbers', { number: '+12125550155' }],
    ] as const
    const makeAll = () =>
      Promise.all(
        bodies.map(async ([noun, body]) => [noun, (await bob('POST', `/v1.0/${noun}`, body)).body.id]),
      )
    const first = await makeAll()
    const then = await versionOf(bob)
    for (const [noun, id] of first) await bob('DELETE', `/v1.0/${noun}/${id}`)
    const second = await makeAll()
    const { body } = await bob('POST', `/v1.0/versions/${then}/restore`)
    expect(body.left_out).toEqual([])
    const ids = (action: string) =>
      body.changes
        .filter((one: { action: string }) => one.action === action)
        .map((one: { resource_id: string }) => one.resource_id)
    expect(ids('restored').sort()).toEqual(first.map(([, id]) => id).sort())
    expect(ids('deleted').sort()).toEqual(second.map(([, id]) => id).sort())
  })

  test('forgets what DNS found of a host which a provider has left', async () => {
    const bob = await app.newcomer('Bob')
    const { body: carrier } = await bob('POST', '/v1.0/providers', { name: 'one', hostname: 'old.test' })
    const then = await versionOf(bob)
    const find = () =>
      app.database.pool.query(
        "update providers set found = '{203.0.113.99}', found_since = array[now()] where id = $1",
        [carrier.id],
      )
    await bob('PATCH', `/v1.0/providers/${carrier.id}`, { hostname: 'new.test' })
    await find()
    await bob('POST', `/v1.0/versions/${then}/restore`)
    expect((await bob('GET', `/v1.0/providers/${carrier.id}`)).body).toMatchObject({
      hostname: 'old.test',
      addresses: [],
    })
    await find()
    await bob('PATCH', `/v1.0/providers/${carrier.id}`, { name: 'two' })
    await bob('POST', `/v1.0/versions/${then}/restore`)
    const { body } = await bob('GET', `/v1.0/providers/${carrier.id}`)
    expect(body).toMatchObject({ name: 'one', addresses: [{ address: '203.0.113.99' }] })
  })

  test('changes nothing where all is as it was, and raises no version', async () => {
    const before = await versionOf(alice)
    const { body } = await alice('POST', `/v1.0/versions/${before}/restore`)
    expect(body).toEqual({ version: before, restored: before, changes: [], left_out: [] })
    expect(await versionOf(alice)).toBe(before)
  })

  test('takes two round trips beside the key’s', async () => {
    const bob = await app.newcomer('Bob')
    const then = await versionOf(bob)
    await bob('POST', '/v1.0/providers', { hostname: 'one.test' })
    app.database.requests()
    await bob('POST', `/v1.0/versions/${then}/restore`)
    expect(app.database.requests()).toBe(3)
  })

  test('leaves another’s keys and what another changed alone', async () => {
    const [bob, eve] = [await app.newcomer('Bob'), await app.newcomer('Eve')]
    const then = await versionOf(eve)
    const { body: hers } = await bob('POST', '/v1.0/providers', { hostname: 'bobs.test' })
    const { body: key } = await eve('POST', '/v1.0/accesskeys', { name: 'made since' })
    await eve('POST', `/v1.0/versions/${then}/restore`)
    expect((await bob('GET', `/v1.0/providers/${hers.id}`)).body.tm_delete).toBeNull()
    expect((await eve('GET', `/v1.0/accesskeys/${key.id}`)).body.tm_delete).toBeNull()
  })
})

describe('a plan to bring a version back', () => {
  test('is not carried out on a configuration which is another than it was made for', async () => {
    const bob = await app.newcomer('Bob')
    const then = await versionOf(bob)
    await bob('PATCH', '/v1.0/customer', { detail: 'changed' })
    const now = await versionOf(bob)
    expect(await carriedOut(bob.id, then, now - 1)).toMatchObject({ outdated: true, version: now })
    expect((await bob('GET', '/v1.0/customer')).body).toMatchObject({
      detail: 'changed',
      configuration_version: now,
    })
    expect(await carriedOut(bob.id, then, now)).toMatchObject({ outdated: false, version: now + 1 })
    expect((await bob('GET', '/v1.0/customer')).body.detail).toBe('')
  })

  test('never leaves anything leading to what went, whoever changes something at the same time', async () => {
    const bob = await app.newcomer('Bob')
    const then = await versionOf(bob)
    for (let round = 0; round < 8; round += 1) {
      const { body: carrier } = await bob('POST', '/v1.0/providers', { hostname: `host${round}.test` })
      const route = { name: 'over it', provider_id: carrier.id }
      const answers = await Promise.all([
        bob('POST', `/v1.0/versions/${then}/restore`),
        bob('POST', '/v1.0/routes', route),
        bob('POST', '/v1.0/routes', route),
      ])
      expect(answers[0].status).toBe(200)
      for (const { status } of answers.slice(1)) expect([200, 400]).toContain(status)
      const { providers, routes } = await configurationOf(bob)
      const there = (providers as { id: string }[]).map(({ id }) => id)
      const lead = (routes as { provider_id: string }[]).map(({ provider_id }) => provider_id)
      expect(lead.filter((id) => !there.includes(id))).toEqual([])
    }
  })

  /** What came of bringing a version back by a plan for a version, on the configuration as it is. */
  async function carriedOut(customerId: string, version: number, planned: number) {
    const db = connect(app.database.databaseUrl, app.database.endpointUrl)
    const { rows } = await db.execute<ThenAndNow>(rowsSince(customerId, version))
    const plan = planFor(rows, { admin: false, quotas: quotasOf({}), refused: [] })
    const [first, ...rest] = statementsFor(plan, customerId, planned).map((one) =>
      db.execute<Record<string, unknown>>(one),
    )
    if (!first) throw new Error('A plan takes a statement at least.')
    return outcomeOf(await db.batch([first, ...rest]))
  }
})

describe('what cannot come back', () => {
  let bob: Client & { id: string }
  beforeEach(async () => {
    bob = await app.newcomer('Bob')
  })

  test('is a number which is another’s by now; later it comes back as claimed', async () => {
    const { body: number } = await app.alice('POST', `/v1.0/numbers?customer_id=${bob.id}`, {
      number: '+12125550111',
    })
    const then = await versionOf(bob)
    await bob('DELETE', `/v1.0/numbers/${number.id}`)
    const eve = await app.newcomer('Eve')
    const { body: hers } = await app.alice('POST', `/v1.0/numbers?customer_id=${eve.id}`, {
      number: '+12125550111',
    })
    expect(await restored(then)).toMatchObject({
      changes: [],
      left_out: [{ resource_type: 'number', resource_id: number.id, field: null, reason: 'NUMBER_TAKEN' }],
    })
    await eve('DELETE', `/v1.0/numbers/${hers.id}`)
    expect(await restored(then)).toMatchObject({
      changes: [{ resource_id: number.id, action: 'restored' }],
      left_out: [{ resource_id: number.id, field: 'ownership', reason: 'PERMISSION_DENIED' }],
    })
    expect((await bob('GET', `/v1.0/numbers/${number.id}`)).body.ownership).toBe('claimed')
  })

  test('is an assignment, unless an administrator asks', async () => {
    const { body: number } = await app.alice('POST', `/v1.0/numbers?customer_id=${bob.id}`, {
      number: '+12125550112',
    })
    const then = await versionOf(bob)
    await bob('DELETE', `/v1.0/numbers/${number.id}`)
    const { body } = await app.alice('POST', `/v1.0/versions/${then}/restore?customer_id=${bob.id}`)
    expect(body).toMatchObject({ changes: [{ resource_id: number.id }], left_out: [] })
    expect((await bob('GET', `/v1.0/numbers/${number.id}`)).body.ownership).toBe('assigned')
  })

  test('is a trunk whose domain is another’s by now, and what leads to it', async () => {
    const trunk = { domain_name: 'acme', auth_types: ['basic'], username: 'pbx', password: 'between-us-two' }
    const { body: pbx } = await bob('POST', '/v1.0/trunks', trunk)
    const { body: number } = await bob('POST', '/v1.0/numbers', { number: '+12125550113', trunk_id: pbx.id })
    const then = await versionOf(bob)
    await bob('DELETE', `/v1.0/trunks/${pbx.id}?cascade=true`)
    await (await app.newcomer('Eve'))('POST', '/v1.0/trunks', trunk)
    const { changes, left_out } = await restored(then)
    expect(changes).toEqual([])
    expect(left_out).toMatchObject([
      { resource_id: pbx.id, reason: 'TRUNK_DOMAIN_TAKEN' },
      { resource_id: number.id, reason: 'REFERENCE_NOT_FOUND' },
    ])
  })

  test('is a password which was forgotten: its provider stays, and the rest comes back', async () => {
    const { body: carrier } = await bob('POST', '/v1.0/providers', {
      name: 'paid',
      hostname: 'paid.test',
      username: 'us',
      password: 'known-to-them',
    })
    const { body: route } = await bob('POST', '/v1.0/routes', { name: 'over it', provider_id: carrier.id })
    const then = await versionOf(bob)
    await bob('PUT', `/v1.0/providers/${carrier.id}`, { name: 'free', hostname: 'paid.test' })
    await bob('DELETE', `/v1.0/routes/${route.id}`)
    expect(await restored(then)).toMatchObject({
      changes: [{ resource_id: route.id, action: 'restored' }],
      left_out: [{ resource_id: carrier.id, field: null, reason: 'PASSWORD_UNKNOWN' }],
    })
    expect((await bob('GET', `/v1.0/providers/${carrier.id}`)).body.name).toBe('free')
  })

  test('is a trunk’s username of before, since what is kept of its password is of the one it has', async () => {
    const trunk = {
      domain_name: 'office',
      auth_types: ['basic'],
      username: 'pbx',
      password: 'between-us-two',
    }
    const { body: pbx } = await bob('POST', '/v1.0/trunks', trunk)
    const then = await versionOf(bob)
    await bob('PUT', `/v1.0/trunks/${pbx.id}`, { ...trunk, username: 'pbx2' })
    const { left_out } = await restored(then)
    expect(left_out).toMatchObject([{ resource_id: pbx.id, reason: 'PASSWORD_UNKNOWN' }])
    await bob('PUT', `/v1.0/trunks/${pbx.id}`, trunk)
    expect((await restored(then)).left_out).toEqual([])
  })

  test('is a route to the platform’s provider where that is gone', async () => {
    const { body: shared } = await app.platform('POST', '/v1.0/providers', {
      name: 'shared',
      hostname: 'shared.test',
    })
    const { body: route } = await bob('POST', '/v1.0/routes', { name: 'shared', provider_id: shared.id })
    const then = await versionOf(bob)
    await bob('DELETE', `/v1.0/routes/${route.id}`)
    await app.platform('DELETE', `/v1.0/providers/${shared.id}`)
    expect((await restored(then)).left_out).toMatchObject([
      { resource_id: route.id, reason: 'REFERENCE_NOT_FOUND' },
    ])
  })

  test('is a PBX at an address where the platform’s provider is by now', async () => {
    const { body: pbx } = await bob('POST', '/v1.0/trunks', {
      domain_name: 'byaddress',
      auth_types: ['ip'],
      allowed_ips: ['198.51.100.7'],
    })
    const then = await versionOf(bob)
    await bob('DELETE', `/v1.0/trunks/${pbx.id}`)
    const { body: shared } = await app.platform('POST', '/v1.0/providers', {
      hostname: 'shared.test',
      inbound_addresses: ['198.51.100.7'],
    })
    expect((await restored(then)).left_out).toMatchObject([
      { resource_id: pbx.id, reason: 'AMBIGUOUS_SOURCE' },
    ])
    await app.platform('DELETE', `/v1.0/providers/${shared.id}`)
    expect((await restored(then)).left_out).toEqual([])
  })

  test('is more than the quota there is now, and the quota itself', async () => {
    const phones = ['one', 'two', 'three'].map((extension) => ({ extension, password: 'secure-password' }))
    for (const phone of phones) await bob('POST', '/v1.0/extensions', phone)
    const then = await versionOf(bob)
    const { body } = await bob('GET', '/v1.0/extensions')
    for (const { id } of body.result) await bob('DELETE', `/v1.0/extensions/${id}`)
    await app.alice('PATCH', `/v1.0/customers/${bob.id}`, { quotas: { extensions: 2 } })
    const { left_out } = await restored(then)
    expect(left_out).toMatchObject([
      { resource_id: body.result[0].id, reason: 'QUOTA_EXCEEDED' },
      { resource_id: bob.id, field: 'quotas', reason: 'PERMISSION_DENIED' },
    ])
    expect((await bob('GET', '/v1.0/extensions')).body.result).toHaveLength(2)
  })

  test('is a short domain which is another customer’s by now', async () => {
    await bob('PATCH', '/v1.0/customer', { registrar_name: 'shortname' })
    const then = await versionOf(bob)
    await bob('PATCH', '/v1.0/customer', { registrar_name: null, detail: 'changed' })
    await (await app.newcomer('Eve'))('PATCH', '/v1.0/customer', { registrar_name: 'shortname' })
    expect((await restored(then)).left_out).toMatchObject([
      { resource_id: bob.id, reason: 'REGISTRAR_NAME_TAKEN' },
    ])
    expect((await bob('GET', '/v1.0/customer')).body).toMatchObject({
      registrar_name: null,
      detail: 'changed',
    })
  })

  async function restored(version: number) {
    return (await bob('POST', `/v1.0/versions/${version}/restore`)).body
  }
})

/** Makes something, and says where it is. */
async function made(noun: string, body: object): Promise<{ id: string; path: string }> {
  const answer = await alice('POST', `/v1.0/${noun}`, body)
  expect(answer.body.error).toBeUndefined()
  return { id: answer.body.id, path: `/v1.0/${noun}/${answer.body.id}` }
}

async function versionOf(client: Client): Promise<number> {
  return (await client('GET', '/v1.0/customer')).body.configuration_version
}

const nouns = ['providers', 'routes', 'extensions', 'trunks', 'flows', 'numbers'] as const

/** All that is configured, as the API shows it, but for what is only observed, and tags. */
async function configurationOf(client: Client): Promise<Record<string, unknown>> {
  const lists = await Promise.all(
    nouns.map(async (noun) => [noun, (await client('GET', `/v1.0/${noun}`)).body.result]),
  )
  return told({ customer: (await client('GET', '/v1.0/customer')).body, ...Object.fromEntries(lists) })
}

/** The same as a version has it. */
async function asItWas(client: Client, version: number): Promise<Record<string, unknown>> {
  const { version: number, ...configuration } = (await client('GET', `/v1.0/versions/${version}`)).body
  expect(number).toBe(version)
  return told(configuration)
}

/** Without what is observed, tags, and when it was changed last. */
function told(configuration: object): Record<string, unknown> {
  const text = JSON.stringify(configuration, (key, value) => (passedOver.has(key) ? undefined : value))
  return JSON.parse(text)
}

const passedOver = new Set([
  'etag',
  'tm_update',
  'configuration_version',
  'addresses',
  'health_status',
  'health_checked_at',
  'health',
  'registration',
])

async function sealed(table: 'extensions' | 'trunks', id: string) {
  const { rows } = await app.database.pool.query(
    `select sealed_md5, sealed_sha256 from ${table} where id = $1`,
    [id],
  )
  return rows
}
