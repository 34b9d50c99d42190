import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'
import { explanationOf } from '../../support/limits.ts'
import { newTrunk } from '../../support/trunk.ts'

/*
 * What is an event: each change once, in its order, however often and in whatever pieces relays tell it.
 */

let app: App
let alice: Tenant
let carrier: { id: string }
let phone: { id: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  carrier = (await alice('POST', '/v1.0/providers', { name: 'telnyx', hostname: 'telnyx.test' })).body
  const body = { name: 'desk', extension: 'desk', password: 'correct horse battery' }
  phone = (await alice('POST', '/v1.0/extensions', body)).body
})
afterAll(() => app.close())

describe('a call', () => {
  const at = (second: number) => `2026-11-23T07:00:0${second}.000Z`
  const dialing = {
    status: 'dialing',
    ringing_at: null,
    answered_at: null,
    ended_at: null,
    hangup_by: null,
    hangup_reason: null,
    sip_status: null,
  }
  const ringing = { ...dialing, status: 'ringing', ringing_at: at(2) }
  const talking = { ...ringing, status: 'progressing', answered_at: at(3) }
  const over = {
    ...talking,
    status: 'hangup',
    ended_at: at(9),
    hangup_by: 'callee',
    hangup_reason: 'normal',
    sip_status: 200,
  }
  const failed = attemptTold(null, 503, { started_ms: 0, ended_ms: 1_000 })
  const passedOver = attemptTold(null, 488, { started_ms: 1_000, ended_ms: 1_000, counts: false })
  const answered = attemptTold(null, 200, { started_ms: 1_000, ended_ms: null })
  const ladder: [object, number][] = [
    [dialing, 1],
    [{ ...dialing, attempts: [failed] }, 2],
    [{ ...ringing, attempts: [failed, passedOver, answered] }, 3],
    [{ ...talking, attempts: [failed, passedOver, answered] }, 4],
    [{ ...over, attempts: [failed, passedOver, answered] }, 5],
  ]
  const whole = ['call.created', 'call.attempt_failed', 'call.ringing', 'call.answered', 'call.ended']

  test('which is a transfer says so once it is answered, and whose', async () => {
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
    const transfer = { call_id: second, transferred_from: first, transfer_type: 'blind' }
    const before = { ...over, call_id: first, hangup_reason: 'transferred' }
    await tellAs(app, 'relay-1', callTell(alice.id, { ...ringing, ...transfer }, 1))
    await tellAs(
      app,
      'relay-1',
      callTell(alice.id, { ...talking, ...transfer }, 2),
      callTell(alice.id, before),
    )
    await tellAs(app, 'relay-1', callTell(alice.id, { ...over, ...transfer }, 3))
    const told = await eventsAbout(alice, second, 'call.transferred')
    expect(told.map(({ data }) => data)).toMatchObject([{ transferred_from: first, transfer_type: 'blind' }])
    expect((await alice('GET', `/v1.0/calls/${second}`)).body).toMatchObject({
      transferred_from: first,
      transfer_type: 'blind',
    })
    expect((await alice('GET', `/v1.0/calls/${first}`)).body).toMatchObject({
      hangup_reason: 'transferred',
      transferred_from: null,
    })
  })

  test.each([
    ['step by step', [[0], [1], [2], [3], [4]]],
    ['at once', [[0, 1, 2, 3, 4]]],
    ['by its last word alone', [[4]]],
    ['twice, and late', [[0], [0], [3], [1, 2], [3], [4, 4], [3]]],
  ])('told %s has each of its events once, in order', async (_, batches) => {
    const call_id = crypto.randomUUID()
    const tells = ladder.map(([changes, sequence]) => callTell(alice.id, { call_id, ...changes }, sequence))
    for (const batch of batches) await tellAs(app, 'relay-1', ...batch.map((nth) => tells[nth] as object))
    const events = await eventsAbout(alice, call_id)
    expect(events.map(({ type }) => type)).toEqual(whole)
    expect(events.map(({ tm_create }) => tm_create.slice(17, 19))).toEqual(['00', '01', '02', '03', '09'])
    expect(events[1]?.data.attempt).toMatchObject({ position: 1, status: 503, provider_name: 'telnyx' })
    expect(events[4]?.data).toMatchObject({ status: 'hangup', hangup_reason: 'normal', duration: 6 })
  })

  test('told by two connections at once has each of its events once', async () => {
    const call_id = crypto.randomUUID()
    const tells = ladder.map(([changes, sequence]) => callTell(alice.id, { call_id, ...changes }, sequence))
    await Promise.all(tells.flatMap((one) => [tellAs(app, 'relay-1', one), tellAs(app, 'relay-1', one)]))
    const types = (await eventsAbout(alice, call_id)).map(({ type }) => type)
    expect(types.toSorted()).toEqual(whole.toSorted())
  })

  test('of which nothing new is told has no event, nor has an attempt which was cancelled', async () => {
    const call_id = crypto.randomUUID()
    const cancelled = attemptTold(null, 0, { reason: 'cancelled', decision: 'final' })
    const told = { call_id, ...talking, attempts: [cancelled] }
    await tellAs(app, 'relay-1', callTell(alice.id, told, 1))
    await tellAs(app, 'relay-1', callTell(alice.id, told, 2))
    expect(await typesAbout(call_id)).toEqual(['call.created', 'call.ringing', 'call.answered'])
  })

  test('for help says so at once, with where to call back and where it is, and again by no later word', async () => {
    const call_id = crypto.randomUUID()
    const emergency = { place: { country: 'us', city: 'Springfield' } }
    const account = { extension: 'desk3', password: 'correct horse battery', emergency }
    const { body: desk } = await alice('POST', '/v1.0/extensions', account)
    const number = { dialled: '911', kind: 'short', e164: null, country: null }
    const caller_id = { number: '+15552220001', from: 'emergency', unverified: false }
    const decision = { ...explanationOf([], 'short'), emergency: true, number, caller_id }
    const told = { call_id, extension_id: desk.id, direction: 'outgoing' }
    await tellAs(app, 'relay-1', callTell(alice.id, { ...told, ...dialing, decision }, 1))
    const [, help, ...others] = await eventsAbout(alice, call_id)
    expect(others).toEqual([])
    expect(help).toMatchObject({
      type: 'call.emergency',
      data: { dialled: '911', callback_number: '+15552220001', place: { city: 'Springfield', floor: '' } },
    })
    await tellAs(app, 'relay-1', callTell(alice.id, { ...told, ...over }, 2))
    expect(await typesAbout(call_id)).toEqual([
      'call.created',
      'call.emergency',
      'call.ringing',
      'call.answered',
      'call.ended',
    ])
  })

  test('whose relay began anew has ended; it ends again as its relay tells it', async () => {
    const call_id = crypto.randomUUID()
    await tellAs(app, 'relay-3', callTell(alice.id, { call_id, relay_id: 'relay-3', ...talking }, 1))
    await tellAs(app, 'relay-3', {
      kind: 'relay',
      tell_id: crypto.randomUUID(),
      sequence: 1,
      at: at(8),
      event: 'started',
      relay_id: 'relay-3',
    })
    expect((await eventsAbout(alice, call_id)).at(-1)).toMatchObject({
      type: 'call.ended',
      data: { hangup_reason: 'relay_lost', reject_reason: 'RELAY_LOST' },
    })
    const last = callTell(alice.id, { call_id, relay_id: 'relay-3', ...over }, 2)
    await tellAs(app, 'relay-3', last)
    await tellAs(app, 'relay-3', last)
    const ends = (await eventsAbout(alice, call_id)).filter(({ type }) => type === 'call.ended')
    expect(ends.map(({ data }) => data.hangup_reason)).toEqual(['relay_lost', 'normal'])
  })

  test('which a limit refused says so once a minute for each limit, not for each call', async () => {
    const limit = {
      kind: 'extension',
      id: phone.id,
      name: 'desk',
      resource: 'channels',
      used: 2,
      of: 2,
      exceeded: true,
    }
    const refused = (ended_at: string, changes: object = {}) =>
      callTell(alice.id, {
        ...dialing,
        status: 'hangup',
        ended_at,
        hangup_by: 'system',
        hangup_reason: 'rejected',
        sip_status: 503,
        reject_reason: 'CHANNELS_EXCEEDED',
        reject_message: 'The extension desk is at its limit: channels 2/2.',
        decision: { ...why, limits: [limit, { ...limit, kind: 'customer', id: alice.id, exceeded: false }] },
        ...changes,
      })
    await tellAs(app, 'relay-1', refused(at(1)), refused(at(2)))
    await tellAs(app, 'relay-1', refused(at(3)), refused('2026-11-23T07:01:00.000Z'))
    const full = {
      reject_reason: 'ALL_PROVIDERS_FULL',
      decision: { ...why, candidates: [{ ...candidate, provider_id: carrier.id }] },
    }
    await tellAs(app, 'relay-1', refused(at(3), full))
    const { result } = (await alice('GET', '/v1.0/events?type=limit.reached')).body
    expect(result.map(({ resource_id, data }: Told) => [resource_id, data.resource, data.used])).toEqual([
      [carrier.id, 'channels', null],
      [phone.id, 'channels', 2],
      [phone.id, 'channels', 2],
    ])
  })

  const why = {
    decided_by: 'relay',
    at: at(0),
    version: 1,
    outcome: 'reject',
    caller: { rule: 'digest', why: 'a phone' },
  }
  const candidate = {
    route_id: null,
    provider_name: 'telnyx',
    kept: false,
    code: 'CHANNELS',
    why: 'channels 3/3',
  }
})

describe('a registration', () => {
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
  let last = 0
  const next = () => {
    last += 1
    return last
  }
  const told = (event: string, changes: object = {}, more: object = {}) => ({
    kind: 'binding',
    tell_id: crypto.randomUUID(),
    sequence: next(),
    at: new Date().toISOString(),
    event,
    ...more,
    binding: {
      binding_id: first,
      customer_id: alice.id,
      account: 'extension',
      extension_id: phone.id,
      relay_id: 'relay-1',
      contact: 'sip:desk@192.0.2.9',
      call_id: 'c',
      cseq: 1,
      received: { transport: 'udp', address: '192.0.2.9', port: 5060 },
      user_agent: 'desk phone',
      registered_at: '2026-11-23T07:00:00Z',
      refreshed_at: '2026-11-23T07:00:00Z',
      expires_at: '2099-01-01T00:00:00Z',
      ...changes,
    },
  })
  const elsewhere = { received: { transport: 'udp', address: '192.0.2.9', port: 40_000 } }

  test('is told of as it is made, moves, is lost, made again and removed; a refresh is no event', async () => {
    const tells = [
      told('registered'),
      told('refreshed'),
      told('refreshed', elsewhere),
      told('refreshed', elsewhere),
      told('flow_lost', elsewhere, { reason: 'NO_ANSWER' }),
      told('refreshed', elsewhere, { reason: 'ANSWERS_AGAIN' }),
      told('unregistered', elsewhere, { reason: 'BY_PHONE' }),
    ]
    const expected = ['made', 'moved', 'lost', 'made', 'removed'].map((what) => `registration.${what}`)
    for (const one of tells) await tellAs(app, 'relay-1', one, one)
    const [, moved, lost] = await eventsAbout(alice, phone.id, 'registration.*')
    expect(await typesAbout(phone.id, 'registration.*')).toEqual(expected)
    expect(moved?.data.moved_from).toEqual({
      contact: 'sip:desk@192.0.2.9',
      relay_id: 'relay-1',
      source: 'udp 192.0.2.9:5060',
    })
    expect(lost?.data).toMatchObject({
      account: 'desk',
      account_type: 'extension',
      reason: 'NO_ANSWER',
      why: expect.stringContaining('NAT'),
      source: 'udp 192.0.2.9:40000',
    })
    for (const one of tells) await tellAs(app, 'relay-1', one)
    expect(await typesAbout(phone.id, 'registration.*')).toEqual(expected)
    const again = tells.map((one) => ({ ...one, tell_id: crypto.randomUUID(), sequence: next() }))
    await tellAs(app, 'relay-1', ...again)
    expect(await typesAbout(phone.id, 'registration.*')).toEqual([...expected, ...expected])
  })

  test('at another relay has moved; what the first says afterwards is no news', async () => {
    const late = told('expired')
    await tellAs(app, 'relay-1', told('registered'))
    await tellAs(app, 'relay-2', told('registered', { relay_id: 'relay-2' }))
    await tellAs(app, 'relay-1', late)
    expect((await typesAbout(phone.id, 'registration.*')).slice(-2)).toEqual([
      'registration.made',
      'registration.moved',
    ])
  })

  test('of a trunk changes the trunk’s, as the first begins and the last is over', async () => {
    const pbx = await newTrunk(app, alice.id, 'acme', ['basic'])
    const mine = { account: 'trunk', extension_id: pbx.id }
    const [a, b] = [
      { ...mine, binding_id: second },
      { ...mine, binding_id: crypto.randomUUID() },
    ]
    await tellAs(app, 'relay-1', told('registered', a), told('registered', b))
    await tellAs(app, 'relay-1', told('unregistered', a))
    await tellAs(app, 'relay-1', told('registered', a), told('refreshed', b))
    await tellAs(app, 'relay-1', told('unregistered', a), told('expired', b))
    await tellAs(app, 'relay-1', told('registered', b))
    const expires_at = new Date(Date.now() - 1_000).toISOString()
    await app.database.pool.query('update bindings set expires_at = $1 where id = $2', [
      expires_at,
      b.binding_id,
    ])
    await tellAs(app, 'relay-1', told('expired', { ...b, expires_at }))
    const events = await eventsAbout(alice, pbx.id, 'trunk.registration_changed')
    expect(events.map(({ data }) => [data.from, data.to].join(' '))).toEqual([
      'not_registered registered',
      'registered not_registered',
      'not_registered registered',
      'registered not_registered',
    ])
  })
})

describe('a change of what is configured', () => {
  test('is an event: whose key and request, which fields, and nothing of what is in them', async () => {
    const { body: route } = await alice('POST', '/v1.0/providers', {
      name: 'a secret name',
      hostname: 'x.test',
    })
    const path = `/v1.0/providers/${route.id}`
    await alice('PATCH', path, { username: 'me', password: 'hidden word' })
    await alice('PATCH', path, { username: 'me' })
    await alice('DELETE', path)
    const events = await eventsAbout(alice, route.id)
    expect(events.map(({ type }) => type)).toEqual([
      'provider.created',
      'provider.updated',
      'provider.deleted',
    ])
    const [created, updated] = events
    expect(updated?.data).toEqual({
      change_id: updated?.id,
      version: expect.any(Number),
      key_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      request_id: expect.stringMatching(/^req_/),
      changed: ['username', 'password_set', 'password'],
    })
    expect(created?.data.changed).toEqual([])
    expect(JSON.stringify(events)).not.toMatch(/hidden word|a secret name/)
  })

  test('of each noun is one, of a key and a webhook too', async () => {
    const dan = await app.newcomer('Dan')
    await dan('POST', '/v1.0/accesskeys', { name: 'key' })
    await dan('POST', '/v1.0/webhooks', { url: 'https://93.184.216.34/', events: ['*'] })
    await dan('POST', '/v1.0/extensions', { name: 'x', extension: 'x', password: 'correct horse battery' })
    const types = (await dan('GET', '/v1.0/events')).body.result.map(({ type }: Told) => type)
    expect(types.slice(0, 3)).toEqual(['extension.created', 'webhook.created', 'accesskey.created'])
    expect(types).toContain('customer.created')
  })
})

type Tenant = Client & { id: string }

interface Told {
  id: string
  type: string
  resource_id: string
  sequence: number
  data: Record<string, unknown>
  tm_create: string
}

/** What happened to one thing, the first first. */
async function eventsAbout(of: Tenant, id: string, type = '*'): Promise<Told[]> {
  const { body } = await of('GET', `/v1.0/events?resource_id=${id}&type=${type}`)
  return body.result.reverse()
}

async function typesAbout(id: string, type = '*'): Promise<string[]> {
  return (await eventsAbout(alice, id, type)).map((one) => one.type)
}
