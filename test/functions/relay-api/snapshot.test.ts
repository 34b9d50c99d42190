import { createDecipheriv, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM, type Snapshot, snapshot, snapshotSecrets } from '#contract'
import { readSettings } from '../../../functions/env.ts'
import { lineOf } from '../../../functions/registration-token.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { ha1s, sealWith } from '../../../functions/secrets.ts'
import { type App, BASE_DOMAIN, type Client, isNoGuard, RELAY_SECRET, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { newTrunk } from '../../support/trunk.ts'

let app: App
let bob: Client & { id: string }
let key: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  key = await relayKey(RELAY_SECRET, 'relay-1')
})
afterAll(() => app.close())

describe('GET /relay/v1/snapshots/{customer_id}', () => {
  test('brings all of a customer’s configuration in one statement, and nobody else’s', async () => {
    await app.alice('POST', '/v1.0/extensions', { extension: 'stranger', password: 'secure-password' })
    const { body: phone } = await bob('POST', '/v1.0/extensions', {
      extension: 'office1',
      password: 'secure-password',
    })
    const { body: carrier } = await bob('POST', '/v1.0/providers', {
      name: 'telnyx',
      hostname: '203.0.113.5',
      username: 'bob',
      password: 'for the carrier',
    })
    const { body: route } = await bob('POST', '/v1.0/routes', { provider_id: carrier.id, target: '+1' })
    const { body: number } = await app.alice('POST', '/v1.0/numbers', {
      customer_id: bob.id,
      number: '+15552220001',
      extension_id: phone.id,
    })
    app.database.heard.splice(0)
    const { whole, secrets } = await pulled(bob.id)
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    expect(whole).toMatchObject({
      customer_id: bob.id,
      customer: { id: bob.id, country: 'US', number_countries: ['US'], only_number: '+15552220001' },
      extensions: [{ id: phone.id, extension: 'office1', enabled: true }],
      providers: [
        {
          id: carrier.id,
          password: null,
          locked: false,
          sources: ['203.0.113.5'],
          line: await lineOf(RELAY_SECRET, carrier.id),
        },
      ],
      routes: [{ id: route.id, provider_id: carrier.id, target: '+1' }],
      numbers: [{ id: number.id, number: '+15552220001', ownership: 'assigned', extension_id: phone.id }],
      trunks: [],
    })
    const { md5, sha256 } = await ha1s('office1', phone.realm, 'secure-password')
    expect(secrets).toEqual({
      accounts: [
        expect.objectContaining({
          kind: 'extension',
          id: phone.id,
          username: 'office1',
          realm: phone.realm,
          ha1_md5: md5,
          ha1_sha256: sha256,
          algorithms: ['MD5'],
        }),
      ],
      passwords: { [carrier.id]: 'for the carrier' },
    })
  })

  test('names the tokens of an extension which were ended, and a newer one has those', async () => {
    const { body: phone } = await bob('POST', '/v1.0/extensions', {
      extension: 'browser',
      password: 'secure-password',
    })
    const tokens = `/v1.0/extensions/${phone.id}/tokens`
    const [one, other] = [(await bob('POST', tokens, {})).body, (await bob('POST', tokens, {})).body]
    const ended = async () => {
      const { whole, secrets } = await pulled(bob.id)
      return [whole.version, secrets.accounts.find(({ id }) => id === phone.id)?.ended_tokens]
    }
    const [version, none] = await ended()
    await bob('DELETE', `${tokens}/${one.id}`)
    expect([none, await ended()]).toEqual([[], [Number(version) + 1, [one.id]]])
    expect(other.id).not.toBe(one.id)
    await bob('DELETE', `/v1.0/extensions/${phone.id}`)
  })

  test('holds no secret in the clear', async () => {
    const { text, secrets } = await pulled(bob.id)
    expect(secrets.accounts).not.toEqual([])
    for (const secret of ['for the carrier', 'secure-password', secrets.accounts[0]?.ha1_md5 ?? '?'])
      expect(text).not.toContain(secret)
  })

  test('is signed and sealed for one relay', async () => {
    const { text, signature } = await pulled(bob.id)
    const other = await pulled(bob.id, await relayKey(RELAY_SECRET, 'relay-2'))
    expect(signature).toBe(`v1=${hmac(hmac(key, 'snapshot signature'), text).toString('hex')}`)
    expect(other.signature).not.toBe(signature)
    expect(() => unsealed(key, other.whole)).toThrow()
    expect(() => unsealed(key, { ...other.whole, version: other.whole.version + 1 })).toThrow()
  })

  test('answers 304 to who has this version, until something changes', async () => {
    const { whole, etag } = await pulled(bob.id)
    expect(etag).toBe(`"${whole.version}"`)
    expect(await tagged(etag)).toBe(304)
    await bob('POST', '/v1.0/extensions', { extension: 'new', password: 'secure-password' })
    expect(await tagged(etag)).toBe(200)
    const { version } = await (await newRelay(app, 'relay-1')).beat()
    expect((await pulled(bob.id)).whole.version).toBe(version)
  })

  test('is there for the platform, and for nobody who is gone', async () => {
    await app.platform('POST', '/v1.0/providers', { name: 'shared', hostname: 'shared.test' })
    expect((await pulled(PLATFORM)).whole.providers).toMatchObject([{ name: 'shared' }])
    const eve = await app.newcomer('Eve')
    await app.alice('DELETE', `/v1.0/customers/${eve.id}`)
    for (const id of [eve.id, crypto.randomUUID()])
      expect(await app.relay('GET', `/relay/v1/snapshots/${id}`)).toMatchObject({ status: 404 })
    expect(await app.relay('GET', '/relay/v1/snapshots/x')).toMatchObject({ status: 400 })
    expect(await bob('GET', `/relay/v1/snapshots/${bob.id}`)).toMatchObject({ status: 401 })
  })

  test('carries the accounts of trunks which prove themselves by digest', async () => {
    const { id } = await newTrunk(app, bob.id, 'acme', ['basic', 'ip'])
    await newTrunk(app, bob.id, 'silent', ['ip'])
    const { whole, secrets } = await pulled(bob.id)
    expect(whole.trunks).toMatchObject([{ domain_name: 'acme' }, { domain_name: 'silent' }])
    expect(secrets.accounts.filter(({ kind }) => kind === 'trunk')).toMatchObject([
      { id, username: 'pbx', realm: `acme.trunk.${BASE_DOMAIN}`, ha1_md5: 'md5 of acme' },
    ])
  })

  test('of five thousand extensions is made within seconds', async () => {
    await app.database.pool.query(
      `insert into extensions (id, customer_id, extension, sealed_md5, sealed_sha256)
       select (t ->> 'id')::uuid, $1, t ->> 'name', t ->> 'md5', t ->> 'sha256' from jsonb_array_elements($2::jsonb) t`,
      [bob.id, JSON.stringify(await Promise.all(Array.from({ length: 5000 }, sealedPhone)))],
    )
    const began = performance.now()
    const { whole, secrets } = await pulled(bob.id)
    expect(whole.extensions.length).toBeGreaterThan(5000)
    expect(secrets.accounts.length).toBeGreaterThan(5000)
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  test('of as much as quotas allow can be made, and of much more is refused before it is', async () => {
    const { id } = await app.newcomer('Erin')
    const { pool } = app.database
    await pool.query(
      `insert into providers (id, customer_id, name, hostname, tech_headers) select gen_random_uuid(), $1, repeat('n', 255),
         'sip' || at || '.test', (select jsonb_object_agg('X-' || key || repeat('x', 50), repeat('v', 512)) from generate_series(1, 16) key)
       from generate_series(1, 100) at`,
      [id],
    )
    await pool.query(
      `insert into routes (id, name, customer_id, provider_customer_id, provider_id, target, priority)
       select gen_random_uuid(), repeat('r', 255), $1, $1, (select id from providers where customer_id = $1 limit 1), '+1' || at, 1
       from generate_series(200001, 202000) at`,
      [id],
    )
    await pool.query(
      `insert into numbers (id, customer_id, number) select gen_random_uuid(), $1, '+1555' || at from generate_series(1000001, 1002000) at`,
      [id],
    )
    const { text } = await pulled(id)
    expect(text.length).toBeGreaterThan(2e6)
    expect(text.length).toBeLessThan(5e6)
    await pool.query(
      `insert into providers (id, customer_id, name, hostname, tech_headers)
       select gen_random_uuid(), $1, '', hostname, tech_headers from providers, generate_series(1, 12) where customer_id = $1`,
      [id],
    )
    const { status, body } = await app.relay('GET', `/relay/v1/snapshots/${id}`)
    expect([status, body.error.reason]).toEqual([409, 'SNAPSHOT_TOO_LARGE'])
    expect(body.error.message).toMatch(/is \d{8} bytes, more than the 8 MiB/)
    await app.relay('GET', `/relay/v1/snapshots/${id}`)
    const { rows } = await pool.query(
      `select data ->> 'resource' as resource, data ->> 'of' as of, data ->> 'why' as why from events
       where customer_id = $1 and type = 'limit.reached'`,
      [id],
    )
    expect(rows).toEqual([{ resource: 'snapshot', of: '8388608', why: body.error.message }])
  })

  async function sealedPhone(_: unknown, n: number) {
    const id = crypto.randomUUID()
    const seal = sealWith(readSettings(app.env).SEAL_KEYS)
    const closed = (field: string) => seal.close({ table: 'extensions', id, field }, '0'.repeat(64))
    return { id, name: `many${n}`, md5: await closed('ha1_md5'), sha256: await closed('ha1_sha256') }
  }

  async function pulled(customerId: string, as = key) {
    const headers = { authorization: `Bearer ${as}` }
    const response = await app.fetch(`/relay/v1/snapshots/${customerId}`, { headers })
    const text = await response.text()
    const whole = snapshot.parse(JSON.parse(text))
    return {
      text,
      whole,
      secrets: snapshotSecrets.parse(JSON.parse(unsealed(as, whole))),
      signature: response.headers.get('trunkline-signature'),
      etag: response.headers.get('etag') ?? '',
    }
  }

  async function tagged(etag: string) {
    const headers = { authorization: `Bearer ${key}`, 'if-none-match': etag }
    return (await app.send(`/relay/v1/snapshots/${bob.id}`, { headers })).status
  }
})

/** As a relay does it, with Node's own cryptography. */
function unsealed(as: string, { sealed, customer_id, version }: Snapshot): string {
  const [iv = '', closed = ''] = sealed.split('.')
  const bytes = Buffer.from(closed, 'base64url')
  const opening = createDecipheriv('aes-256-gcm', hmac(as, 'snapshot seal'), Buffer.from(iv, 'base64url'))
    .setAAD(Buffer.from(`${customer_id}|${version}`))
    .setAuthTag(bytes.subarray(-16))
  return opening.update(bytes.subarray(0, -16), undefined, 'utf8') + opening.final('utf8')
}

function hmac(secret: string | Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}
