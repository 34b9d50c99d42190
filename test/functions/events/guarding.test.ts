import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import worker from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { DohServer } from '../../support/doh-server.ts'
import { forbiddenAddresses, forbiddenPlaces } from '../../support/forbidden-places.ts'
import { Receiver } from '../../support/receiver.ts'

/* What a stranger with a key of ours could have us do, or find out, through a webhook. */

let app: App
let names: DohServer
let receiver: Receiver
/** The Worker as it is in production: nothing private is in reach. */
let strict: object
beforeAll(async () => {
  app = await startApp()
  names = await DohServer.open()
  receiver = await Receiver.open()
  strict = { ...app.env, ALLOW_PRIVATE_TARGETS: 'false', DNS_OVER_HTTPS: names.url }
  names.addresses = ['8.8.8.8']
  for (const [nth, address] of forbiddenAddresses.entries())
    names.known.set(`name${nth}.example.com`, [address])
  // One good address beside a bad one is no better.
  names.known.set('both.example.com', ['8.8.8.8', '10.0.0.1'])
})
afterAll(async () => {
  await receiver.close()
  await names.close()
  await app.close()
})

describe('a place which no webhook may lead to', () => {
  const badNames = forbiddenAddresses.map((_, nth) => `https://name${nth}.example.com/`)
  const bad = [...forbiddenPlaces, ...badNames, 'https://both.example.com/']

  test('is refused when it is saved, all of forty and more of them', async () => {
    const { key } = await app.newcomer('Mallory')
    expect(bad.length).toBeGreaterThan(60)
    const taken: string[] = []
    for (const url of bad) {
      const { status, body } = await save(key, url)
      if (status !== 400 || body.error.details?.[0]?.field !== 'url') taken.push(`${url}: ${status}`)
    }
    expect(taken).toEqual([])
  })

  test('is sent nothing, where it came to be one after it was saved', async () => {
    const mallory = await app.newcomer('Mallory')
    const { body: webhook } = await save(mallory.key, 'https://hooks.example.com/')
    const { rows } = await app.database.pool.query(
      `with bad as (select gen_random_uuid() as id, url from unnest($2::text[]) as url)
       insert into webhooks (id, customer_id, url, events, sealed_secret)
       select bad.id, w.customer_id, bad.url, w.events, w.sealed_secret from webhooks w, bad where w.id = $1 returning id`,
      [webhook.id, bad],
    )
    await app.database.pool.query('update webhooks set enabled = false where id = $1', [webhook.id])
    await happens(mallory.id)
    await worker.scheduled(undefined, strict)
    const { rows: sent } = await app.database.pool.query(
      `select w.url, d.error from deliveries d join webhooks w on w.id = d.webhook_id where d.customer_id = $1`,
      [mallory.id],
    )
    expect(sent).toHaveLength(rows.length)
    expect(
      sent.filter(({ error }) => !/^The URL (is not a place|leads to an address)/.test(error ?? '')),
    ).toEqual([])
  })
})

describe('POST /v1.0/webhooks/{id}/test', () => {
  test('is refused when it comes too often, however many come at once, and of this webhook alone', async () => {
    const bob = await app.newcomer('Bob')
    const [first, second] = [await made(bob), await made(bob)]
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => bob('POST', `/v1.0/webhooks/${first.id}/test`, {})),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.map(({ status, body }) => `${status} ${body.error.reason}`)).toEqual(
      Array(4).fill('429 TOO_MANY_TESTS'),
    )
    expect(refused[0]?.headers.get('retry-after')).toBe('60')
    expect(receiver.messages).toHaveLength(10)
    expect((await bob('POST', `/v1.0/webhooks/${second.id}/test`, {})).status).toBe(200)
    await app.database.pool.query("update deliveries set created_at = created_at - interval '1 minute'")
    expect((await bob('POST', `/v1.0/webhooks/${first.id}/test`, {})).status).toBe(200)
  })
})

describe('a key which only reads', () => {
  test('is shown whose a webhook is, and not its path: that may be what a receiver knows its senders by', async () => {
    const bob = await app.newcomer('Bob')
    const { id } = await made(bob)
    const { body: key } = await bob('POST', '/v1.0/accesskeys', { scopes: ['read'] })
    const reader = app.as(key.token)
    const shown = `${new URL(receiver.url).origin}/…`
    for (const path of [
      `/v1.0/webhooks/${id}`,
      '/v1.0/webhooks',
      '/v1.0/changes',
      `/v1.0/changes?resource_id=${id}`,
    ]) {
      const answer = JSON.stringify((await reader('GET', path)).body)
      expect([path, answer.includes(shown), answer.includes(receiver.url)]).toEqual([path, true, false])
    }
    expect((await bob('GET', `/v1.0/webhooks/${id}`)).body.url).toBe(receiver.url)
  })
})

async function save(key: string, url: string) {
  const headers = { authorization: `Bearer ${key}` }
  return app.send(
    '/v1.0/webhooks',
    { method: 'POST', headers, body: JSON.stringify({ url, events: ['call.*'] }) },
    strict,
  )
}

async function made(of: Client): Promise<{ id: string }> {
  return (await of('POST', '/v1.0/webhooks', { url: receiver.url, events: ['call.*'] })).body
}

async function happens(customerId: string): Promise<void> {
  await app.database.pool.query(
    `insert into events (id, customer_id, type, at, data) values (gen_random_uuid(), $1, 'call.refused', now(), '{}')`,
    [customerId],
  )
}
