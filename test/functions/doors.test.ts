import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayKey } from '../../functions/relay-key.ts'
import { type App, type Client, startApp } from '../support/app.ts'

/*
 * What every door answers alike: it works, it refuses nonsense, it refuses strangers.
 */

let app: App
let mallory: Client & { id: string }
const made: Record<string, string> = {}

beforeAll(async () => {
  app = await startApp()
  mallory = await app.newcomer('Mallory')
  for (const [noun, body] of bodies()) {
    const { body: resource } = await app.alice('POST', `/v1.0/${noun}`, filled(body))
    made[noun] = resource.id
  }
})
afterAll(() => app.close())

const connect = [
  { type: 'connect', option: { destinations: [{ type: 'extension', target_name: 'office1' }] } },
]

/** In the order in which one leans on another. */
function bodies(): [string, Record<string, unknown>][] {
  return [
    ['providers', { name: 'Primary SIP Provider', type: 'sip', hostname: 'sip.provider.com' }],
    ['routes', { name: 'Default Outbound Route', provider_id: '{providers}', priority: 1 }],
    ['extensions', { name: 'office-phone', username: 'office1', password: 'secure-password' }],
    [
      'trunks',
      {
        name: 'PBX',
        domain_name: 'office',
        auth_types: ['basic'],
        username: 'pbx',
        password: 'secure-password',
      },
    ],
    ['flows', { name: 'ring the office', actions: connect }],
    ['numbers', { name: 'main', number: '+15551230000', call_flow_id: '{flows}' }],
    ['accesskeys', { name: 'for the website' }],
  ]
}

function filled(body: object): object {
  return JSON.parse(JSON.stringify(body).replace(/\{(\w+)\}/g, (_, noun: string) => made[noun] ?? ''))
}

const nouns = bodies().map(([noun]) => noun)

describe.each(bodies())('/v1.0/%s', (noun, body) => {
  const path = () => `/v1.0/${noun}/${made[noun]}`

  test('gives what was made, by id and in the list, and says when', async () => {
    const one = await app.alice('GET', path())
    expect(one).toMatchObject({
      status: 200,
      body: { id: made[noun], customer_id: app.aliceId, tm_update: null, tm_delete: null },
    })
    expect(one.body.tm_create).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    const list = await app.alice('GET', `/v1.0/${noun}`)
    expect(list.body.result).toContainEqual(one.body)
    expect(list.body.next_page_token).toBe('')
  })

  test('replaces it whole, and takes back what it showed', async () => {
    const { body: shown } = await app.alice('GET', path())
    const changed = await app.alice('PUT', path(), { ...shown, name: 'renamed', detail: 'changed' })
    expect(changed).toMatchObject({ status: 200, body: { name: 'renamed', detail: 'changed' } })
    expect(changed.body.tm_update).not.toBeNull()
    const back = await app.alice(
      'PUT',
      path(),
      noun === 'accesskeys' ? { name: 'short' } : { ...filled(body), name: 'short' },
    )
    expect(back).toMatchObject({ status: 200, body: { name: 'short', detail: '' } })
  })

  test('refuses a key it does not know, naming it', async () => {
    const answer = await app.alice('POST', `/v1.0/${noun}`, { ...filled(body), colour: 'red' })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ status: 'INVALID_ARGUMENT', reason: 'INVALID_ARGUMENT' })
    expect(answer.body.error.details).toContainEqual({
      field: 'colour',
      message: expect.stringMatching(/^is not a field we know/),
    })
  })

  test('refuses nonsense with the reason', async () => {
    const { alice, send, aliceKey } = app
    const headers = { authorization: `Bearer ${aliceKey}` }
    const broken = await send(`/v1.0/${noun}`, { method: 'POST', headers, body: '{"name":' })
    expect(broken).toMatchObject({ status: 400, body: { error: { reason: 'INVALID_JSON_BODY' } } })
    expect(await alice('POST', `/v1.0/${noun}`, [])).toMatchObject({ status: 400 })
    expect(await alice('GET', `/v1.0/${noun}/not-an-id`)).toMatchObject({
      status: 400,
      body: { error: { reason: 'INVALID_ID' } },
    })
    expect(await alice('GET', `/v1.0/${noun}/${crypto.randomUUID()}`)).toMatchObject({
      status: 404,
      body: { error: { status: 'NOT_FOUND' } },
    })
    const huge = await alice('POST', `/v1.0/${noun}`, { ...filled(body), detail: 'x'.repeat(300_000) })
    expect(huge).toMatchObject({ status: 413, body: { error: { reason: 'BODY_TOO_LARGE' } } })
  })

  test('does not exist for another customer', async () => {
    expect(
      (await mallory('GET', `/v1.0/${noun}`)).body.result.map(({ id }: { id: string }) => id),
    ).not.toContain(made[noun])
    for (const method of ['GET', 'DELETE']) {
      expect(await mallory(method, path())).toMatchObject({ status: 404 })
    }
    expect((await app.alice('GET', path())).body).toMatchObject({ name: 'short', tm_delete: null })
  })

  test('is closed to who has no key', async () => {
    expect(await app.send(`/v1.0/${noun}`)).toMatchObject({
      status: 401,
      body: { error: { reason: 'AUTHENTICATION_REQUIRED' } },
    })
    expect(await app.as('tk_wrong')('GET', `/v1.0/${noun}`)).toMatchObject({
      status: 401,
      body: { error: { reason: 'INVALID_CREDENTIALS' } },
    })
  })
})

describe.each(['registrations', 'events'])('/v1.0/%s', (noun) => {
  test('has nothing at first but what was configured, and cannot be written', async () => {
    const { status, body } = await app.alice('GET', `/v1.0/${noun}`)
    expect([status, body.next_page_token]).toEqual([200, ''])
    const made = body.result.filter(({ type = '' }) => /\.(created|updated|deleted)$/.test(type))
    expect(body.result).toEqual(noun === 'events' ? made : [])
    const written = await app.alice('POST', `/v1.0/${noun}`, {})
    expect(written).toMatchObject({ status: 405, body: { error: { reason: 'METHOD_NOT_ALLOWED' } } })
    expect(written.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })
})

describe('an access key', () => {
  test('opens as ?token= and ?accesskey= too', async () => {
    for (const name of ['token', 'accesskey']) {
      expect(await app.send(`/v1.0/providers?${name}=${app.aliceKey}`)).toMatchObject({ status: 200 })
    }
  })

  test('is shown once, and kept as a hash', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { name: 'once' })
    expect(body.token).toMatch(/^tk_[A-Za-z0-9_-]{32}$/)
    expect(body.token.startsWith(body.token_prefix)).toBe(true)
    expect((await app.alice('GET', `/v1.0/accesskeys/${body.id}`)).body.token).toBeUndefined()
    const { rows } = await app.database.pool.query('select * from access_keys')
    expect(JSON.stringify(rows)).not.toContain(body.token)
  })

  test('no longer opens once deleted or expired', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { expire: 3600 })
    expect(await app.as(body.token)('GET', '/v1.0/providers')).toMatchObject({ status: 200 })
    await app.database.pool.query(
      "update access_keys set expires_at = now() - interval '1 second' where id = $1",
      [body.id],
    )
    expect(await app.as(body.token)('GET', '/v1.0/providers')).toMatchObject({ status: 401 })
    const { body: other } = await app.alice('POST', '/v1.0/accesskeys', {})
    await app.alice('DELETE', `/v1.0/accesskeys/${other.id}`)
    expect(await app.as(other.token)('GET', '/v1.0/providers')).toMatchObject({ status: 401 })
  })

  test('of a customer makes no administrator, and none for another customer', async () => {
    expect(await mallory('POST', '/v1.0/accesskeys', { admin: true })).toMatchObject({ status: 403 })
    expect(await mallory('POST', '/v1.0/accesskeys', { customer_id: app.aliceId })).toMatchObject({
      status: 403,
    })
    expect(await mallory('GET', `/v1.0/providers?customer_id=${app.aliceId}`)).toMatchObject({ status: 403 })
    expect(
      await mallory('POST', '/v1.0/providers', { hostname: 'sip.test', customer_id: app.aliceId }),
    ).toMatchObject({ status: 403 })
  })
})

describe('a body', () => {
  test.each([
    ['without a key', 'POST', '/v1.0/prompts', ''],
    ['with a wrong key', 'POST', '/v1.0/prompts', 'tk_wrong'],
    ['with a wrong key', 'POST', '/v1.0/providers', 'tk_wrong'],
    ['without a key', 'POST', '/relay/v1/tells', ''],
    ['with a wrong key', 'PUT', '/relay/v1/recordings/x/parts/1', 'rk_relay-1.AAAA'],
  ])('%s is not read by %s %s', async (_, method, path, key) => {
    const { status, read } = await streamed(method, path, key)
    expect([status, read]).toEqual([401, 0])
  })

  test.each([
    ['POST', '/v1.0/prompts'],
    ['POST', '/relay/v1/tells'],
    ['PUT', '/relay/v1/recordings/x/parts/1'],
  ])(
    'which may be large says how large to %s %s, or is read no further than 256 KiB',
    async (method, path) => {
      const key = path.startsWith('/relay') ? await relayKey(app.env.RELAY_SECRET, 'relay-1') : app.aliceKey
      const { status, reason, read } = await streamed(method, path, key)
      expect([status, reason]).toEqual([413, 'BODY_TOO_LARGE'])
      expect(read).toBeLessThanOrEqual(5)
    },
  )

  /** Sends what does not say its length, 1 MiB in pieces of 64 KiB; how many were read. */
  async function streamed(method: string, path: string, key: string) {
    let read = 0
    const pull = (pipe: ReadableStreamDefaultController<Uint8Array>) => {
      if (read === 16) return pipe.close()
      read++
      pipe.enqueue(new Uint8Array(65_536))
    }
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const headers = { ...(key !== '' && { authorization: `Bearer ${key}` }), 'content-type': 'audio/wav' }
    const init: RequestInit & { duplex: 'half' } = { method, headers, body, duplex: 'half' }
    const answer = await app.send(path, init)
    return { status: answer.status, reason: answer.body.error.reason, read }
  }
})

describe('a list', () => {
  test('is walked page by page, newest first, without a row lost or twice, though all were made at once', async () => {
    const walker = await app.newcomer('Walker')
    await app.database.pool.query(
      `insert into providers (id, customer_id, name, hostname)
       select gen_random_uuid(), $1, 'p' || i, 'sip.test' from generate_series(1, 25) i`,
      [walker.id],
    )
    const seen: string[] = []
    let token = ''
    do {
      const { body } = await walker('GET', `/v1.0/providers?page_size=10&page_token=${token}`)
      seen.push(...body.result.map(({ name }: { name: string }) => name))
      token = body.next_page_token
    } while (token !== '')
    expect(seen).toHaveLength(25)
    expect(new Set(seen).size).toBe(25)
  })

  test('ends with an empty token also where the last page is full', async () => {
    const exact = await app.newcomer('Exact')
    await exact('POST', '/v1.0/providers', { hostname: 'one.test' })
    expect((await exact('GET', '/v1.0/providers?page_size=1')).body.next_page_token).toBe('')
  })

  test.each(['page_size=0', 'page_size=101', 'page_size=ten', 'page_size=1.5', 'page_token=yesterday'])(
    'refuses %s',
    async (query) => {
      expect(await app.alice('GET', `/v1.0/routes?${query}`)).toMatchObject({
        status: 400,
        body: { error: { reason: 'INVALID_REQUEST_PARAMETER' } },
      })
    },
  )
})

describe('an order which may say nothing', () => {
  const whom = crypto.randomUUID()
  test.each([
    [`calls/${whom}/hangup`, 'CALL_NOT_FOUND'],
    [`calls/${whom}/hold`, 'CALL_NOT_FOUND'],
    [`calls/${whom}/mute`, 'CALL_NOT_FOUND'],
    [`calls/${whom}/recording_start`, 'CALL_NOT_FOUND'],
    [`providers/${whom}/test`, 'PROVIDER_NOT_FOUND'],
  ])('needs no body: %s', async (path, reason) => {
    const { status, body } = await app.alice('POST', `/v1.0/${path}`)
    expect([status, body.error.reason]).toEqual([404, reason])
  })

  test('is refused where it must say something, by the field', async () => {
    const { body } = await app.alice('POST', `/v1.0/calls/${whom}/transfer`)
    expect(body.error.details).toContainEqual({ field: 'destination', message: 'is required' })
  })
})

describe('a path', () => {
  test.each([
    ['PATCH', '/v1.0/providers', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/v1.0/providers/{id}', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['DELETE', '/v1.0/providers', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/v1.0/customers', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/v1.0/customer', 'GET, HEAD, PUT, PATCH, OPTIONS'],
    ['GET', '/v1.0/providers/{id}/test', 'POST, OPTIONS'],
    ['POST', '/v1.0/providers/{id}/health', 'GET, HEAD, OPTIONS'],
    ['GET', '/v1.0/routes/resolve', 'POST, OPTIONS'],
    ['PUT', '/v1.0/routes/resolve', 'POST, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ['PROPFIND', '/v1.0/events', 'GET, HEAD, OPTIONS'],
  ])(
    'which is there does not take %s %s, and says what it takes (RFC 9110 §15.5.6)',
    async (method, path, allow) => {
      const asked = await app.alice(method, path.replace('{id}', made.providers ?? ''))
      expect(asked).toMatchObject({ status: 405, body: { error: { reason: 'METHOD_NOT_ALLOWED' } } })
      expect(asked.headers.get('allow')).toBe(allow)
      expect(asked.body.error.message).toContain(method)
    },
  )

  test('says to OPTIONS what it takes, and answers HEAD as GET without a body', async () => {
    const options = await app.alice('OPTIONS', '/v1.0/routes')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    const head = await app.alice('HEAD', '/v1.0/routes')
    expect([head.status, head.body]).toEqual([200, undefined])
  })

  test.each(['GET', 'OPTIONS', 'DELETE'])('which is not there is 404 to %s', async (method) => {
    for (const path of ['/v1.0/colours', '/v1.0/providers/{id}/colour', '/v1.0', '/', '/v1.0/providers//']) {
      const asked = await app.alice(method, path.replace('{id}', made.providers ?? ''))
      expect([path, asked.status, asked.headers.get('allow')]).toEqual([path, 404, null])
    }
  })

  test('which is there is told to nobody without a key', async () => {
    for (const path of ['/v1.0/providers', '/v1.0/colours', '/relay/v1/beat'])
      expect(await app.send(path, { method: 'PATCH' })).toMatchObject({ status: 401 })
  })

  test('which is not there names the one which may be meant', async () => {
    const meant = async (path: string) => (await app.alice('GET', path)).body.error?.message
    const says = (noun: string) => `There is nothing at this path; /v1.0/${noun} is one of the API.`
    expect(await meant('/v1.0/extension')).toBe(says('extensions'))
    expect(await meant('/v1.0/access-keys')).toBe(says('accesskeys'))
    expect(await meant('/extensions')).toBe(says('extensions'))
    expect(await meant('/v1/calls')).toBe(says('calls'))
    for (const path of ['/v1.0/colours', '/', '/v1.0/flows/walk/there'])
      expect(await meant(path)).toBe('There is nothing at this path; /docs lists those there are.')
  })

  test('may end in a slash', async () => {
    for (const path of ['/v1.0/providers', `/v1.0/providers/${made.providers}`, '/v1.0/customer', '/healthz'])
      expect((await app.alice('GET', `${path}/`)).body).toEqual((await app.alice('GET', path)).body)
    const { body } = await app.alice('POST', '/v1.0/providers/?customer_id=', { hostname: 'slash.test' })
    expect(body.error.details).toMatchObject([{ field: 'customer_id' }])
  })
})

describe('every answer', () => {
  test('carries the request id of the client, or a fresh one where that is none', async () => {
    const own = await app.send('/healthz', { headers: { 'x-request-id': 'order-66' } })
    expect(own.headers.get('x-request-id')).toBe('order-66')
    const fresh = await app.send('/v1.0/nowhere', {
      headers: { 'x-request-id': 'no spaces', authorization: `Bearer ${app.aliceKey}` },
    })
    expect(fresh.headers.get('x-request-id')).toMatch(/^req_[a-z2-7]{26}$/)
    expect(fresh.body.error).toMatchObject({
      status: 'NOT_FOUND',
      reason: 'RESOURCE_NOT_FOUND',
      request_id: fresh.headers.get('x-request-id'),
    })
  })

  test('is no shared cache’s to keep, an error neither; and nobody’s where it may show a secret', async () => {
    const kept = async (method: 'GET' | 'POST', path: string) =>
      (await app.alice(method, path, method === 'POST' ? { name: 'Key' } : undefined)).headers.get(
        'cache-control',
      )
    expect(await kept('GET', '/v1.0/accesskeys')).toBe('private, no-cache')
    expect(await kept('GET', '/v1.0/nowhere')).toBe('private, no-cache')
    expect(await kept('POST', '/v1.0/accesskeys')).toBe('no-store')
    expect(await kept('POST', '/v1.0/routes')).toBe('no-store')
  })

  test('is 503 while the database is away, and no word about where it is', async () => {
    const elsewhere = { ...app.env, NEON_ENDPOINT: 'http://127.0.0.1:9/sql' }
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    const { status, body } = await app.send('/v1.0/providers', { headers }, elsewhere)
    // The driver's endpoint belongs to the process: give it back.
    await app.send('/healthz', {}, { ...app.env })
    expect(status).toBe(503)
    expect(body.error.reason).toBe('SERVICE_UNAVAILABLE')
    expect(JSON.stringify(body)).not.toContain('127.0.0.1')
  })
})

describe('deleting', () => {
  test('what something leans on is refused, unless that may go too', async () => {
    const { alice } = app
    expect(await alice('DELETE', `/v1.0/providers/${made.providers}`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'PROVIDER_IN_USE' } },
    })
    expect(await alice('DELETE', `/v1.0/extensions/${made.extensions}`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'EXTENSION_IN_USE' } },
    })
    expect(await alice('DELETE', `/v1.0/flows/${made.flows}`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'FLOW_IN_USE' } },
    })
    expect(await alice('DELETE', `/v1.0/flows/${made.flows}?cascade=perhaps`)).toMatchObject({ status: 400 })

    const extension = await alice('DELETE', `/v1.0/extensions/${made.extensions}?cascade=true`)
    expect(extension).toMatchObject({
      status: 200,
      body: { id: made.extensions, tm_delete: expect.any(String) },
    })
    expect((await alice('GET', `/v1.0/numbers/${made.numbers}`)).body).toMatchObject({
      call_flow_id: null,
      tm_delete: null,
    })
    expect((await alice('GET', `/v1.0/flows/${made.flows}`)).body.tm_delete).not.toBeNull()
    expect(await alice('DELETE', `/v1.0/providers/${made.providers}?cascade=true`)).toMatchObject({
      status: 200,
    })
    expect((await alice('GET', `/v1.0/routes/${made.routes}`)).body.tm_delete).not.toBeNull()
  })

  test('leaves the row readable, out of the lists, and deaf', async () => {
    const { alice } = app
    for (const noun of ['numbers', 'trunks', 'accesskeys'])
      await alice('DELETE', `/v1.0/${noun}/${made[noun]}`)
    for (const noun of nouns) {
      expect((await alice('GET', `/v1.0/${noun}/${made[noun]}`)).body.tm_delete).not.toBeNull()
      expect(
        (await alice('GET', `/v1.0/${noun}`)).body.result.map(({ id }: { id: string }) => id),
      ).not.toContain(made[noun])
      expect(await alice('DELETE', `/v1.0/${noun}/${made[noun]}`)).toMatchObject({ status: 404 })
    }
  })
})
