import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { readSettings } from '../../../functions/env.ts'
import { md5 } from '../../../functions/md5.ts'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let alice: Client & { id: string }
let extension: { id: string; realm: string }
const said: string[] = []
beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation((line) => said.push(String(line)))
  app = await startApp({ SIP_SERVER: 'sip.trunkline.test:5061;transport=tls' })
  alice = await app.newcomer('Alice')
  const body = { name: 'Alice’s <"phone"> & desk', username: 'office1', password: 'the-first-password' }
  extension = (await alice('POST', '/v1.0/extensions', body)).body
})
afterAll(() => app.close())

let link: Record<string, string>
beforeEach(async () => {
  link = (await alice('POST', `/v1.0/extensions/${extension.id}/provisioning`)).body
})

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'user-agent': 'Mozilla/5.0' }
const linphone = { 'user-agent': 'Unknown' }

describe('a link by which a phone sets itself up', () => {
  test('is made with a QR code, and leads there for ten minutes by the database’s clock', async () => {
    expect(link.url).toMatch(/^http:\/\/localhost\/provisioning\/[\w-]{32}$/)
    expect(link).toMatchObject({
      extension: 'office1',
      linphone_url: `${link.url}/linphone`,
      zoiper_url: `${link.url}/zoiper`,
      acrobits_url: `${link.url}/acrobits`,
    })
    expect(link.qr).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    const { rows } = await app.database.pool.query('select $1::timestamptz - now() as left', [link.tm_expire])
    expect(String(rows[0].left)).toMatch(/^00:09:5|^00:10:00$/)
  })

  test('gives Linphone a new password, by which its relay then knows it', async () => {
    const { status, headers, text } = await got('', linphone)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/xml; charset=utf-8'])
    expect(headers.get('cache-control')).toBe('no-store')
    const password = within(text, 'name="passwd" overwrite="true"')
    expect(password).toMatch(/^\w{20}$/)
    expect(text).toContain(`<entry name="realm" overwrite="true">${extension.realm}</entry>`)
    expect(text).toContain('&#60;sip:sip.trunkline.test:5061;transport=tls&#62;')
    expect(text).toContain('&#34;Alice’s &#60;\\&#34;phone\\&#34;&#62; &#38; desk&#34; ')
    const question = { realm: extension.realm, username: 'office1' }
    const { body } = await app.relay('POST', '/relay/v1/credential', question)
    expect(body.ha1_md5).toBe(hex(md5(new TextEncoder().encode(`office1:${extension.realm}:${password}`))))
  })

  test.each([
    ['zoiper', 'password', '<SIP_transport_type>TLS</SIP_transport_type>'],
    ['acrobits', 'password', '<transport>tls+sip:</transport><'],
    ['linphone', 'entry name="passwd" overwrite="true"', 'transient_provisioning'],
  ])('gives %s its own format by its path', async (app, element, sign) => {
    const { status, text } = await got(`/${app}`, { accept: '*/*' })
    expect(status).toBe(200)
    expect(within(text, element)).toMatch(/^\w{20}$/)
    expect(`${text}<`).toContain(sign.replace(/<$/, ''))
    expect(text).toContain('sip.trunkline.test:5061')
  })

  test('is spent by the first which fetches the settings, and tells the second so', async () => {
    expect((await got('', linphone)).status).toBe(200)
    for (const path of ['', '/zoiper']) {
      const { status, text } = await got(path, linphone)
      expect(status).toBe(410)
      expect(JSON.parse(text).error).toMatchObject({ status: 'GONE', reason: 'PROVISIONING_GONE' })
    }
    expect((await got('', browser)).status).toBe(410)
    expect((await got('', browser, 'POST')).status).toBe(410)
  })

  test('gives the settings to exactly one of several which fetch at once', async () => {
    const paths = ['/linphone', '/zoiper', '/acrobits', '/linphone', '/zoiper']
    const answers = await Promise.all(paths.map((path) => got(path, {})))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410, 410])
  })

  test.each([
    ['a HEAD', '', linphone, 'HEAD'],
    ['a HEAD of an app’s address', '/zoiper', {}, 'HEAD'],
    ['a browser', '', browser, 'GET'],
    ['a browser at an app’s address', '/linphone', browser, 'GET'],
    ['what fetches ahead', '/linphone', { 'sec-purpose': 'prefetch;prerender' }, 'GET'],
    [
      'a messenger which shows what stands behind it',
      '/linphone',
      { 'user-agent': 'TelegramBot (like TwitterBot)' },
      'GET',
    ],
    ['another messenger', '', { 'user-agent': 'WhatsApp/2.23' }, 'GET'],
    ['a program which says nothing of itself', '', { accept: '*/*' }, 'GET'],
  ])('is not spent by %s, which finds no password', async (_, path, headers, method) => {
    const before = await stored()
    const looked = await got(path, headers, method)
    expect([looked.status, looked.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await stored()).toEqual(before)
    expect((await got('/linphone', {})).status).toBe(200)
  })

  test('shows a person codes and a button, then the four fields once, with no script and nothing kept', async () => {
    const page = await got('', browser)
    expect(page.text.match(/<img alt="QR code for \w+"/g)).toHaveLength(3)
    expect(page.text).toContain(`<form method="post" action="/provisioning/${link.url?.slice(-32)}">`)
    const shown = await got('', browser, 'POST')
    const fields = [...shown.text.matchAll(/<dd><code>([^<]+)/g)].map(([, field]) => field)
    expect(fields).toEqual([
      'office1',
      extension.realm,
      expect.stringMatching(/^\w{20}$/),
      'sip.trunkline.test:5061',
    ])
    for (const { headers, text } of [page, shown]) {
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(text).not.toContain('<script')
    }
  })

  test.each([
    ['http://localhost:8787', true],
    ['http://127.0.0.1:8787', true],
    ['http://[::1]:8787', true],
    ['http://192.0.2.10:8787', false],
    ['https://api.trunkline.test', false],
  ])(
    'offered at %s says that a phone elsewhere does not reach that, where it does not: %s',
    async (edge, says) => {
      const page = await app.fetch(edge + new URL(link.url ?? '').pathname, { headers: browser })
      expect((await page.text()).includes('SIP_HOST=192.0.2.10 npm start')).toBe(says)
    },
  )

  test.each<[string, string, string?]>([
    ['its ten minutes are over', `update provisioning_links set expires_at = now()`],
    [
      'the key which made it is deleted',
      'update access_keys set deleted_at = now() where id = (select key_id from provisioning_links)',
      'update access_keys set deleted_at = null',
    ],
    [
      'its phone is deleted',
      'update extensions set deleted_at = now()',
      'update extensions set deleted_at = null',
    ],
  ])('leads nowhere once %s', async (_, change, back) => {
    await app.database.pool.query(change)
    const statuses = [await got('', linphone), await got('', browser), await got('', browser, 'POST')]
    if (back) await app.database.pool.query(back)
    expect(statuses.map(({ status }) => status)).toEqual([410, 410, 410])
  })

  test('takes the place of the one before', async () => {
    const [before] = [link, await alice('POST', `/v1.0/extensions/${extension.id}/provisioning`)]
    expect((await app.fetch(new URL(`${before.url}/linphone`).pathname)).status).toBe(410)
  })

  test('is a change of the key which made it, and neither token nor password is kept or logged', async () => {
    const { text } = await got('/acrobits', {})
    const [token, password] = [link.url?.slice(-32) ?? '', within(text, 'password')]
    const { body } = await alice('GET', '/v1.0/accesskey')
    const { body: changes } = await alice('GET', '/v1.0/events?page_size=1')
    expect(changes.result[0]).toMatchObject({ type: 'extension.updated' })
    const { rows } = await app.database.pool.query('select * from changes order by version desc limit 1')
    expect(rows[0]).toMatchObject({ key_id: body.id, resource_id: extension.id })
    const kept = await everything()
    expect(kept).toContain(extension.id)
    for (const secret of [token, password]) expect(kept).not.toContain(secret)
    for (const secret of [token, password]) expect(said.join('\n')).not.toContain(secret)
  })

  test('cannot be guessed: an address which tries too many has to wait', async () => {
    const headers = { 'cf-connecting-ip': '192.0.2.99' }
    const tries = Array.from({ length: 10 }, (_, at) =>
      app.fetch(`/provisioning/${at}/linphone`, { headers }),
    )
    expect((await Promise.all(tries)).map(({ status }) => status)).toEqual(Array(10).fill(410))
    const refused = await app.fetch('/provisioning/more/linphone', { headers })
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
  })

  test('is made of one’s own live extensions, by a key which may change them', async () => {
    const mallory = await app.newcomer('Mallory')
    const path = `/v1.0/extensions/${extension.id}/provisioning`
    expect((await mallory('POST', path)).body.error.reason).toBe('EXTENSION_NOT_FOUND')
    expect((await alice('POST', path, { colour: 'red' })).status).toBe(400)
    const { body: key } = await alice('POST', '/v1.0/accesskeys', { name: 'eyes', scopes: ['read'] })
    expect((await app.as(key.token)('POST', path)).body.error.reason).toBe('SCOPE_MISSING')
  })
})

const turn = {
  TURN_URLS: 'turn:turn.test:3478?transport=udp, turns:turn.test:5349',
  TURN_SECRET: 'shared-with-coturn',
}

describe('credentials for a TURN server', () => {
  test('are a name which says until when, and its MAC by the shared secret', async () => {
    const { body } = await turnAsked({ expire: 600 })
    expect(body.urls).toEqual(['turn:turn.test:3478?transport=udp', 'turns:turn.test:5349'])
    const [until, whose] = body.username.split(':')
    expect(whose).toBe(app.aliceId)
    expect(new Date(until * 1000).toISOString()).toBe(body.tm_expire)
    const left = Number(until) - Date.now() / 1000
    expect(left).toBeGreaterThan(500)
    expect(left).toBeLessThanOrEqual(600)
    expect(body.credential).toBe(createHmac('sha1', turn.TURN_SECRET).update(body.username).digest('base64'))
  })

  test('last an hour unless it is said, a minute at least and a day at most', async () => {
    expect((await turnAsked({})).body.expire).toBe(3600)
    for (const expire of [59, 86_401, 1.5, '60'])
      expect((await turnAsked({ expire })).body.error).toMatchObject({
        reason: 'INVALID_ARGUMENT',
        details: [{ field: 'expire' }],
      })
  })

  test('are refused in a sentence where this installation has no TURN server', async () => {
    const { status, body } = await turnAsked({}, { TURN_URLS: turn.TURN_URLS })
    expect([status, body.error.reason]).toEqual([409, 'TURN_NOT_SET'])
    expect(body.error.message).toContain('TURN_SECRET')
  })

  test.each([
    [{ TURN_URLS: 'https://turn.test' }, 'TURN_URLS'],
    [{ TURN_URLS: 'turn:turn.test,' }, 'TURN_URLS'],
    [{ TURN_SECRET: 'short' }, 'TURN_SECRET must have at least 16 characters'],
  ])('are not set up by %j', (wrong, sentence) => {
    expect(() => readSettings({ ...app.env, ...wrong })).toThrow(sentence)
  })
})

function turnAsked(body: object, settings: object = turn) {
  const headers = { authorization: `Bearer ${app.aliceKey}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  return app.send('/v1.0/turn-credentials', init, { ...app.env, ...settings })
}

async function got(path: string, headers: Record<string, string>, method = 'GET') {
  const answer = await app.fetch(new URL(`${link.url}${path}`).pathname, { method, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** The text of the first element which begins so. */
function within(xml: string, element: string): string {
  return xml.split(`${element}>`)[1]?.split('<')[0] ?? ''
}

async function stored(): Promise<unknown> {
  const { rows } = await app.database.pool.query('select sealed_md5, updated_at from extensions')
  return rows
}

/** Every row of every table. */
async function everything(): Promise<string> {
  const tables = await app.database.pool.query(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  )
  const rows = tables.rows.map(({ name }) => `select string_agg(row::text, ' ') as text from ${name} as row`)
  const kept = await app.database.pool.query(rows.join(' union all '))
  return kept.rows.map(({ text }) => text).join('\n')
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
