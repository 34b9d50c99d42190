import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

/*
 * Whatever a customer makes: it is its own, there is room for it, and what it leads to is there.
 */

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

let made = 0
const connect = (name: string) => [
  { type: 'connect', option: { destinations: [{ type: 'extension', target_name: name }] } },
]
const nouns = [
  'providers',
  'routes',
  'extensions',
  'trunks',
  'flows',
  'numbers',
  'webhooks',
  'alerts',
  'accesskeys',
]

/** Another one of each noun; what it leads to is there already. */
async function wishOf(noun: string, of: Client): Promise<Record<string, unknown>> {
  made += 1
  if (noun === 'providers') return { hostname: `sip${made}.test` }
  if (noun === 'extensions') return { extension: `phone${made}`, password: 'long enough' }
  if (noun === 'trunks')
    return { domain_name: `pbx${made}`, auth_types: ['basic'], username: 'pbx', password: 'long enough' }
  if (noun === 'numbers') return { number: `+1555666${String(made).padStart(4, '0')}` }
  if (noun === 'routes')
    return { provider_id: (await of('POST', '/v1.0/providers', { hostname: `r${made}.test` })).body.id }
  if (noun === 'alerts') return { when: { kind: 'provider_unhealthy' } }
  if (noun === 'webhooks') return { url: 'https://hooks.example.com/', events: ['*'] }
  if (noun === 'flows') {
    const name = `phone${made}`
    await of('POST', '/v1.0/extensions', { extension: name, password: 'long enough' })
    return { actions: connect(name) }
  }
  return {}
}

describe.each(nouns)('customer_id in a body of /v1.0/%s', (noun) => {
  const forBob: Client = (method, path, body) => app.alice(method, `${path}?customer_id=${bob.id}`, body)

  test('makes it that customer’s, at an administrator’s word, and changes it there', async () => {
    const wish = { ...(await wishOf(noun, forBob)), customer_id: bob.id.toUpperCase() }
    const { status, body } = await app.alice('POST', `/v1.0/${noun}`, wish)
    expect([status, body.customer_id]).toEqual([200, bob.id])
    const shown = (await bob('GET', `/v1.0/${noun}/${body.id}`)).body
    expect(shown.id).toBe(body.id)
    const renamed = await app.alice('PUT', `/v1.0/${noun}/${body.id}`, { ...shown, name: 'renamed' })
    expect([renamed.status, renamed.body.name, renamed.body.customer_id]).toEqual([200, 'renamed', bob.id])
  })

  test('is refused of anybody else, and where it names nobody', async () => {
    const wish = await wishOf(noun, bob)
    const asked = async (of: Client, customer_id: unknown) => {
      const { status, body } = await of('POST', `/v1.0/${noun}`, { ...wish, customer_id })
      return [status, body.error?.reason]
    }
    expect(await asked(bob, app.aliceId)).toEqual([403, 'PERMISSION_DENIED'])
    expect(await asked(app.alice, crypto.randomUUID())).toEqual([404, 'CUSTOMER_NOT_FOUND'])
    expect(await asked(app.alice, 'Bob')).toEqual([400, 'INVALID_ARGUMENT'])
    expect(await asked(forBob, app.aliceId)).toEqual([400, 'INVALID_ARGUMENT'])
    expect(await asked(bob, bob.id)).toEqual([200, undefined])
  })

  test('does not reach a customer that was deleted', async () => {
    const carol = await app.newcomer('Carol')
    await app.alice('DELETE', `/v1.0/customers/${carol.id}`)
    const wish = { ...(await wishOf(noun, app.alice)), customer_id: carol.id }
    expect(await app.alice('POST', `/v1.0/${noun}`, wish)).toMatchObject({ status: 404 })
  })
})

describe.each(nouns)('the quota of /v1.0/%s', (noun) => {
  const allow = (of: { id: string }, most: number) =>
    app.alice('PUT', `/v1.0/customers/${of.id}`, { quotas: { [noun]: most } })

  test('is said where it is reached, counts the living, and is raised by an administrator', async () => {
    const carol = await app.newcomer('Carol')
    const before = (await carol('GET', '/v1.0/customer')).body
    expect(before.quotas[noun]).toBeGreaterThan(99)
    const another = async () => carol('POST', `/v1.0/${noun}`, await wishOf(noun, carol))
    const first = await another()
    const { length } = (await carol('GET', `/v1.0/${noun}`)).body.result
    expect((await allow(carol, length)).body.quotas[noun]).toBe(length)
    const full = await another()
    expect([full.status, full.body.error.reason]).toEqual([409, 'QUOTA_EXCEEDED'])
    expect(full.body.error.message).toContain(`has ${length} ${noun} and may have ${length}`)
    await carol('DELETE', `/v1.0/${noun}/${first.body.id}`)
    expect([(await another()).status, (await another()).status]).toEqual([200, 409])
    await allow(carol, length + 1)
    expect([(await another()).status, (await another()).status]).toEqual([200, 409])
  })
})

describe('quotas', () => {
  test('are nobody’s to change but an administrator’s; sent back as they were they do no harm', async () => {
    const { body: own } = await bob('GET', '/v1.0/customer')
    expect(await bob('PUT', '/v1.0/customer', own)).toMatchObject({
      status: 200,
      body: { quotas: own.quotas },
    })
    const more = await bob('PUT', '/v1.0/customer', { quotas: { ...own.quotas, routes: 9_999 } })
    expect([more.status, more.body.error.message]).toEqual([
      403,
      'Only an administrator may change quotas.routes.',
    ])
    expect(await app.alice('PUT', `/v1.0/customers/${bob.id}`, { quotas: { routes: 9_999 } })).toMatchObject({
      status: 200,
      body: { quotas: { routes: 9_999 } },
    })
    expect((await bob('PUT', '/v1.0/customer', { name: 'Bob' })).body.quotas.routes).toBe(9_999)
    for (const quotas of [{ routes: -1 }, { routes: 1e9 }, { phones: 3 }, { routes: 1.5 }])
      expect(await app.alice('PUT', `/v1.0/customers/${bob.id}`, { quotas })).toMatchObject({ status: 400 })
  })

  test('are kept, however many ask at once', async () => {
    const dave = await app.newcomer('Dave')
    await app.alice('PUT', `/v1.0/customers/${dave.id}`, { quotas: { extensions: 5 } })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        dave('POST', '/v1.0/extensions', { extension: `at${at}`, password: 'long enough' }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
    expect((await dave('GET', '/v1.0/extensions')).body.result).toHaveLength(5)
  })
})

describe('nothing outlives what it leads to', () => {
  test('a route its provider, whoever is first', async () => {
    for (let turn = 0; turn < 6; turn += 1) {
      const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: `leaving${turn}.test` })
      const { body: other } = await bob('POST', '/v1.0/providers', { hostname: `staying${turn}.test` })
      const { body: kept } = await bob('POST', '/v1.0/routes', { provider_id: other.id })
      const route = () => bob('POST', '/v1.0/routes', { provider_id: provider.id })
      const answers = await Promise.all([
        bob('PUT', `/v1.0/routes/${kept.id}`, { provider_id: provider.id }),
        route(),
        route(),
        // It has fewer round trips to make than they have: it starts later, and comes in between.
        new Promise((later) => setTimeout(later, turn)).then(() =>
          bob('DELETE', `/v1.0/providers/${provider.id}?cascade=${turn % 2 === 0}`),
        ),
        route(),
        route(),
      ])
      for (const { status } of answers) expect([200, 400, 404, 409]).toContain(status)
      expect(await left('routes', 'provider_id', 'providers')).toEqual([])
    }
  })

  test('a catch-all its provider', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: `leaving${turn}.test` })
      await Promise.all([
        bob('POST', '/v1.0/numbers', { number: 'any', provider_id: provider.id }),
        bob('DELETE', `/v1.0/providers/${provider.id}`),
      ])
      expect(await left('numbers', 'provider_id', 'providers')).toEqual([])
    }
  })

  test('a customer’s default number the number', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const { body: number } = await bob('POST', '/v1.0/numbers', { number: `+1555777000${turn}` })
      await Promise.all([
        bob('PUT', '/v1.0/customer', { default_outgoing_number_id: number.id }),
        bob('DELETE', `/v1.0/numbers/${number.id}`),
      ])
      expect(await left('customers', 'default_outgoing_number_id', 'numbers')).toEqual([])
      await bob('PUT', '/v1.0/customer', {})
    }
  })

  test('nor anything its customer', async () => {
    for (const noun of nouns) {
      const erin = await app.newcomer('Erin')
      const wish = { ...(await wishOf(noun, erin)), customer_id: erin.id }
      await Promise.all([
        app.alice('POST', `/v1.0/${noun}`, wish),
        app.alice('DELETE', `/v1.0/customers/${erin.id}`),
      ])
      expect(await left(noun === 'accesskeys' ? 'access_keys' : noun, 'customer_id', 'customers')).toEqual([])
    }
  })

  /** Living rows which lead to something deleted. */
  async function left(table: string, column: string, to: string) {
    const { rows } = await app.database.pool.query(
      `select a.id from ${table} a join ${to} b on b.id = a.${column}
       where a.deleted_at is null and b.deleted_at is not null`,
    )
    return rows
  }
})

describe('the short name of a customer’s phones', () => {
  const put = (of: Client, registrar_name: unknown) => of('PUT', '/v1.0/customer', { registrar_name })

  test('is one customer’s, in lower case, stays where it is left out, and relays have it', async () => {
    expect(await put(bob, 'Acme-1')).toMatchObject({ status: 200, body: { registrar_name: 'acme-1' } })
    expect((await bob('PUT', '/v1.0/customer', { name: 'Bob' })).body.registrar_name).toBe('acme-1')
    const { body: sent } = await app.relay('GET', `/relay/v1/snapshots/${bob.id}`)
    expect(sent.customer.registrar_name).toBe('acme-1')
    expect(await put(app.alice, 'acme-1')).toMatchObject({
      status: 409,
      body: { error: { reason: 'REGISTRAR_NAME_TAKEN', details: [{ field: 'registrar_name' }] } },
    })
    expect((await put(bob, null)).body.registrar_name).toBeNull()
    expect((await put(app.alice, 'acme-1')).status).toBe(200)
  })

  test.each([
    '11111111-1111-4111-8111-111111111111',
    'c1111111-1111-4111-8111-111111111111',
    'a.b',
    'a',
    'acme-',
    '4cme',
    'acmé',
    'trunk',
    'registrar',
    'xn--acme',
  ])('is not %s', async (name) => {
    expect(await put(bob, name)).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'registrar_name' }] } },
    })
  })
})
