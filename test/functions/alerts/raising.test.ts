import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { judgeAlerts } from '../../../functions/alerts/evaluator.ts'
import { prepare } from '../../../functions/env.ts'
import worker from '../../../functions/index.ts'
import { bindingTell } from '../../relay/io/tells.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'
import { Receiver } from '../../support/receiver.ts'

/*
 * Alerts on a database: what relays tell and what becomes of it. How each kind is judged is on paper in kinds.test.ts.
 */

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())
beforeEach(async () => {
  bob = await app.newcomer('Bob')
})

const minute = () => worker.scheduled(undefined, app.env)
const judge = () => judgeAlerts(prepare(app.env).db)

describe('an alert', () => {
  test('is raised once for an address, whichever relays tell of it and Workers judge it', async () => {
    const alert = await made({ kind: 'registration_failures', of: 'address', threshold: 20, window: 300 })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 12), failed('203.0.113.7', 3))
    await judge()
    expect(await incidents(alert)).toEqual([])
    await Promise.all([
      tellAs(app, 'relay-1', failed('203.0.113.9', 9)),
      tellAs(app, 'relay-2', failed('203.0.113.9', 9, 'relay-2')),
    ])
    await Promise.all([judge(), judgeElsewhere(), judgeElsewhere()])
    const [raised, ...others] = await incidents(alert)
    expect(others).toEqual([])
    expect(raised).toMatchObject({
      subject: '203.0.113.9',
      about: { source_address: '203.0.113.9' },
      address: '203.0.113.9',
      value: 30,
      reason: '30 registrations failed within 5 min: The password is wrong (office1 from 203.0.113.9).',
      tm_resolve: null,
    })
    expect(await told(alert)).toMatchObject([
      {
        type: 'alert.raised',
        data: { kind: 'registration_failures', incident_id: raised.id, address: '203.0.113.9', repeated: 0 },
      },
    ])
    await tellAs(app, 'relay-1', failed('203.0.113.9', 5))
    await judge()
    expect(await incidents(alert)).toMatchObject([{ id: raised.id, value: 35, count: 35 }])
    expect(await told(alert)).toHaveLength(1)
    expect(await factsLeft()).toBe(0)
  })

  test('is told again once an hour while it lasts, and resolved when it is changed, disabled or deleted', async () => {
    const alert = await made({ kind: 'registration_failures', of: 'customer', threshold: 2, window: 3600 })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 2))
    await judge()
    await app.database.pool.query(
      `update alert_states set due_at = now(), state = jsonb_set(state, '{incident,toldAt}',
        to_jsonb((state #>> '{incident,toldAt}')::float8 - 3600000)) where alert_id = $1`,
      [alert],
    )
    await judge()
    await judge()
    expect((await told(alert)).map(({ type, data }) => [type, data.repeated])).toEqual([
      ['alert.raised', 0],
      ['alert.raised', 1],
    ])
    await bob('PATCH', `/v1.0/alerts/${alert}`, { name: 'another name' })
    await judge()
    expect(await incidents(alert)).toMatchObject([{ tm_resolve: null }])
    await bob('PATCH', `/v1.0/alerts/${alert}`, { when: { threshold: 3 } })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 1))
    await judge()
    expect(await incidents(alert)).toMatchObject([
      { resolution: 'The alert was changed, and begins anew.', tm_resolve: expect.any(String) },
    ])
    await tellAs(app, 'relay-1', failed('203.0.113.9', 3))
    await judge()
    await bob('DELETE', `/v1.0/alerts/${alert}`)
    await tellAs(app, 'relay-1', failed('203.0.113.9', 3))
    await judge()
    expect((await incidents(alert)).map(({ resolution }: { resolution: string }) => resolution)).toEqual([
      'The alert was disabled or deleted.',
      'The alert was changed, and begins anew.',
    ])
    expect(await states()).toEqual([])
  })

  test('which is changed says by its events which fields, and nothing of what follows from them', async () => {
    const alert = await made({ kind: 'registration_failures', of: 'customer' })
    await bob('PATCH', `/v1.0/alerts/${alert}`, {
      when: { kind: 'new_country', of: null, threshold: null, window: null },
    })
    await bob('PATCH', `/v1.0/alerts/${alert}`, { format: 'pagerduty', routing_key: 'R0UT1NGKEY' })
    const { result } = (await bob('GET', `/v1.0/events?type=alert.updated&resource_id=${alert}`)).body
    expect(result.map(({ data }: { data: { changed: string[] } }) => data.changed)).toEqual([
      expect.arrayContaining(['format', 'routing_key']),
      ['when'],
    ])
    expect(JSON.stringify(result)).not.toContain('R0UT1NGKEY')
  })

  test('is fed nothing where its customer has none of the kind, and costs nothing then', async () => {
    await made({ kind: 'provider_unhealthy' })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 50), callTell(bob.id))
    expect(await factsLeft()).toBe(0)
    app.database.requests()
    await judge()
    expect(app.database.requests()).toBe(1)
  })

  test('of the platform’s is fed with what is no customer’s', async () => {
    const when = { kind: 'registration_failures', of: 'address', threshold: 2, window: 300 }
    const { body: alert } = await app.platform('POST', '/v1.0/alerts', { when })
    await judge()
    await tellAs(app, 'relay-1', { ...failed('203.0.113.66', 2), customer_id: null })
    await judge()
    const { result } = (await app.platform('GET', `/v1.0/alerts/${alert.id}/incidents`)).body
    expect(result).toMatchObject([{ subject: '203.0.113.66' }])
    await app.platform('DELETE', `/v1.0/alerts/${alert.id}`)
    await judge()
  })

  test('is raised by a block of an address, and by a limit, as they are told', async () => {
    const guessed = await made({ kind: 'registration_failures', of: 'address', threshold: 100, window: 300 })
    const full = await made({ kind: 'limit_reached', window: 300 })
    const at = new Date().toISOString()
    const event = (type: string, data: object) => ({ ...failed('', 1), type, data, at })
    const why = 'Many wrong passwords for many accounts came from there.'
    await tellAs(
      app,
      'relay-1',
      event('registration.blocked', {
        subject_id: crypto.randomUUID(),
        source_address: '203.0.113.9',
        failures: 120,
        accounts: 24,
        why,
      }),
      event('limit.reached', {
        subject_id: bob.id,
        kind: 'customer',
        name: 'Bob',
        resource: 'channels',
        used: 2,
        of: 2,
      }),
    )
    await judge()
    expect(await incidents(guessed)).toMatchObject([
      { subject: '203.0.113.9', value: 120, reason: expect.stringContaining('and it was blocked') },
    ])
    expect(await incidents(full)).toMatchObject([
      {
        about: { scope: 'customer', scope_id: bob.id },
        reason: 'A limit was reached (customer Bob: channels).',
      },
    ])
  })

  test('whose customer’s facts cannot be judged keeps nobody else’s', async () => {
    const alert = await made({ kind: 'registration_failures', of: 'customer', threshold: 2, window: 300 })
    const broken = bob
    await app.database.pool.query(
      `insert into alert_states (customer_id, alert_id, subject, state, due_at) values ($1, $2, 'odd', '{"memory": 7}', now())`,
      [bob.id, alert],
    )
    bob = await app.newcomer('Carol')
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const hers = await made({ kind: 'registration_failures', of: 'customer', threshold: 2, window: 300 })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 2))
    await judge()
    expect(said.mock.calls.flat().join()).toContain('alerts.not_judged')
    said.mockRestore()
    expect(await incidents(hers)).toHaveLength(1)
    await app.database.pool.query('delete from alert_states where customer_id = $1', [broken.id])
  })
})

describe('what stands', () => {
  test('a phone which is gone, for so long, and back again', async () => {
    const alert = await made({ kind: 'unregistered', window: 60 })
    const phone = await newPhone()
    await tellAs(app, 'relay-1', phone('registered', 1, 300))
    await judge()
    expect(await incidents(alert)).toEqual([])
    await tellAs(app, 'relay-1', phone('expired', 2, -30))
    await judge()
    expect(await incidents(alert)).toEqual([])
    await app.database.pool.query(
      `update bindings set expires_at = expires_at - interval '1 minute' where customer_id = $1`,
      [bob.id],
    )
    await app.database.pool.query(`update alert_states set due_at = now() where alert_id = $1`, [alert])
    await judge()
    expect(await incidents(alert)).toMatchObject([
      {
        about: { account: 'phone1', source_address: '198.51.100.4' },
        address: '198.51.100.4',
        tm_resolve: null,
      },
    ])
    await tellAs(app, 'relay-1', phone('registered', 3, 300))
    await judge()
    expect(await incidents(alert)).toMatchObject([{ resolution: 'phone1 is registered again.' }])
  })

  test('a phone which was thrown out, and says so', async () => {
    const phone = await newPhone()
    const alert = await made({ kind: 'unregistered', window: 0 })
    await tellAs(app, 'relay-1', phone('registered', 1, 300))
    const [{ id }] = (await bob('GET', '/v1.0/registrations')).body.result
    await bob('DELETE', `/v1.0/registrations/${id}`)
    await judge()
    expect(await incidents(alert)).toMatchObject([{ reason: expect.stringContaining('it was thrown out') }])
  })

  test('a phone which was registered before the alert was there, and whose relay never told of its end', async () => {
    const phone = await newPhone()
    await tellAs(app, 'relay-1', phone('registered', 1, 300))
    const alert = await made({ kind: 'unregistered', window: 0 })
    await app.database.pool.query(
      `update bindings set expires_at = now() - interval '1 second' where customer_id = $1`,
      [bob.id],
    )
    await app.database.pool.query(`update alert_states set due_at = now() where alert_id = $1`, [alert])
    await judge()
    expect(await incidents(alert)).toHaveLength(1)
  })

  test('a provider which is not well, before the alert was there too, by a beat', async () => {
    const relay = await newRelay(app, 'relay-1')
    const { body: carrier } = await bob('POST', '/v1.0/providers', {
      name: 'telnyx',
      hostname: 'telnyx.test',
    })
    const look = async (status: 'healthy' | 'unhealthy') => {
      const since = new Date().toISOString()
      const plain = { latency_ms: null, last: null, why: 'no answer' }
      await relay.beat({
        version: 1e9,
        health: [{ provider_id: carrier.id, customer_id: bob.id, status, since, ...plain }],
      })
    }
    await look('unhealthy')
    const alert = await made({ kind: 'provider_unhealthy', provider_id: undefined })
    expect(await incidents(alert)).toMatchObject([
      { subject: carrier.id, about: { provider: 'telnyx' }, address: 'telnyx.test', tm_resolve: null },
    ])
    await look('healthy')
    await judge()
    expect(await incidents(alert)).toMatchObject([{ resolution: 'telnyx is healthy.' }])
    await look('unhealthy')
    await judge()
    expect(await incidents(alert)).toHaveLength(2)
  })
})

describe('what calls come to', () => {
  test('too few which are answered, of each provider, among so many', async () => {
    const { body: carrier } = await bob('POST', '/v1.0/providers', {
      name: 'telnyx',
      hostname: 'telnyx.test',
    })
    const when = { kind: 'success_rate', of: 'provider', threshold: 50, window: 900 }
    const alert = await made(when, { min_samples: 4 })
    const calls = (statuses: number[]) => statuses.map((status) => ended(carrier.id, status))
    const passedOver = ended(carrier.id, 503, { counts: false })
    await tellAs(app, 'relay-1', ...calls([503, 503, 200]), passedOver)
    await judge()
    expect(await incidents(alert)).toEqual([])
    await tellAs(app, 'relay-1', ...calls([503]))
    await judge()
    expect(await incidents(alert)).toMatchObject([
      { subject: carrier.id, value: 25, reason: '25 % of 4 calls were answered within 15 min.' },
    ])
    await tellAs(app, 'relay-1', ...calls([200, 200, 200]))
    await judge()
    expect(await incidents(alert)).toMatchObject([{ tm_resolve: expect.any(String) }])
  })

  test('how they sound, told with their end or after it', async () => {
    const alert = await made(
      { kind: 'quality', measure: 'loss', threshold: 5, window: 900 },
      { min_samples: 2 },
    )
    const heard = (lost: number) => {
      const side = { packets: 100 - lost, bytes: 1, lost, dropped: 0, jitter_ms: 1 }
      return { from_caller: side, from_callee: side }
    }
    const [early, late] = [crypto.randomUUID(), crypto.randomUUID()]
    await tellAs(
      app,
      'relay-1',
      callTell(bob.id, { call_id: early, media: heard(10), ...now() }),
      callTell(bob.id, { call_id: late, ...now() }),
    )
    await judge()
    expect(await incidents(alert)).toEqual([])
    await tellAs(app, 'relay-1', callTell(bob.id, { call_id: late, media: heard(10), ...now() }, 2))
    await judge()
    expect(await incidents(alert)).toMatchObject([{ value: 10 }])
  })

  test('a country which none was to before', async () => {
    await tellAs(app, 'relay-1', callTell(bob.id, now()))
    const alert = await made({ kind: 'new_country' })
    const to = (target: string) => ({
      destination: { type: 'tel', target, target_name: '', name: '', detail: '' },
    })
    await tellAs(
      app,
      'relay-1',
      callTell(bob.id, now()),
      callTell(bob.id, { ...now(), ...to('+38761123456') }),
    )
    await tellAs(app, 'relay-1', callTell(bob.id, { ...now(), ...to('+38761123457') }))
    await judge()
    expect(await incidents(alert)).toMatchObject([
      { subject: 'BA', about: { country: 'ba', number: '+38761123456' } },
    ])
  })
})

describe('the webhook of an alert', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await Receiver.open()
  })
  afterEach(() => receiver.close())

  test('is told of it whatever it asks for, once where it asks for it too, signed', async () => {
    const webhook = await hook(['call.*'])
    const other = await hook(['alert.raised', 'alert.resolved'])
    const alert = await made(failures, { name: 'Break-in', webhook_id: webhook.id })
    await made(failures, { webhook_id: other.id, name: 'Twice' })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 2))
    await minute()
    const bodies = receiver.messages.map(({ body }) => [body.type, body.data.name])
    expect(bodies.sort()).toEqual([
      ['alert.raised', 'Break-in'],
      ['alert.raised', 'Break-in'],
      ['alert.raised', 'Twice'],
    ])
    const [message] = receiver.messages.filter(({ body }) => body.data.name === 'Break-in')
    expect(message?.body).toMatchObject({ subject: alert, data: { alert_id: alert, address: '203.0.113.9' } })
    const signed = receiver.messages.map(({ text, headers }) =>
      [webhook, other].some(({ secret }) => isSigned(secret, text, headers as Record<string, string>)),
    )
    expect(signed).toEqual([true, true, true])
  })

  test('is told in the words of Slack', async () => {
    const webhook = await hook(['call.*'])
    await made(failures, { name: 'Break-in <1>', webhook_id: webhook.id, format: 'slack' })
    await tellAs(app, 'relay-1', failed('203.0.113.9', 2))
    await minute()
    const why = '2 registrations failed within 5 min: The password is wrong (office1 from 203.0.113.9).'
    expect(receiver.messages.map(({ body }) => body)).toMatchObject([
      {
        text: `Raised: Break-in &lt;1&gt;. ${why}`,
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: 'Raised: Break-in <1>' } },
          { type: 'section', text: { type: 'mrkdwn', text: why } },
          { type: 'context' },
        ],
      },
    ])
  })

  test('is told in the words of PagerDuty: one incident is raised and resolved by one key', async () => {
    const webhook = await hook(['call.*'])
    const wish = { name: 'Break-in', webhook_id: webhook.id, format: 'pagerduty' }
    const without = await bob('POST', '/v1.0/alerts', { when: failures, ...wish })
    expect(without.body.error.details).toMatchObject([{ field: 'routing_key' }])
    const alert = await made(failures, { ...wish, routing_key: 'R0UT1NGKEY' })
    const { body: shown } = await bob('PATCH', `/v1.0/alerts/${alert}`, { detail: 'the key stays' })
    expect([shown.routing_key_set, JSON.stringify(shown)]).toEqual([
      true,
      expect.not.stringContaining('R0UT1NGKEY'),
    ])
    await tellAs(app, 'relay-1', failed('203.0.113.9', 2))
    await minute()
    await bob('PATCH', `/v1.0/alerts/${alert}`, { enabled: false })
    await minute()
    const [incident] = await incidents(alert)
    const [raised, resolved] = receiver.messages.map(({ body }) => body)
    expect(raised).toMatchObject({
      routing_key: 'R0UT1NGKEY',
      event_action: 'trigger',
      dedup_key: incident.id,
      payload: {
        summary: `Break-in: ${incident.reason}`,
        source: '203.0.113.9',
        severity: 'error',
        custom_details: { incident_id: incident.id },
      },
    })
    expect(resolved).toMatchObject({ event_action: 'resolve', dedup_key: incident.id })
  })

  test('is told of a trial alone, at once, and what came of it is answered', async () => {
    const webhook = await hook(['call.*'])
    await hook(['alert.test'])
    const alert = await made(failures, {
      name: 'Break-in',
      webhook_id: webhook.id,
      format: 'slack',
      enabled: false,
    })
    const tried = await bob('POST', `/v1.0/alerts/${alert}/test`, { note: 'hello' })
    expect(tried).toMatchObject({ status: 200, body: { type: 'alert.test', status: 'delivered' } })
    await minute()
    expect(receiver.messages.map(({ body }) => body.text)).toEqual(['Test: Break-in. hello'])
    expect(await incidents(alert)).toEqual([])
    await bob('PATCH', `/v1.0/alerts/${alert}`, { webhook_id: null })
    expect((await bob('POST', `/v1.0/alerts/${alert}/test`, {})).body.error.reason).toBe('WEBHOOK_MISSING')
  })

  test('stays while an alert leads to it, unless that is let go too', async () => {
    const webhook = await hook(['call.*'])
    const alert = await made(failures, { webhook_id: webhook.id })
    const kept = await bob('DELETE', `/v1.0/webhooks/${webhook.id}`)
    expect([kept.status, kept.body.error.reason]).toEqual([409, 'WEBHOOK_IN_USE'])
    expect((await bob('DELETE', `/v1.0/webhooks/${webhook.id}?cascade=true`)).status).toBe(200)
    expect((await bob('GET', `/v1.0/alerts/${alert}`)).body.webhook_id).toBeNull()
  })

  const failures = { kind: 'registration_failures', of: 'address', threshold: 2, window: 300 }

  async function hook(events: string[]) {
    return (await bob('POST', '/v1.0/webhooks', { url: receiver.url, events })).body
  }
})

describe('an alert which could never hold', () => {
  test.each([
    [{ when: { kind: 'new_country' }, country: 'US' }, 'country'],
    [{ when: { kind: 'unregistered' }, extension_id: crypto.randomUUID() }, 'extension_id'],
    [{ when: { kind: 'success_rate' }, provider_id: crypto.randomUUID() }, 'provider_id'],
    [{ when: { kind: 'unregistered', threshold: 3 } }, 'when.threshold'],
    [{ when: { kind: 'flood' } }, 'when.kind'],
    [{ when: { kind: 'minutes' }, country: 'XX' }, 'country'],
    [{ when: { kind: 'minutes' }, routing_key: 'R0UT1NGKEY' }, 'routing_key'],
  ])('is refused: %j', async (body, field) => {
    const { status, body: answer } = await bob('POST', '/v1.0/alerts', body)
    expect([status, answer.error.details[0].field]).toEqual([400, field])
  })
})

function isSigned(secret: string, text: string, headers: Record<string, string>): boolean {
  try {
    return new Webhook(secret).verify(text, headers) !== undefined
  } catch {
    return false
  }
}

/** A call out of this minute, over one provider. */
function ended(providerId: string, status: number, changes: object = {}) {
  const attempts = [attemptTold(providerId, status, changes)]
  return callTell(bob.id, { ...now(), attempts, ...(status !== 200 && { answered_at: null }) })
}

function now() {
  const at = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
  return { started_at: at(3), ringing_at: at(2), answered_at: at(2), ended_at: at(0) }
}

/** What a relay tells of a phone; `expires` in so many seconds. */
async function newPhone() {
  const wish = { extension: 'phone1', password: 'long enough' }
  const { body } = await bob('POST', '/v1.0/extensions', wish)
  const id = crypto.randomUUID()
  return (event: 'registered' | 'expired', sequence: number, expires: number) => {
    const tell = bindingTell(event, id, sequence)
    const at = new Date().toISOString()
    const binding = {
      ...tell.binding,
      customer_id: bob.id,
      extension_id: body.id,
      received: { transport: 'udp', address: '198.51.100.4', port: 5060 },
      registered_at: at,
      refreshed_at: at,
      expires_at: new Date(Date.now() + expires * 1000).toISOString(),
    }
    return { ...tell, at, binding }
  }
}

async function factsLeft(): Promise<number> {
  const { rows } = await app.database.pool.query('select id from alert_facts where customer_id = $1', [
    bob.id,
  ])
  return rows.length
}

/** Another Worker which judges at the same time. */
function judgeElsewhere(): Promise<void> {
  return judgeAlerts(prepare({ ...app.env }).db)
}

async function made(when: object, more: object = {}): Promise<string> {
  const { status, body } = await bob('POST', '/v1.0/alerts', { when, ...more })
  expect([status, body.error]).toEqual([200, undefined])
  await judge()
  return body.id
}

async function incidents(alert: string) {
  return (await bob('GET', `/v1.0/alerts/${alert}/incidents`)).body.result
}

/** What was told of an alert, the oldest first. */
async function told(alert: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { result } = (await bob('GET', `/v1.0/events?resource_id=${alert}`)).body
  return result
    .filter(({ type }: { type: string }) => type.startsWith('alert.ra') || type === 'alert.resolved')
    .reverse()
}

async function states() {
  return (await app.database.pool.query('select * from alert_states where customer_id = $1', [bob.id])).rows
}

function failed(address: string, count: number, relay = 'relay-1') {
  const at = new Date().toISOString()
  return {
    kind: 'event',
    tell_id: crypto.randomUUID(),
    at,
    relay_id: relay,
    customer_id: bob.id,
    type: 'registration.failed',
    data: {
      account: 'office1',
      source_address: address,
      why: 'The password is wrong.',
      count,
      first_at: at,
      last_at: at,
    },
  }
}
