import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import edge from '../../../functions/index.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'

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

describe('POST /v1.0/relays/{id}/drain', () => {
  const drain = (body?: object) => app.alice('POST', '/v1.0/relays/berlin-1/drain', body ?? {})

  test('has the relay hear of it with each beat, until it is taken back', async () => {
    expect((await berlin.beat(vitals)).drain).toBe(false)
    expect(await drain()).toMatchObject({ status: 202, body: { drain: true, draining: false, calls: 2 } })
    expect((await berlin.beat(vitals)).drain).toBe(true)
    expect((await berlin.beat({ ...vitals, draining: true })).drain).toBe(true)
    expect((await app.alice('GET', '/v1.0/relays/berlin-1')).body).toMatchObject({
      drain: true,
      draining: true,
    })
    expect(await drain({ drain: false })).toMatchObject({ status: 202, body: { drain: false } })
    expect((await berlin.beat({ ...vitals, draining: true })).drain).toBe(false)
  })

  test('is over with the process which was ordered so', async () => {
    await berlin.beat(vitals)
    await drain()
    const next = await newRelay(app, 'berlin-1')
    expect((await next.beat(vitals)).drain).toBe(false)
  })

  test('is refused of a relay which would not understand, of none, and to who is no administrator', async () => {
    await berlin.beat({ ...vitals, protocol: 3 })
    const old = await drain()
    expect([old.status, old.body.error.reason]).toEqual([409, 'RELAY_TOO_OLD'])
    expect(old.body.error.message).toContain('speaks protocol 3, and 4 is needed')
    const none = await app.alice('POST', '/v1.0/relays/nowhere-1/drain', {})
    expect([none.status, none.body.error.reason]).toEqual([404, 'RELAY_NOT_FOUND'])
    expect((await bob('POST', '/v1.0/relays/berlin-1/drain', {})).status).toBe(403)
    expect((await drain({ drain: 'yes' })).status).toBe(400)
  })
})

describe('a relay which is not heard of any more', () => {
  let hamburg: TestRelay
  beforeEach(async () => {
    await app.database.pool.query("delete from events where type like 'relay.%'")
    hamburg = await newRelay(app, 'hamburg-1')
    await berlin.beat(vitals)
    await hamburg.beat(vitals)
  })
  const told = async () => {
    const { body } = await app.platform('GET', '/v1.0/events?type=relay.*')
    return body.result.map(
      ({ type, data }: { type: string; data: { relay_id: string } }) => `${type} ${data.relay_id}`,
    )
  }
  const silent = (seconds: number, ...relays: string[]) =>
    app.database.pool.query(
      `update relays set beat_at = now() - $1 * interval '1 second', heard_since = now() - interval '1 hour' where id = any($2)`,
      [seconds, relays],
    )

  test('is told of once, to the platform, and once when it is back', async () => {
    await silent(16, 'berlin-1')
    await silent(1, 'hamburg-1')
    await hamburg.beat(vitals)
    await hamburg.beat(vitals)
    expect(await told()).toEqual(['relay.lost berlin-1'])
    const { body } = await app.platform('GET', '/v1.0/events?type=relay.lost')
    expect(body.result[0]).toMatchObject({
      relay_id: 'berlin-1',
      data: { region: 'eu-central', calls: 2, why: 'It has not been heard of for 16 seconds.' },
    })
    expect((await bob('GET', '/v1.0/events?type=relay.*')).body.result).toEqual([])
    await berlin.beat(vitals)
    await berlin.beat(vitals)
    expect(await told()).toEqual(['relay.back berlin-1', 'relay.lost berlin-1'])
  })

  test('is told of by cron where no relay is left whose beat would, and its calls end', async () => {
    await silent(46, 'berlin-1', 'hamburg-1')
    const call = callTell(
      app.aliceId,
      { relay_id: 'berlin-1', status: 'progressing', answered_at: new Date().toISOString() },
      1,
    )
    await tellAs(app, 'berlin-1', call)
    await app.database.pool.query("update calls set updated_at = now() - interval '1 minute'")
    await edge.scheduled(undefined, app.env)
    expect((await told()).sort()).toEqual(['relay.lost berlin-1', 'relay.lost hamburg-1'])
    const { rows } = await app.database.pool.query('select status, hangup_reason from calls')
    expect(rows).toEqual([{ status: 'hangup', hangup_reason: 'relay_lost' }])
  })

  test('is not lost where it was stopped: it drained, and nothing was left there', async () => {
    await berlin.beat({ ...vitals, draining: true, load: { ...load, calls: 0 } })
    await silent(16, 'berlin-1')
    await silent(1, 'hamburg-1')
    await hamburg.beat(vitals)
    expect(await told()).toEqual([])
    await berlin.beat({ ...vitals, draining: true })
    await silent(16, 'berlin-1')
    await hamburg.beat(vitals)
    expect(await told()).toEqual(['relay.lost berlin-1'])
  })

  test('is not lost where the edge itself was away: it has heard no relay for as long', async () => {
    await silent(16, 'berlin-1', 'hamburg-1')
    await app.database.pool.query('update relays set heard_since = now()')
    await hamburg.beat(vitals)
    await hamburg.beat(vitals)
    expect(await told()).toEqual([])
  })
})
