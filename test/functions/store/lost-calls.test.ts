import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HubFacts } from '../../../functions/relay-api/hub-facts.ts'
import { type App, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

/*
 * A relay which does not come back: what becomes of the calls it carried.
 */

let app: App
let one: TestRelay
let two: TestRelay
let call: string
let carrier: string
beforeAll(async () => {
  app = await startApp()
  carrier = (await app.alice('POST', '/v1.0/providers', { name: 'telnyx', hostname: 'telnyx.test' })).body.id
})
beforeEach(async () => {
  await app.database.pool.query('delete from relays')
  one = await newRelay(app, 'relay-1')
  two = await newRelay(app, 'relay-2')
  call = crypto.randomUUID()
  await one.beat()
  await two.beat()
  await told(1)
})
afterAll(() => app.close())

describe('calls of a relay which does not come back', () => {
  test('are ended by another relay’s beat within a minute, at the moment they were heard of last', async () => {
    await silence(20, 'relay-1')
    await heardFor(300, 'relay-2')
    await two.beat()
    expect(await record()).toMatchObject({ status: 'progressing', tm_hangup: null })
    await silence(26, 'relay-1')
    await heardFor(300, 'relay-2')
    const last = await heardLast()
    await two.beat()
    const body = await record()
    expect(body).toMatchObject({
      status: 'hangup',
      hangup_by: 'system',
      hangup_reason: 'relay_lost',
      reject_reason: 'RELAY_LOST',
      reject_message: 'The relay relay-1, which carried the call, has not been heard of any more.',
    })
    expect(Math.abs(Date.parse(body.tm_hangup) - last)).toBeLessThan(2)
  })

  test('end in their provider’s figures, too', async () => {
    await silence(46, 'relay-1')
    await heardFor(300, 'relay-2')
    await two.beat()
    const { rows } = await app.database.pool.query(
      'select ended_at is not null as over, talked_seconds > 0 as talked from attempts where call_id = $1',
      [call],
    )
    expect(rows.map((row) => [`${row.over}`[0], `${row.talked}`[0]])).toEqual([['t', 't']])
  })

  test('are ended when they are read where no relay is left: alone, and in a list', async () => {
    await silence(46, 'relay-1', 'relay-2')
    expect(await record()).toMatchObject({ status: 'hangup', hangup_reason: 'relay_lost' })
    call = crypto.randomUUID()
    await told(1)
    await silence(46)
    const { body } = await app.alice('GET', '/v1.0/calls?page_size=1')
    expect(body.result).toMatchObject([{ id: call, status: 'hangup' }])
  })

  test('go on where the edge itself was away: it has heard nobody for as long', async () => {
    await silence(46, 'relay-1', 'relay-2')
    await two.beat()
    await two.beat()
    expect(await record()).toMatchObject({ status: 'progressing' })
  })

  test('go on where the relay still tells of them', async () => {
    await silence(46, 'relay-1')
    await heardFor(300, 'relay-2')
    await told(2)
    await two.beat()
    expect(await record()).toMatchObject({ status: 'progressing' })
  })

  test('are as it says when it comes back all the same', async () => {
    await silence(46, 'relay-1')
    await heardFor(300, 'relay-2')
    await two.beat()
    await told(2)
    const back = { status: 'progressing', hangup_reason: null, reject_reason: null, tm_hangup: null }
    expect(await record()).toMatchObject(back)
  })
})

describe('a relay whose line was closed at its end, and of which nothing was heard for ten seconds', () => {
  /** The hub says so. */
  const lose = () => new HubFacts(app.env).lose('relay-1')
  const lostRelays = async () =>
    (
      await app.database.pool.query(
        `select e.data ->> 'relay_id' as id from events e where type = 'relay.lost' and at > now() - interval '1 minute'`,
      )
    ).rows.map(({ id }) => id)

  test('is told of as lost at once, and its calls end, at the moment they were heard of last; both once', async () => {
    await app.database.pool.query('delete from events')
    await silence(10, 'relay-1')
    const last = await heardLast()
    await lose()
    await lose()
    const body = await record()
    expect(body).toMatchObject({ status: 'hangup', hangup_by: 'system', hangup_reason: 'relay_lost' })
    expect(Math.abs(Date.parse(body.tm_hangup) - last)).toBeLessThan(2)
    expect(await lostRelays()).toEqual(['relay-1'])
    await heardFor(300, 'relay-2')
    await silence(60, 'relay-1')
    await two.beat()
    expect((await record()).tm_hangup).toBe(body.tm_hangup)
    expect(await lostRelays()).toEqual(['relay-1'])
    await told(2)
    expect(await record()).toMatchObject({ status: 'progressing', hangup_reason: null })
  })

  test('is not where Postgres has heard it since, or takes it for the hub’s; nor are calls of which it told since', async () => {
    await app.database.pool.query('delete from events')
    await silence(10)
    await lose()
    expect(await record()).toMatchObject({ status: 'progressing' })
    await silence(10, 'relay-1')
    await app.database.pool.query(`update relays set via_hub = true where id = 'relay-1'`)
    await lose()
    expect([await lostRelays(), (await record()).status]).toEqual([[], 'progressing'])
    await app.database.pool.query(`update relays set via_hub = false where id = 'relay-1'`)
    await told(2)
    await lose()
    expect([await lostRelays(), (await record()).status]).toEqual([['relay-1'], 'progressing'])
  })
})

async function record() {
  return (await app.alice('GET', `/v1.0/calls/${call}`)).body
}

/** So many seconds pass in which these relays say nothing, and the call is not heard of. */
async function silence(seconds: number, ...relays: string[]): Promise<void> {
  const { pool } = app.database
  const past = `interval '${seconds} seconds'`
  await pool.query(
    `update relays set beat_at = beat_at - ${past}, heard_since = heard_since - ${past} where id = any($1)`,
    [relays],
  )
  await pool.query(
    `update calls set updated_at = updated_at - ${past}, started_at = started_at - ${past},
       answered_at = answered_at - ${past} where id = $1`,
    [call],
  )
  await pool.query(`update attempts set answered_at = answered_at - ${past} where call_id = $1`, [call])
}

/** This relay has beaten for so long without a gap. */
async function heardFor(seconds: number, relayId: string): Promise<void> {
  await app.database.pool.query(
    `update relays set heard_since = now() - interval '${seconds} seconds', beat_at = now() where id = $1`,
    [relayId],
  )
}

/** When the call, or its relay, was heard of last: milliseconds of UTC. */
async function heardLast(): Promise<number> {
  const { rows } = await app.database.pool.query(
    `select extract(epoch from greatest(c.updated_at, r.beat_at)) * 1000 as at
      from calls c join relays r on r.id = c.relay_id where c.id = $1`,
    [call],
  )
  return Number(rows[0].at)
}

async function told(sequence: number): Promise<void> {
  const at = new Date(Date.now() - 10_000).toISOString()
  const tel = (target: string) => ({ type: 'tel', target })
  const attempt = {
    provider_id: carrier,
    provider_name: 'telnyx',
    address: '192.0.2.4:5060',
    transport: 'udp',
    status: 200,
    reason: 'OK',
    decision: 'final',
    started_ms: 0,
    ended_ms: 900,
    pdd_ms: 700,
  }
  const told = {
    call_id: call,
    customer_id: app.aliceId,
    relay_id: 'relay-1',
    direction: 'outgoing',
    source: tel('office1'),
    destination: tel('+15551234567'),
    number_id: null,
    provider_id: carrier,
    status: 'progressing',
    unverified: false,
    sip_call_id: 'a@b',
    started_at: at,
    ringing_at: null,
    answered_at: at,
    ended_at: null,
    hangup_by: null,
    hangup_reason: null,
    sip_status: 200,
    attempts: [attempt],
    media: null,
    reject_reason: null,
  }
  const one = { kind: 'call', tell_id: crypto.randomUUID(), sequence, at, call: told }
  const { body } = await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: [one] })
  expect(body.accepted).toHaveLength(1)
}
