import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

/*
 * A fleet of relays, as its administrator sees and orders it.
 */

let app: App
let bob: Client
let berlin: TestRelay
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  await app.database.pool.query('delete from relays')
  berlin = await newRelay(app, 'berlin-1')
})
afterAll(() => app.close())

const clock = () => new Date(Date.now() - 90_000).toISOString()
const load = { calls: 2, registrations: 140, cpu: 0.25, loop_delay_ms: 3 }
const last_error = { at: '2026-11-24T08:00:00.000Z', message: 'The disk is full.' }
const vitals = { software: '1.2.3', protocol: 4, region: 'eu-central', load, spool_bytes: 512, last_error }

describe('GET /v1.0/relays/{id}', () => {
  test('says what the relay last said of itself, and how wrong its clock is', async () => {
    await berlin.beat({ ...vitals, waiting_tells: 3, clock: clock() })
    const { body } = await app.alice('GET', '/v1.0/relays/berlin-1')
    expect(body).toMatchObject({
      id: 'berlin-1',
      alive: true,
      draining: false,
      software: '1.2.3',
      protocol: 4,
      region: 'eu-central',
      calls: 2,
      load,
      spool: { tells: 3, bytes: 512 },
      last_error,
    })
    expect(body.clock_difference_ms).toBeGreaterThan(89_000)
    expect(body.clock_difference_ms).toBeLessThan(95_000)
    expect((await app.alice('GET', '/v1.0/relays')).body.result).toMatchObject([body])
  })

  test('says of an older relay what it can, and which protocol its requests speak', async () => {
    await berlin.beat({})
    expect((await app.alice('GET', '/v1.0/relays/berlin-1')).body).toMatchObject({
      software: null,
      protocol: 1,
      region: null,
      load: null,
      calls: 0,
      spool: { tells: 0, bytes: null },
      last_error: null,
    })
  })

  test('is 404 where no relay has that name, and for administrators', async () => {
    const nobody = await app.alice('GET', '/v1.0/relays/nowhere-1')
    expect([nobody.status, nobody.body.error.reason]).toEqual([404, 'RELAY_NOT_FOUND'])
    await berlin.beat()
    expect((await bob('GET', '/v1.0/relays/berlin-1')).status).toBe(403)
  })
})
