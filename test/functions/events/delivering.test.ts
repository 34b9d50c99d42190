import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import worker from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { DohServer } from '../../support/doh-server.ts'
import { type Message, Receiver } from '../../support/receiver.ts'

/*
 * A Worker, its database and a receiver which fails as it is told. Time is the database's: where an attempt would come
 * in minutes, it is made due.
 */

let app: App
let receiver: Receiver
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())
beforeEach(async () => {
  receiver = await Receiver.open()
})
afterEach(() => receiver.close())

describe('a webhook', () => {
  test('shows its secret once, and signs with it what it is told', async () => {
    const [bob, webhook] = await told(['call.*'])
    expect(webhook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const { body: shown } = await bob('GET', `/v1.0/webhooks/${webhook.id}`)
    expect(JSON.stringify([shown, (await bob('GET', '/v1.0/webhooks')).body])).not.toContain('whsec_')
    const { rows } = await app.database.pool.query('select * from webhooks where id = $1', [webhook.id])
    expect(JSON.stringify(rows)).not.toContain(webhook.secret.slice(6))

    const subject = crypto.randomUUID()
    const event = await happens(bob, 'call.refused', subject, { why: 'no route' })
    await sweep()
    const [message] = receiver.messages as [Message]
    expect(verified(message, webhook.secret)).toEqual({
      id: event,
      type: 'call.refused',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      sequence: expect.any(Number),
      subject,
      data: { why: 'no route' },
    })
    expect(message.headers['webhook-id']).toBe(event)
    expect((await bob('GET', `/v1.0/events/${event}`)).body.sequence).toBe(message.body.sequence)
  })

  test.each([
    [['*'], ['call.refused', 'call.a.b', 'provider.health_changed']],
    [['call.*'], ['call.refused', 'call.a.b']],
    [['call.refused'], ['call.refused']],
    [
      ['call.refused', 'provider.*'],
      ['call.refused', 'provider.health_changed'],
    ],
    [['provider.*'], ['provider.health_changed']],
  ])('which asks for %j is told of %j', async (patterns, types) => {
    const [bob] = await told(patterns)
    const all = [
      'call.refused',
      'callous.act',
      'call.a.b',
      'callxrefused.b',
      'provider.health_changed',
      'call',
    ]
    for (const type of all) await happens(bob, type, null)
    await sweep()
    const heard = receiver.messages.map(({ body }) => body.type)
    const expected = patterns[0] === '*' ? all : types
    expect(heard.sort()).toEqual([...expected].sort())
  })

  test('is told nothing of another customer’s, nor while it is disabled, nor once it is deleted', async () => {
    const [bob, webhook] = await told(['call.*'])
    const [carol, off] = [await app.newcomer('Carol'), await made(bob, ['call.*'], { enabled: false })]
    await happens(carol, 'call.refused', null)
    const own = await happens(bob, 'call.refused', null)
    await sweep()
    expect(receiver.messages.map(({ body }) => body.id)).toEqual([own])
    expect(await deliveriesOf(bob, off.id)).toEqual([])
    await bob('DELETE', `/v1.0/webhooks/${webhook.id}`)
    await happens(bob, 'call.refused', null)
    await sweep()
    expect(receiver.messages).toHaveLength(1)
  })

  test('which is disabled with something on its way is told of it once it is enabled', async () => {
    const [bob, webhook] = await told(['*'])
    const event = await happens(bob, 'call.refused', null)
    await bob('PATCH', `/v1.0/webhooks/${webhook.id}`, { enabled: false })
    await sweep()
    expect(receiver.messages).toEqual([])
    await bob('PATCH', `/v1.0/webhooks/${webhook.id}`, { enabled: true })
    await sweep()
    expect(receiver.messages.map(({ body }) => body.id)).toEqual([event])
  })

  test('which is disabled while an attempt fails has nothing due, and is told of it once it is enabled', async () => {
    const [bob, webhook] = await told(['*'])
    Object.assign(receiver, { slow: 400, reply: () => 500 })
    const event = await happens(bob, 'call.refused', null)
    const sweeping = sweep()
    await expect.poll(() => receiver.messages.length).toBe(1)
    await bob('PATCH', `/v1.0/webhooks/${webhook.id}`, { enabled: false })
    await sweeping
    const [waiting] = await deliveriesOf(bob, webhook.id)
    expect(waiting).toMatchObject({ status: 'waiting', attempts: 1, response_status: 500, tm_next_try: null })
    Object.assign(receiver, { slow: 0, reply: () => 200 })
    await bob('PATCH', `/v1.0/webhooks/${webhook.id}`, { enabled: true })
    await sweep()
    expect(receiver.taken.map(({ body }) => body.id)).toEqual([event])
  })
})

describe('what fails', () => {
  test.each([
    [500, 'It answered 500.'],
    [302, 'It answered 302: redirects are not followed.'],
    ['cut', 'It could not be reached, or hung up without an answer.'],
  ] as const)('with %s is tried again, as the same message, until it is taken', async (reply, error) => {
    const [bob, webhook] = await told(['*'])
    receiver.reply = () => (receiver.messages.length < 2 ? reply : 200)
    const event = await happens(bob, 'call.refused', null)
    const began = Date.now()
    await sweep()
    const [waiting] = await deliveriesOf(bob, webhook.id)
    expect(waiting).toMatchObject({ status: 'waiting', attempts: 1, error, tm_end: null })
    expect(waiting.response_body?.length ?? 0).toBeLessThanOrEqual(1024)
    const next = Date.parse(waiting.tm_next_try)
    expect((next - began) / 1000).toBeGreaterThan(2)
    expect((next - Date.now()) / 1000).toBeLessThan(6)
    for (let turn = 0; turn < 3; turn += 1) await sweep(true)
    expect(receiver.messages.map(({ headers }) => headers['webhook-id'])).toEqual([event, event, event])
    for (const message of receiver.messages) verified(message, webhook.secret)
    expect(await deliveriesOf(bob, webhook.id)).toMatchObject([
      { status: 'delivered', attempts: 3, response_status: 200, error: null, tm_next_try: null },
    ])
  })

  test('by not answering within ten seconds is tried again; others do not wait for it', async () => {
    const [bob, webhook] = await told(['call.*'])
    const dead = await made(bob, ['call.*'], { url: `${receiver.url}/dead` })
    const failing = 'update webhooks set failing_since = now() where id = $1'
    await app.database.pool.query(failing, [dead.id])
    receiver.reply = ({ type }, path) => (path.endsWith('/dead') || type === 'call.slow' ? 'hang' : 200)
    await happens(bob, 'call.slow', null)
    for (let nth = 0; nth < 20; nth += 1) await happens(bob, 'call.fast', null)
    const began = Date.now()
    const sweeping = sweep()
    // Sooner than the one is given up, which is ten seconds; and two are not waited for one after the other.
    await expect.poll(() => receiver.taken.length, { timeout: 9_500 }).toBe(20)
    await sweeping
    expect(Date.now() - began).toBeLessThan(19_500)
    const { body: waiting } = await bob('GET', `/v1.0/webhooks/${webhook.id}/deliveries?status=waiting`)
    const error = 'It did not answer within 10 seconds.'
    expect(waiting.result).toMatchObject([{ type: 'call.slow', error }])
    // To one which fails one message is on its way at once.
    expect(receiver.messages.filter(({ path }) => path.endsWith('/dead'))).toHaveLength(1)
    await bob('DELETE', `/v1.0/webhooks/${dead.id}`)
  })

  test('half way through a 200 was taken', async () => {
    const [bob, webhook] = await told(['*'])
    receiver.reply = () => 'half'
    await happens(bob, 'call.refused', null)
    await sweep()
    expect(await deliveriesOf(bob, webhook.id)).toMatchObject([{ status: 'delivered', response_status: 200 }])
  })

  test('ten times is given up, and what came after it about the same goes on', async () => {
    const [bob, webhook] = await told(['*'])
    const subject = crypto.randomUUID()
    receiver.reply = ({ type }) => (type === 'call.first' ? 500 : 200)
    await happens(bob, 'call.first', subject)
    await happens(bob, 'call.second', subject)
    for (let turn = 0; turn < 12; turn += 1) await sweep(true)
    expect(receiver.messages.map(({ body }) => body.type)).toEqual([
      ...Array.from({ length: 10 }, () => 'call.first'),
      'call.second',
    ])
    expect(
      (await deliveriesOf(bob, webhook.id)).map(({ status, attempts }: Delivery) => [status, attempts]),
    ).toEqual([
      ['delivered', 1],
      ['failed', 10],
    ])
    expect(
      (await bob('GET', `/v1.0/webhooks/${webhook.id}/deliveries?status=failed`)).body.result,
    ).toHaveLength(1)
  })

  test('with 410 disables the webhook, with an event which others are told of', async () => {
    const [bob, webhook] = await told(['call.*'])
    const watcher = await Receiver.open()
    await made(bob, ['webhook.disabled'], { url: watcher.url })
    receiver.reply = () => 410
    await happens(bob, 'call.refused', null)
    await sweep()
    const { body: shown } = await bob('GET', `/v1.0/webhooks/${webhook.id}`)
    expect(shown).toMatchObject({ enabled: false, disabled_reason: 'GONE' })
    expect(watcher.messages.map(({ body }) => body)).toMatchObject([
      {
        type: 'webhook.disabled',
        subject: webhook.id,
        data: { reason: 'GONE', url: new URL(receiver.url).origin },
      },
    ])
    await bob('PATCH', `/v1.0/webhooks/${webhook.id}`, { enabled: true })
    expect((await bob('GET', `/v1.0/webhooks/${webhook.id}`)).body.disabled_reason).toBe(null)
    await watcher.close()
  })

  test('and nothing else for four days disables the webhook; one success begins anew', async () => {
    const [bob, webhook] = await told(['call.*'])
    const failing = () =>
      app.database.pool.query('select failing_since from webhooks where id = $1', [webhook.id])
    receiver.reply = () => 500
    await happens(bob, 'call.refused', null)
    await sweep()
    expect((await failing()).rows[0].failing_since).not.toBe(null)
    receiver.reply = () => 200
    await sweep(true)
    expect((await failing()).rows[0].failing_since).toBe(null)
    receiver.reply = () => 500
    await happens(bob, 'call.refused', null)
    await sweep()
    await app.database.pool.query(
      `update webhooks set failing_since = now() - interval '97 hours' where id = $1`,
      [webhook.id],
    )
    await sweep(true)
    expect((await bob('GET', `/v1.0/webhooks/${webhook.id}`)).body).toMatchObject({
      enabled: false,
      disabled_reason: 'FAILING',
    })
    expect((await bob('GET', '/v1.0/events?type=webhook.disabled')).body.result).toMatchObject([
      { resource_id: webhook.id, data: { reason: 'FAILING', why: 'It answered 500.' } },
    ])
  })
})

describe('events about one thing', () => {
  test('are told in their order, however the receiver fails, and none is lost; several things at once', async () => {
    const [bob] = await told(['*'])
    const subjects = Array.from({ length: 8 }, () => crypto.randomUUID())
    let asked = 0
    receiver.slow = 5
    receiver.reply = () => ([200, 200, 'cut', 200, 'half', 200, 500, 429] as const)[asked++ % 8] ?? 200
    for (let nth = 0; nth < 5; nth += 1)
      for (const subject of subjects) await happens(bob, `call.nth`, subject, { nth })
    for (let turn = 0; turn < 60 && distinct(receiver.taken) < 40; turn += 1) await sweep(true)
    expect(distinct(receiver.taken)).toBe(40)
    for (const subject of subjects) {
      const heard = receiver.taken.filter(({ body }) => body.subject === subject)
      expect(heard.map(({ body }) => body.data.nth)).toEqual([0, 1, 2, 3, 4])
      const tried = receiver.messages
        .filter(({ body }) => body.subject === subject)
        .map(({ body }) => body.sequence)
      expect(tried).toEqual([...tried].sort((a, b) => a - b))
    }
    expect(receiver.most).toBeGreaterThan(1)
    expect(receiver.most).toBeLessThanOrEqual(4)
  })

  test('which one statement writes go one after the other', async () => {
    const [bob] = await told(['*'])
    const subject = crypto.randomUUID()
    await app.database.pool.query(
      `insert into events (id, customer_id, type, at, subject_id, data)
       select gen_random_uuid(), $1, 'call.nth', now(), $2, jsonb_build_object('nth', nth) from generate_series(1, 9) nth`,
      [bob.id, subject],
    )
    receiver.slow = 5
    await sweep()
    expect(receiver.messages.map(({ body }) => body.data.nth)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(receiver.most).toBe(1)
  })

  test('wait for nobody whose Worker died: what it had claimed is taken up when its lease is over', async () => {
    const [bob, webhook] = await told(['*'])
    const subject = crypto.randomUUID()
    await happens(bob, 'call.first', subject)
    await happens(bob, 'call.second', subject)
    // As a Worker leaves it which is killed before it has sent.
    await app.database.pool.query(
      `update deliveries set attempts = 1, leased_until = now() + interval '30 seconds' where webhook_id = $1 and next_try_at is not null`,
      [webhook.id],
    )
    await sweep()
    expect(receiver.messages).toEqual([])
    await app.database.pool.query(
      `update deliveries set leased_until = now() - interval '1 second' where webhook_id = $1 and leased_until is not null`,
      [webhook.id],
    )
    await sweep()
    expect(receiver.messages.map(({ body }) => body.type)).toEqual(['call.first', 'call.second'])
  })

  test('are sent once each and in order by several Workers at once, four to one webhook', async () => {
    const [bob] = await told(['call.*'])
    await made(bob, ['call.*'], { url: `${receiver.url}/second` })
    receiver.slow = 10
    await app.database.pool.query(
      `insert into events (id, customer_id, type, at, subject_id, data)
       select gen_random_uuid(), $1, 'call.nth', now(), md5((nth % 10)::text)::uuid, jsonb_build_object('nth', nth)
       from generate_series(0, 39) nth order by nth`,
      [bob.id],
    )
    const others = Array.from({ length: 4 }, () => ({ ...app.env }))
    await Promise.all(others.map((env) => worker.scheduled(undefined, env)))
    const sent = Map.groupBy(receiver.messages, ({ path, body }) => `${path} ${body.data.nth % 10}`)
    expect([...sent.keys()]).toHaveLength(20)
    for (const messages of sent.values()) {
      const order = messages.map(({ body }) => body.data.nth)
      expect(order).toEqual([0, 1, 2, 3].map((turn) => (order[0] % 10) + turn * 10))
    }
    expect(receiver.most).toBeGreaterThan(1)
    // Two webhooks; of Workers which claim at the very same moment none sees what the others claim.
    expect(receiver.most).toBeLessThanOrEqual(8 + 3)
  })

  test('which another Worker has claimed since are left to it, whatever came of the first attempt', async () => {
    const [bob, webhook] = await told(['*'])
    receiver.slow = 400
    await happens(bob, 'call.refused', null)
    const sweeping = sweep()
    await expect.poll(() => receiver.messages.length).toBe(1)
    await app.database.pool.query('update deliveries set attempts = 2 where webhook_id = $1', [webhook.id])
    await sweeping
    expect(await deliveriesOf(bob, webhook.id)).toMatchObject([
      { status: 'waiting', attempts: 2, response_status: null },
    ])
    await bob('DELETE', `/v1.0/webhooks/${webhook.id}`)
  })

  test('which two transactions left in a line without a first one move on with the next minute', async () => {
    const [bob, webhook] = await told(['*'])
    await happens(bob, 'call.refused', null)
    await app.database.pool.query('update deliveries set next_try_at = null where webhook_id = $1', [
      webhook.id,
    ])
    await sweep()
    expect(receiver.messages).toHaveLength(1)
  })
})

describe('POST /v1.0/webhooks/{id}/rotate', () => {
  test('has both secrets sign until the overlap is over', async () => {
    const [bob, webhook] = await told(['*'])
    const { status, body } = await bob('POST', `/v1.0/webhooks/${webhook.id}/rotate`, {})
    expect(status).toBe(200)
    expect((Date.parse(body.tm_previous_expire) - Date.now()) / 3_600_000).toBeCloseTo(24, 1)
    await happens(bob, 'call.refused', null)
    await sweep()
    for (const secret of [webhook.secret, body.secret]) verified(receiver.messages[0], secret)
    await app.database.pool.query('update webhooks set previous_until = now() where id = $1', [webhook.id])
    await happens(bob, 'call.refused', null)
    await sweep()
    verified(receiver.messages[1], body.secret)
    expect(() => verified(receiver.messages[1], webhook.secret)).toThrow('No matching signature')
  })

  test('is refused where the webhook is not as If-Match says, and changes nothing then', async () => {
    const [bob, webhook] = await told(['*'])
    const { body: key } = await bob('POST', '/v1.0/accesskeys', {})
    const headers = { authorization: `Bearer ${key.token}`, 'if-match': '"0123456789abcdef0123"' }
    const path = `/v1.0/webhooks/${webhook.id}/rotate`
    const { status, body } = await app.send(path, { method: 'POST', headers, body: '{}' })
    expect([status, body.error.reason]).toEqual([412, 'VERSION_MISMATCH'])
    expect((await bob('GET', `/v1.0/webhooks/${webhook.id}`)).body.tm_previous_expire).toBeNull()
  })
})

describe('POST /v1.0/webhooks/{id}/test', () => {
  test('says at once what came of it, once, of a disabled webhook too', async () => {
    const bob = await app.newcomer('Bob')
    const webhook = await made(bob, ['call.*'], { enabled: false })
    const tried = await bob('POST', `/v1.0/webhooks/${webhook.id}/test`, { note: 'hello' })
    expect(tried).toMatchObject({
      status: 200,
      body: { type: 'webhook.test', status: 'delivered', attempts: 1 },
    })
    expect(verified(receiver.messages[0], webhook.secret)).toMatchObject({ data: { note: 'hello' } })
    receiver.reply = () => 410
    const failed = await bob('POST', `/v1.0/webhooks/${webhook.id}/test`, {})
    expect(failed.body).toMatchObject({ status: 'failed', response_status: 410, error: 'It answered 410.' })
    expect(failed.body.response_body).toHaveLength(1024)
    await sweep(true)
    expect(receiver.messages).toHaveLength(2)
    expect((await bob('GET', `/v1.0/webhooks/${webhook.id}`)).body.disabled_reason).toBe(null)
  })
})

describe('POST /v1.0/webhooks/{id}/replay', () => {
  test('sends again what came after an event, in order, and nothing which waits already', async () => {
    const [bob, webhook] = await told(['call.*'])
    const subject = crypto.randomUUID()
    const events: string[] = []
    for (const type of ['call.a', 'provider.x', 'call.b', 'call.c'])
      events.push(await happens(bob, type, subject))
    const again = (event: string | number | undefined) =>
      bob('POST', `/v1.0/webhooks/${webhook.id}/replay`, { after: event })
    expect((await again(events[0])).body).toEqual({ queued: 0, last_event_id: events[3] })
    await sweep()
    expect((await again(events[0])).body).toEqual({ queued: 2, last_event_id: events[3] })
    await sweep()
    expect(receiver.messages.map(({ body }) => body.type)).toEqual([
      'call.a',
      'call.b',
      'call.c',
      'call.b',
      'call.c',
    ])
    expect((await again(events[3])).body).toEqual({ queued: 0, last_event_id: null })
    const first = receiver.messages[0]?.body.sequence
    expect((await again(first)).body).toEqual({ queued: 2, last_event_id: events[3] })
    expect((await again(String(first))).body).toEqual({ queued: 0, last_event_id: events[3] })
    expect((await again('yesterday')).body.error.message).toBe(
      'after: is neither an event’s sequence nor its id',
    )
    expect(await again(crypto.randomUUID())).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND', details: [{ field: 'after' }] } },
    })
  })
})

describe('while nothing is due', () => {
  test('a minute costs nine round trips: alerts, deliveries, what is old, what is to be erased, calls not begun, drills, relays not heard of, sounds of prompts and recordings', async () => {
    await app.database.pool.query('delete from deliveries')
    await sweep()
    app.database.requests()
    await sweep()
    expect(app.database.requests()).toBe(9)
  })
})

describe('where a webhook leads', () => {
  test('is judged when it is saved and when it is sent to, whatever DNS said before', async () => {
    const names = await DohServer.open()
    const strict = { ...app.env, ALLOW_PRIVATE_TARGETS: 'false', DNS_OVER_HTTPS: names.url }
    const bob = await app.newcomer('Bob')
    const save = async (url: string) => {
      const headers = { authorization: `Bearer ${(await bob('POST', '/v1.0/accesskeys', {})).body.token}` }
      return app.send(
        '/v1.0/webhooks',
        { method: 'POST', headers, body: JSON.stringify({ url, events: ['*'] }) },
        strict,
      )
    }
    names.addresses = ['10.0.0.1']
    for (const url of [
      'https://hooks.example.com/',
      'https://127.0.0.1/',
      'http://hooks.example.com/',
      'https://x.trunkline.test/',
    ])
      expect(await save(url)).toMatchObject({ status: 400, body: { error: { details: [{ field: 'url' }] } } })
    names.addresses = ['203.0.113.9']
    const { status, body: webhook } = await save('https://hooks.example.com/')
    expect(status).toBe(200)
    names.addresses = ['169.254.169.254']
    await happens(bob, 'call.refused', null)
    await worker.scheduled(undefined, strict)
    expect(await deliveriesOf(bob, webhook.id)).toMatchObject([
      { status: 'waiting', error: 'The URL leads to an address which is not on the public internet.' },
    ])
    names.addresses = undefined
    await due()
    await worker.scheduled(undefined, strict)
    expect(await deliveriesOf(bob, webhook.id)).toMatchObject([
      { status: 'waiting', attempts: 2, error: 'Its name could not be looked up.' },
    ])
    await names.close()
    await bob('DELETE', `/v1.0/webhooks/${webhook.id}`)
  })
})

interface Delivery {
  status: string
  attempts: number
}
type Tenant = Client & { id: string }

/** A customer, and its webhook at the receiver. */
async function told(events: string[]): Promise<[Tenant, { id: string; secret: string }]> {
  const bob = await app.newcomer('Bob')
  return [bob, await made(bob, events)]
}

async function made(
  of: Client,
  events: string[],
  more: object = {},
): Promise<{ id: string; secret: string }> {
  const { status, body } = await of('POST', '/v1.0/webhooks', { url: receiver.url, events, ...more })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body
}

/** Something happens; gives the event's id. */
async function happens(to: Tenant, type: string, subject: string | null, data: object = {}): Promise<string> {
  const id = crypto.randomUUID()
  await app.database.pool.query(
    'insert into events (id, customer_id, type, at, subject_id, data) values ($1, $2, $3, now(), $4, $5)',
    [id, to.id, type, subject, JSON.stringify(data)],
  )
  return id
}

/** A minute of the Worker's; `later`: what waits for its next attempt is due by then. */
async function sweep(later = false): Promise<void> {
  if (later) await due()
  await worker.scheduled(undefined, app.env)
}

async function due(): Promise<void> {
  await app.database.pool.query(
    'update deliveries set next_try_at = now(), leased_until = null where next_try_at > now()',
  )
}

async function deliveriesOf(of: Client, webhookId: string) {
  return (await of('GET', `/v1.0/webhooks/${webhookId}/deliveries`)).body.result
}

function verified(message: Message | undefined, secret: string): unknown {
  return new Webhook(secret).verify(message?.text ?? '', message?.headers as Record<string, string>)
}

function distinct(messages: Message[]): number {
  return new Set(messages.map(({ headers }) => headers['webhook-id'])).size
}
