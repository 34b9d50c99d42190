import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import worker from '../../functions/index.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { type App, RELAY_SECRET, startApp } from '../support/app.ts'

/*
 * What is asked of whoever asks: parameters we know, bodies of a bearable shape, keys in their one spelling.
 */

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

/** Every endpoint of the API, as the Worker itself lists them. */
const endpoints = [
  ...new Set(
    worker.routes
      .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1.0/'))
      .map(({ method, path }) => `${method} ${path}`),
  ),
].map((endpoint) => endpoint.split(' ') as [string, string])

async function ask(method: string, path: string, query: string) {
  const place = path.replace(/:\w+/g, crypto.randomUUID())
  return app.alice(method, `${place}?${query}`)
}

describe('a query', () => {
  test('there are all the endpoints to try', () => {
    expect(endpoints.length).toBeGreaterThan(50)
  })

  test.each(endpoints)(
    '%s %s refuses a parameter it does not know, and says which it does',
    async (...at) => {
      const { status, body } = await ask(...at, 'nummer=%2B15551234567')
      expect([status, body.error.reason, body.error.details[0].field]).toEqual([
        400,
        'INVALID_REQUEST_PARAMETER',
        'nummer',
      ])
      expect(body.error.message).toMatch(/^nummer: is not a parameter here; known: \w+/)
    },
  )

  test('names those it knows', async () => {
    const known = async (path: string) => (await ask('GET', path, 'x=1')).body.error.message
    expect(await known('/v1.0/calls')).toContain(
      'known: page_size, page_token, status, direction, number, extension_id, trunk_id, provider_id, hangup_reason, started_after, started_before, token, accesskey, customer_id',
    )
    expect(await known('/v1.0/providers/:id/stats')).toContain('known: window, token')
    expect((await ask('DELETE', '/v1.0/flows/:id', 'x=1')).body.error.message).toContain('known: cascade')
  })

  test('of a relay is passed over: it may be a deploy newer', async () => {
    expect((await app.relay('GET', '/relay/v1/bindings?relay_id=relay-1&later=1')).status).toBe(200)
  })

  test.each(['page_size=5&page_size=6', 'customer_id=a&customer_id=b', 'status=hangup&status=dialing'])(
    'is refused where it says a thing twice: %s',
    async (query) => {
      const asked = query.startsWith('customer') ? query.replaceAll(/[ab]$|a(?=&)/g, app.aliceId) : query
      const { status, body } = await ask('GET', '/v1.0/calls', asked)
      expect([status, body.error.message]).toEqual([400, expect.stringMatching(/^\w+: is given twice$/)])
    },
  )

  test('may carry the key, and name a customer, everywhere', async () => {
    for (const name of ['token', 'accesskey'])
      expect(
        await app.send(`/v1.0/calls?${name}=${app.aliceKey}&customer_id=${app.aliceId}&status=hangup`),
      ).toMatchObject({ status: 200 })
  })

  test('to nowhere is told that there is nothing, whatever it says', async () => {
    expect(await app.alice('GET', '/v1.0/nowhere?x=1')).toMatchObject({ status: 404 })
  })
})

describe('every endpoint', () => {
  const all = [
    ...new Set(
      worker.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`),
    ),
  ].map((endpoint) => endpoint.split(' ') as [string, string])
  const reading = all.filter(([method]) => method === 'GET').map(([, path]) => path)
  const at = (path: string) =>
    path.replace(/:file\{.*\}$/, `${crypto.randomUUID()}.wav`).replace(/:\w+/g, crypto.randomUUID())
  const as = (path: string) => (path.startsWith('/relay/') ? app.relay : app.alice)

  test('there are all of them to try', () => {
    expect(reading.length).toBeGreaterThan(30)
    expect(all.length).toBeGreaterThan(60)
  })

  test.each(all)('%s %s is named by OPTIONS, and by 405 to a method which is none', async (method, path) => {
    const options = await as(path)('OPTIONS', at(path))
    expect([options.status, options.body]).toEqual([204, undefined])
    const allowed = options.headers.get('allow')?.split(', ')
    expect(allowed).toEqual(expect.arrayContaining([method, 'OPTIONS']))
    const other = await as(path)('PROPFIND', at(path))
    expect([other.status, other.headers.get('allow')?.split(', ')]).toEqual([405, allowed])
  })

  test.each(reading)(
    'GET %s answers HEAD alike, without a body, and with a slash at its end',
    async (path) => {
      const place = at(path)
      const ask = async (method: string, where: string) => {
        const key = path.startsWith('/relay/') ? await relayKey(RELAY_SECRET, 'relay-1') : app.aliceKey
        return app.fetch(where, { method, headers: { authorization: `Bearer ${key}` } })
      }
      const [get, head, slash] = [
        await ask('GET', place),
        await ask('HEAD', place),
        await ask('GET', `${place}/`),
      ]
      expect([head.status, slash.status]).toEqual([get.status, get.status])
      expect(await head.text()).toBe('')
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
    },
  )
})

describe('a body', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const post = (path: string, key: string, body: string) =>
    app.send(path, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })

  const taking = endpoints.filter(
    ([method, path]) =>
      /^(POST|PUT|PATCH)$/.test(method) && !/\/(restore|run|recording_(stop|pause|resume))$/.test(path),
  )
  test.each(taking)('%s %s is not nested without end', async (method, path) => {
    const place = path.replace(/:\w+/g, crypto.randomUUID())
    const key = path.startsWith('/relay') ? await relayKey(RELAY_SECRET, 'relay-1') : app.aliceKey
    const headers = { authorization: `Bearer ${key}` }
    for (const levels of [33, 6_000, 100_000]) {
      const body = `{"data":${nested(levels)}}`
      const answer = await app.send(place, { method, headers, body })
      expect([answer.status, answer.body.error?.reason]).toEqual([400, 'INVALID_JSON_BODY'])
    }
  })

  test('may have brackets in its texts, quoted as they like', async () => {
    const detail = `${nested(100)}"\\"${nested(100)}\\`
    const { status, body } = await app.alice('POST', '/v1.0/accesskeys', { detail })
    expect([status, body.detail]).toEqual([200, detail])
  })

  test('which breaks off in a text is no JSON', async () => {
    for (const broken of ['{"name":"', '{"name":"\\', '"', '{"a":"\\\\"'])
      expect((await post('/v1.0/accesskeys', app.aliceKey, broken)).body.error.reason).toBe(
        'INVALID_JSON_BODY',
      )
  })

  const fields: [string, string, object][] = [
    ['providers', 'username', { hostname: 'sip.test' }],
    ['providers', 'name', { hostname: 'sip.test' }],
    ['providers', 'detail', { hostname: 'sip.test' }],
    ['providers', 'hostname', {}],
    ['providers', 'inbound_addresses.0', { hostname: 'sip.test' }],
    ['routes', 'name', { provider_id: crypto.randomUUID() }],
    ['extensions', 'username', { password: 'long enough' }],
    ['extensions', 'caller_id', { extension: 'nul', password: 'long enough' }],
    ['trunks', 'caller_ids.0', { auth_types: ['ip'] }],
    ['numbers', 'number', {}],
    ['flows', 'actions.0.option.destinations.0.name', {}],
    ['customers', 'email', {}],
    ['accesskeys', 'name', {}],
  ]
  test.each(fields)(
    'of %s has no control characters in %s: refused by name, never made good',
    async (noun, field, rest) => {
      for (const bad of ['bo\0b', 'bo\u0007b', 'bo\u0085b', 'bo\ud800b']) {
        const wish = field
          .split('.')
          .reduceRight<unknown>((inner, key) => (key === '0' ? [inner] : { [key]: inner }), bad)
        const { status, body } = await app.alice('POST', `/v1.0/${noun}`, { ...rest, ...(wish as object) })
        expect([status, body.error.details[0]]).toEqual([
          400,
          { field, message: expect.stringContaining('control characters') },
        ])
      }
    },
  )

  test('may have lines in its detail, and in nothing else', async () => {
    const lines = 'one\n\ttwo\r\n'
    expect((await app.alice('POST', '/v1.0/accesskeys', { detail: lines })).body.detail).toBe(lines)
    expect((await app.alice('POST', '/v1.0/accesskeys', { name: lines })).body.error.details[0].field).toBe(
      'name',
    )
  })
})

describe('an event nested without end, as an older edge kept it', () => {
  test('does not keep the others from being read', async () => {
    const id = crypto.randomUUID()
    await app.database.pool.query(
      `insert into events (id, customer_id, type, at, data) values ($1, $2, 'call.refused', now(), $3)`,
      [id, app.aliceId, JSON.stringify({ deep: JSON.parse(`${'['.repeat(3_000)}${']'.repeat(3_000)}`) })],
    )
    const list = await app.alice('GET', '/v1.0/events')
    expect([list.status, list.body.result[0]]).toMatchObject([
      200,
      { id, type: 'call.refused', data: { left_out: 'it is nested too deeply to be shown' } },
    ])
    expect(await app.alice('GET', `/v1.0/events/${id}`)).toMatchObject({ status: 200 })
  })
})

describe('a call’s record, as another edge kept it', () => {
  test('does not keep the others from being read', async () => {
    const keep = (attempts: string) =>
      app.database.pool.query(
        `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
           sip_call_id, started_at, attempts) values (gen_random_uuid(), $1, 'relay-1', 1, 'outgoing', '{}',
           '{"type":"tel","target":"+15551234567"}', 'hangup', false, '', now(), $2)`,
        [app.aliceId, attempts],
      )
    await keep('[{"provider":"of old"}]')
    await keep(`${'['.repeat(3_000)}${']'.repeat(3_000)}`)
    // In words of its own: the document does not have them.
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    const response = await app.fetch('/v1.0/calls', { headers })
    const { result } = (await response.json()) as { result: unknown[] }
    expect([response.status, result]).toMatchObject([
      200,
      [
        { attempts: null },
        { attempts: [{ provider: 'of old' }], source: {}, destination: { type: 'tel', name: '' } },
      ],
    ])
  })
})

describe('a key', () => {
  const others = (message: string) => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    return [...letters].filter((one) => one !== message)
  }

  test('of a relay has one spelling: of 64 last letters one opens', async () => {
    const key = await relayKey(RELAY_SECRET, 'relay-1')
    expect((await app.relay('GET', '/relay/v1/bindings')).status).toBe(200)
    for (const last of others(key.at(-1) ?? '')) {
      const answer = await app.as(key.slice(0, -1) + last)('GET', '/relay/v1/bindings')
      expect([last, answer.status]).toEqual([last, 401])
    }
  })

  test('to the next page likewise', async () => {
    for (const name of ['a', 'b']) await app.alice('POST', '/v1.0/accesskeys', { name })
    const { body } = await app.alice('GET', '/v1.0/accesskeys?page_size=1')
    const token: string = body.next_page_token
    const answers = await Promise.all(
      [token, ...others(token.at(-1) ?? '').map((last) => token.slice(0, -1) + last)].map(
        async (one) => (await app.alice('GET', `/v1.0/accesskeys?page_size=1&page_token=${one}`)).status,
      ),
    )
    expect(answers.filter((status) => status === 200)).toHaveLength(1)
  })
})
