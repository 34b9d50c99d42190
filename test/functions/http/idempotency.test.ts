import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import worker from '../../../functions/index.ts'
import { type Answer, type App, type Client, startApp } from '../../support/app.ts'
import { soon } from '../../support/wait.ts'

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

describe('a POST with an Idempotency-Key', () => {
  test('is carried out once: sent again it is answered to the letter as before, and says so', async () => {
    const [first, again] = [await make('order-1'), await make('order-1')]
    expect([first.status, again.status]).toEqual([200, 200])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('location')).toBe(`/v1.0/providers/${first.body.id}`)
    expect([first, again].map(replayed)).toEqual([null, 'true'])
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(await named('order-1')).toBe(1)
  })

  test('may have it in quotation marks, and a path with a slash at its end', async () => {
    const first = await make('order-2')
    const again = await ask('/v1.0/providers/', '"order-2"', provider('order-2'))
    expect([replayed(again), again.body.id]).toEqual(['true', first.body.id])
  })

  test('which comes thirty times at once makes one row, and all are told of it', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => insists('order-3')))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1)
    expect(await named('order-3')).toBe(1)
  })

  test.each<[string, () => Promise<Answer>]>([
    ['body', () => ask('/v1.0/providers', 'order-4', provider('another'))],
    ['path', () => ask('/v1.0/routes', 'order-4', provider('order-4'))],
    ['customer', () => ask(`/v1.0/providers?customer_id=${bob.id}`, 'order-4', provider('order-4'))],
  ])('is refused where its key came with another %s, and nothing is done', async (_, other) => {
    await make('order-4')
    const refused = await other()
    expect([refused.status, refused.body.error.reason]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
    expect(await named('another')).toBe(0)
    expect(await named('order-4')).toBe(1)
  })

  test('is another customer’s own', async () => {
    const hers = await make('order-5')
    const headers = { 'idempotency-key': 'order-5' }
    const { body: key } = await app.alice('POST', '/v1.0/accesskeys', { customer_id: bob.id })
    const his = await app.send('/v1.0/providers', post(key.token, provider('order-5'), headers))
    expect([his.status, replayed(his), his.body.customer_id]).toEqual([200, null, bob.id])
    expect(his.body.id).not.toBe(hers.body.id)
  })

  test('is another access key’s own: what one was shown once, another is not shown', async () => {
    const { body: other } = await app.alice('POST', '/v1.0/accesskeys', {})
    const made = await ask('/v1.0/accesskeys', 'key-1', { admin: true })
    const headers = { 'idempotency-key': 'key-1' }
    const refused = await app.send('/v1.0/accesskeys', post(other.token, { admin: true }, headers))
    expect([made.status, refused.status, replayed(refused)]).toEqual([200, 403, null])
  })

  test('which was refused is refused again, to the letter', async () => {
    const [first, again] = [
      await ask('/v1.0/providers', 'bad-1', {}),
      await ask('/v1.0/providers', 'bad-1', {}),
    ]
    expect([first.status, again.status, replayed(again)]).toEqual([400, 400, 'true'])
    expect(again.body).toEqual(first.body)
  })

  test.each(['', ' ', 'two words', 'ü', '"', 'a"b', 'x'.repeat(256), '\u0001'])(
    'is refused where that is no key: %j',
    async (key) => {
      const { status, body } = await ask('/v1.0/providers', key, provider('order-6'))
      expect([status, body.error?.details]).toMatchObject([400, [{ field: 'Idempotency-Key' }]])
    },
  )

  test('may have the longest key there is', async () => {
    const key = 'x'.repeat(255)
    const [first, again] = [
      await ask('/v1.0/providers', key, provider('longest')),
      await ask('/v1.0/providers', key, provider('longest')),
    ]
    expect([first.status, again.body.id]).toEqual([200, first.body.id])
  })

  test('shows a token again which is otherwise shown once, and keeps nothing readable of it', async () => {
    const wish = { name: 'for the shop' }
    const [first, again] = [
      await ask('/v1.0/accesskeys', 'key-2', wish),
      await ask('/v1.0/accesskeys', 'key-2', wish),
    ]
    expect(again.body.token).toBe(first.body.token)
    expect((await app.as(again.body.token)('GET', '/v1.0/providers')).status).toBe(200)
    await ask('/v1.0/extensions', 'phone-1', { username: 'phone1', password: 'correct-horse-battery' })
    const { rows } = await app.database.pool.query('select k::text as whole from idempotency_keys k')
    const whole = rows.map((row) => row.whole).join('\n')
    for (const secret of [first.body.token, 'correct-horse', 'phone1']) expect(whole).not.toContain(secret)
    expect(whole).toContain('key-2')
  })
})

describe('a client which hangs up', () => {
  test('does not end what it began: the Worker goes on from before the key is claimed until the answer is kept', async () => {
    const goingOn: Promise<unknown>[] = []
    let claimedBefore: boolean | undefined
    const waitUntil = (work: Promise<unknown>) => {
      claimedBefore ??= app.database.heard.some((statement) => statement.includes('idempotency_keys'))
      goingOn.push(work)
    }
    app.database.heard.splice(0)
    const execution = { waitUntil, passThroughOnException: () => {}, props: {} }
    const asked = post(app.aliceKey, provider('hung-up'), { 'idempotency-key': 'hung-up' })
    void worker.request('/v1.0/providers', asked, app.env, execution)
    await soon('it to go on', () => goingOn.length)
    expect(claimedBefore).toBe(false)
    await goingOn[0]
    const again = await make('hung-up')
    expect([again.status, replayed(again)]).toEqual([200, 'true'])
  })
})

describe('an idempotency key', () => {
  test('is not looked for by a POST without one: it asks the database as often as before', async () => {
    app.database.requests()
    await app.alice('POST', '/v1.0/providers', provider('without'))
    expect(app.database.requests()).toBe(1)
    await make('with')
    expect(app.database.requests()).toBe(4)
  })

  test('still held by another request is refused after a while, with Retry-After', async () => {
    await make('slow-1')
    await app.database.pool.query("update idempotency_keys set sealed_answer = null where key = 'slow-1'")
    const { status, body, headers } = await make('slow-1')
    expect([status, body.error.reason, headers.get('retry-after')]).toEqual([
      409,
      'IDEMPOTENCY_KEY_IN_USE',
      '1',
    ])
    expect(await named('slow-1')).toBe(1)
  }, 15_000)

  test('whose request is gone without a word is free after a minute', async () => {
    await make('gone-1')
    await app.database.pool.query(
      "update idempotency_keys set sealed_answer = null, created_at = now() - interval '61 seconds' where key = 'gone-1'",
    )
    await forget('gone-1')
    const answer = await make('gone-1')
    expect([answer.status, replayed(answer)]).toEqual([200, null])
    expect(replayed(await make('gone-1'))).toBe('true')
  })

  test('whose request was carried out by a Worker which died before it kept the answer makes no second row', async () => {
    const first = await make('died-1')
    await died('died-1')
    const again = await make('died-1')
    expect([again.status, again.body.id, replayed(again)]).toEqual([200, first.body.id, null])
    expect(again.headers.get('location')).toBe(`/v1.0/providers/${first.body.id}`)
    expect(await named('died-1')).toBe(1)
    expect(replayed(await make('died-1'))).toBe('true')
  })

  test('of a key which was made, and shown to nobody, shows a token which opens', async () => {
    const first = await ask('/v1.0/accesskeys', 'died-2', { name: 'died-2' })
    await died('died-2')
    const again = await ask('/v1.0/accesskeys', 'died-2', { name: 'died-2' })
    expect([again.status, again.body.id]).toEqual([200, first.body.id])
    expect((await app.as(again.body.token)('GET', '/v1.0/providers')).status).toBe(200)
    expect((await app.as(first.body.token)('GET', '/v1.0/providers')).status).toBe(401)
  })

  test('whose request is gone without a word is no other request’s, and waits for its own', async () => {
    await make('died-3')
    await died('died-3')
    const other = await ask('/v1.0/providers', 'died-3', provider('another'))
    expect([other.status, other.body.error.reason]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
    expect((await make('died-3')).status).toBe(200)
  })

  test('whose request failed through our fault is free at once', async () => {
    await app.database.pool.query('alter table providers rename to elsewhere')
    const failed = await make('broken-1')
    await app.database.pool.query('alter table elsewhere rename to providers')
    const again = await make('broken-1')
    expect([failed.status, again.status, replayed(again)]).toEqual([500, 200, null])
  })

  test('whose request came too often is free: the same key may try later', async () => {
    const { body: carrier } = await make('tried')
    await app.database.pool.query(
      `insert into commands (id, customer_id, relay_id, body)
       select gen_random_uuid(), $1, 'relay-1', jsonb_build_object('provider_id', $2::text) from generate_series(1, 3)`,
      [app.aliceId, carrier.id],
    )
    const place = `/v1.0/providers/${carrier.id}/test`
    const tooMany = await ask(place, 'try-1', { type: 'options' })
    await app.database.pool.query('delete from commands')
    const later = await ask(place, 'try-1', { type: 'options' })
    expect([tooMany.status, later.body.error.reason, replayed(later)]).toEqual([429, 'NO_RELAY', null])
  })

  test('of a request to nowhere is free', async () => {
    const [nowhere, again] = [await ask('/v1.0/nowhere', 'lost-1', {}), await make('lost-1')]
    expect([nowhere.status, again.status]).toEqual([404, 200])
  })

  test('is forgotten after a day, and old ones are taken away by new ones', async () => {
    const first = await make('old-1')
    await make('old-2')
    await app.database.pool.query(
      "update idempotency_keys set created_at = now() - interval '24 hours 1 second' where key in ('old-1', 'old-2')",
    )
    await forget('old-1')
    const again = await make('old-1')
    expect([again.status, replayed(again)]).toEqual([200, null])
    expect(again.body.id).not.toBe(first.body.id)
    const { rows } = await app.database.pool.query(
      "select key from idempotency_keys where key in ('old-1', 'old-2')",
    )
    expect(rows).toEqual([{ key: 'old-1' }])
  })

  test('means nothing to a request which may be repeated anyway', async () => {
    const headers = { authorization: `Bearer ${app.aliceKey}`, 'idempotency-key': 'two words' }
    expect((await app.send('/v1.0/providers', { headers })).status).toBe(200)
  })
})

function provider(name: string) {
  return { name, hostname: `${name}.provider.com` }
}

function make(key: string): Promise<Answer> {
  return ask('/v1.0/providers', key, provider(key))
}

/** Asks again for as long as it is told that another request with this key is being carried out. */
async function insists(key: string): Promise<Answer> {
  let answer = await make(key)
  await soon('an answer', async () => {
    if (answer.body.error?.reason !== 'IDEMPOTENCY_KEY_IN_USE') return true
    answer = await make(key)
    return false
  })
  return answer
}

function ask(path: string, key: string, body: object): Promise<Answer> {
  return app.send(path, post(app.aliceKey, body, { 'idempotency-key': key }))
}

function post(key: string, body: object, headers: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

function replayed({ headers }: Answer): string | null {
  return headers.get('idempotency-replayed')
}

/** The Worker which carried it out is gone, and has kept no answer. */
async function died(key: string): Promise<void> {
  await app.database.pool.query(
    "update idempotency_keys set sealed_answer = null, created_at = now() - interval '61 seconds' where key = $1",
    [key],
  )
}

async function forget(name: string): Promise<void> {
  await app.database.pool.query('delete from providers where name = $1', [name])
}

async function named(name: string): Promise<number> {
  const { rowCount } = await app.database.pool.query('select from providers where name = $1', [name])
  return rowCount ?? 0
}
