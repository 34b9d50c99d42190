import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let alice: Client & { id: string; key: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
})
afterAll(() => app.close())

describe('GET /v1.0/changes', () => {
  test('says what a change was, of what, with which key, in which request, and what was there before', async () => {
    const { body: key } = await alice('POST', '/v1.0/accesskeys', { name: 'the script' })
    const script = as(key.token, 'req_the_change')
    const { body: provider } = await alice('POST', '/v1.0/providers', { name: 'one', hostname: 'one.test' })
    await script('PUT', `/v1.0/providers/${provider.id}`, { name: 'two', hostname: 'one.test', max_cps: 5 })
    const { body: customer } = await alice('GET', '/v1.0/customer')
    const { body } = await alice('GET', `/v1.0/changes?resource_id=${provider.id}`)
    expect(body.result).toHaveLength(2)
    expect(body.result[0]).toMatchObject({
      customer_id: alice.id,
      version: customer.configuration_version,
      resource_type: 'provider',
      action: 'changed',
      changed: ['name', 'max_cps'],
      key_id: key.id,
      request_id: 'req_the_change',
      before: { id: provider.id, name: 'one', hostname: 'one.test', max_cps: null },
      after: { id: provider.id, name: 'two', hostname: 'one.test', max_cps: 5 },
    })
    expect(body.result[1]).toMatchObject({ action: 'created', before: null, changed: [] })
    expect((await alice('GET', `/v1.0/changes/${body.result[0].id}`)).body).toEqual(body.result[0])
  })

  test('shows a thing as its noun does, but for what is only observed', async () => {
    const { body: shown } = await alice('POST', '/v1.0/extensions', {
      extension: 'desk',
      password: 'secure-password',
    })
    const [{ after }] = (await alice('GET', `/v1.0/changes?resource_id=${shown.id}`)).body.result
    const { etag, ...rest } = shown
    expect(after).toEqual(rest)
  })

  test('names a password which changed, and shows none', async () => {
    const { body: phone } = await alice('POST', '/v1.0/extensions', {
      extension: 'phone',
      password: 'secure-password',
    })
    await alice('PUT', `/v1.0/extensions/${phone.id}`, { extension: 'phone', password: 'another-password' })
    await alice('POST', '/v1.0/providers', {
      hostname: 'paid.test',
      username: 'us',
      password: 'known-to-them',
    })
    const [{ changed }] = (await alice('GET', `/v1.0/changes?resource_id=${phone.id}`)).body.result
    expect(changed).toEqual(['password'])
    const { rows } = await app.database.pool.query(
      `select sealed_md5 as secret from extensions union all select sealed_password from providers where sealed_password is not null
       union all select hash from access_keys`,
    )
    const all = JSON.stringify([
      await everyChange(),
      (await app.database.pool.query('select before, after from changes')).rows,
    ])
    expect(rows.length).toBeGreaterThan(3)
    for (const secret of [...rows.map(({ secret }) => secret), 'another-password', 'known-to-them'])
      expect(all).not.toContain(secret)
  })

  test('lists what one request changed as one version', async () => {
    const { body: carrier } = await alice('POST', '/v1.0/providers', { hostname: 'gone.test' })
    const { body: route } = await alice('POST', '/v1.0/routes', { name: 'over it', provider_id: carrier.id })
    await alice('DELETE', `/v1.0/providers/${carrier.id}?cascade=true`)
    const { body: customer } = await alice('GET', '/v1.0/customer')
    const { body } = await alice('GET', `/v1.0/changes?version=${customer.configuration_version}`)
    expect(body.result.map(({ resource_id, action, after }: Change) => [resource_id, action, after])).toEqual(
      [
        [carrier.id, 'deleted', null],
        [route.id, 'deleted', null],
      ],
    )
  })

  test('is in the order of the versions, through its pages', async () => {
    const all = await everyChange()
    const versions = all
      .filter(({ resource_type }) => resource_type !== 'accesskey')
      .map(({ version }) => version)
    expect(versions).toEqual([...versions].sort((a, b) => b - a))
    const paged: Change[] = []
    for (let token = ''; ; ) {
      const { body } = await alice('GET', `/v1.0/changes?page_size=3&page_token=${token}`)
      paged.push(...body.result)
      token = body.next_page_token
      if (token === '') break
    }
    expect(paged).toEqual(all)
  })

  test.each([
    ['resource_type', (one: Change) => one.resource_type],
    ['resource_id', (one: Change) => one.resource_id],
    ['key_id', (one: Change) => one.key_id],
    ['request_id', (one: Change) => one.request_id],
    ['version', (one: Change) => one.version],
  ])('can be asked for those of one %s', async (filter, of) => {
    const all = await everyChange()
    const value = of(all[all.length - 2] as Change)
    const { body } = await alice('GET', `/v1.0/changes?${filter}=${value}`)
    expect(body.result).toEqual(all.filter((one) => of(one) === value))
    expect(body.result.length).toBeLessThan(all.length)
  })

  test('can be asked for those after one, which has to be one’s own', async () => {
    const all = await everyChange()
    const { body } = await alice('GET', `/v1.0/changes?after=${all[2]?.id}`)
    expect(body.result).toEqual(all.slice(0, 2))
    const bob = await app.newcomer('Bob')
    expect(await bob('GET', `/v1.0/changes?after=${all[2]?.id}`)).toMatchObject({
      status: 400,
      body: { error: { reason: 'INVALID_REQUEST_PARAMETER', details: [{ field: 'after' }] } },
    })
  })

  test('is not of keys for a key which may not list them', async () => {
    const { body: key } = await alice('POST', '/v1.0/accesskeys', { scopes: ['read'] })
    const { body } = await app.as(key.token)('GET', '/v1.0/changes')
    const types = (await everyChange()).map(({ resource_type }) => resource_type)
    expect(types).toContain('accesskey')
    expect(body.result.map(({ resource_type }: Change) => resource_type)).toEqual(
      types.filter((type) => type !== 'accesskey'),
    )
    const [made] = (await alice('GET', `/v1.0/changes?resource_id=${key.id}`)).body.result
    expect(await app.as(key.token)('GET', `/v1.0/changes/${made.id}`)).toMatchObject({ status: 404 })
    expect(made.after).toMatchObject({ id: key.id, scopes: ['read'], admin: false })
  })

  test('is one’s own, and another’s change is not there', async () => {
    const bob = await app.newcomer('Bob')
    const [hers] = await everyChange()
    expect(await bob('GET', `/v1.0/changes/${hers?.id}`)).toMatchObject({
      status: 404,
      body: { error: { reason: 'CHANGE_NOT_FOUND' } },
    })
    const { body } = await bob('GET', '/v1.0/changes')
    expect(body.result.map(({ customer_id }: Change) => customer_id)).toEqual([bob.id, bob.id])
  })

  test('says where events were sent before, and that a webhook’s secret is another, but not how deliveries go', async () => {
    const { body: hook } = await alice('POST', '/v1.0/webhooks', {
      url: 'http://127.0.0.1:9911/here',
      events: ['*'],
    })
    await alice('PATCH', `/v1.0/webhooks/${hook.id}`, { url: 'http://127.0.0.1:9911/elsewhere' })
    await alice('POST', `/v1.0/webhooks/${hook.id}/rotate`, {})
    await app.database.pool.query('update webhooks set failing_since = now() where id = $1', [hook.id])
    const { body } = await alice('GET', `/v1.0/changes?resource_id=${hook.id}`)
    expect(body.result.map(({ changed }: Change) => changed)).toEqual([
      expect.arrayContaining(['secret']),
      ['url'],
      [],
    ])
    expect(body.result[1].before.url).toBe('http://127.0.0.1:9911/here')
    expect(JSON.stringify(body)).not.toMatch(/whsec_|failing/)
  })

  test('says of a number which a call proved that no request did it', async () => {
    const { body: number } = await alice('POST', '/v1.0/numbers', { number: '+12125550177' })
    await app.database.pool.query(
      "update numbers set ownership = 'verified', verified_at = now() where id = $1",
      [number.id],
    )
    const [proved] = (await alice('GET', `/v1.0/changes?resource_id=${number.id}`)).body.result
    expect(proved).toMatchObject({ key_id: null, request_id: null, changed: ['ownership', 'tm_verify'] })
  })
})

describe('a request which changes something', () => {
  const ids: Record<string, string> = {}
  const bodies: [noun: string, body: () => object, other: object][] = [
    ['providers', () => ({ name: 'p', hostname: 'signed.test' }), { name: 'q', hostname: 'signed.test' }],
    ['routes', () => ({ name: 'r', provider_id: ids.providers }), { priority: 2 }],
    ['extensions', () => ({ extension: 'signed', password: 'secure-password' }), { name: 'x' }],
    [
      'trunks',
      () => ({ domain_name: 'signed', auth_types: ['basic'], username: 'u', password: 'between-us-two' }),
      { name: 'x' },
    ],
    ['flows', () => ({ actions: ringing('signed') }), { name: 'x' }],
    ['numbers', () => ({ number: '+12125550188' }), { name: 'x' }],
    ['accesskeys', () => ({ name: 'signed' }), { name: 'x' }],
    ['webhooks', () => ({ url: 'http://127.0.0.1:9911/told', events: ['*'] }), { name: 'x' }],
  ]

  test.each(bodies)('of %s is in the history with its key and id', async (noun, body, other) => {
    const { body: made } = await signed('made', noun)('POST', `/v1.0/${noun}`, body())
    ids[noun] = made.id
    const path = `/v1.0/${noun}/${made.id}`
    const answers = [
      await signed('put', noun)('PUT', path, { ...body(), ...other }),
      await signed('patched', noun)(noun === 'accesskeys' ? 'PUT' : 'PATCH', path, { detail: 'more' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const { body: keys } = await alice('GET', '/v1.0/accesskeys')
    for (const word of ['made', 'put', 'patched']) {
      const { body: found } = await alice('GET', `/v1.0/changes?request_id=${word}_${noun}`)
      expect(found.result.map(({ resource_id, key_id }: Change) => [resource_id, key_id])).toEqual([
        [made.id, keys.result.at(-1).id],
      ])
    }
  })

  test('has its deletions there too, also of what goes along', async () => {
    for (const [noun] of bodies.toReversed()) {
      const cascade = noun === 'extensions' || noun === 'providers' ? '?cascade=true' : ''
      await signed('deleted', noun)('DELETE', `/v1.0/${noun}/${ids[noun]}${cascade}`)
      const { body } = await alice('GET', `/v1.0/changes?request_id=deleted_${noun}`)
      expect(body.result.map(({ resource_id, action }: Change) => [resource_id, action])).toEqual([
        [ids[noun], 'deleted'],
      ])
      expect(body.result[0].key_id).not.toBeNull()
    }
  })

  test('of the customer itself is there, and an administrator’s is there with its key', async () => {
    await signed('own', 'customer')('PATCH', '/v1.0/customer', { detail: 'more' })
    const { body: mine } = await alice('GET', '/v1.0/changes?request_id=own_customer')
    expect(mine.result).toMatchObject([{ resource_type: 'customer', changed: ['detail'] }])
    await app.alice('PATCH', `/v1.0/customers/${alice.id}`, { detail: 'even more' })
    const { body: theirs } = await app.alice('GET', '/v1.0/accesskeys')
    const { body } = await alice('GET', '/v1.0/changes?resource_type=customer')
    expect(body.result[0]).toMatchObject({ changed: ['detail'], key_id: theirs.result.at(-1).id })
  })
})

interface Change {
  id: string
  changed: string[]
  customer_id: string
  version: number
  resource_type: string
  resource_id: string
  action: string
  key_id: string | null
  request_id: string
  before: object | null
  after: object | null
  tm_create: string
}

async function everyChange(): Promise<Change[]> {
  return (await alice('GET', '/v1.0/changes')).body.result
}

function ringing(target_name: string) {
  return [{ type: 'connect', option: { destinations: [{ type: 'extension', target_name }] } }]
}

/** Alice, whose request has a name. */
function signed(word: string, noun: string): Client {
  return as(alice.key, `${word}_${noun}`)
}

function as(key: string, request: string): Client {
  return (method, path, body) =>
    app.send(path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-request-id': request,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
}
