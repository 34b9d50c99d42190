import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

describe('what a change says of whose it is', () => {
  test.each(['PATCH', 'PUT'])(
    'may be one’s own id in a %s of the customer, in the body or the query',
    async (verb) => {
      const own = { customer_id: app.aliceId.toUpperCase(), name: 'Alice' }
      expect((await app.alice(verb, '/v1.0/customer', own)).body.name).toBe('Alice')
      expect(
        (await app.alice(verb, `/v1.0/customer?customer_id=${app.aliceId}`, { name: 'Alice' })).status,
      ).toBe(200)
    },
  )

  test.each([
    ['PATCH', '/v1.0/customer'],
    ['PUT', '/v1.0/customer'],
    ['PATCH', () => `/v1.0/customers/${app.aliceId}`],
  ])('is refused by name in a %s where it is another’s: %s', async (verb, path) => {
    const other = { customer_id: bob.id, name: 'Bob' }
    const { status, body } = await app.alice(verb, typeof path === 'string' ? path : path(), other)
    expect([status, body.error.details]).toEqual([
      400,
      [
        {
          field: 'customer_id',
          message: 'is not the id of this customer, which the path or the query names',
        },
      ],
    ])
  })

  test('is not a customer’s to say who is none', async () => {
    const { status, body } = await bob('PATCH', `/v1.0/customer?customer_id=${app.aliceId}`, {
      name: 'Mallory',
    })
    expect([status, body.error.reason]).toEqual([403, 'PERMISSION_DENIED'])
  })
})

describe('quotas', () => {
  test('of any customer are changed with the scope admin alone, by an administrator’s key too', async () => {
    const key = { admin: true, scopes: ['configure'] }
    const configures = app.as((await app.alice('POST', '/v1.0/accesskeys', key)).body.token)
    const path = `/v1.0/customer?customer_id=${bob.id}`
    const refused = await configures('PATCH', path, { quotas: { routes: 20_000 } })
    expect([refused.status, refused.body.error.reason]).toEqual([403, 'SCOPE_MISSING'])
    expect(refused.headers.get('www-authenticate')).toContain('scope="admin"')
    expect((await configures('PATCH', path, { name: 'Bob' })).status).toBe(200)
    const raised = await app.alice('PATCH', path, { quotas: { routes: 20_000 } })
    expect(raised.body.quotas.routes).toBe(20_000)
    expect((await configures('PATCH', path, { quotas: { routes: 20_000 } })).status).toBe(200)
  })
})

describe('a key called __proto__', () => {
  test('is refused wherever it stands, and not dropped without a word', async () => {
    const say = (headers: string) =>
      app.send('/v1.0/providers', {
        method: 'POST',
        headers: { authorization: `Bearer ${app.aliceKey}`, 'content-type': 'application/json' },
        body: `{"name": "P", "hostname": "sip.example.com", "tech_headers": ${headers}}`,
      })
    const { status, body } = await say('{"__proto__": "a"}')
    expect([status, body.error.details]).toEqual([
      400,
      [{ field: 'tech_headers.__proto__', message: 'is a name which nothing may have' }],
    ])
    expect((await say('{"proto": "a"}')).body.tech_headers).toEqual({ proto: 'a' })
  })
})

describe('If-Match', () => {
  test.each([
    ['what makes a thing', '/v1.0/providers', { name: 'P', hostname: 'sip.example.com' }],
    ['a restoration', '/v1.0/versions/1/restore', {}],
  ])('is refused on a POST of %s: nothing would be compared with it', async (_, path, body) => {
    const headers = {
      authorization: `Bearer ${app.aliceKey}`,
      'content-type': 'application/json',
      'if-match': '"5d41402abc4b"',
    }
    const answer = await app.send(path, { method: 'POST', headers, body: JSON.stringify(body) })
    expect([answer.status, answer.body.error?.details]).toEqual([
      400,
      [{ field: 'If-Match', message: 'means nothing here: this changes no one thing which has an ETag' }],
    ])
  })
})

describe('a name which cannot be changed', () => {
  test.each([{ extension: 'jim' }, { username: 'jim' }, { extension: 'jim', username: 'jim' }])(
    'is refused as such by PATCH: %j',
    async (said) => {
      const phone = { username: `joe${Object.keys(said).join('')}`, password: 'correct-horse-battery' }
      const { body: made } = await app.alice('POST', '/v1.0/extensions', phone)
      const { status, body } = await app.alice('PATCH', `/v1.0/extensions/${made.id}`, said)
      expect([status, body.error.message]).toEqual([
        400,
        'extension: cannot be changed; make another extension instead',
      ])
      const same = await app.alice('PATCH', `/v1.0/extensions/${made.id}`, { extension: made.extension })
      expect(same.status).toBe(200)
    },
  )
})
