import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'

/*
 * A door asks whose the key is together with what it brings or changes. What this isolate remembers of a key answers nothing by
 * itself.
 */

let app: App
let alice: Client & { id: string }
let provider_id = ''
let callId = ''
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  provider_id = (await alice('POST', '/v1.0/providers', { hostname: 'sip.test' })).body.id
  const told = callTell(alice.id)
  callId = told.call.call_id
  await tellAs(app, 'relay-1', told)
})
afterAll(() => app.close())

const body = () => ({ name: 'asked', provider_id, target: '+1212' })
const doors: [what: string, trips: number, ask: (as: Client, id: string) => ReturnType<Client>][] = [
  ['GET of a list', 1, (as) => as('GET', '/v1.0/routes')],
  ['GET of one', 1, (as, id) => as('GET', `/v1.0/routes/${id}`)],
  ['GET of calls', 1, (as) => as('GET', '/v1.0/calls')],
  ['GET of one call', 1, (as) => as('GET', `/v1.0/calls/${callId}`)],
  ['GET of registrations', 1, (as) => as('GET', '/v1.0/registrations')],
  ['POST', 1, (as) => as('POST', '/v1.0/routes', body())],
  ['PUT', 1, (as, id) => as('PUT', `/v1.0/routes/${id}`, body())],
  ['PATCH', 2, (as, id) => as('PATCH', `/v1.0/routes/${id}`, { name: 'asked' })],
  ['DELETE', 1, (as, id) => as('DELETE', `/v1.0/routes/${id}`)],
]

/** A key which this isolate has seen. */
async function known(wish: object = {}) {
  const { id, token } = (await alice('POST', '/v1.0/accesskeys', wish)).body
  const as = app.as(token)
  await as('GET', '/v1.0/customer')
  return { id, as }
}
const laid = async () => (await alice('POST', '/v1.0/routes', { ...body(), name: 'before' })).body.id
const rows = async () =>
  (await app.database.pool.query("select id, name, deleted_at from routes where name <> '' order by id")).rows
const sets = (what: string, id: string) =>
  app.database.pool.query(`update access_keys set ${what} where id = $1`, [id])

describe.each(doors)('a %s', (what, trips, ask) => {
  test(`takes ${trips === 1 ? 'one round trip' : `${trips} round trips`} with a key which was seen before`, async () => {
    const [id, { as }] = [await laid(), await known()]
    app.database.requests()
    const answer = await ask(as, id)
    expect([answer.status, app.database.requests()]).toEqual([200, trips])
  })

  test.each([
    ['was deleted', 'deleted_at = now()', 401, 'INVALID_CREDENTIALS'],
    ['has expired', "expires_at = now() - interval '1 second'", 401, 'ACCESSKEY_EXPIRED'],
    ['lost its scopes', "scopes = '{}'", 403, 'SCOPE_MISSING'],
  ])('is refused to a key which meanwhile %s, and changes nothing', async (_, end, status, reason) => {
    const [id, key] = [await laid(), await known()]
    await sets(end, key.id)
    const before = await rows()
    expect(await ask(key.as, id)).toMatchObject({ status, body: { error: { reason } } })
    expect(await rows()).toEqual(before)
  })

  test('is answered to a key which meanwhile was given the scope', async () => {
    const [id, key] = [await laid(), await known({ scopes: ['call'] })]
    await sets("scopes = '{configure,read}'", key.id)
    expect((await ask(key.as, id)).status).toBe(200)
  })

  test(`is carried out once for a key which may ${what.startsWith('GET') ? 'read' : 'do'} less than before, but this`, async () => {
    const [id, key] = [await laid(), await known()]
    await sets("scopes = '{configure}'", key.id)
    const before = await rows()
    expect((await ask(key.as, id)).status).toBe(200)
    expect((await rows()).length - before.length).toBe(what === 'POST' ? 1 : 0)
  })
})

describe('a change by a key', () => {
  const make = (as: Client) => as('POST', '/v1.0/accesskeys', { admin: true, name: 'made' })
  const made = async () =>
    (await app.database.pool.query("select from access_keys where name = 'made'")).rows.length

  test('which is no administrator’s any longer does only what others may', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { admin: true })
    const as = app.as(body.token)
    expect((await make(as)).status).toBe(200)
    const before = await made()
    await sets('admin = false', body.id)
    expect((await make(as)).body.error.reason).toBe('PERMISSION_DENIED')
    expect(await made()).toBe(before)
  })

  test('which has become an administrator’s does what they may', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', {})
    const as = app.as(body.token)
    expect((await make(as)).status).toBe(403)
    await sets('admin = true', body.id)
    expect((await make(as)).status).toBe(200)
  })

  test('which is wrong in something else is refused for the key first, where that opens nothing', async () => {
    const key = await known()
    await sets('deleted_at = now()', key.id)
    expect((await key.as('POST', '/v1.0/routes', { nonsense: 1 })).status).toBe(401)
    const other = await known()
    await sets('deleted_at = now()', other.id)
    expect((await other.as('GET', '/v1.0/routes?nonsense=1')).status).toBe(401)
  })

  test('for another customer, whom its body names, asks whose it is before', async () => {
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { admin: true })
    const as = app.as(body.token)
    const wish = { hostname: 'other.test', customer_id: alice.id }
    expect((await as('POST', '/v1.0/providers', wish)).body.customer_id).toBe(alice.id)
    await sets('admin = false', body.id)
    const refused = await as('POST', '/v1.0/providers', { ...wish, hostname: 'another.test' })
    expect(refused.body.error.reason).toBe('PERMISSION_DENIED')
  })
})
