import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AccessScope, accessScopes } from '#contract'
import { covers } from '../../../functions/http/scopes.ts'
import edge from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'

/*
 * What becomes of an access key: what it may open, how long, by which token, and when it last did.
 */

let app: App
let alice: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
})
afterAll(() => app.close())

const minutes = (count: number) => `${count * 60} seconds`
const made = async (wish: object = {}) => (await alice('POST', '/v1.0/accesskeys', wish)).body
const shown = async (id: string) => (await alice('GET', `/v1.0/accesskeys/${id}`)).body
const rotated = (id: string, wish: object) => alice('POST', `/v1.0/accesskeys/${id}/rotate`, wish)

/** 200, or the reason why a token opens nothing. */
async function opens(token: string): Promise<number | string> {
  const { status, body } = await app.as(token)('GET', '/v1.0/customer')
  return status === 200 ? 200 : body.error.reason
}

/** Lets time pass for one key, in the database: all that has an end, ends so much sooner. */
async function passes(interval: string, id: string) {
  for (const [table, key] of [
    ['access_keys', 'id'],
    ['replaced_tokens', 'key_id'],
  ])
    await app.database.pool.query(
      `update ${table} set expires_at = expires_at - $1::interval where ${key} = $2`,
      [interval, id],
    )
}

describe('scopes', () => {
  test('are all of them where none are asked for, as they were before there were scopes', async () => {
    expect((await made()).scopes).toEqual(accessScopes)
    const old = crypto.randomUUID()
    await app.database.pool.query(
      "insert into access_keys (id, customer_id, hash, prefix) values ($1, $2, 'of old', 'tk_')",
      [old, alice.id],
    )
    expect((await shown(old)).scopes).toEqual(accessScopes)
  })

  test('are shown in their order, whatever they were said in', async () => {
    expect((await made({ scopes: ['call', 'read'] })).scopes).toEqual(['read', 'call'])
  })

  test.each([
    ['none', []],
    ['one twice', ['read', 'read']],
    ['one which is not known', ['write']],
    ['a text', 'read'],
    ['null', null],
  ])('are refused where they name %s', async (_, scopes) => {
    const { status, body } = await alice('POST', '/v1.0/accesskeys', { scopes })
    expect([status, body.error.details[0].field]).toEqual([400, expect.stringMatching(/^scopes/)])
  })

  test('stay where a change leaves them out, and are taken away where it says so, at once', async () => {
    const { id, token } = await made({ scopes: ['read', 'configure'] })
    const renamed = await alice('PUT', `/v1.0/accesskeys/${id}`, { name: 'website' })
    expect(renamed.body).toMatchObject({ scopes: ['read', 'configure'], reset: [] })
    const provider = () => app.as(token)('POST', '/v1.0/providers', { hostname: 'sip.test' })
    expect((await provider()).status).toBe(200)
    const narrowed = await alice('PUT', `/v1.0/accesskeys/${id}`, { scopes: ['read'] })
    expect(narrowed.body.scopes).toEqual(['read'])
    expect((await provider()).body.error.reason).toBe('SCOPE_MISSING')
  })

  test('bound an administrator of the platform too', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { admin: true, scopes: ['read'] })
    const reader = app.as(body.token)
    expect((await reader('GET', `/v1.0/providers?customer_id=${alice.id}`)).status).toBe(200)
    expect((await reader('GET', '/v1.0/relays')).status).toBe(200)
    for (const path of ['/v1.0/customers', '/v1.0/accesskeys'])
      expect((await reader('GET', path)).body.error.reason).toBe('SCOPE_MISSING')
    expect(
      (await reader('POST', `/v1.0/providers?customer_id=${alice.id}`, { hostname: 'sip.test' })).status,
    ).toBe(403)
  })

  test('do not make an administrator of who has the one called so', async () => {
    const { token } = await made({ scopes: ['admin'] })
    expect((await app.as(token)('GET', '/v1.0/customers')).body.error.reason).toBe('PERMISSION_DENIED')
    expect((await app.as(token)('POST', '/v1.0/accesskeys', { admin: true })).status).toBe(403)
  })
})

describe('the end of a key', () => {
  test('is moved and taken away by a change, and stays where that says nothing of it', async () => {
    const { id, tm_expire } = await made({ expire: 600 })
    const put = async (wish: object) => (await alice('PUT', `/v1.0/accesskeys/${id}`, wish)).body
    expect((await put({ name: 'x' })).tm_expire).toBe(tm_expire)
    expect(Date.parse((await put({ expire: 6000 })).tm_expire)).toBeGreaterThan(Date.parse(tm_expire))
    expect((await put({ expire: null })).tm_expire).toBeNull()
  })
})

describe('a key which has expired', () => {
  test('is refused with its own reason and when that was, and is no wrong key', async () => {
    const { id, token, tm_expire } = await made({ expire: 600 })
    expect(Date.parse(tm_expire) - Date.now()).toBeGreaterThan(590_000)
    expect(await opens(token)).toBe(200)
    await passes(minutes(11), id)
    for (let again = 0; again < 12; again += 1) {
      const headers = { authorization: `Bearer ${token}`, 'cf-connecting-ip': '192.0.2.9' }
      const { status, body, headers: said } = await app.send('/v1.0/customer', { headers })
      expect([status, body.error.reason]).toEqual([401, 'ACCESSKEY_EXPIRED'])
      expect(body.error.message).toMatch(/^This access key expired at 20\d\d-\d\d-\d\dT[\d:.]+Z\. /)
      expect(said.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
  })

  test('opens again where a rotation says until when, and is not rotated without', async () => {
    const { id, token } = await made({ expire: 600 })
    await passes(minutes(11), id)
    const refused = await rotated(id, { overlap_seconds: 60 })
    expect([refused.status, refused.body.error.details[0].field]).toEqual([400, 'expire'])
    expect(await opens(token)).toBe('ACCESSKEY_EXPIRED')
    const { body } = await rotated(id, { overlap_seconds: 60, expire: 3600 })
    expect([await opens(body.token), await opens(token)]).toEqual([200, 'ACCESSKEY_ROTATED'])
  })
})

describe('a rotation', () => {
  test('shows a new token once, and the one before opens until the overlap is over', async () => {
    const before = await made({ name: 'website', scopes: ['read'] })
    const { status, body } = await rotated(before.id, { overlap_seconds: 600 })
    expect([status, body]).toMatchObject([200, { id: before.id, name: 'website', scopes: ['read'] }])
    expect(body.token).not.toBe(before.token)
    expect(body.token.startsWith(body.token_prefix)).toBe(true)
    const left = Date.parse(body.tm_previous_expire) - Date.now()
    expect([left > 590_000, left <= 601_000]).toEqual([true, true])
    expect([await opens(before.token), await opens(body.token)]).toEqual([200, 200])
    expect(await shown(before.id)).toEqual({ ...body, token: undefined })

    await passes(minutes(11), before.id)
    expect([await opens(before.token), await opens(body.token)]).toEqual(['ACCESSKEY_ROTATED', 200])
    expect((await shown(before.id)).tm_previous_expire).toBeNull()
  })

  test('without an overlap ends all earlier tokens at once', async () => {
    const first = await made()
    const { body: second } = await rotated(first.id, { overlap_seconds: 600 })
    const { body: third } = await rotated(first.id, { overlap_seconds: 0 })
    expect(third.tm_previous_expire).toBeNull()
    expect(await Promise.all([first, second, third].map(({ token }) => opens(token)))).toEqual([
      'ACCESSKEY_ROTATED',
      'ACCESSKEY_ROTATED',
      200,
    ])
  })

  test('asked for again, since its answer was lost, takes nothing from the token in use', async () => {
    const { id, token } = await made()
    await rotated(id, { overlap_seconds: 600 })
    const { body } = await rotated(id, { overlap_seconds: 600 })
    expect([await opens(token), await opens(body.token)]).toEqual([200, 200])
  })

  test('leaves five earlier tokens open at most, and says how to go on', async () => {
    const tokens = [await made()]
    for (let time = 0; time < 5; time += 1)
      tokens.push((await rotated(tokens[0].id, { overlap_seconds: 600 })).body)
    const refused = await rotated(tokens[0].id, { overlap_seconds: 600 })
    expect([refused.status, refused.body.error.reason]).toEqual([409, 'QUOTA_EXCEEDED'])
    expect(refused.body.error.message).toContain('"overlap_seconds": 0')
    expect(await Promise.all(tokens.map(({ token }) => opens(token)))).toEqual(Array(6).fill(200))
    const { body } = await rotated(tokens[0].id, { overlap_seconds: 0 })
    expect([await opens(body.token), await opens(tokens[5].token)]).toEqual([200, 'ACCESSKEY_ROTATED'])
  })

  test('keeps what it replaced within bounds', async () => {
    const { id } = await made()
    for (let time = 0; time < 12; time += 1) await rotated(id, { overlap_seconds: 0 })
    const kept = await app.database.pool.query('select from replaced_tokens where key_id = $1', [id])
    expect(kept.rowCount).toBe(10)
  })

  test('prolongs no token beyond the end its key had, and moves that end where it says so', async () => {
    const { id, tm_expire } = await made({ expire: 600 })
    const kept = await rotated(id, { overlap_seconds: 3600 })
    expect(kept.body).toMatchObject({ tm_expire, tm_previous_expire: tm_expire })
    const longer = await rotated(id, { overlap_seconds: 60, expire: null })
    expect(longer.body.tm_expire).toBeNull()
    expect(Date.parse(longer.body.tm_previous_expire)).toBeLessThan(Date.parse(tm_expire))
  })

  test.each([
    [{}, 'overlap_seconds'],
    [{ overlap_seconds: -1 }, 'overlap_seconds'],
    [{ overlap_seconds: 2_592_001 }, 'overlap_seconds'],
    [{ overlap_seconds: 0, expire: 0 }, 'expire'],
    [{ overlap_seconds: 0, token: 'mine' }, 'token'],
  ])('is refused with %j', async (wish, field) => {
    const { id, token } = await made()
    const { status, body } = await rotated(id, wish)
    expect([status, body.error.details[0].field]).toEqual([400, field])
    expect(await opens(token)).toBe(200)
  })

  test('of an administrator’s key is for administrators: it would hand over the platform', async () => {
    const { body: key } = await app.alice('POST', '/v1.0/accesskeys', { admin: true })
    const { body: plain } = await app.alice('POST', '/v1.0/accesskeys', {})
    const customer = app.as(plain.token)
    for (const [method, path, wish] of [
      ['POST', `/v1.0/accesskeys/${key.id}/rotate`, { overlap_seconds: 600 }],
      ['PUT', `/v1.0/accesskeys/${key.id}`, { name: 'mine' }],
      ['PUT', `/v1.0/accesskeys/${key.id}`, { name: 'mine', admin: true }],
      ['PATCH', `/v1.0/accesskeys/${key.id}`, { scopes: ['admin'] }],
      ['PATCH', `/v1.0/accesskeys/${key.id}`, { expire: 1 }],
      ['DELETE', `/v1.0/accesskeys/${key.id}`, undefined],
      ['PUT', `/v1.0/accesskeys/${plain.id}`, { admin: true }],
      ['PATCH', `/v1.0/accesskeys/${plain.id}`, { admin: true }],
    ] as const)
      expect((await customer(method, path, wish)).body.error.reason).toBe('PERMISSION_DENIED')
    const kept = (await customer('GET', `/v1.0/accesskeys/${key.id}`)).body
    expect(kept).toEqual({ ...key, token: undefined })
    const shown = (await customer('GET', `/v1.0/accesskeys/${plain.id}`)).body
    expect(await customer('PUT', `/v1.0/accesskeys/${plain.id}`, shown)).toMatchObject({ status: 200 })
    expect(
      (await app.alice('POST', `/v1.0/accesskeys/${key.id}/rotate`, { overlap_seconds: 0 })).status,
    ).toBe(200)
  })

  test('is refused where the key is not as If-Match says, and changes nothing then', async () => {
    const { id, token, etag } = await made()
    await alice('PUT', `/v1.0/accesskeys/${id}`, { name: 'changed' })
    const headers = { authorization: `Bearer ${(await made()).token}`, 'if-match': `"${etag}"` }
    const body = JSON.stringify({ overlap_seconds: 0 })
    const answer = await app.send(`/v1.0/accesskeys/${id}/rotate`, { method: 'POST', headers, body })
    expect([answer.status, answer.body.error.reason]).toEqual([412, 'VERSION_MISMATCH'])
    expect(await opens(token)).toBe(200)
  })

  test('is not for a key which is deleted, and none of whose tokens opens', async () => {
    const { id, token } = await made()
    const { body } = await rotated(id, { overlap_seconds: 600 })
    await alice('DELETE', `/v1.0/accesskeys/${id}`)
    expect(await rotated(id, { overlap_seconds: 0 })).toMatchObject({ status: 404 })
    expect([await opens(token), await opens(body.token)]).toEqual([
      'INVALID_CREDENTIALS',
      'INVALID_CREDENTIALS',
    ])
  })

  test('keeps no token in the clear', async () => {
    const { id } = await made()
    const { body } = await rotated(id, { overlap_seconds: 600 })
    for (const table of ['access_keys', 'replaced_tokens']) {
      const { rows } = await app.database.pool.query(`select * from ${table}`)
      expect(JSON.stringify(rows)).not.toContain(body.token)
    }
  })
})

describe('when a key was last used', () => {
  /** A request as a Worker gets it, whose work may go on after its answer; gives back what goes on. */
  async function used(token: string, path = '/v1.0/customer') {
    const after: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>) => void after.push(work), props: {} }
    const headers = { authorization: `Bearer ${token}` }
    const answer = await edge.request(path, { headers }, app.env, {
      ...context,
      passThroughOnException() {},
    })
    return { status: answer.status, after }
  }

  test('is written after the answer, for all keys of a moment together, and at most once a minute', async () => {
    const [one, two] = [await made(), await made()]
    expect(one.tm_last_used).toBeNull()
    app.database.heard.splice(0)
    const first = await used(one.token)
    const others = [await used(two.token), await used(one.token)]
    expect(app.database.heard.join()).not.toContain('access_key_uses')
    expect([first, ...others].map(({ after }) => after.length)).toEqual([1, 0, 0])
    await Promise.all(first.after)
    expect(app.database.heard.filter((said) => said.includes('access_key_uses'))).toHaveLength(1)
    for (const { id } of [one, two]) {
      const { tm_last_used, tm_update } = await shown(id)
      expect(Math.abs(Date.parse(tm_last_used) - Date.now())).toBeLessThan(10_000)
      expect(tm_update).toBeNull()
    }
    expect((await used(one.token)).after).toEqual([])
  })

  test('is not that of a token which opened nothing', async () => {
    const { id, token } = await made({ expire: 600 })
    await passes(minutes(11), id)
    expect((await used(token)).after).toEqual([])
  })
})

describe('POST /v1.0/routes/resolve', () => {
  const ask = (token: string, query = '', more: object = {}) =>
    app.as(token)('POST', `/v1.0/routes/resolve${query}`, { from: 'office1', to: '+15551234567', ...more })
  beforeAll(() => alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'long enough' }))

  test('asks whose the key is and where the call goes in one round trip, once it has seen the key', async () => {
    const { token } = await made({ scopes: ['read'] })
    const first = await ask(token)
    app.database.requests()
    const second = await ask(token)
    expect(app.database.requests()).toBe(1)
    expect(second).toMatchObject({ status: 200, body: { caller: { rule: 'digest' } } })
    expect(second.body.caller).toEqual(first.body.caller)
  })

  const ends: [string, string, (id: string) => Promise<unknown>][] = [
    ['is deleted', 'INVALID_CREDENTIALS', (id) => alice('DELETE', `/v1.0/accesskeys/${id}`)],
    ['has expired', 'ACCESSKEY_EXPIRED', (id) => passes(minutes(11), id)],
    ['was rotated', 'ACCESSKEY_ROTATED', (id) => rotated(id, { overlap_seconds: 0 })],
  ]
  test.each(ends)('answers nothing to a key which meanwhile %s', async (_, reason, end) => {
    const { id, token } = await made({ expire: 600 })
    expect((await ask(token)).status).toBe(200)
    await end(id)
    for (let again = 0; again < 2; again += 1)
      expect(await ask(token)).toMatchObject({ status: 401, body: { error: { reason } } })
  })

  test('answers nothing once more, by its Idempotency-Key, to a key which meanwhile is deleted', async () => {
    const { id, token } = await made()
    const again = () =>
      app.send('/v1.0/routes/resolve', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'idempotency-key': id },
        body: JSON.stringify({ from: 'office1', to: '+15551234567' }),
      })
    expect([(await again()).status, (await again()).status]).toEqual([200, 200])
    await alice('DELETE', `/v1.0/accesskeys/${id}`)
    expect((await again()).status).toBe(401)
  })

  test('of a version answers nothing to a key which meanwhile is deleted', async () => {
    const { id, token } = await made()
    const { body } = await alice('GET', '/v1.0/customer')
    const version = { version: body.configuration_version }
    expect((await ask(token, '', version)).status).toBe(200)
    await alice('DELETE', `/v1.0/accesskeys/${id}`)
    expect((await ask(token, '', version)).status).toBe(401)
  })

  test('finds out in its one round trip that a scope was taken away', async () => {
    const { id, token } = await made()
    expect((await ask(token)).status).toBe(200)
    await app.database.pool.query("update access_keys set scopes = '{}' where id = $1", [id])
    expect((await ask(token)).body.error.reason).toBe('SCOPE_MISSING')
  })

  test('is asked for another customer as before', async () => {
    const asked = await ask(app.aliceKey, `?customer_id=${alice.id}`)
    expect(asked).toMatchObject({ status: 200, body: { caller: { rule: 'digest' } } })
    expect((await ask((await made()).token, `?customer_id=${app.aliceId}`)).status).toBe(403)
  })
})

describe('what a scope holds', () => {
  const held: [AccessScope, AccessScope[]][] = [
    ['read', ['read']],
    ['configure', ['read', 'configure']],
    ['call', ['read', 'call']],
    ['admin', ['read', 'configure', 'call', 'admin']],
  ]
  test.each(held)('%s opens what needs %j', (scope, opened) => {
    expect(accessScopes.filter((needed) => covers([scope], needed))).toEqual(opened)
  })
})
