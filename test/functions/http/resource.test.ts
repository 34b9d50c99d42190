import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resources } from '../../../functions/config/resources.ts'
import { reasonOf } from '../../../functions/http/noun.ts'
import type { Operation } from '../../../functions/http/operation.ts'
import { type Answer, type App, type Client, startApp } from '../../support/app.ts'

/*
 * What follows from the declaration of a noun, of each noun there is: a new one is asked too. Everything is made from the
 * nouns' own examples; an id in one example is the id of the thing which another makes.
 */

let app: App
let mallory: Client & { id: string }
/** Ids of what Alice and Mallory made, by their ids in the examples. */
const [made, mallorys] = [new Map<string, string>(), new Map<string, string>()]
const answers = new Map<string, Answer>()

beforeAll(async () => {
  app = await startApp()
  mallory = await app.newcomer('Mallory')
  for (const { path, noun } of resources) {
    const answer = await app.alice('POST', path, real(noun.example.body))
    expect([path, answer.status, answer.body.error]).toEqual([path, 200, undefined])
    made.set(noun.example.id, answer.body.id)
    answers.set(path, answer)
    if (noun.everybodys) continue
    // A domain leads to one PBX in the world.
    const domain = 'domain_name' in noun.example.body ? { domain_name: 'hers' } : {}
    const { status, body } = await mallory('POST', path, { ...hers(noun.example.body), ...domain })
    expect([path, status, body.error]).toEqual([path, 200, undefined])
    mallorys.set(noun.example.id, body.id)
  }
})
afterAll(() => app.close())

describe.each(resources)('$path', ({ path, noun, operations }) => {
  const one = () => `${path}/${made.get(noun.example.id)}`
  const now = async () => (await app.alice('GET', one())).body

  test('is made as its example says, and answered in the keys and schema which the document names', () => {
    const { body } = answers.get(path) as Answer
    expect(Object.keys(body)).toEqual(Object.keys(Object(of('create').example?.answer)))
    expect(of('create').answer.safeParse(body)).toMatchObject({ success: true })
    expect(of('create').answer.safeParse(of('create').example?.answer)).toMatchObject({ success: true })
  })

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])('has nothing of another customer’s for %s', async (method) => {
    const before = await now()
    const change = { ...hers(noun.example.body), domain_name: undefined, name: 'stolen' }
    const stolen = await mallory(
      method,
      `${one()}${cascade(method)}`,
      method === 'GET' || method === 'DELETE' ? undefined : change,
    )
    if (noun.everybodys) expect(stolen.body.error.reason).toBe('PERMISSION_DENIED')
    else expect([stolen.status, stolen.body.error.reason]).toEqual([404, reasonOf(noun.name, 'NOT_FOUND')])
    expect(await now()).toEqual(before)
  })

  test('keeps by PATCH what the body leaves out, and loses it by PUT', async () => {
    const { body: changed } = await app.alice('PATCH', one(), { detail: 'first line' })
    const once = Object.fromEntries(Object.keys(noun.once ?? {}).map((name) => [name, undefined]))
    const before = { ...answers.get(path)?.body, ...changing(changed), ...once }
    expect(changed).toEqual({ ...before, detail: 'first line' })
    const { body: renamed } = await app.alice('PATCH', one(), { name: 'renamed' })
    expect(renamed).toEqual({ ...changed, ...changing(renamed), name: 'renamed' })
    const put = await app.alice('PUT', one(), { ...real(noun.example.body), name: 'put' })
    expect([put.status, put.body.detail, put.body.reset]).toEqual([
      200,
      '',
      expect.arrayContaining(['detail']),
    ])
  })

  test('takes by PATCH all it showed, and refuses a key or a value which it does not know', async () => {
    const before = await now()
    const back = await app.alice('PATCH', one(), before)
    expect(back).toMatchObject({ status: 200, body: settable(before) })
    const unknown = await app.alice('PATCH', one(), { colour: 'red' })
    expect(unknown.body.error.details).toEqual([
      { field: 'colour', message: expect.stringMatching(/^is not a field we know/) },
    ])
    const odd = await app.alice('PATCH', one(), { name: 7 })
    expect(odd.body.error.details).toMatchObject([{ field: 'name' }])
    for (const body of [[], null, 'text'])
      expect(await app.alice('PATCH', one(), body)).toMatchObject({ status: 400 })
    expect(await now()).toEqual(back.body)
  })

  test('reads as the answer to its change, in lists too, with an ETag which is another after each', async () => {
    const tags = [(await now()).etag]
    for (const [method, body] of [
      ['PATCH', { detail: 'a' }],
      ['PATCH', { detail: 'b' }],
      ['PUT', { ...real(noun.example.body), detail: 'a' }],
    ] as const) {
      const { headers, body: answer } = await app.alice(method, one(), body)
      expect(headers.get('etag')).toBe(`"${answer.etag}"`)
      const read = await app.alice('GET', one())
      expect(read.headers.get('etag')).toBe(`"${answer.etag}"`)
      const { body: list } = await app.alice('GET', path)
      expect(list.result).toContainEqual(read.body)
      const { reset: _, ...changed } = answer
      expect(read.body).toEqual(changed)
      tags.push(answer.etag)
    }
    expect(new Set(tags).size).toBe(tags.length)
    expect(answers.get(path)?.headers.get('etag')).toBe(`"${answers.get(path)?.body.etag}"`)
  })

  test('is 304 to whoever has it, and whole again once it has changed', async () => {
    const { etag } = await now()
    for (const known of [`"${etag}"`, `W/"${etag}"`, `"other", "${etag}"`, '*', etag]) {
      const read = await send('GET', one(), { 'if-none-match': known })
      expect([known, read.status, read.body, read.headers.get('etag')]).toEqual([
        known,
        304,
        undefined,
        `"${etag}"`,
      ])
    }
    await app.alice('PATCH', one(), { detail: 'changed since' })
    expect(await send('GET', one(), { 'if-none-match': `"${etag}"` })).toMatchObject({ status: 200 })
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('does not %s what has changed since the If-Match', async (method) => {
    const { etag } = await now()
    await app.alice('PATCH', one(), { detail: `changed before ${method}` })
    const before = await now()
    const body = { ...real(noun.example.body), detail: 'lost' }
    const refused = await send(method, `${one()}${cascade(method)}`, { 'if-match': `"${etag}"` }, body)
    expect([refused.status, refused.body.error.reason]).toEqual([412, 'VERSION_MISMATCH'])
    expect(await now()).toEqual(before)
    const malformed = await send(method, one(), { 'if-match': '"half' }, body)
    expect([malformed.status, malformed.body.error.details[0].field]).toEqual([400, 'if-match'])
  })

  test.each(['PUT', 'PATCH'])('lets one of two %s through which saw the same', async (method) => {
    const { etag } = await now()
    const write = (detail: string) =>
      send(method, one(), { 'if-match': `"${etag}"` }, { ...real(noun.example.body), detail })
    const both = await Promise.all([write('one'), write('two')])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
    const [kept] = both.filter(({ status }) => status === 200)
    expect((await now()).detail).toBe(kept?.body.detail)
    const { etag: next } = await now()
    for (const tag of [`"${next}"`, '*'])
      expect(await send(method, one(), { 'if-match': tag }, real(noun.example.body))).toMatchObject({
        status: 200,
      })
  })

  test('loses neither of two PATCHes which come at once without an If-Match', async () => {
    const both = await Promise.all([
      app.alice('PATCH', one(), { name: 'of one' }),
      app.alice('PATCH', one(), { detail: 'of the other' }),
    ])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect(await now()).toMatchObject({ name: 'of one', detail: 'of the other' })
  })

  function of(verb: string): Operation {
    return operations.find(({ id }) => id.startsWith(verb)) as Operation
  }
  function cascade(method: string): string {
    return method === 'DELETE' && noun.deleting?.cascade === 'asked' ? '?cascade=true' : ''
  }
})

test('a dozen PATCHes of one thing at once are all carried out where none names a version', async () => {
  const { body: flow } = await app.alice('GET', '/v1.0/flows?page_size=1')
  const path = `/v1.0/flows/${flow.result[0].id}`
  const all = Array.from({ length: 12 }, (_, nth) => app.alice('PATCH', path, { detail: `the ${nth}th` }))
  expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 200))
})

describe('what is never shown', () => {
  test('stays by PATCH, to the letter', async () => {
    const kept = async () =>
      (await app.database.pool.query('select sealed_password from providers where deleted_at is null')).rows
    const before = await kept()
    expect(before[0].sealed_password).toMatch(/^first\./)
    const provider = resources.find(({ name }) => name === 'provider')
    await app.alice('PATCH', `${provider?.path}/${made.get(provider?.noun.example.id ?? '')}`, {
      codecs: 'opus',
    })
    expect(await kept()).toEqual(before)
  })
})

describe('a part of an object', () => {
  test('is merged by PATCH, and taken away by null', async () => {
    const path = '/v1.0/providers'
    const { body } = await app.alice('POST', path, {
      hostname: 'merged.test',
      failover: { answer_ms: 20_000, search_ms: 40_000 },
      tech_headers: { 'X-Account': 'a', 'X-Site': 'b' },
    })
    const change = { failover: { answer_ms: 30_000 }, tech_headers: { 'X-Site': null, 'X-New': 'c' } }
    const { body: merged } = await app.alice('PATCH', `${path}/${body.id}`, change)
    expect(merged).toMatchObject({ failover: { answer_ms: 30_000, search_ms: 40_000 } })
    expect(merged.tech_headers).toEqual({ 'X-Account': 'a', 'X-New': 'c' })
    const { body: without } = await app.alice('PATCH', `${path}/${body.id}`, { failover: null })
    expect(without.failover).toBeNull()
  })

  test('cannot be the prototype of what it is merged into', async () => {
    const [provider] = (await app.alice('GET', '/v1.0/providers')).body.result
    const refused = await app.send(`/v1.0/providers/${provider.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${app.aliceKey}` },
      body: '{"__proto__":{"name":"x"}}',
    })
    expect(refused).toMatchObject({ status: 400, body: { error: { details: [{ field: '__proto__' }] } } })
  })
})

describe('a provider’s health', () => {
  test('makes it another to who reads, and the same to who changes it', async () => {
    const { body } = await app.alice('POST', '/v1.0/providers', { hostname: 'health.test' })
    const [one, ifNone] = [`/v1.0/providers/${body.id}`, { 'if-none-match': `"${body.etag}"` }]
    expect(await send('GET', one, ifNone)).toMatchObject({ status: 304 })
    await app.database.pool.query(
      `insert into provider_health (provider_id, customer_id, status, since, checked_at) values ($1, $2, 'unhealthy', now(), now())`,
      [body.id, app.aliceId],
    )
    expect(await send('GET', one, ifNone)).toMatchObject({
      status: 200,
      body: { health_status: 'unhealthy' },
    })
    expect(await send('PATCH', one, { 'if-match': `"${body.etag}"` }, { name: 'mine' })).toMatchObject({
      status: 200,
    })
  })
})

describe('a filter', () => {
  test.each([
    ['routes', 'provider_id', 'provider'],
    ['numbers', 'extension_id', 'extension'],
  ])('of %s by %s lists those alone', async (noun, field, of) => {
    const example = resources.find(({ name }) => name === of)?.noun.example.id ?? ''
    const { body } = await app.alice('GET', `/v1.0/${noun}?${field}=${made.get(example)}`)
    expect(body.result.map((row: Record<string, unknown>) => row[field])).toEqual([made.get(example)])
    const { body: none } = await app.alice('GET', `/v1.0/${noun}?${field}=${crypto.randomUUID()}`)
    expect(none.result).toEqual([])
    expect(await app.alice('GET', `/v1.0/${noun}?${field}=nonsense`)).toMatchObject({ status: 400 })
    expect(await app.alice('GET', `/v1.0/${noun}?${field}s=x`)).toMatchObject({ status: 400 })
  })

  test('of numbers takes one with its plus, escaped or not', async () => {
    const { number: e164 } = resources.find(({ name }) => name === 'number')?.noun.example.body ?? {}
    for (const number of [encodeURIComponent(String(e164)), e164])
      expect((await app.alice('GET', `/v1.0/numbers?number=${number}`)).body.result).toHaveLength(1)
  })
})

/** A body of an example, with the ids of what was made. */
function real<Body>(body: Body, ids = made): Body {
  const text = JSON.stringify(body)
  return JSON.parse([...ids].reduce((all, [example, id]) => all.replaceAll(example, id), text))
}

/** The same of what Mallory made. */
function hers<Body>(body: Body): Body {
  return real(body, mallorys)
}

/** A change of what was shown, in what a client can set. */
function settable(shown: Record<string, unknown>): Record<string, unknown> {
  const { id, customer_id, etag, tm_create, tm_update, tm_delete, configuration_version, ...rest } = shown
  return rest
}

/** What changes with every change. */
function changing({ etag, tm_update, configuration_version }: Record<string, unknown>) {
  return { etag, tm_update, ...(configuration_version !== undefined && { configuration_version }) }
}

function send(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  return app.send(path, {
    method,
    headers: { authorization: `Bearer ${app.aliceKey}`, ...headers },
    ...(body !== undefined && method !== 'GET' && method !== 'DELETE' && { body: JSON.stringify(body) }),
  })
}
