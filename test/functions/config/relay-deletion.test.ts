import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { judgeAlerts } from '../../../functions/alerts/evaluator.ts'
import { prepare } from '../../../functions/env.ts'
import { bindingTell } from '../../relay/io/tells.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callUnderWay, channels, newRelay, type TestRelay } from '../../support/beat.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'
import { soon } from '../../support/wait.ts'

/*
 * A relay which does not come back is forgotten, as its administrator says.
 */

let app: App
let bob: Client & { id: string }
let berlin: TestRelay
let hamburg: TestRelay
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  await app.database.pool.query('delete from relays; delete from slices; delete from leases')
  berlin = await newRelay(app, 'berlin-1')
  hamburg = await newRelay(app, 'hamburg-1')
  await berlin.beat(vitals)
  await hamburg.beat(vitals)
})
afterAll(() => app.close())

const load = { calls: 2, registrations: 140, cpu: 0.25, loop_delay_ms: 3 }
const vitals = { software: '1.2.3', protocol: 4, region: 'eu-central', load }
const forget = (who: Client = app.alice) => who('DELETE', '/v1.0/relays/berlin-1')
const listed = async () =>
  (await app.alice('GET', '/v1.0/relays')).body.result.map(({ id }: { id: string }) => id)

describe('DELETE /v1.0/relays/{id}', () => {
  test('is refused of a relay which lives, by beats or on the hub’s line, and says what to do first', async () => {
    const alive = await forget()
    expect([alive.status, alive.body.error.reason]).toEqual([409, 'RELAY_ALIVE'])
    expect(alive.body.error.message).toContain('stop its process')
    await berlin.fallSilent()
    await app.database.pool.query(`update relays set via_hub = true where id = 'berlin-1'`)
    expect((await forget()).status).toBe(409)
    expect(await listed()).toEqual(['berlin-1', 'hamburg-1'])
  })

  test('forgets one which is not heard of, or was stopped: it is listed no more', async () => {
    await berlin.beat({ ...vitals, draining: true, load: { ...load, calls: 0 } })
    await berlin.fallSilent()
    expect(await forget()).toMatchObject({ status: 200, body: { id: 'berlin-1', alive: false } })
    expect(await listed()).toEqual(['hamburg-1'])
    expect((await app.alice('GET', '/v1.0/relays/berlin-1')).status).toBe(404)
    expect(await forget()).toMatchObject({ status: 404, body: { error: { reason: 'RELAY_NOT_FOUND' } } })
  })

  test('is an administrator’s: another customer’s key is refused, and one which may only read', async () => {
    await berlin.fallSilent()
    expect((await forget(bob)).status).toBe(403)
    const { body } = await app.alice('POST', '/v1.0/accesskeys', { name: 'watch', scopes: ['read'] })
    expect((await forget(app.as(body.token))).status).toBe(403)
    expect((await app.alice('DELETE', '/v1.0/relays/No%20Name')).status).toBe(400)
    expect(await listed()).toEqual(['berlin-1', 'hamburg-1'])
  })

  test('ends the alert on its loss with why, and tells the platform once, and who did it', async () => {
    const judge = () => judgeAlerts(prepare(app.env).db)
    const { body: alert } = await app.platform('POST', '/v1.0/alerts', { when: { kind: 'relay_lost' } })
    await judge()
    await silent('berlin-1', 20)
    await hamburg.beat(vitals)
    await judge()
    const incidents = async () =>
      (await app.platform('GET', `/v1.0/alerts/${alert.id}/incidents`)).body.result
    expect(await incidents()).toMatchObject([{ subject: 'berlin-1', tm_resolve: null }])
    await forget()
    await judge()
    const [incident] = await incidents()
    expect(incident.tm_resolve).not.toBeNull()
    expect(incident.resolution).toBe('berlin-1 is gone: It was deleted as one which does not come back.')
    const { body } = await app.platform('GET', '/v1.0/events?type=relay.deleted')
    const { id: key_id } = (await app.alice('GET', '/v1.0/accesskey')).body
    expect(
      body.result.filter(({ data }: { data: { key_id: string } }) => data.key_id === key_id)[0],
    ).toMatchObject({
      relay_id: 'berlin-1',
      data: {
        relay_id: 'berlin-1',
        region: 'eu-central',
        why: 'It was deleted as one which does not come back.',
      },
    })
    const resolved = await app.platform('GET', `/v1.0/events?type=alert.resolved&resource_id=${alert.id}`)
    expect(resolved.body.result).toHaveLength(1)
    await app.platform('DELETE', `/v1.0/alerts/${alert.id}`)
  })

  test('ends its calls which go on by their record, and no other relay’s', async () => {
    const ids = await Promise.all(['berlin-1', 'hamburg-1'].map((at) => callAt(at)))
    await silent('berlin-1', 7)
    await forget()
    const [here, there] = await Promise.all(ids.map((id) => bob('GET', `/v1.0/calls/${id}`)))
    expect(here?.body).toMatchObject({ status: 'hangup', hangup_by: 'system', hangup_reason: 'relay_lost' })
    expect(there?.body).toMatchObject({ status: 'progressing' })
    const { body } = await bob('GET', `/v1.0/events?type=call.ended&resource_id=${ids[0]}`)
    expect(body.result).toMatchObject([
      { data: { hangup_reason: 'relay_lost', reject_reason: 'RELAY_LOST' } },
    ])
  })

  test('leads no call to its phones any more, and tells of each; a PBX with two contacts there is lost once', async () => {
    const [desk, pbx] = await accounts()
    await registered('berlin-1', desk)
    await registered('berlin-1', pbx)
    await registered('berlin-1', pbx)
    await registered('hamburg-1', desk)
    await silent('berlin-1', 7)
    await forget()
    const ask = { customer_id: bob.id, ids: [desk.extension_id, pbx.extension_id] }
    const { body } = await hamburg.client('POST', '/relay/v1/target', ask)
    expect(body.at).toMatchObject([{ id: desk.extension_id, relay_id: 'hamburg-1' }])
    const told = async (type: string, id: string) =>
      (await bob('GET', `/v1.0/events?type=${type}&resource_id=${id}`)).body.result
    const why = { reason: 'RELAY_DELETED', why: 'The relay at which it was registered is gone for good.' }
    expect(await told('registration.lost', desk.extension_id)).toMatchObject([
      { data: { ...why, others: 1 } },
    ])
    expect(await told('registration.lost', pbx.extension_id)).toMatchObject([
      { data: { ...why, others: 0 } },
      { data: { ...why, others: 0 } },
    ])
    expect(await told('trunk.registration_changed', pbx.extension_id)).toMatchObject([
      { data: { from: 'registered', to: 'not_registered', reason: 'RELAY_DELETED' } },
      { data: { from: 'not_registered', to: 'registered' } },
    ])
  })

  test('leaves nothing of what it held to it: shares of limits, calls which count, its word on providers', async () => {
    const { id } = (await bob('POST', '/v1.0/providers', { name: 'Telnyx', hostname: 'telnyx.test' })).body
    const health = {
      status: 'healthy' as const,
      since: '2026-11-24T00:00:00.000Z',
      latency_ms: 5,
      last: null,
      why: '',
    }
    await bob('GET', '/v1.0/customer')
    await app.alice('PATCH', `/v1.0/customers/${bob.id}`, { max_channels: 10 })
    const version = (await hamburg.beat(vitals)).version
    const held = {
      ...vitals,
      version,
      health: [{ provider_id: id, customer_id: bob.id, ...health }],
      slices: [channels(bob.id, null, 1)],
      leases: [callUnderWay(bob.id, { kind: 'customer', id: bob.id })],
    }
    await berlin.beat(held)
    expect(await itsRows()).toEqual([1, 1, 1])
    await silent('berlin-1', 7)
    await forget()
    expect(await itsRows()).toEqual([0, 0, 0])
    const share = (await hamburg.beat({ ...vitals, slices: [channels(bob.id, null, 1)] })).slices[0]
    expect(share?.amount).toBe(10)
  })
})

describe('a relay which was deleted and comes back after all', () => {
  test('is listed anew by its next beat, as a new relay is: nothing is ordered of it, and nothing told as back', async () => {
    await app.alice('POST', '/v1.0/relays/berlin-1/drain', {})
    await silent('berlin-1', 20)
    await hamburg.beat(vitals)
    await forget()
    await app.database.pool.query("delete from events where type like 'relay.%'")
    expect((await berlin.beat(vitals)).drain).toBe(false)
    expect((await app.alice('GET', '/v1.0/relays/berlin-1')).body).toMatchObject({
      alive: true,
      drain: false,
    })
    expect((await app.platform('GET', '/v1.0/events?type=relay.*')).body.result).toEqual([])
    expect((await forget()).status).toBe(409)
  })

  test('has its calls and its phones again as soon as it tells of them', async () => {
    const call = await callAt('berlin-1')
    const [desk] = await accounts()
    const phone = await registered('berlin-1', desk)
    await silent('berlin-1', 7)
    await forget()
    await berlin.beat(vitals)
    await callAt('berlin-1', call, 2)
    await registered('berlin-1', desk, phone, 2)
    expect((await bob('GET', `/v1.0/calls/${call}`)).body).toMatchObject({
      status: 'progressing',
      reject_reason: null,
    })
    const { body } = await bob('GET', '/v1.0/registrations')
    expect(body.result).toContainEqual(expect.objectContaining({ id: phone, relay_id: 'berlin-1' }))
  })
})

// PGlite is one session: nobody could hold what another waits for.
describe.runIf(process.env.TEST_DATABASE_URL)('a beat and a deletion at the same time', () => {
  const waits = () =>
    soon('one to wait for the other', async () => {
      const { rows } = await app.database.pool.query(
        "select from pg_stat_activity where wait_event_type = 'Lock'",
      )
      return rows.length > 0
    })

  test('leave a relay which lives, and all of it, where the beat was first', async () => {
    const call = await callAt('berlin-1')
    await silent('berlin-1', 7)
    const beat = await app.database.pool.connect()
    await beat.query("begin; update relays set beat_at = now() where id = 'berlin-1'")
    const answer = forget()
    await waits()
    await beat.query('commit')
    beat.release()
    expect((await answer).body.error.reason).toBe('RELAY_ALIVE')
    expect((await bob('GET', `/v1.0/calls/${call}`)).body.status).toBe('progressing')
  })

  test('leave a new relay, which holds what it says, where the deletion was first', async () => {
    await silent('berlin-1', 7)
    const deletion = await app.database.pool.connect()
    await deletion.query("begin; delete from relays where id = 'berlin-1'")
    const heard = berlin.beat({ ...vitals, leases: [callUnderWay(bob.id, { kind: 'customer', id: bob.id })] })
    await waits()
    await deletion.query('commit')
    deletion.release()
    await heard
    expect((await app.alice('GET', '/v1.0/relays/berlin-1')).body).toMatchObject({
      alive: true,
      drain: false,
    })
    expect((await itsRows())[1]).toBe(1)
  })
})

/** So many seconds pass in which one says nothing, and the other was heard all the while. */
async function silent(relayId: string, seconds: number): Promise<void> {
  await app.database.pool.query(
    `update relays set heard_since = now() - interval '1 hour',
       beat_at = case when id = $1 then now() - $2 * interval '1 second' else now() end`,
    [relayId, seconds],
  )
}

/** How many shares, calls which count and words on providers are berlin-1’s. */
async function itsRows(): Promise<number[]> {
  const { rows } = await app.database.pool.query(
    ['slices', 'leases', 'provider_reports']
      .map((table) => `select count(*) as n from ${table} where relay_id = 'berlin-1'`)
      .join(' union all '),
  )
  return rows.map(({ n }) => Number(n))
}

/** Has a relay tell of a call of Bob’s which goes on there; gives its id. */
async function callAt(
  relay_id: string,
  call_id: string = crypto.randomUUID(),
  sequence = 1,
): Promise<string> {
  const over = { ended_at: null, hangup_by: null, hangup_reason: null }
  const changes = { ...over, call_id, relay_id, status: 'progressing', started_at: new Date().toISOString() }
  await tellAs(app, relay_id, callTell(bob.id, { ...changes, ringing_at: null, answered_at: null }, sequence))
  return call_id
}

interface Account {
  readonly account: 'extension' | 'trunk'
  readonly extension_id: string
}

/** A phone’s and a PBX’s, of Bob’s. */
async function accounts(): Promise<[Account, Account]> {
  const name = `a${crypto.randomUUID().slice(0, 8)}`
  const wish = { username: name, password: 'secure-password' }
  const desk = await bob('POST', '/v1.0/extensions', wish)
  const pbx = await bob('POST', '/v1.0/trunks', { ...wish, domain_name: name, auth_types: ['basic'] })
  return [
    { account: 'extension', extension_id: desk.body.id },
    { account: 'trunk', extension_id: pbx.body.id },
  ]
}

/** Has a relay tell that a phone registered there; gives the id of its binding. */
async function registered(
  relay_id: string,
  account: Account,
  id: string = crypto.randomUUID(),
  sequence = 1,
): Promise<string> {
  const tell = bindingTell('registered', id, sequence)
  const at = new Date().toISOString()
  const until = new Date(Date.now() + 600_000).toISOString()
  const times = { registered_at: at, refreshed_at: at, expires_at: until }
  const binding = { ...tell.binding, ...account, ...times, customer_id: bob.id, relay_id }
  await tellAs(app, relay_id, { ...tell, at, binding })
  return id
}
