import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '#db'
import { erase, patternOfName, patternOfNumber } from '../../../functions/store/erasing.ts'
import { keepHouse } from '../../../functions/store/keeping.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'

let app: App
let bob: Client & { id: string }
let phone: { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  phone = (await bob('POST', '/v1.0/extensions', { extension: 'office1', password: 'correct horse' })).body
})
afterAll(() => app.close())

const tel = (target: string, more: object = {}) => ({
  type: 'tel',
  target,
  target_name: '',
  name: '',
  detail: '',
  ...more,
})

/** What a call tells of its flow. */
const wentThrough = (variables: Record<string, string>) => ({
  flow_id: null,
  version: 2,
  name: 'Menu',
  trace: [{ action_id: 'a1', type: 'variable_set', at_ms: 12, variables, outcome: 'set', why: null }],
  left_out: 0,
  ended: 'left',
})

describe('POST /v1.0/erasures', () => {
  test('erases a number from calls and events, however it stands there, and from no other customer’s', async () => {
    const call = await told(bob, {
      destination: tel('+442079460001', { name: 'at 020 7946 0001' }),
      reject_message: 'Dialled as 00442079460001.',
      attempts: [attemptTold(null, 404, { reason: 'No 02079460001 here' })],
      flow: wentThrough({ caller: '+442079460001' }),
    })
    const other = await told(bob, { destination: tel('+442079460002') })
    const strangers = await told(app.alice, { destination: tel('+442079460001') })
    await happened(bob.id, { to: '+442079460001', from: '+15550001111' })
    const figures = await figuresOf()
    const { status, body } = await bob('POST', '/v1.0/erasures', { number: '+44 20 7946 0001' })
    expect([status, body.status]).toEqual([202, 'running'])
    expect((await bob('POST', '/v1.0/erasures', { number: '+442079460001' })).body.id).toBe(body.id)
    await asSecondsAgo()
    await Promise.all([erase(db(), 1), erase(db(), 1)])
    await erase(db(), 1)
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body).toMatchObject({
      status: 'completed',
      counts: { calls: 1, events: expect.any(Number) },
    })
    expect((await bob('GET', `/v1.0/calls/${call}`)).body).toMatchObject({
      destination: { target: 'erased', name: 'at erased' },
      source: { target: '+15552220001' },
      reject_message: 'Dialled as erased.',
      attempts: [{ reason: 'No erased here' }],
      flow: wentThrough({ caller: 'erased' }),
      sip_call_id: 'erased',
    })
    expect(await everything(bob.id)).not.toMatch(/7946.?0001/)
    expect((await bob('GET', `/v1.0/calls/${other}`)).body.destination.target).toBe('+442079460002')
    expect((await app.alice('GET', `/v1.0/calls/${strangers}`)).body.destination.target).toBe('+442079460001')
    expect(await figuresOf()).toEqual(figures)
    const { result } = (await bob('GET', '/v1.0/events?type=erasure.completed')).body
    expect(result).toMatchObject([{ resource_id: body.id, data: { counts: { calls: 1 } } }])
  })

  test('waits for a call which goes on; what its relay tells of it afterwards brings nothing back', async () => {
    const id = crypto.randomUUID()
    const of = { call_id: id, destination: tel('+442079460003') }
    await told(bob, { ...of, status: 'progressing', ended_at: null })
    const { body } = await bob('POST', '/v1.0/erasures', { number: '+442079460003' })
    await asSecondsAgo()
    await erase(db())
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body.status).toBe('running')
    await told(bob, of, 2)
    await erase(db())
    await told(bob, { ...of, sip_status: 200 }, 3)
    expect((await bob('GET', `/v1.0/calls/${id}`)).body).toMatchObject({
      status: 'hangup',
      destination: { target: 'erased' },
    })
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body.status).toBe('completed')
    const later = await told(bob, { destination: tel('+442079460003'), started_at: new Date().toISOString() })
    expect((await bob('GET', `/v1.0/calls/${later}`)).body.destination.target).toBe('+442079460003')
  })

  test('begins when relays have told what they had yet to tell: of such a call it erases the number, and deletes its recordings', async () => {
    const { body } = await bob('POST', '/v1.0/erasures', { number: '+442079460004' })
    await asSecondsAgo(-60)
    await erase(db())
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body.status).toBe('running')
    const call = await told(bob, { destination: tel('+442079460004') })
    const recordings = await Promise.all([call, crypto.randomUUID()].map((of) => recorded(of)))
    await asSecondsAgo(63)
    await erase(db())
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body).toMatchObject({
      status: 'completed',
      counts: { calls: 1 },
    })
    expect((await bob('GET', `/v1.0/calls/${call}`)).body.destination.target).toBe('erased')
    const { result } = (await bob('GET', '/v1.0/recordings')).body
    expect(result.map(({ id }: { id: string }) => id)).toEqual([recordings[1]])
  })

  test('erases what a relay tells first when it is done, of before: calls, what happened, recordings; and nothing of later', async () => {
    const number = '+442079460005'
    const { body } = await bob('POST', '/v1.0/erasures', { number })
    await asSecondsAgo()
    await erase(db())
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body.status).toBe('completed')
    const figures = await figuresOf()
    const call = await told(bob, { destination: tel(number), country: 'GB' })
    expect((await bob('GET', `/v1.0/calls/${call}`)).body).toMatchObject({
      destination: { target: 'erased' },
      sip_call_id: 'erased',
    })
    expect(await figuresOf()).not.toEqual(figures)
    await told(bob, { call_id: call, destination: tel(number), sip_status: 486 }, 2)
    await happened(bob.id, { to: number, from: '+15550001111' })
    const other = await recorded(crypto.randomUUID())
    const gone = [await recorded(call), await recorded(crypto.randomUUID(), number)]
    const listed: string[] = (await bob('GET', '/v1.0/recordings')).body.result.map(
      ({ id }: { id: string }) => id,
    )
    expect(listed.filter((id) => [other, ...gone].includes(id))).toEqual([other])
    expect(await everything(bob.id)).not.toMatch(/79460005/)
    const later = await told(bob, { destination: tel(number), started_at: new Date().toISOString() })
    expect((await bob('GET', `/v1.0/calls/${later}`)).body.destination.target).toBe(number)
  })

  test('erases also what happened in such a call after it was asked for, as that it ended', async () => {
    const number = '+442079460008'
    await bob('POST', '/v1.0/erasures', { number })
    await asSecondsAgo(60)
    await erase(db())
    const [began, now] = [Date.now() - 600_000, Date.now()].map((at) => new Date(at).toISOString())
    await told(bob, { destination: tel(number), started_at: began, ended_at: now })
    expect(await everything(bob.id)).not.toMatch(/79460008/)
  })

  test('erases a call which is told late and goes on when it is over', async () => {
    const number = '+442079460006'
    await bob('POST', '/v1.0/erasures', { number })
    await asSecondsAgo()
    await erase(db())
    const id = crypto.randomUUID()
    const goesOn = { call_id: id, destination: tel(number), status: 'progressing', ended_at: null }
    await told(bob, goesOn)
    await told(bob, { ...goesOn, sip_status: 200 }, 2)
    expect((await bob('GET', `/v1.0/calls/${id}`)).body).toMatchObject({
      status: 'progressing',
      destination: { target: number },
    })
    await told(bob, { call_id: id, destination: tel(number) }, 3)
    expect((await bob('GET', `/v1.0/calls/${id}`)).body).toMatchObject({
      status: 'hangup',
      destination: { target: 'erased' },
    })
    expect(await everything(bob.id)).not.toMatch(/79460006/)
  })

  test('erases such a call also where the number comes into it at its end', async () => {
    const number = '+442079460009'
    await bob('POST', '/v1.0/erasures', { number })
    await asSecondsAgo()
    await erase(db())
    const id = crypto.randomUUID()
    await told(bob, { call_id: id, status: 'progressing', ended_at: null })
    const other = await told(bob, { status: 'progressing', ended_at: null })
    await told(
      bob,
      { call_id: id, attempts: [{ ...attemptTold(null, 200), reason: `Taken by ${number}` }] },
      2,
    )
    await told(bob, { call_id: other }, 2)
    expect((await bob('GET', `/v1.0/calls/${id}`)).body).toMatchObject({
      attempts: [{ reason: 'Taken by erased' }],
      sip_call_id: 'erased',
    })
    expect(await everything(bob.id)).not.toMatch(/79460009/)
    expect((await bob('GET', `/v1.0/calls/${other}`)).body.sip_call_id).not.toBe('erased')
  })

  test('forgets a week after it is done what it erased', async () => {
    const number = '+442079460007'
    await bob('POST', '/v1.0/erasures', { number })
    await asSecondsAgo()
    await erase(db())
    const kept = async () =>
      (await app.database.pool.query('select pattern from erasures where pattern is not null')).rows.length
    expect(await kept()).toBeGreaterThan(0)
    await app.database.pool.query("update erasures set completed_at = completed_at - interval '7 days'")
    await keepHouse(app.env)
    expect(await kept()).toBe(0)
    const call = await told(bob, { destination: tel(number) })
    expect((await bob('GET', `/v1.0/calls/${call}`)).body.destination.target).toBe(number)
  })

  test('erases an extension: its name, and where its phone was', async () => {
    const party = { type: 'extension', target: 'office1', target_name: '', name: 'Ann', detail: '' }
    const heard = { packets: 1, bytes: 1, lost: 0, dropped: 0, jitter_ms: 0, sdp_address: '192.0.2.99:4000' }
    const said = { sdp_origin: '192.0.2.99', contact_address: '192.0.2.99:5060', via_address: '192.0.2.99' }
    const side = { ...heard, ...said, source_address: '192.0.2.99:5060' }
    const cause = { reason: 'PHONE_UNREACHABLE', message: 'It cannot be reached at 192.0.2.99:5060.' }
    const call = await told(bob, {
      source: party,
      extension_id: phone.id,
      media: { from_caller: side, from_callee: side },
      attempts: [attemptTold(null, 0, { cause })],
    })
    await happened(
      bob.id,
      { subject_id: phone.id, account: 'office1', source_address: '192.0.2.99' },
      phone.id,
    )
    const { body } = await bob('POST', '/v1.0/erasures', { extension_id: phone.id })
    await asSecondsAgo()
    await erase(db())
    expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body).toMatchObject({
      status: 'completed',
      extension_id: phone.id,
    })
    expect((await bob('GET', `/v1.0/calls/${call}`)).body).toMatchObject({
      source: { target: 'erased' },
      extension_id: phone.id,
    })
    expect(await everything(bob.id)).not.toMatch(/192\.0\.2\.99/)
    // A relay which was away tells only now that the phone left.
    await tellAs(app, 'relay-1', phoneTold('unregistered'))
    const { rows } = await app.database.pool.query(
      'select contact, address from bindings where extension_id = $1',
      [phone.id],
    )
    expect(rows).toEqual([{ contact: 'erased', address: 'erased' }])
    expect(await everything(bob.id)).not.toMatch(/192\.0\.2\.99/)
  })

  test.each([
    [{}, 'number'],
    [{ number: '+442079460001', extension_id: crypto.randomUUID() }, 'number'],
    [{ number: 'nobody' }, 'number'],
    [{ extension_id: crypto.randomUUID() }, 'extension_id'],
  ])('refuses %j, naming %s', async (asked, field) => {
    const { status, body } = await bob('POST', '/v1.0/erasures', asked)
    expect([status, body.error.details[0].field]).toEqual([400, field])
  })
})

describe('a number in a record', () => {
  test.each([
    ['+442079460001', 'erased'],
    ['00442079460001', 'erased'],
    ['011 44 20-7946-0001', 'erased'],
    ['99#442079460001', 'erased'],
    ['sip:+442079460001@192.0.2.1', 'sip:erased@192.0.2.1'],
    ['02079460001', 'erased'],
    ['(020) 7946 0001', /erased/],
    ['+4420794600012', '+4420794600012'],
    ['+442079460002', '+442079460002'],
    ['192079460001', '192079460001'],
  ])('%s is %s when +442079460001 is erased', async (text, left) => {
    expect(await replaced(text, patternOfNumber('+442079460001'))).toEqual(
      typeof left === 'string' ? left : expect.stringMatching(left),
    )
  })

  test.each([
    ['sip:100@office', 'sip:erased@office'],
    ['1001', '1001'],
    ['a-100', 'a-100'],
  ])('%s is %s when the extension 100 is', async (text, left) => {
    expect(await replaced(text, patternOfName('100'))).toBe(left)
  })
})

function db() {
  return connect(app.database.databaseUrl, app.database.endpointUrl)
}

async function replaced(text: string, pattern: string) {
  const { rows } = await app.database.pool.query("select erased(to_jsonb($1::text), $2) #>> '{}' as text", [
    text,
    pattern,
  ])
  return rows[0]?.text
}

async function told(of: Client, changes: object, sequence = 1): Promise<string> {
  const tell = callTell(of === bob ? bob.id : app.aliceId, changes, sequence)
  await tellAs(app, 'relay-1', tell)
  return tell.call.call_id
}

/** What a relay tells of the phone, of a week ago. */
function phoneTold(event: string) {
  const at = '2026-11-23T07:00:00.000Z'
  return {
    kind: 'binding',
    tell_id: crypto.randomUUID(),
    sequence: 1,
    at,
    event,
    binding: {
      binding_id: crypto.randomUUID(),
      customer_id: bob.id,
      extension_id: phone.id,
      relay_id: 'relay-1',
      contact: 'sip:office1@192.0.2.99:5060',
      call_id: 'a@192.0.2.99',
      cseq: 1,
      received: { transport: 'udp', address: '192.0.2.99', port: 5060 },
      registered_at: at,
      refreshed_at: at,
      expires_at: '2026-11-23T08:00:00.000Z',
    },
  }
}

async function happened(customer: string, data: object, subject: string | null = null) {
  await app.database.pool.query(
    "insert into events (id, customer_id, type, at, subject_id, data) values (gen_random_uuid(), $1, 'call.refused', now() - interval '1 minute', $2, $3)",
    [customer, subject, JSON.stringify(data)],
  )
}

/** As if what is to be erased had been asked for so long ago that relays have told what they had yet to tell. */
async function asSecondsAgo(seconds = 3) {
  await app.database.pool.query(
    `update erasures set created_at = created_at - interval '${seconds} seconds' where status = 'running'`,
  )
}

/** A recording of a call. */
async function recorded(call: string, source = '+15552220001'): Promise<string> {
  const id = crypto.randomUUID()
  await app.database.pool.query(
    `insert into recordings (id, customer_id, relay_id, kind, call_id, source, started_at)
     values ($1, $2, 'relay-1', 'call', $3, $4, now() - interval '1 minute')`,
    [id, bob.id, call, source],
  )
  return id
}

/** All that is kept of a customer's calls and events, as text. */
async function everything(customer: string) {
  const { rows } = await app.database.pool.query(
    `select string_agg(kept, ' ') as kept from (select c::text as kept from calls c where customer_id = $1
     union all select data::text from events where customer_id = $1) as k`,
    [customer],
  )
  return String(rows[0]?.kept)
}

async function figuresOf() {
  const { rows } = await app.database.pool.query(
    'select sum(attempts) as n, sum(talked_ms) as ms from call_figures',
  )
  return JSON.parse(JSON.stringify(rows))
}
