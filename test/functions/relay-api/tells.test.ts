import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { bindingList, credentialAnswer, tellReceipt } from '#contract'
import edge from '../../../functions/index.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, BASE_DOMAIN, isNoGuard, RELAY_SECRET, startApp } from '../../support/app.ts'
import { begunTell } from '../../support/call-tells.ts'
import { newTrunk } from '../../support/trunk.ts'

let app: App
let carrier: { id: string }
let pbx: { id: string }
let call: string
beforeAll(async () => {
  app = await startApp()
  carrier = (await app.alice('POST', '/v1.0/providers', { name: 'telnyx', hostname: 'telnyx.test' })).body
  pbx = await newTrunk(app, app.aliceId, 'acme', ['basic', 'ip'])
})
beforeEach(() => {
  call = crypto.randomUUID()
})
afterAll(() => app.close())

describe('a call told with its attempts', () => {
  test('leaves a row for every attempt at a provider, in the same statement', async () => {
    app.database.heard.splice(0)
    await tell(
      callTold(2, ended, [
        attempt(503, 0, 30),
        attempt(0, 30, 40, null),
        attempt(200, 40, 900, carrier.id, 700),
      ]),
    )
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    expect(await attempts()).toEqual([
      { position: 1, status: 503, pdd_ms: null, answered: false, talked_seconds: null },
      { position: 3, status: 200, pdd_ms: 700, answered: true, talked_seconds: 8.5 },
    ])
  })

  test('of whom a flow called one after the other each is talked with from its own answer until it left', async () => {
    const spoke = (answered_ms: number, talked_ms: number | null) => ({
      ...attempt(200, answered_ms - 100, answered_ms, carrier.id, 50),
      answered_ms,
      talked_ms,
    })
    await tell(callTold(2, ended, [spoke(2_000, 3_000), spoke(6_000, null)]))
    expect((await attempts()).map(({ talked_seconds }) => talked_seconds)).toEqual([3, 3.5])
    const { body } = await app.alice('GET', `/v1.0/calls/${call}`)
    expect(body.attempts).toMatchObject([{ talked_ms: 3_000 }, { answered_ms: 6_000, talked_ms: null }])
  })

  test('leaves the same rows whatever is heard twice or late', async () => {
    const early = callTold(1, {}, [attempt(0, 0, null)])
    const late = callTold(2, ended, [attempt(503, 0, 30), attempt(200, 40, 900, carrier.id, 700)])
    await tell(late, early)
    const rows = await attempts()
    await tell(late)
    await tell(early)
    expect(await attempts()).toEqual(rows)
    expect(rows).toHaveLength(2)
  })

  test('shows its decision and attempts to its customer', async () => {
    await tell(callTold(1, { decision: why, reject_reason: null }, [attempt(486, 0, 30)]))
    expect((await app.alice('GET', `/v1.0/calls/${call}`)).body).toMatchObject({
      decision: { decided_by: 'relay', snapshot_age_ms: 1200 },
      attempts: [{ provider_id: carrier.id, status: 486, address: '192.0.2.4:5060', transport: 'udp' }],
    })
  })
})

describe('a decision told once', () => {
  const told = (sequence: number, decision: object | null) =>
    callTold(sequence, { decision, reject_reason: null }, [])
  const stored = async () => (await app.alice('GET', `/v1.0/calls/${call}`)).body.decision

  test('stays with its call whatever is told after it, in the same batch or later', async () => {
    await tell(told(1, why), told(2, null))
    expect(await stored()).toMatchObject({ decided_by: 'relay', version: 3 })
    await tell(told(3, null))
    expect(await stored()).toMatchObject({ decided_by: 'relay', version: 3 })
  })

  test('is replaced by the next one told', async () => {
    await tell(told(1, why), told(2, { ...why, version: 4 }), told(3, null))
    expect(await stored()).toMatchObject({ version: 4 })
    await tell(told(4, { ...why, version: 5 }))
    expect(await stored()).toMatchObject({ version: 5 })
  })

  test('is kept although it is heard late, and replaces no later one', async () => {
    await tell(told(3, null))
    await tell(told(2, { ...why, version: 4 }))
    await tell(told(1, why))
    expect(await stored()).toMatchObject({ version: 4 })
  })
})

describe('a call for a phone which is not registered where the call came in', () => {
  const why = {
    reject_reason: 'NOT_REGISTERED',
    reject_message: 'The phone of extension away is not registered.',
  }
  const stored = async () => {
    const { reject_reason, reject_message } = (await app.alice('GET', `/v1.0/calls/${call}`)).body
    return [reject_reason, reject_message]
  }
  const elsewhere = [
    'REGISTERED_ELSEWHERE',
    'The phone of extension away is registered at relay relay-2, and the call came to relay relay-1, which knew no way there: ' +
      'it is not heard of.',
  ]
  let phone: { id: string }
  const registered = (changes: object = {}, event = 'registered') =>
    bindingTold(1, event, { account: 'extension', extension_id: phone.id, relay_id: 'relay-2', ...changes })
  beforeAll(async () => {
    const body = { name: 'away', extension: 'away', password: 'correct horse battery' }
    phone = (await app.alice('POST', '/v1.0/extensions', body)).body
  })
  const forget = () => app.database.pool.query('delete from bindings where extension_id = $1', [phone.id])
  beforeEach(async () => void (await forget()))
  afterAll(async () => void (await forget()))

  test('says so', async () => {
    await tell(incoming())
    expect(await stored()).toEqual([why.reject_reason, why.reject_message])
  })

  test('says at which relay it is, whether the call came in or from a colleague', async () => {
    await tellAs('relay-2', registered())
    await tell(incoming())
    expect(await stored()).toEqual(elsewhere)
    const destination = { type: 'extension', target: 'away' }
    await tell(callTold(2, { ...why, direction: 'internal', destination, extension_id: null }, []))
    expect(await stored()).toEqual(elsewhere)
  })

  test('says nothing of where it was, nor of its own relay', async () => {
    await tellAs(
      'relay-2',
      registered({ expires_at: '2020-01-01T00:00:00Z' }),
      registered({}, 'unregistered'),
    )
    await tell(registered({ relay_id: 'relay-1' }), incoming())
    expect(await stored()).toEqual([why.reject_reason, why.reject_message])
  })

  function incoming() {
    return callTold(1, { ...why, direction: 'incoming', extension_id: phone.id }, [])
  }
})

describe('an event told', () => {
  test('is stored once, under the id of its tell, and about what it names', async () => {
    const event = eventTold({ provider_id: carrier.id })
    await tell(event, event)
    await tell(event)
    const { rows } = await app.database.pool.query(
      'select id, type, subject_id, data from events where id = $1',
      [event.tell_id],
    )
    expect(rows).toEqual([
      {
        id: event.tell_id,
        type: 'call.refused',
        subject_id: carrier.id,
        data: expect.stringContaining(carrier.id),
      },
    ])
  })

  test('may be nobody’s, but not a stranger’s', async () => {
    const nobodys = eventTold({}, null)
    const strangers = eventTold({}, crypto.randomUUID())
    expect(await tell(nobodys, strangers)).toEqual({
      accepted: [nobodys.tell_id],
      refused: [{ tell_id: strangers.tell_id, why: 'there is no such customer' }],
      unheard: [],
    })
  })
})

describe('a PBX', () => {
  test('is known in its own domain, where it proves itself by digest', async () => {
    const realm = `acme.trunk.${BASE_DOMAIN}`
    expect(credentialAnswer.parse(await ask(realm, 'pbx'))).toMatchObject({
      kind: 'known',
      account: 'trunk',
      extension_id: pbx.id,
      extension: 'pbx',
      realm,
      customer_id: app.aliceId,
      ha1_md5: 'md5 of acme',
      algorithms: ['MD5'],
    })
    await newTrunk(app, app.aliceId, 'byaddress', ['ip'])
    for (const [elsewhere, name] of [
      [realm, 'other'],
      [`byaddress.trunk.${BASE_DOMAIN}`, 'pbx'],
      [`nobody.trunk.${BASE_DOMAIN}`, 'pbx'],
    ] as const)
      expect(await ask(elsewhere, name)).toEqual({ kind: 'unknown', ttl: 5 })
  })

  test('has its bindings stored and given back like a phone’s', async () => {
    const binding = bindingTold(1, 'registered')
    await tell(binding, bindingTold(1, 'registered', { extension_id: crypto.randomUUID() }))
    const { bindings } = bindingList.parse((await app.relay('GET', '/relay/v1/bindings')).body)
    expect(bindings).toMatchObject([
      { account: 'trunk', extension_id: pbx.id, binding_id: binding.binding.binding_id, sequence: 1 },
    ])
    await tell({ ...binding, tell_id: crypto.randomUUID(), sequence: 2, event: 'unregistered' })
    expect((await app.relay('GET', '/relay/v1/bindings')).body).toMatchObject({ bindings: [] })
  })

  async function ask(realm: string, username: string) {
    return (await app.relay('POST', '/relay/v1/credential', { realm, username })).body
  }
})

const ended = {
  status: 'hangup',
  answered_at: '2026-11-23T07:00:01.000Z',
  ended_at: '2026-11-23T07:00:09.500Z',
}

const why = {
  decided_by: 'relay',
  at: '2026-11-23T07:00:00.000Z',
  version: 3,
  snapshot_age_ms: 1200,
  outcome: 'connect',
  caller: { rule: 'digest', why: 'it proved to be office1' },
}

async function tell(...told: object[]) {
  const { body } = await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: told })
  return tellReceipt.parse(body)
}

async function tellAs(relayId: string, ...told: object[]) {
  const relay = app.as(await relayKey(RELAY_SECRET, relayId))
  const { status, body } = await relay('POST', '/relay/v1/tells', { relay_id: relayId, tells: told })
  expect([status, tellReceipt.parse(body).refused]).toEqual([200, []])
}

async function attempts() {
  const { rows } = await app.database.pool.query(
    `select position, status, pdd_ms, answered_at is not null as answered, talked_seconds
     from attempts where call_id = $1 order by position`,
    [call],
  )
  return rows.map((row) => ({
    position: Number(row.position),
    status: Number(row.status),
    pdd_ms: row.pdd_ms === null ? null : Number(row.pdd_ms),
    answered: row.answered === 't' || row.answered === true,
    talked_seconds: row.talked_seconds === null ? null : Number(row.talked_seconds),
  }))
}

function attempt(
  status: number,
  started_ms: number,
  ended_ms: number | null,
  provider_id: string | null = carrier.id,
  pdd_ms: number | null = null,
) {
  const place = { provider_name: 'telnyx', address: '192.0.2.4:5060', transport: 'udp' }
  return { provider_id, ...place, status, reason: '', decision: 'next', started_ms, ended_ms, pdd_ms }
}

function callTold(sequence: number, changes: object, attempts: object[]) {
  return begunTell(app.aliceId, call, sequence, { attempts, ...changes })
}

function eventTold(data: object, customer_id: string | null = app.aliceId) {
  const at = '2026-11-23T07:00:00Z'
  return {
    kind: 'event',
    tell_id: crypto.randomUUID(),
    at,
    relay_id: 'relay-1',
    customer_id,
    type: 'call.refused',
    data,
  }
}

test('Calls are stored in the order of their ids, in whichever they are told: two who tell them do not wait in a ring.', async () => {
  const ids = Array.from({ length: 5 }, () => crypto.randomUUID()).toSorted()
  await tell(...ids.toReversed().map((id) => begunTell(app.aliceId, id, 1, { provider_id: null })))
  const { rows } = await app.database.pool.query('select id from calls where id = any($1) order by ctid', [
    ids,
  ])
  expect(rows.map(({ id }) => id)).toEqual(ids)
})

describe('a receipt', () => {
  const after: Promise<unknown>[] = []
  const context = {
    waitUntil: (work: Promise<unknown>) => void after.push(work),
    passThroughOnException() {},
    props: {},
  }

  const receiptOf = async (customer: string) =>
    (await tell(begunTell(customer, crypto.randomUUID(), 1, { provider_id: null }))).unheard
  const ask = async (path: string, key: string, more: object = {}) => {
    const headers = { authorization: `Bearer ${key}` }
    // Another isolate each time, which remembers nobody.
    const { status } = await edge.request(path, { headers }, { ...app.env, ...more }, context)
    while (after.length > 0) await Promise.all(after.splice(0))
    return status
  }

  test('says it as soon as somebody asked: that is written at once, while uses of keys are gathered for a second', async () => {
    const watcher = await app.newcomer('watcher')
    const waits = vi.spyOn(globalThis, 'setTimeout')
    await ask('/v1.0/calls', watcher.key)
    const waited = waits.mock.calls.map(([, ms]) => ms)
    waits.mockRestore()
    expect(waited).toEqual(expect.arrayContaining([0, 1_000]))
    expect(await receiptOf(watcher.id)).toEqual([])
  })

  test('relays hear who begins to watch, once: not of whom a webhook tells, or who asked lately', async () => {
    const [watcher, other] = [await app.newcomer('looks'), await app.newcomer('is told')]
    await other('POST', '/v1.0/webhooks', { url: 'https://hooks.test/', events: ['call.*'] })
    const asked: unknown[] = []
    const hub = {
      fetch: async (url: string, init: RequestInit) => {
        if (new URL(url).pathname === '/watched') asked.push(JSON.parse(String(init.body)))
        return Response.json({})
      },
    }
    const RELAY_HUB = { idFromName: (name: string) => name, get: () => hub }
    for (const key of [watcher.key, other.key, watcher.key])
      expect(await ask('/v1.0/calls', key, { RELAY_HUB })).toBe(200)
    expect(asked).toEqual([{ customer_ids: [watcher.id] }])
  })

  test('says whose calls nobody watches: they have no webhook which is on, whatever others have', async () => {
    const [watcher, other] = [await app.newcomer('watcher'), await app.newcomer('other')]
    const asked = { url: 'https://hooks.test/', events: ['call.*'] }
    await other('POST', '/v1.0/webhooks', asked)
    expect(await receiptOf(watcher.id)).toEqual([watcher.id])
    const { id } = (await watcher('POST', '/v1.0/webhooks', asked)).body
    expect(await receiptOf(watcher.id)).toEqual([])
    await watcher('PATCH', `/v1.0/webhooks/${id}`, { enabled: false })
    expect(await receiptOf(watcher.id)).toEqual([watcher.id])
    await watcher('PATCH', `/v1.0/webhooks/${id}`, { enabled: true })
    expect(await receiptOf(watcher.id)).toEqual([])
    await watcher('DELETE', `/v1.0/webhooks/${id}`)
    expect(await receiptOf(watcher.id)).toEqual([watcher.id])
    expect(tellReceipt.parse({ accepted: [] }).unheard).toEqual([])
  })

  test('says so of those who have asked neither for calls nor for events in six minutes', async () => {
    const [watcher, other] = [await app.newcomer('asks'), await app.newcomer('asked')]
    await app.database.pool.query('insert into listeners values ($1, now())', [other.id])
    expect(await ask('/v1.0/calls?page_size=none', watcher.key)).toBe(400)
    expect(await receiptOf(watcher.id)).toEqual([watcher.id])
    for (const path of ['/v1.0/calls', '/v1.0/events']) {
      expect(await ask(path, watcher.key)).toBe(200)
      expect(await receiptOf(watcher.id)).toEqual([])
      await app.database.pool.query(`update listeners set listened_at = now() - interval '6 minutes'
        where customer_id = '${watcher.id}'`)
      expect(await receiptOf(watcher.id)).toEqual([watcher.id])
    }
  })
})

describe('a registration which runs out', () => {
  const binding_id = crypto.randomUUID()
  const contact = { binding_id, user_agent: 'desk phone' }
  const expiry = (sequence: number) => bindingTold(sequence, 'expired', contact)
  const events = async () =>
    (await app.alice('GET', '/v1.0/events?type=registration.expired')).body.result.map(
      ({ resource_id, data }: { resource_id: string; data: object }) => ({
        subject_id: resource_id,
        ...data,
      }),
    )
  beforeEach(async () => {
    await app.database.pool.query("delete from events where type = 'registration.expired'")
    await app.database.pool.query('delete from bindings')
    await tell(bindingTold(1, 'registered', contact), bindingTold(2, 'refreshed', contact))
  })

  test('is an event of its customer, which says whose it was and where; once, however often it is told', async () => {
    const ran = expiry(3)
    await tell(ran)
    await tell(ran, ran)
    expect(await events()).toEqual([
      {
        subject_id: pbx.id,
        account: 'pbx',
        account_type: 'trunk',
        reason: '',
        why: expect.stringContaining('not registered anew in time'),
        contact: 'sip:pbx@192.0.2.9',
        source_address: '192.0.2.9',
        source: 'udp 192.0.2.9:5060',
        user_agent: 'desk phone',
        registered_at: '2026-11-23T07:00:00.000Z',
        refreshed_at: '2026-11-23T07:00:00.000Z',
        expires_at: '2099-01-01T00:00:00.000Z',
        others: 0,
      },
    ])
  })

  test('is one each time, though it is registered again in the same batch', async () => {
    await tell(expiry(3), bindingTold(4, 'registered', contact), expiry(5))
    expect(await events()).toHaveLength(2)
  })

  test('is none where it was refreshed, ended by the phone, or has moved on to another relay', async () => {
    await tell(bindingTold(3, 'refreshed', contact), bindingTold(4, 'unregistered', contact))
    await tellAs('relay-2', bindingTold(9, 'registered', { ...contact, relay_id: 'relay-2' }))
    await tell(expiry(5))
    expect(await events()).toEqual([])
  })

  test('is none where the same phone registered by another contact since; another phone is counted', async () => {
    const later = { refreshed_at: '2026-11-23T07:30:00Z' }
    await tell(bindingTold(1, 'registered', { ...later, user_agent: 'another phone' }))
    await tell(expiry(3))
    expect(await events()).toMatchObject([{ others: 1 }])
    await tell(bindingTold(1, 'registered', { ...later, user_agent: 'desk phone' }))
    await tell(expiry(4))
    expect(await events()).toHaveLength(1)
  })
})

function bindingTold(sequence: number, event: string, changes: object = {}) {
  return {
    kind: 'binding',
    tell_id: crypto.randomUUID(),
    sequence,
    at: '2026-11-23T07:00:00Z',
    event,
    binding: {
      binding_id: crypto.randomUUID(),
      customer_id: app.aliceId,
      account: 'trunk',
      extension_id: pbx.id,
      relay_id: 'relay-1',
      contact: 'sip:pbx@192.0.2.9',
      call_id: 'c',
      cseq: 1,
      received: { transport: 'udp', address: '192.0.2.9', port: 5060 },
      registered_at: '2026-11-23T07:00:00Z',
      refreshed_at: '2026-11-23T07:00:00Z',
      expires_at: '2099-01-01T00:00:00Z',
      ...changes,
    },
  }
}
