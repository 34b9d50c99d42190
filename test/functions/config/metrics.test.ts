import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expositionType } from '#contract'
import edge from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'
import { readExposition, seriesOf } from '../../support/exposition.ts'

/*
 * What the edge says to machines of all relays together.
 */

let app: App
let bob: Client
let bobsKey: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  bobsKey = (await bob('POST', '/v1.0/accesskeys', { name: 'scraper' })).body.token
})
afterAll(() => app.close())

const scrape = async (key: string) => {
  const response = await edge.request('/metrics', { headers: { authorization: `Bearer ${key}` } }, app.env)
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

describe('GET /metrics', () => {
  test('is for administrators’ keys', async () => {
    expect((await app.send('/metrics', {})).status).toBe(401)
    expect((await scrape('tk_wrong')).status).toBe(401)
    expect(await scrape(bobsKey)).toMatchObject({
      status: 403,
      text: expect.stringContaining('PERMISSION_DENIED'),
    })
  })

  test('says how relays stand and what calls came to, in the format', async () => {
    const berlin = await newRelay(app, 'berlin-1')
    const load = { calls: 2, registrations: 140, cpu: 0.25, loop_delay_ms: 3 }
    await berlin.beat({ load, waiting_tells: 3 })
    await newRelay(app, 'gone-1').then((relay) => relay.beat({ load }))
    await app.database.pool.query(`update relays set beat_at = now() - interval '1 hour' where id = 'gone-1'`)
    const { id, customer_id } = (
      await app.alice('POST', '/v1.0/providers', { name: 'telnyx', hostname: '192.0.2.4' })
    ).body
    const now = new Date().toISOString()
    const times = { started_at: now, ringing_at: now, answered_at: now, ended_at: now }
    const attempts = [attemptTold(id, 503), attemptTold(id, 200)]
    await tellAs(
      app,
      'berlin-1',
      callTell(customer_id, { ...times, relay_id: 'berlin-1', attempts, provider_id: id }),
    )
    const { status, type, text } = await scrape(app.aliceKey)
    expect([status, type]).toEqual([200, expositionType])
    const families = readExposition(text)
    const of = (name: string, labels = {}) => seriesOf(families, `trunkline_edge_${name}`, labels)
    expect([of('relays', { state: 'alive' }), of('relays', { state: 'lost' })]).toEqual([1, 1])
    expect(of('relay_calls', { relay: 'berlin-1' })).toBe(2)
    expect(of('relay_spool_tells', { relay: 'berlin-1' })).toBe(3)
    expect(of('relay_last_heard_timestamp_seconds', { relay: 'berlin-1' })).toBeCloseTo(Date.now() / 1000, -2)
    expect(of('call_attempts_total', { direction: 'outgoing' })).toBe(2)
    expect(of('call_attempts_answered_total', { direction: 'outgoing' })).toBe(1)
    expect(of('events_total')).toBeGreaterThan(3)
    expect(of('deliveries_waiting')).toBe(0)
  })
})

test('GET /readyz is answered as /healthz is', async () => {
  const asked = await Promise.all(['/readyz', '/healthz'].map((path) => app.send(path, {})))
  expect(asked.map(({ status }) => status)).toEqual([200, 200])
})
