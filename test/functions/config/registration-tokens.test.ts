import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readTokenName } from '#contract'
import { readSettings } from '../../../functions/env.ts'
import { keepHouse } from '../../../functions/store/keeping.ts'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let alice: Client & { id: string }
let extension: { id: string; realm: string }
let path: string
beforeAll(async () => {
  app = await startApp({ SIP_WS_URLS: 'wss://sip.trunkline.test:7443/, ws://127.0.0.1:8080' })
  alice = await app.newcomer('Alice')
  const body = { name: 'Browser', username: 'office1', password: 'secure-password' }
  extension = (await alice('POST', '/v1.0/extensions', body)).body
  path = `/v1.0/extensions/${extension.id}/tokens`
})
afterAll(() => app.close())

describe('a token of an extension', () => {
  test('is a name and a password for digest, until when, and where to connect', async () => {
    const { body, headers } = await alice('POST', path, { expire: 600 })
    expect(body).toMatchObject({
      extension_id: extension.id,
      uri: `sip:office1@${extension.realm}`,
      realm: extension.realm,
      ws_urls: ['wss://sip.trunkline.test:7443/', 'ws://127.0.0.1:8080'],
      expire: 600,
    })
    expect(headers.get('cache-control')).toBe('no-store')
    const name = readTokenName(body.username)
    expect(name?.account).toBe('office1')
    expect(name?.until).toBe(Date.parse(body.tm_expire))
    const own = (await alice('GET', path)).body.result.find(({ id }: { id: string }) => id === body.id)
    expect(body).toMatchObject(own)
    expect(own.key_id).toBe((await alice('GET', '/v1.0/accesskey')).body.id)
    const left = Date.parse(body.tm_expire) - Date.now()
    expect(left).toBeGreaterThan(500_000)
    expect(left).toBeLessThanOrEqual(600_000)
  })

  test('follows from the password which the extension has, so that relays know it and no change leaves it good', async () => {
    const { body } = await alice('POST', path, {})
    expect(body.password).toBe(passwordOf(body.username, 'secure-password'))
    await alice('PATCH', `/v1.0/extensions/${extension.id}`, { password: 'another-password' })
    const later = (await alice('POST', path, {})).body
    expect(later.password).toBe(passwordOf(later.username, 'another-password'))
    const { body: credential } = await app.relay('POST', '/relay/v1/credential', {
      realm: extension.realm,
      username: 'office1',
    })
    expect(credential.ha1_sha256).toBe(sha256(`office1:${extension.realm}:another-password`))
  })

  test('is no other’s to make, nor of what is deleted', async () => {
    const mallory = await app.newcomer('Mallory')
    expect((await mallory('POST', path, {})).body.error.reason).toBe('EXTENSION_NOT_FOUND')
    const { body: gone } = await alice('POST', '/v1.0/extensions', {
      username: 'gone',
      password: 'secure-password',
    })
    await alice('DELETE', `/v1.0/extensions/${gone.id}`)
    const { status, body } = await alice('POST', `/v1.0/extensions/${gone.id}/tokens`, {})
    expect([status, body.error.reason]).toEqual([404, 'EXTENSION_NOT_FOUND'])
  })

  test('lasts an hour unless it is said, a minute at least and four hours at most', async () => {
    expect((await alice('POST', path, {})).body.expire).toBe(3600)
    expect((await alice('POST', path, { expire: 14_400 })).body.expire).toBe(14_400)
    for (const expire of [59, 14_401, 1.5, '60'])
      expect((await alice('POST', path, { expire })).body.error).toMatchObject({
        details: [{ field: 'expire' }],
      })
  })

  test('is one of twenty which are good at once, however many are asked for, and makes room once it is over', async () => {
    const { body: busy } = await alice('POST', '/v1.0/extensions', {
      username: 'busy',
      password: 'secure-password',
    })
    const make = () => alice('POST', `/v1.0/extensions/${busy.id}/tokens`, {})
    const answers = await Promise.all(Array.from({ length: 25 }, make))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.map(({ body }) => body.error.reason)).toEqual(Array(5).fill('TOO_MANY_TOKENS'))
    await app.database.pool.query(
      `update registration_tokens set expires_at = now() where id = (select id from registration_tokens where extension_id = $1 limit 1)`,
      [busy.id],
    )
    expect((await make()).status).toBe(200)
    expect((await make()).status).toBe(429)
  })

  test.each<[string, number, string, object | undefined]>([
    ['another password', 200, '', { password: 'another-password' }],
    ['a phone set itself up by a link', 200, '/provisioning', undefined],
    ['the password which it has', 429, '', { password: 'secure-password' }],
    ['a refused change', 429, '', { password: 'another-password', record_announcement: noPrompt }],
    ['being disabled and enabled, which makes those it had good again,', 429, '', { enabled: false }],
  ])(
    'counts while it may be good: after %s one more is answered with %i',
    async (_, status, below, change) => {
      const username = `phone${crypto.randomUUID().slice(0, 8)}`
      const { body } = await alice('POST', '/v1.0/extensions', { username, password: 'secure-password' })
      await app.database.pool.query(
        `insert into registration_tokens (id, extension_id, customer_id, expires_at)
       select gen_random_uuid(), id, customer_id, now() + interval '1 hour' from extensions, generate_series(1, 20) where id = $1`,
        [body.id],
      )
      const its = `/v1.0/extensions/${body.id}`
      expect((await alice('POST', `${its}/tokens`, {})).status).toBe(429)
      const answer = await alice(change ? 'PATCH' : 'POST', `${its}${below}`, change)
      if (change === undefined) await app.fetch(new URL(answer.body.zoiper_url).pathname, {})
      if ('enabled' in (change ?? {})) await alice('PATCH', its, { enabled: true })
      expect((await alice('POST', `${its}/tokens`, {})).status).toBe(status)
    },
  )

  test('is listed without its password, with the key which made it and its times, newest first', async () => {
    const { id, its } = await another()
    const first = (await alice('POST', its, { expire: 600 })).body
    const second = (await alice('POST', its, { expire: 60 })).body
    const { body } = await alice('GET', `${its}?page_size=1`)
    const own = (await alice('GET', '/v1.0/accesskey')).body
    expect(body.result).toEqual([
      {
        id: second.id,
        extension_id: id,
        key_id: own.id,
        key_name: '',
        tm_create: second.tm_create,
        tm_expire: second.tm_expire,
      },
    ])
    const rest = (await alice('GET', `${its}?page_size=1&page_token=${body.next_page_token}`)).body
    expect(rest.result.map(({ id }: { id: string }) => id)).toEqual([first.id])
    expect(readTokenName(first.username)?.id).toBe(first.id)
  })

  test('is ended by itself: it makes room, is listed no more, cannot be ended twice, and relays are told', async () => {
    const { id, its, username } = await another()
    const [one, other] = [(await alice('POST', its, {})).body, (await alice('POST', its, {})).body]
    await app.database.pool.query(
      `insert into registration_tokens (id, extension_id, customer_id, expires_at)
       select gen_random_uuid(), id, customer_id, now() + interval '1 hour' from extensions, generate_series(1, 18) where id = $1`,
      [id],
    )
    expect((await alice('POST', its, {})).status).toBe(429)
    const before = await told(username)
    expect(before.ended).toEqual([])
    expect((await alice('DELETE', `${its}/${one.id}`)).body).toMatchObject({ id: one.id, extension_id: id })
    const after = await told(username)
    expect(after).toEqual({ ended: [one.id], version: expect.any(Number) })
    expect(after.version).toBeGreaterThan(before.version)
    const twice = await alice('DELETE', `${its}/${one.id}`)
    expect([twice.status, twice.body.error.reason]).toEqual([404, 'TOKEN_NOT_FOUND'])
    expect((await alice('GET', its)).body.result.map(({ id }: { id: string }) => id)).toContain(other.id)
    expect((await alice('GET', its)).body.result).toHaveLength(19)
    expect((await alice('POST', its, {})).status).toBe(200)
  })

  test('stays ended though the password changes and comes back, and is told no longer once its time is over', async () => {
    const { its, path, username } = await another()
    const { body } = await alice('POST', its, {})
    await alice('DELETE', `${its}/${body.id}`)
    await alice('PATCH', path, { password: 'another-password' })
    await alice('PATCH', path, { password: 'secure-password' })
    expect((await told(username)).ended).toEqual([body.id])
    await app.database.pool.query('update registration_tokens set expires_at = now() where id = $1', [
      body.id,
    ])
    expect((await told(username)).ended).toEqual([])
  })

  test('ends with the access key which made it, and no other’s does', async () => {
    const { its, username } = await another()
    const key = (await alice('POST', '/v1.0/accesskeys', { name: 'app', scopes: ['call'] })).body
    const [ours, theirs] = [
      (await app.as(key.token)('POST', its, {})).body,
      (await alice('POST', its, {})).body,
    ]
    await alice('DELETE', `/v1.0/accesskeys/${key.id}`)
    expect((await told(username)).ended).toEqual([ours.id])
    expect((await alice('GET', its)).body.result.map(({ id }: { id: string }) => id)).toEqual([theirs.id])
  })

  test.each([
    ['another password', (at: string) => alice('PATCH', at, { password: 'another-password' })],
    [
      'a phone which set itself up by a link',
      async (at: string) => {
        const { body } = await alice('POST', `${at}/provisioning`)
        await app.fetch(new URL(body.zoiper_url).pathname)
      },
    ],
  ])('is ended by %s, and opens nothing though the password comes back', async (_, change) => {
    const { its, path, username } = await another()
    const { body } = await alice('POST', its, {})
    await change(path)
    await alice('PATCH', path, { password: 'secure-password' })
    expect((await alice('GET', its)).body.result).toEqual([])
    expect((await told(username)).ended).toEqual([body.id])
  })

  test('is never one which is listed and opens nothing, though the password changes while it is made', async () => {
    const { its, path, username } = await another()
    const decrypt = crypto.subtle.decrypt.bind(crypto.subtle)
    const opening = vi.spyOn(crypto.subtle, 'decrypt').mockImplementationOnce(async (...given) => {
      await alice('PATCH', path, { password: 'another-password' })
      return decrypt(...given)
    })
    const { body } = await alice('POST', its, {})
    opening.mockRestore()
    expect(body.password).toBe(passwordOf(body.username, 'another-password', username))
    expect((await alice('GET', its)).body.result).toMatchObject([{ id: body.id }])
    expect((await told(username)).ended).toEqual([])
  })

  test('which cannot be made since the HA1 does not open leaves nothing behind', async () => {
    const { its, id } = await another()
    const opening = vi.spyOn(crypto.subtle, 'decrypt').mockRejectedValueOnce(new Error('it does not open'))
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { status } = await alice('POST', its, {})
    for (const spy of [opening, log]) spy.mockRestore()
    expect(status).toBe(500)
    const kept = 'select id from registration_tokens where extension_id = $1'
    expect((await app.database.pool.query(kept, [id])).rows).toEqual([])
  })

  test('is made however often the password changed, and relays know the latest of those which ended by that', async () => {
    const { its, path, username, id } = await another()
    const key = await keyFor('call')
    await endedOf(its, 200, key.id, 'of before')
    const { body } = await key.client('POST', its, {})
    expect((await told(username)).ended).toHaveLength(40)
    await alice('PATCH', path, { password: 'another-password' })
    expect((await told(username)).ended).toHaveLength(40)
    expect((await told(username)).ended).toContain(body.id)
    await alice('PATCH', path, { password: 'secure-password' })
    expect((await told(username)).ended).toHaveLength(41)
    await app.database.pool.query(
      'update registration_tokens set expires_at = now() where extension_id = $1',
      [id],
    )
    await keepHouse(app.env, { most: 500 })
    const kept = 'select id from registration_tokens where extension_id = $1'
    expect((await app.database.pool.query(kept, [id])).rows).toEqual([])
  })

  test('is told to have been ended, by which key and request, once', async () => {
    const { its, id } = await another()
    const [maker, chief] = [await keyFor('call'), await keyFor('call', 'configure')]
    const { body } = await maker.client('POST', its, {})
    const ended = await chief.client('DELETE', `${its}/${body.id}`)
    await chief.client('DELETE', `${its}/${body.id}`)
    const { result } = (await alice('GET', `/v1.0/events?type=token.ended&resource_id=${id}`)).body
    expect(result).toMatchObject([
      {
        type: 'token.ended',
        resource_id: id,
        data: {
          token_id: body.id,
          made_by: maker.id,
          key_id: chief.id,
          request_id: ended.headers.get('x-request-id'),
        },
      },
    ])
  })

  test('is made by one key though another ended as many as it may, and by that once the first of those is over', async () => {
    const { its } = await another()
    const [app1, app2] = [await keyFor('call'), await keyFor('call')]
    await endedOf(its, 120, app1.id)
    const refused = await app1.client('POST', its, {})
    expect([refused.status, refused.body.error.reason]).toEqual([429, 'TOO_MANY_TOKENS'])
    expect(refused.body.error.message).toMatch(/ended lately.*wait until \d{4}-/)
    const wait = Number(refused.headers.get('retry-after'))
    expect([wait > 3500, wait <= 3600]).toEqual([true, true])
    expect((await app2.client('POST', its, {})).status).toBe(200)
    await app.database.pool.query(
      `update registration_tokens set expires_at = now()
       where id = (select id from registration_tokens where key_id = $1 limit 1)`,
      [app1.id],
    )
    expect((await app1.client('POST', its, {})).status).toBe(200)
  })

  test('of which too many are good, and too many were ended, is to be waited for until neither is so', async () => {
    const { its } = await another()
    const app1 = await keyFor('call')
    for (let made = 0; made < 20; made++) await app1.client('POST', its, { expire: 14_400 })
    await endedOf(its, 120, app1.id)
    const refused = await app1.client('POST', its, {})
    expect([refused.status, refused.body.error.reason]).toEqual([429, 'TOO_MANY_TOKENS'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(14_000)
  })

  test('of which too many are good is refused with what helps: to end one, or to wait until one is over', async () => {
    const { its } = await another()
    const made = await Promise.all(Array.from({ length: 20 }, () => alice('POST', its, {})))
    const refused = await alice('POST', its, {})
    expect(refused.body.error.message).toMatch(
      /20 tokens which are good still: end one, or wait until \d{4}-/,
    )
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await alice('DELETE', `${its}/${made[0]?.body.id}`)
    expect((await alice('POST', its, {})).status).toBe(200)
  })

  test('says what its key is called to that key, and to one which may list keys', async () => {
    const { its } = await another()
    const [reader, maker, admin] = [await keyFor('read'), await keyFor('call'), await keyFor('admin')]
    const made = await maker.client('POST', its, {})
    const nameFor = async ({ client }: Keyed) => (await client('GET', its)).body.result[0].key_name
    expect(made.body.key_name).toBe('for call')
    expect(await Promise.all([reader, maker, admin].map(nameFor))).toEqual([null, 'for call', 'for call'])
    const ended = await (await keyFor('call', 'configure')).client('DELETE', `${its}/${made.body.id}`)
    expect([ended.status, ended.body.key_name]).toEqual([200, null])
  })

  test('is ended by the key which made it, and by another only if that may configure', async () => {
    const { its } = await another()
    const [maker, other, chief] = [
      await keyFor('call'),
      await keyFor('call'),
      await keyFor('call', 'configure'),
    ]
    const [one, two] = [await maker.client('POST', its, {}), await maker.client('POST', its, {})]
    const refused = await other.client('DELETE', `${its}/${one.body.id}`)
    expect([refused.status, refused.body.error.reason]).toEqual([403, 'SCOPE_MISSING'])
    expect(refused.body.error.message).toContain('the scope configure')
    expect((await alice('GET', its)).body.result).toHaveLength(2)
    expect((await maker.client('DELETE', `${its}/${one.body.id}`)).status).toBe(200)
    expect((await chief.client('DELETE', `${its}/${two.body.id}`)).status).toBe(200)
  })

  test('is made no more where too many were ended before their time, so that what relays are told has an end', async () => {
    const { its, path } = await another()
    await endedOf(its, 200, null)
    const refused = await alice('POST', its, {})
    expect(refused.body.error.reason).toBe('TOO_MANY_TOKENS')
    expect(refused.body.error.message).toContain('ended lately')
    await alice('DELETE', path)
    for (const [method, at] of [
      ['GET', its],
      ['DELETE', `${its}/${crypto.randomUUID()}`],
    ] as const)
      expect((await alice(method, at)).body.error.reason).toBe('EXTENSION_NOT_FOUND')
  })

  test('is made no more where a thousand of whatever passwords are kept, until the first of them is over', async () => {
    const { its } = await another()
    await endedOf(its, 1_000, null, 'of before')
    const refused = await alice('POST', its, {})
    expect([refused.status, refused.body.error.reason]).toEqual([429, 'TOO_MANY_TOKENS'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500)
    await app.database.pool.query(
      `update registration_tokens set expires_at = now()
       where id = (select id from registration_tokens where extension_id = $1 limit 1)`,
      [its.split('/')[3]],
    )
    expect((await alice('POST', its, {})).status).toBe(200)
  })

  test('leaves no password in the database', async () => {
    const { body } = await alice('POST', path, {})
    const { rows } = await app.database.pool.query('select * from registration_tokens')
    expect(JSON.stringify(rows)).not.toContain(body.password)
    expect(rows.length).toBeGreaterThan(0)
  })

  test.each(['https://sip.test', 'wss://', 'wss://sip.test/?key=1', 'wss://a.test,'])(
    'is not handed out by %s',
    (url) => {
      expect(() => readSettings({ ...app.env, SIP_WS_URLS: url })).toThrow('SIP_WS_URLS')
    },
  )
})

/** One more extension, where it is, and where its tokens are. */
async function another() {
  const username = `phone${crypto.randomUUID().slice(0, 8)}`
  const { body } = await alice('POST', '/v1.0/extensions', { username, password: 'secure-password' })
  const path = `/v1.0/extensions/${body.id}`
  return { id: body.id as string, path, its: `${path}/tokens`, username }
}

interface Keyed {
  readonly id: string
  readonly client: Client
}

/** A key of Alice's with these scopes alone. */
async function keyFor(...scopes: string[]): Promise<Keyed> {
  const { body } = await alice('POST', '/v1.0/accesskeys', { name: `for ${scopes.join(' and ')}`, scopes })
  return { id: body.id, client: app.as(body.token) }
}

/** So many tokens which a key made are ended, for an hour yet. */
async function endedOf(its: string, count: number, keyId: string | null, mark: string | null = null) {
  await app.database.pool.query(
    `insert into registration_tokens (id, extension_id, customer_id, key_id, password_mark, expires_at, ended_at)
     select gen_random_uuid(), id, customer_id, $3::uuid, $4, now() + interval '1 hour', now()
     from extensions, generate_series(1, $2) where id = $1`,
    [its.split('/')[3], count, keyId, mark],
  )
}

/** What relays are told of an extension's ended tokens, and the version of the configuration by which they learn that it is new. */
async function told(username: string) {
  const { body } = await app.relay('POST', '/relay/v1/credential', { realm: extension.realm, username })
  const { version } = (
    await app.database.pool.query('select version from customers where id = $1', [alice.id])
  ).rows[0]
  return { ended: body.ended_tokens, version: Number(version) }
}

const noPrompt = { prompt_id: crypto.randomUUID() }

function passwordOf(name: string, password: string, account = 'office1'): string {
  const ha1 = sha256(`${account}:${extension.realm}:${password}`)
  const inner = sha256(`registration token ${ha1} ${name}`)
  return sha256(`registration token ${ha1} ${inner}`)
}

function sha256(text: string): string {
  return hash('sha256', text)
}
