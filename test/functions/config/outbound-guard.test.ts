import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { snapshot } from '#contract'
import edge from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'
import { soon } from '../../support/wait.ts'

/*
 * What guards calls out against fraud, as its customer sets, trips and releases it.
 */

let app: App
let alice: Client & { id: string; key: string }
let phone: { id: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  phone = (await alice('POST', '/v1.0/extensions', { extension: 'desk', password: 'secure-password' })).body
})
afterAll(() => app.close())

const GERMAN = '+493012345678'
const tel = (target: string) => ({ type: 'tel', target, target_name: '', name: '', detail: '' })
const called = (changes: object) =>
  callTell(alice.id, { direction: 'outgoing', extension_id: phone.id, destination: tel(GERMAN), ...changes })
const why = {
  decided_by: 'relay',
  at: '2026-11-24T07:00:00.000Z',
  version: 1,
  outcome: 'reject',
  caller: { rule: 'digest', why: 'a phone' },
}

describe('blocking', () => {
  beforeEach(async () => {
    for (const table of ['commands', 'attempts', 'calls'])
      await app.database.pool.query(`delete from ${table}`)
  })

  test('stops calls out until it is released, whatever else is changed meanwhile', async () => {
    const shown = async () => (await alice('GET', `/v1.0/extensions/${phone.id}`)).body
    expect((await alice('POST', `/v1.0/extensions/${phone.id}/block`, {})).body).toEqual({
      id: phone.id,
      outbound_blocked: true,
      known_countries: [],
      tm_release: null,
      calls_ended: 0,
    })
    const { body } = await alice('PUT', `/v1.0/extensions/${phone.id}`, {
      extension: 'desk',
      outbound_blocked: false,
      max_calls_per_minute: 10,
    })
    expect(body).toMatchObject({ outbound_blocked: true, max_calls_per_minute: 10 })
    expect(await guardSeen()).toMatchObject({ blocked: true, max_calls_per_minute: 10 })
    const refused = await alice('POST', '/v1.0/routes/resolve', { from: 'desk', to: '+12125550000' })
    expect(refused.body).toMatchObject({ outcome: 'reject', status: 403, reason: 'OUTBOUND_BLOCKED' })
    // Without a body, as an order which says nothing more.
    await alice('POST', `/v1.0/extensions/${phone.id}/release`)
    expect(await shown()).toMatchObject({ outbound_blocked: false, tm_release: expect.any(String) })
    expect(await guardSeen()).toMatchObject({ blocked: false, released_at: expect.any(String) })
  })

  test('ends the calls out which are under way, where that is asked for', async () => {
    const [out, inside, over] = [
      called({ status: 'progressing', ended_at: null }),
      called({ status: 'progressing', ended_at: null, direction: 'incoming' }),
      called({}),
    ]
    await tellAs(app, 'relay-1', out, inside, over)
    const { body } = await alice('POST', `/v1.0/extensions/${phone.id}/block`, { hang_up: true })
    expect(body).toMatchObject({ outbound_blocked: true, calls_ended: 1 })
    expect(await ended()).toEqual([out.call.call_id])
    await alice('POST', `/v1.0/extensions/${phone.id}/release`, {})
  })

  test('ends those, too, of which a relay tells after the answer, but for calls for help and what began after a release', async () => {
    const after: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>) => void after.push(work) }
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ hang_up: true }),
    }
    const block = `/v1.0/extensions/${phone.id}/block`
    const going = (changes: object = {}) => called({ status: 'progressing', ended_at: null, ...changes })
    const [first, second, third] = [going(), going(), going()]
    const help = going({ decision: { ...why, emergency: true } })
    const [begun, later] = [going({ started_at: days(-1) }), going({ started_at: days(-1) })]
    await tellAs(app, 'relay-1', first)
    const [looks, wait] = [[] as (() => void)[], setTimeout]
    const waits = vi.spyOn(globalThis, 'setTimeout')
    waits.mockImplementation(((run: () => void, ms?: number) =>
      ms === 1_500 ? looks.push(run) : wait(run, ms)) as typeof setTimeout)
    const answer = await edge.request(block, init, app.env, {
      ...context,
      passThroughOnException() {},
      props: {},
    })
    expect(await answer.json()).toMatchObject({ calls_ended: 1 })
    await tellAs(app, 'relay-1', second, help, begun)
    looks[0]?.()
    await soon('the second look', () => looks.length === 2)
    expect(new Set(await ended())).toEqual(new Set([first, second, begun].map(({ call }) => call.call_id)))
    await alice('POST', `/v1.0/extensions/${phone.id}/release`, {})
    await tellAs(app, 'relay-1', third, later)
    waits.mockRestore()
    looks[1]?.()
    await Promise.all(after)
    expect((await ended()).toSorted()).toEqual(
      [first, second, begun, third].map(({ call }) => call.call_id).toSorted(),
    )
  })

  test('is the customer’s own affair for all of it, and no other’s', async () => {
    const mallory = await app.newcomer('Mallory')
    expect(await mallory('POST', `/v1.0/extensions/${phone.id}/block`, {})).toMatchObject({ status: 404 })
    expect((await mallory('POST', '/v1.0/customer/block', {})).body).toMatchObject({ id: mallory.id })
    expect((await alice('GET', '/v1.0/customer')).body).toMatchObject({ outbound_blocked: false })
    const trunk = await mallory('POST', `/v1.0/trunks/${crypto.randomUUID()}/release`, {})
    expect(trunk.body.error.reason).toBe('TRUNK_NOT_FOUND')
  })
})

describe('a new country', () => {
  test('is none which was called in the ninety days before, nor which is released', async () => {
    await tellAs(app, 'relay-1', called({ started_at: days(10), answered_at: days(10), ended_at: days(10) }))
    await tellAs(
      app,
      'relay-1',
      called({
        destination: tel('+33142685300'),
        started_at: days(100),
        answered_at: days(100),
        ended_at: days(100),
      }),
    )
    const set = await alice('PATCH', `/v1.0/extensions/${phone.id}`, { new_countries: 'refuse' })
    expect(set.body).toMatchObject({ new_countries: 'refuse', known_countries: ['de'] })
    const { body } = await alice('POST', `/v1.0/extensions/${phone.id}/release`, { country: 'fr' })
    expect(body).toMatchObject({ known_countries: ['de', 'fr'] })
    expect(await guardSeen()).toMatchObject({ new_countries: 'refuse', known_countries: ['DE', 'FR'] })
    const bad = await alice('POST', `/v1.0/extensions/${phone.id}/release`, { country: 'atlantis' })
    expect(bad.body.error).toMatchObject({ reason: 'INVALID_ARGUMENT' })
  })
})

describe('what looks like fraud', () => {
  const suspicion = { kind: 'extension', name: 'desk', country: null, message: 'Too many calls a minute.' }
  test('is an event, once a minute where calls are refused, once for a country where they are not', async () => {
    const tellOf = (said: object, changes: object = {}) => {
      const decision = { ...why, suspicion: { ...suspicion, id: phone.id, ...said } }
      return called({ decision, started_at: '2026-11-24T07:00:00.000Z', ...changes })
    }
    const fast = { reason: 'VELOCITY_EXCEEDED', refused: true }
    const country = { reason: 'COUNTRY_NEW', refused: false, country: 'lv' }
    await tellAs(app, 'relay-1', tellOf(fast), tellOf(fast), tellOf(country))
    await tellAs(app, 'relay-1', tellOf(fast), tellOf(country, { started_at: '2026-11-24T08:00:00.000Z' }))
    const { result } = (await alice('GET', '/v1.0/events?type=fraud.suspected')).body
    const data = result.map((event: { data: object }) => event.data)
    expect(data).toMatchObject([
      { kind: 'extension', name: 'desk', reason: 'COUNTRY_NEW', refused: false, country: 'lv', to: GERMAN },
      { reason: 'VELOCITY_EXCEEDED', refused: true, why: 'Too many calls a minute.' },
    ])
  })
})

/** The calls which the relay was ordered to end, as often as it was. */
async function ended(): Promise<string[]> {
  const { rows } = await app.database.pool.query(
    `select body ->> 'call_id' as call_id from commands where body ->> 'kind' = 'call_hangup' and relay_id = 'relay-1'`,
  )
  return rows.map(({ call_id }) => call_id)
}

/** What relays hear of what guards the phone. */
async function guardSeen() {
  const { body } = await app.relay('GET', `/relay/v1/snapshots/${alice.id}`)
  return snapshot.parse(body).extensions[0]?.guard
}

function days(ago: number): string {
  return new Date(Date.now() - ago * 86_400_000).toISOString()
}
