import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type App, type Client, startApp } from '../../support/app.ts'

/*
 * What an answer says of a change is true: where the new thing is, what a PUT took away, and why something was refused,
 * though five say the same at once.
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

/** Another one of a noun, with what it leads to. */
async function another(noun: string, of: Client = bob): Promise<Answer> {
  made += 1
  const bodies: Record<string, () => object | Promise<object>> = {
    providers: () => ({ hostname: `sip${made}.test` }),
    extensions: () => ({ extension: `phone${made}`, password: 'long enough' }),
    trunks: () => ({ domain_name: `pbx${made}`, ...pbx }),
    numbers: () => ({ number: `+1555777${String(made).padStart(4, '0')}` }),
    accesskeys: () => ({ name: 'another' }),
    routes: async () => ({ provider_id: (await another('providers', of)).body.id }),
    flows: async () => ({ actions: connect((await another('extensions', of)).body.extension) }),
  }
  return of('POST', `/v1.0/${noun}`, await bodies[noun]?.())
}
const pbx = { auth_types: ['basic'], username: 'pbx', password: 'long enough' }
const nouns = ['providers', 'routes', 'extensions', 'trunks', 'flows', 'numbers', 'accesskeys']

/** What a PUT of each noun cannot do without. */
function least(noun: string, of: Record<string, unknown>): object {
  if (noun === 'providers') return { hostname: of.hostname }
  if (noun === 'routes') return { provider_id: of.provider_id }
  if (noun === 'trunks') return { auth_types: of.auth_types, username: of.username }
  return noun === 'flows' ? { actions: of.actions } : {}
}

describe.each(nouns)('POST /v1.0/%s', (noun) => {
  test('answers with what was made, and in Location where it is', async () => {
    const { status, headers, body } = await another(noun)
    expect([status, headers.get('location')]).toEqual([200, `/v1.0/${noun}/${body.id}`])
    const there = await bob('GET', headers.get('location') ?? '')
    expect(there).toMatchObject({ status: 200, body: { id: body.id } })
  })

  test('says to an administrator whose it is, so that its own key finds it', async () => {
    const { body: key } = await app.alice('POST', '/v1.0/accesskeys', { admin: true })
    const forBob: Client = (method, path, body) =>
      app.as(key.token)(method, path, { ...(body ?? {}), customer_id: bob.id })
    const { headers, body } = await another(noun, forBob)
    expect(headers.get('location')).toBe(`/v1.0/${noun}/${body.id}?customer_id=${bob.id}`)
    expect((await app.alice('GET', headers.get('location') ?? '')).body.id).toBe(body.id)
  })
})

test('POST /v1.0/customers/ answers where the customer is, whatever slash was there', async () => {
  const { status, headers, body } = await app.alice('POST', '/v1.0/customers/', { name: 'Carol' })
  expect([status, headers.get('location')]).toEqual([200, `/v1.0/customers/${body.id}`])
})

describe('a PUT', () => {
  test('which lacks keys says which fields lost what they had', async () => {
    const { body: number } = await another('numbers')
    const { body: phone } = await another('extensions')
    const path = `/v1.0/extensions/${phone.id}`
    const whole = { name: 'Office', caller_id: number.number, max_channels: 2, ring_timeout: 60 }
    expect((await bob('PUT', path, whole)).body).toMatchObject({ ...whole, reset: [] })
    const { body } = await bob('PUT', path, { password: 'something new' })
    expect(body).toMatchObject({ name: '', caller_id: null, max_channels: null, ring_timeout: 60 })
    expect(body.reset.sort()).toEqual(['caller_id', 'max_channels', 'name'])
    expect((await bob('PUT', path, { password: 'something new' })).body.reset).toEqual([])
    expect((await bob('GET', path)).body).not.toHaveProperty('reset')
  })

  test('says so of what lies inside a field which it has', async () => {
    const { body: route } = await another('routes')
    const put = (failover: unknown) =>
      bob('PUT', `/v1.0/routes/${route.id}`, { provider_id: route.provider_id, failover })
    await put({ answer_ms: 20_000, search_ms: 60_000 })
    expect((await put({ search_ms: 50_000 })).body.reset).toEqual(['failover.answer_ms'])
    expect((await put(null)).body.reset).toEqual([])
    const quotas = (body: object) => app.alice('PUT', `/v1.0/customers/${bob.id}`, { name: 'Bob', ...body })
    await quotas({ quotas: { routes: 3_000, trunks: 200 } })
    expect((await quotas({ quotas: { trunks: 200 } })).body.reset).toEqual(['quotas.routes'])
    expect((await quotas({})).body).toMatchObject({ reset: [], quotas: { trunks: 200 } })
  })

  test.each(nouns)('of %s with all that was shown resets nothing; with the least, the name', async (noun) => {
    const { body: thing } = await another(noun)
    const path = `/v1.0/${noun}/${thing.id}`
    const { body: named } = await bob('PUT', path, { ...least(noun, thing), name: 'Named' })
    expect(named.reset).not.toContain('name')
    const { body: again } = await bob('PUT', path, named)
    expect(again).toMatchObject({ name: 'Named', reset: [] })
    expect((await bob('PUT', path, least(noun, thing))).body).toMatchObject({ name: '', reset: ['name'] })
  })

  test('of one’s own customer likewise', async () => {
    const { body: carol } = await app.alice('POST', '/v1.0/customers', { name: 'Carol', max_channels: 3 })
    const { body: key } = await app.alice('POST', '/v1.0/accesskeys', { customer_id: carol.id })
    const { body } = await app.as(key.token)('PUT', '/v1.0/customer', { name: 'Carol & Co' })
    expect(body).toMatchObject({ max_channels: null, reset: ['max_channels'] })
  })
})

const times = <T>(count: number, act: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => act(n)))
const said = ({ status, body }: Answer) => (status < 300 ? status : body.error.reason)
const absent: Record<string, string> = Object.fromEntries(
  nouns.map((noun) => [noun, `${noun.slice(0, -1).toUpperCase()}_NOT_FOUND`]),
)

describe.each(nouns)('five at once at /v1.0/%s/{id}', (noun) => {
  test('deleting: one has deleted it, to the others it is gone', async () => {
    const { body } = await another(noun)
    const answers = await times(5, () => bob('DELETE', `/v1.0/${noun}/${body.id}`))
    expect(answers.map(said).sort()).toEqual([200, ...Array(4).fill(absent[noun])])
  })

  test('changing, while it is deleted: changed, or gone', async () => {
    const { body } = await another(noun)
    const path = `/v1.0/${noun}/${body.id}`
    const change = { ...least(noun, body), name: 'changed' }
    const answers = await times(6, (n) => (n === 3 ? bob('DELETE', path) : bob('PUT', path, change)))
    expect(said(answers[3] as Answer)).toBe(200)
    for (const answer of answers) expect([200, absent[noun]]).toContain(said(answer))
  })
})

/** What leans on one thing, and so keeps it from being deleted. */
const leaning: [string, (thing: { id: string; extension: string }) => [string, object]][] = [
  ['providers', ({ id }) => ['routes', { provider_id: id }]],
  ['extensions', ({ id }) => ['numbers', { number: '+15557788001', extension_id: id }]],
  ['extensions', ({ extension }) => ['flows', { actions: connect(extension) }]],
  ['trunks', ({ id }) => ['numbers', { number: '+15557788002', trunk_id: id }]],
  ['flows', ({ id }) => ['numbers', { number: '+15557788003', call_flow_id: id }]],
]

describe.each(leaning)('five at once deleting one of %s on which something leans', (noun, leans) => {
  const inUse = `${noun.slice(0, -1).toUpperCase()}_IN_USE`
  const leantOn = async () => {
    const { body: thing } = await another(noun)
    const [other, body] = leans(thing)
    const { status, body: on } = await bob('POST', `/v1.0/${other}`, body)
    expect(status).toBe(200)
    return { path: `/v1.0/${noun}/${thing.id}`, on: `/v1.0/${other}/${on.id}` }
  }

  test('are told so, all of them; with ?cascade=true one has deleted it', async () => {
    const { path, on } = await leantOn()
    expect((await times(5, () => bob('DELETE', path))).map(said)).toEqual(Array(5).fill(inUse))
    const answers = await times(5, () => bob('DELETE', `${path}?cascade=true`))
    expect(answers.map(said).sort()).toEqual([200, ...Array(4).fill(absent[noun])])
    await bob('DELETE', on)
  })

  test('hear of its use while that lasts, and never after one has deleted it', async () => {
    const { path, on } = await leantOn()
    const answers = await times(6, (n) => bob('DELETE', n === 2 ? on : path))
    const [gone] = answers.splice(2, 1)
    expect(gone?.status).toBe(200)
    for (const answer of answers) expect([200, inUse, absent[noun]]).toContain(said(answer))
    const deleted = answers.filter(({ status }) => status === 200).length
    const gone404 = answers.filter((one) => said(one) === absent[noun]).length
    expect(deleted).toBe(gone404 > 0 ? 1 : Math.min(deleted, 1))
  })
})

describe('a trunk’s kept password', () => {
  test('is never left with a username it is not of, though both change at once', async () => {
    const { body: trunk } = await another('trunks')
    const path = `/v1.0/trunks/${trunk.id}`
    for (let trial = 0; trial < 5; trial += 1) {
      await bob('PUT', path, pbx)
      const answers = await Promise.all([
        bob('PUT', path, { ...pbx, username: 'other', password: 'another one' }),
        bob('PUT', path, { auth_types: ['basic'], username: 'pbx' }),
      ])
      const { rows } = await app.database.pool.query(
        'select username, sealed_md5 from trunks where id = $1',
        [trunk.id],
      )
      const kept = answers[1]?.status === 200
      expect(said(answers[0] as Answer)).toBe(200)
      expect(rows[0].username).toBe('other')
      if (!kept) expect(said(answers[1] as Answer)).toBe('INVALID_ARGUMENT')
    }
  })
})
