import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BeatAnswer, OriginateCommand } from '#contract'
import { connect } from '#db'
import { followCalls } from '../../../functions/store/making-calls.ts'
import { type App, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'
import { begunTell, tellAs } from '../../support/call-tells.ts'

let app: App
let [a, b]: TestRelay[] = []
let db: ReturnType<typeof connect>
const number = '+12125550100'
const far = '+13105550123'
beforeAll(async () => {
  app = await startApp()
  db = connect(app.env.DATABASE_URL, app.env.NEON_ENDPOINT)
  ;[a, b] = [await newRelay(app, 'relay-1'), await newRelay(app, 'relay-2')]
  await app.alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'long enough 1' })
  await app.alice('POST', '/v1.0/extensions', { extension: 'office2', password: 'long enough 2' })
  await app.alice('POST', '/v1.0/numbers', { number })
  await app.database.pool.query(`update numbers set ownership = 'assigned'`)
  await app.database.pool.query(`update customers set blocked_prefixes = '{+1900}'`)
  const { body } = await app.alice('POST', '/v1.0/providers', { name: 'carrier', hostname: '192.0.2.7' })
  await app.alice('POST', '/v1.0/routes', { provider_id: body.id, target: 'all' })
})
beforeEach(async () => {
  await app.database.pool.query('delete from commands')
  await app.database.pool.query('delete from relays')
})
afterAll(() => app.close())

const alive = { protocol: 4 }
const clicked = {
  source: { type: 'extension', target_name: 'office1' },
  destinations: [{ type: 'tel', target: far }],
}
const announced = {
  source: { type: 'tel', target: number },
  destinations: [
    { type: 'extension', target_name: 'office2' },
    { type: 'tel', target: far },
  ],
  actions: [{ id: 'say', type: 'talk', option: { text: 'The shop is on fire.' } }],
  metadata: { campaign: 'fire' },
}

describe('POST /v1.0/calls', () => {
  const long = (octets: number) => [
    ...Array.from({ length: Math.ceil(octets / 2_000) }, (_, at) => ({
      id: `say${at}`,
      type: 'talk',
      option: { text: 'word '.repeat(380) },
    })),
  ]

  test('is refused where an order would carry more than a relay is to hear of one customer', async () => {
    await a?.beat(alive)
    const answer = await app.alice('POST', '/v1.0/calls', { ...announced, actions: long(140_000) })
    expect(answer).toMatchObject({ status: 400, body: { error: { details: [{ field: 'actions' }] } } })
  })

  test('is heard by relays bit by bit where many carry much: none is lost, and no answer is too long', async () => {
    await a?.beat(alive)
    const { status, body } = await app.alice('POST', '/v1.0/calls', {
      ...announced,
      destinations: Array.from({ length: 10 }, (_, at) => ({ type: 'tel', target: `+1310555010${at}` })),
      actions: long(120_000),
    })
    expect(status).toBe(200)
    const made: string[] = body.calls.map(({ id }: { id: string }) => id)
    const heard: string[][] = []
    while (heard.flat().length < made.length && heard.length < 4) {
      const answer = await a?.beat(alive)
      expect(JSON.stringify(answer).length).toBeLessThan(1_300_000)
      heard.push((answer?.commands ?? []).map((one) => ('call_id' in one ? one.call_id : '')))
    }
    expect(heard.map(({ length }) => length > 0)).toEqual([true, true])
    expect(heard.flat().toSorted()).toEqual(made.toSorted())
  })

  test('rings the source of a click, and orders that of one relay, once', async () => {
    await a?.beat(alive)
    const { status, body } = await app.alice('POST', '/v1.0/calls', { ...clicked, ring_seconds: 20 })
    expect([status, body.calls.length, body.groupcalls]).toEqual([200, 1, []])
    const [call] = body.calls
    expect(call).toMatchObject({ status: 'dialing', direction: 'outgoing', sip_call_id: null })
    expect(call).toMatchObject({ source: { target: 'office1' }, destination: { target: far } })
    expect((await app.alice('GET', `/v1.0/calls/${call.id}`)).body).toEqual(call)
    const [told, ...more] = (await a?.beat(alive))?.commands ?? []
    expect(more).toEqual([])
    expect(told).toMatchObject({
      kind: 'originate',
      call_id: call.id,
      ring_ms: 20_000,
      run: { kind: 'join' },
    })
    expect((await a?.beat(alive))?.commands).toEqual([])
    expect(await eventsOf(call.id)).toEqual(['call.created'])
  })

  test('calls each destination, which follows the flow', async () => {
    await a?.beat(alive)
    const { body } = await app.alice('POST', '/v1.0/calls', announced)
    expect(body.calls.map(({ direction, metadata }: Shown) => [direction, metadata])).toEqual([
      ['internal', { campaign: 'fire' }],
      ['outgoing', { campaign: 'fire' }],
    ])
    const orders = originates(await a?.beat(alive))
    expect(orders.map(({ caller_id, run }) => [caller_id, run.kind])).toEqual([
      [number, 'flow'],
      [number, 'flow'],
    ])
    const called = orders.map(
      ({ run }) => run.kind === 'flow' && run.variables['voipbin.call.destination.target'],
    )
    expect(called.toSorted()).toEqual([far, 'office2'])
  })

  test('goes by a flow which is kept, and those to which it leads', async () => {
    const inner = await app.alice('POST', '/v1.0/flows', { actions: [{ id: 'bye', type: 'hangup' }] })
    const outer = await app.alice('POST', '/v1.0/flows', {
      name: 'outer',
      actions: [{ id: 'on', type: 'fetch_flow', option: { flow_id: inner.body.id } }],
    })
    await a?.beat(alive)
    const { actions: _, ...others } = announced
    expect((await app.alice('POST', '/v1.0/calls', { ...others, flow_id: outer.body.id })).status).toBe(200)
    const [order] = originates(await a?.beat(alive))
    expect(order?.run).toMatchObject({ program: { id: outer.body.id } })
    expect(order?.run.kind === 'flow' && order.run.programs.map(({ id }) => id)).toContain(inner.body.id)
  })

  test.each<[string, object, string, string]>([
    [
      'no source of one’s own',
      { ...clicked, source: { type: 'extension', target: 'nope' } },
      'source.target',
      'REFERENCE_NOT_FOUND',
    ],
    [
      'a foreign number',
      { ...announced, source: { type: 'tel', target: '+12125550999' } },
      'source.target',
      'REFERENCE_NOT_FOUND',
    ],
    [
      'a foreign number to be shown',
      { ...clicked, caller_id: '+12125550999' },
      'caller_id',
      'REFERENCE_NOT_FOUND',
    ],
    ['no flow from a number', { ...announced, actions: undefined }, 'actions', 'INVALID_ARGUMENT'],
    ['both flows', { ...announced, flow_id: crypto.randomUUID() }, 'flow_id', 'INVALID_ARGUMENT'],
    [
      'a flow which is none',
      { ...announced, actions: undefined, flow_id: crypto.randomUUID() },
      'flow_id',
      'REFERENCE_NOT_FOUND',
    ],
    [
      'a flow which is wrong',
      { ...announced, actions: [{ id: 'x', type: 'goto', option: { target_id: 'y' } }] },
      'actions.0.option.target_id',
      'INVALID_FLOW',
    ],
    [
      'a prompt which is none',
      { ...announced, actions: [{ type: 'play', option: { prompt_id: crypto.randomUUID() } }] },
      'actions.0.option.prompt_id',
      'REFERENCE_NOT_FOUND',
    ],
    ['nobody', { ...clicked, destinations: [] }, 'destinations', 'INVALID_ARGUMENT'],
    [
      'two for one click',
      { ...clicked, destinations: announced.destinations },
      'destinations',
      'INVALID_ARGUMENT',
    ],
    [
      'one twice',
      { ...announced, destinations: [clicked.destinations[0], clicked.destinations[0]] },
      'destinations.1.target',
      'INVALID_ARGUMENT',
    ],
    [
      'no number',
      { ...clicked, destinations: [{ type: 'tel', target: 'x' }] },
      'destinations.0.target',
      'INVALID_ARGUMENT',
    ],
    [
      'help',
      { ...clicked, destinations: [{ type: 'tel', target: '911' }] },
      'destinations.0.target',
      'INVALID_ARGUMENT',
    ],
    [
      'an extension which is none',
      { ...clicked, destinations: [{ type: 'extension', target: 'nope' }] },
      'destinations.0',
      'CALL_REFUSED',
    ],
    [
      'a country which is not allowed',
      { ...clicked, destinations: [{ type: 'tel', target: '+442079460000' }] },
      'destinations.0',
      'CALL_REFUSED',
    ],
    ['a field it has not', { ...clicked, destination: far }, 'destination', 'INVALID_ARGUMENT'],
  ])('refuses %s before anything rings', async (_, body, field, reason) => {
    await a?.beat(alive)
    const { body: answer } = await app.alice('POST', '/v1.0/calls', body)
    expect(answer.error).toMatchObject({ reason, details: [{ field }] })
    expect((await a?.beat(alive))?.commands).toEqual([])
  })

  test('says the reason of the decision', async () => {
    await a?.beat(alive)
    const abroad = { ...clicked, destinations: [{ type: 'tel', target: '+442079460000' }] }
    expect((await app.alice('POST', '/v1.0/calls', abroad)).body.error.message).toContain(
      'DESTINATION_NOT_ALLOWED: ',
    )
  })

  test('with an Idempotency-Key calls nobody twice', async () => {
    await a?.beat(alive)
    const ask = () =>
      app.send('/v1.0/calls', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${app.aliceKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'once',
        },
        body: JSON.stringify(clicked),
      })
    const [first, second] = [await ask(), await ask()]
    expect(second.body).toEqual(first.body)
    expect((await a?.beat(alive))?.commands).toHaveLength(1)
    // An answer which was lost before it was kept: the same request is carried out again, and makes nothing new.
    await app.database.pool.query(
      `update idempotency_keys set sealed_answer = null, created_at = now() - interval '2 minutes'`,
    )
    expect((await ask()).body.calls[0].id).toBe(first.body.calls[0].id)
    expect((await a?.beat(alive))?.commands).toEqual([])
  })

  test('chooses the relay where the first party rung is registered, else the one with the fewest calls', async () => {
    await a?.beat({ ...alive, load: { calls: 5, registrations: 0, cpu: 0, loop_delay_ms: 0 } })
    await b?.beat({ ...alive, load: { calls: 9, registrations: 1, cpu: 0, loop_delay_ms: 0 } })
    await app.alice('POST', '/v1.0/calls', clicked)
    expect([(await a?.beat(alive))?.commands.length, (await b?.beat(alive))?.commands.length]).toEqual([1, 0])
    await registered('office1', 'relay-2')
    await app.alice('POST', '/v1.0/calls', clicked)
    expect([(await a?.beat(alive))?.commands.length, (await b?.beat(alive))?.commands.length]).toEqual([0, 1])
    await app.database.pool.query('delete from bindings')
  })

  test.each<[string, () => Promise<unknown>]>([
    ['none was heard', async () => {}],
    ['the only one is too old', async () => a?.beat({ protocol: 3 })],
    ['all drain', async () => a?.beat({ ...alive, draining: true })],
    ['it is dead', async () => [await a?.beat(alive), await a?.fallSilent()]],
  ])('says NO_RELAY where %s, and makes no record', async (_, so) => {
    await so()
    const before = await records()
    expect(await app.alice('POST', '/v1.0/calls', clicked)).toMatchObject({
      status: 503,
      body: { error: { reason: 'NO_RELAY' } },
    })
    expect(await records()).toBe(before)
  })
})

/*
 * A call's steps: it is ordered, taken by its relay, begun (the relay was told that it may), told of. Whichever relay dies at
 * whichever of them, at most one is ever told that it may begin.
 */
describe('a relay which dies', () => {
  const step = {
    ordered: async () => {},
    taken: async () => void (await a?.beat(alive)),
    begun: async (order: Ordered) => {
      await a?.beat(alive)
      expect(await begin(a, order)).toBe(true)
    },
    told: async (order: Ordered) => {
      await step.begun(order)
      await tellAs(app, 'relay-1', begunTell(app.aliceId, order.call_id, 1))
    },
  }

  test.each([
    ['ordered', 'relay-2', 'dialing'],
    ['taken', 'relay-2', 'dialing'],
    ['begun', 'nobody', 'dialing'],
    ['told', 'nobody', 'dialing'],
  ] as const)('when it was %s leaves the call to %s', async (reached, next, status) => {
    await a?.beat(alive)
    const order = await ordered()
    await b?.beat(alive)
    await step[reached](order)
    await a?.fallSilent()
    await followCalls(db)
    const taken = originates(await b?.beat(alive))
    expect(taken.map(({ call_id }) => call_id)).toEqual(next === 'nobody' ? [] : [order.call_id])
    expect(await begin(b, order)).toBe(next !== 'nobody')
    // The one which was taken for dead lives, and asks late: it may begin what it had begun, and nothing else.
    expect(await begin(a, order)).toBe(next === 'nobody')
    expect(await shown(order)).toMatchObject({ status })
  })

  test.each([
    ['takes no new calls leaves it to another at once', 'ordered', 'RELAY_DRAINING'],
    ['heard of it too late ends its record', 'ordered', 'TOO_LATE'],
    ['does not hear that it may begin ends its record', 'begun', 'EDGE_AWAY'],
  ] as const)('or %s', async (_, reached, reason) => {
    await a?.beat(alive)
    const order = await ordered()
    await b?.beat(alive)
    await step.taken()
    await step[reached](order)
    const result = { ok: false, reason, message: 'It makes none.' }
    await a?.beat({ ...alive, results: [{ command_id: order.command_id, result }] })
    await followCalls(db)
    const isFollowed = reason === 'RELAY_DRAINING'
    const taken = originates(await b?.beat(alive))
    expect(taken.map(({ call_id }) => call_id)).toEqual(isFollowed ? [order.call_id] : [])
    const over = { status: 'hangup', reject_reason: reason, reject_message: 'It makes none.' }
    expect(await shown(order)).toMatchObject(isFollowed ? { status: 'dialing' } : over)
    expect(await eventsOf(order.call_id)).toEqual(['call.created', ...(isFollowed ? [] : ['call.ended'])])
  })

  test('is followed by one relay only: when that does not begin it either, its record says so', async () => {
    await a?.beat(alive)
    const order = await ordered()
    await a?.fallSilent()
    await b?.beat(alive)
    await followCalls(db)
    await b?.fallSilent()
    await a?.beat(alive)
    expect((await followCalls(db, [order.command_id])).left).toBe(0)
    expect(await shown(order)).toMatchObject({
      status: 'hangup',
      hangup_reason: 'failed',
      reject_reason: 'NO_RELAY',
    })
    expect(originates(await a?.beat(alive))).toEqual([])
    expect([await begin(a, order), await begin(b, order)]).toEqual([false, false])
    expect(await eventsOf(order.call_id)).toEqual(['call.created', 'call.ended'])
  })

  test('and begins anew hears the call once more, where there is no other', async () => {
    await a?.beat(alive)
    const order = await ordered()
    await step.taken()
    await app.database.pool.query(`update commands set taken_at = taken_at - interval '11 seconds'`)
    await followCalls(db)
    const restarted = await newRelay(app, 'relay-1')
    const started = {
      kind: 'relay',
      tell_id: crypto.randomUUID(),
      sequence: 1,
      at: new Date().toISOString(),
      event: 'started',
      relay_id: 'relay-1',
    }
    await tellAs(app, 'relay-1', started)
    expect(await shown(order)).toMatchObject({ status: 'dialing' })
    expect(originates(await restarted.beat(alive)).map(({ call_id }) => call_id)).toEqual([order.call_id])
    expect(await begin(restarted, order)).toBe(true)
    // That it began anew is heard once more, when it has begun the call.
    await tellAs(app, 'relay-1', started)
    expect(await shown(order)).toMatchObject({ status: 'dialing' })
    await app.database.pool.query(`delete from relays`)
  })

  test.each([
    ['takes nothing', 'created_at', false],
    ['takes it and does not ask', 'taken_at', true],
  ])('or lives and %s is followed too', async (_, column, takes) => {
    const [relay, other] = [await newRelay(app, 'relay-1'), await newRelay(app, 'relay-2')]
    await relay.beat(alive)
    const order = await ordered()
    if (takes) await relay.beat(alive)
    await other.beat(alive)
    expect((await followCalls(db)).left).toBe(1)
    expect(originates(await other.beat(alive))).toEqual([])
    await app.database.pool.query(`update commands set ${column} = ${column} - interval '11 seconds'`)
    await followCalls(db)
    expect(originates(await other.beat(alive))).toHaveLength(1)
    expect([await begin(relay, order), await begin(other, order)]).toEqual([false, true])
    expect((await followCalls(db)).left).toBe(0)
  })

  test('leaves nothing to be begun once its time is over', async () => {
    await a?.beat(alive)
    const order = await ordered()
    await a?.beat(alive)
    await app.database.pool.query(
      `update commands set body = body || jsonb_build_object('until', now() - interval '1 second')`,
    )
    expect(await begin(a, order)).toBe(false)
    await followCalls(db)
    expect(await shown(order)).toMatchObject({ status: 'hangup', reject_reason: 'NO_RELAY' })
  })
})

type Shown = Record<string, unknown>
interface Ordered {
  call_id: string
  command_id: string
}

async function ordered(): Promise<Ordered> {
  const { body } = await app.alice('POST', '/v1.0/calls', clicked)
  const [{ id: call_id }] = body.calls
  const { rows } = await app.database.pool.query(`select id from commands where body ->> 'call_id' = $1`, [
    call_id,
  ])
  return { call_id, command_id: rows[0].id }
}

async function begin(relay: TestRelay | undefined, { call_id, command_id }: Ordered): Promise<boolean> {
  return (await relay?.client('POST', '/relay/v1/begin', { call_id, command_id }))?.body.begin
}

function originates(answer: BeatAnswer | undefined): OriginateCommand[] {
  return (answer?.commands ?? []).filter((one) => one.kind === 'originate')
}

async function shown({ call_id }: Ordered): Promise<Shown> {
  return (await app.alice('GET', `/v1.0/calls/${call_id}`)).body
}

async function eventsOf(callId: string): Promise<string[]> {
  const { rows } = await app.database.pool.query(
    'select type from events where subject_id = $1 order by at',
    [callId],
  )
  return rows.map(({ type }) => type)
}

async function records(): Promise<number> {
  return Number((await app.database.pool.query('select count(*) from calls')).rows[0].count)
}

async function registered(name: string, relayId: string): Promise<void> {
  await app.database.pool.query(
    `insert into bindings (id, customer_id, extension_id, relay_id, sequence, event, contact, q, call_id, cseq, transport, address,
       port, path, user_agent, registered_at, refreshed_at, expires_at)
     select gen_random_uuid(), customer_id, id, $2, 1, 'registered', 'sip:x', 1, 'c', 1, 'udp', '192.0.2.9', 5060, '{}', '', now(), now(),
       now() + interval '1 hour' from extensions where extension = $1`,
    [name, relayId],
  )
}
