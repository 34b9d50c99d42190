import { PgDialect } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Beat, PLATFORM, protocolHeader, routeDecision, routeQuestion, snapshot, utcMs } from '#contract'
import { ConfigIndex, decide, type Runtime, unused } from '#routing'
import { programsLedTo } from '../../../functions/config/flow-programs.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, BASE_DOMAIN, RELAY_SECRET, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { voipbinFlows, voipbinRefused } from '../../support/voipbin-flows.ts'

let app: App
const number = '+15551112233'

beforeAll(async () => {
  app = await startApp()
  for (const extension of ['sales', 'support'])
    await app.alice('POST', '/v1.0/extensions', { extension, password: 'secure-password' })
})
afterAll(() => app.close())

const answer = { id: 'answer', type: 'answer' }
const ask = { id: 'menu', type: 'digits_receive', option: { prompt: { text: 'Press 1.' } } }
const rings = (name: string, more = {}) => ({
  id: name,
  type: 'connect',
  option: { destinations: [{ type: 'extension', target_name: name, ...more }] },
})
const menu = [
  answer,
  ask,
  { id: 'choice', type: 'branch', option: { target_ids: { '1': 'sales' }, default_target_id: 'support' } },
  { ...rings('sales', { ring_seconds: 20 }), next_id: 'bye' },
  rings('support'),
  { id: 'bye', type: 'hangup' },
]

async function make(actions: unknown, more = {}) {
  return app.alice('POST', '/v1.0/flows', { name: 'the menu', actions, ...more })
}

describe('a flow', () => {
  test('of several actions is kept as it is written, with what it leaves out', async () => {
    const { body } = await make(menu)
    expect(body).toMatchObject({ version: 1, variables: {} })
    expect(body.actions[3]).toMatchObject({
      id: 'sales',
      next_id: 'bye',
      option: { destinations: [{ target: 'sales', target_name: 'sales', ring_seconds: 20 }], timeout: null },
    })
    expect((await app.alice('PUT', `/v1.0/flows/${body.id}`, body)).body).toMatchObject({ version: 1 })
  })

  test('has another version with each change of what it does, and no other with a new name', async () => {
    const { body } = await make(menu)
    const path = `/v1.0/flows/${body.id}`
    expect((await app.alice('PATCH', path, { name: 'another' })).body.version).toBe(1)
    expect((await app.alice('PATCH', path, { actions: [answer] })).body.version).toBe(2)
    expect((await app.alice('PATCH', path, { variables: { greeting: 'Hello' } })).body.version).toBe(3)
  })

  const refused: [string, object[], string, RegExp][] = [
    [
      'a target which is not there',
      [{ ...answer, next_id: 'gone' }],
      'actions.0.next_id',
      /"answer" .*"gone".*no action/,
    ],
    ['two actions of one id', [answer, answer], 'actions.1.id', /each needs one of its own/],
    [
      'a circle in which the caller need do nothing',
      [ask, { type: 'goto', option: { target_id: 'menu' } }],
      'actions.1',
      /for ever.*"menu".*loop_count/,
    ],
    [
      'a variable which is set on one way alone',
      [
        {
          type: 'condition_variable',
          option: {
            condition: '==',
            variable: 'voipbin.call.direction',
            value_string: 'x',
            false_target_id: 'say',
          },
        },
        { type: 'variable_set', option: { key: 'who', value: 'you' } },
        { id: 'say', type: 'talk', option: { text: 'Hello ${who}' } },
      ],
      'actions.2.option.text',
      /"say" .*"who".*variable_set/,
    ],
    [
      'an extension which is not there',
      [rings('nobody')],
      'actions.0.option.destinations.0.target_name',
      /no extension/,
    ],
    [
      'a mailbox which is nobody\u2019s',
      [{ type: 'voicemail', option: { extension: 'nobody' } }],
      'actions.0.option.extension',
      /no extension/,
    ],
    [
      'a flow which is not there',
      [{ type: 'fetch_flow', option: { flow_id: crypto.randomUUID() } }],
      'actions.0.option.flow_id',
      /no flow/,
    ],
    [
      'a number which is none',
      [{ type: 'connect', option: { destinations: [{ type: 'tel', target: '12' }] } }],
      'actions.0.option.destinations.0.target',
      /not a phone number/,
    ],
    [
      'a time zone which is none',
      [{ id: 'day', type: 'condition_datetime', option: { time_zone: 'Mars', false_target_id: 'day' } }],
      'actions.0',
      /for ever/,
    ],
  ]
  test.each(refused)('with %s is refused, naming the action', async (_, actions, field, words) => {
    const { status, body } = await make(actions)
    expect(status).toBe(400)
    expect(body.error.details[0].field).toBe(field)
    expect(body.error.message).toMatch(words)
  })

  test('which leads back to itself by another is refused', async () => {
    const { body: one } = await make(menu)
    const { body: other } = await make([{ type: 'fetch_flow', option: { flow_id: one.id } }])
    const back = { actions: [{ type: 'fetch_flow', option: { flow_id: other.id } }] }
    const { status, body } = await app.alice('PATCH', `/v1.0/flows/${one.id}`, back)
    expect([status, body.error.reason]).toEqual([400, 'INVALID_FLOW'])
    expect((await app.alice('DELETE', `/v1.0/flows/${one.id}`)).body.error.reason).toBe('FLOW_IN_USE')
  })

  test('which leads to too many is refused, by others too, and to too large ones', async () => {
    const keep = async (actions: object[]) => {
      const id = crypto.randomUUID()
      const row = [id, app.aliceId, JSON.stringify(actions)]
      await app.database.pool.query(
        "insert into flows (id, customer_id, name, actions) values ($1, $2, 'led to', $3)",
        row,
      )
      return id
    }
    const brought = async (...ids: string[]) => {
      const { sql, params } = new PgDialect().sqlToQuery(programsLedTo(app.aliceId, ids))
      return (await app.database.pool.query(sql, params)).rows
    }
    const leads = (flow_id: string) => ({ id: flow_id, type: 'fetch_flow', option: { flow_id } })
    let last = await keep([answer])
    for (let others = 1; others < 49; others++) last = await keep([leads(last)])
    const { status, body: kept } = await make([leads(last)])
    expect(status).toBe(200)
    const { body: refused } = await make([leads(kept.id)])
    expect(refused.error).toMatchObject({
      reason: 'INVALID_FLOW',
      message: expect.stringMatching(/at most 50 flows/),
    })

    // However they came to be so many, no more than 50 are brought.
    expect(await brought(await keep([leads(kept.id)]))).toHaveLength(50)

    const large = { id: 'x', type: 'talk', option: { text: 'x'.repeat(600_000) } }
    const [one, two, three] = [await keep([large]), await keep([large]), await keep([large])]
    expect((await make([leads(one)])).status).toBe(200)
    const { body: heavy } = await make([leads(one), leads(two)])
    expect(heavy.error.message).toMatch(/1048576 octets/)
    expect(await brought(one, two, three)).toHaveLength(2)
  })

  test('which rings an extension among others stays when that goes, and one which does nothing else goes along', async () => {
    await app.alice('POST', '/v1.0/extensions', { extension: 'leaving', password: 'secure-password' })
    const { body: found } = await app.alice('GET', '/v1.0/extensions?extension=leaving')
    const [extension] = found.result
    const { body: large } = await make([answer, rings('leaving')])
    const { body: plain } = await make([rings('leaving')])
    const path = `/v1.0/extensions/${extension.id}`
    expect((await app.alice('DELETE', path)).body.error.reason).toBe('EXTENSION_IN_USE')
    expect((await app.alice('DELETE', `${path}?cascade=true`)).status).toBe(200)
    expect((await app.alice('GET', `/v1.0/flows/${large.id}`)).body.tm_delete).toBeNull()
    expect((await app.alice('GET', `/v1.0/flows/${plain.id}`)).body.tm_delete).not.toBeNull()
  })
})

describe('a flow of VoIPBIN\u2019s documents', () => {
  test.each(voipbinFlows)(
    'is kept and runs as it stands: $name',
    async ({ actions, variables = {}, walks }) => {
      const { status, body } = await make(actions, { variables })
      expect([status, body.error]).toEqual([200, undefined])
      for (const { tried, through } of walks) {
        const { body: walked } = await app.alice('POST', '/v1.0/flows/simulate', {
          flow_id: body.id,
          ...tried,
        })
        expect(walked.trace.map(({ type }: { type: string }) => type)).toEqual(through)
      }
    },
  )

  test('shows nothing of what is passed over', async () => {
    const passed = [
      { type: 'talk', option: { text: 'Hello', gender: 'female' }, tm_execute: '2026-11-24T09:00:00Z' },
    ]
    const { body } = await make(passed)
    expect(Object.keys(body.actions[0])).not.toContain('tm_execute')
    expect(Object.keys(body.actions[0].option)).not.toContain('gender')
    expect((await app.alice('PUT', `/v1.0/flows/${body.id}`, { actions: passed })).body.version).toBe(2)
    expect((await app.alice('PATCH', `/v1.0/flows/${body.id}`, { name: 'x' })).body.version).toBe(2)
  })

  test.each(voipbinRefused)(
    'has %j, which is refused with what to write instead',
    async (action, instead) => {
      const { status, body } = await make([action])
      expect(status).toBe(400)
      expect(body.error.details.map(({ message }: { message: string }) => message).join()).toMatch(instead)
    },
  )
})

describe('the versions of a flow', () => {
  const talks = (text: string) => ({ id: 'say', type: 'talk', option: { text } })
  /** One which was changed twice and renamed, and what is asked of its versions. */
  async function changedTwice() {
    const { body } = await make([answer])
    const path = `/v1.0/flows/${body.id}`
    await app.alice('PATCH', path, { actions: [talks('${who}')], variables: { who: 'you' } })
    await app.alice('PATCH', path, { name: 'renamed' })
    await app.alice('PATCH', path, { actions: [talks('third')], variables: {} })
    return { id: body.id, path, versions: (more = '') => app.alice('GET', `${path}/versions${more}`) }
  }

  test('are listed, the newest first and page by page, each as it was last', async () => {
    const { id, versions } = await changedTwice()
    const { body: first } = await versions('?page_size=2')
    expect(first.result).toMatchObject([
      { flow_id: id, version: 3, name: 'renamed', actions: [{ option: { text: 'third' } }] },
      { flow_id: id, version: 2, name: 'renamed', variables: { who: 'you' } },
    ])
    const { body: last } = await versions(`?page_size=2&page_token=${first.next_page_token}`)
    expect(last).toMatchObject({
      result: [{ version: 1, name: 'the menu', actions: [{ id: 'answer', type: 'answer' }] }],
      next_page_token: '',
    })
    // A token one made oneself is a place like any, however far it is.
    const far = btoa(JSON.stringify([Number.MAX_SAFE_INTEGER]))
    expect((await versions(`?page_token=${far}`)).body.result).toHaveLength(3)
    const times = [...last.result, ...first.result.reverse()].map(({ tm_create }) => tm_create)
    expect(times).toEqual([...times].sort())
    const { body: keys } = await app.alice('GET', '/v1.0/accesskeys')
    expect(keys.result.map((key: { id: string }) => key.id)).toContain(last.result[0].key_id)
  })

  test('are read one by one; one which is not there yet is 404, and one which is not kept 410', async () => {
    const { id, versions } = await changedTwice()
    expect((await versions('/2')).body).toMatchObject({
      version: 2,
      actions: [{ option: { text: '${who}' } }],
    })
    const latest = 'select max(at) from changes where resource_id = $1'
    await app.database.pool.query(`delete from changes where resource_id = $1 and at < (${latest})`, [id])
    expect((await versions()).body.result).toMatchObject([{ version: 3 }, { version: 2, tm_create: null }])
    const refused = await Promise.all(['/1', '/4', '/0', '/x'].map(versions))
    expect(refused.map(({ status, body }) => [status, body.error.reason])).toEqual([
      [410, 'VERSION_GONE'],
      [404, 'VERSION_NOT_FOUND'],
      [400, 'INVALID_ID'],
      [400, 'INVALID_ID'],
    ])
  })

  test('come back as a new one, which is checked as what is saved', async () => {
    const { path } = await changedTwice()
    const restored = (version: number) => app.alice('POST', `${path}/versions/${version}/restore`)
    const { body: back } = await restored(2)
    expect(back).toMatchObject({ version: 4, name: 'renamed', variables: { who: 'you' } })
    expect((await restored(4)).body.version).toBe(4)
    const headers = { authorization: `Bearer ${app.aliceKey}`, 'if-match': '"another"' }
    const mismatched = await app.send(`${path}/versions/1/restore`, { method: 'POST', headers })
    expect(mismatched.status).toBe(412)
    await app.alice('POST', '/v1.0/extensions', { extension: 'gone', password: 'secure-password' })
    const { body: found } = await app.alice('GET', '/v1.0/extensions?extension=gone')
    await app.alice('PATCH', path, { actions: [answer, rings('gone')] })
    await app.alice('PATCH', path, { actions: [answer] })
    await app.alice('DELETE', `/v1.0/extensions/${found.result[0].id}`)
    const { status, body } = await restored(5)
    expect([status, body.error.reason]).toEqual([400, 'REFERENCE_NOT_FOUND'])
    expect((await app.alice('GET', path)).body.version).toBe(6)
  })
})

describe('a flow which is tried', () => {
  const walk = (asked: object) => app.alice('POST', '/v1.0/flows/simulate', asked)
  const ids = (body: { trace: { action_id: string }[] }) => body.trace.map((step) => step.action_id)

  test('goes where the keys lead, and rings whom it would ring', async () => {
    const { body } = await walk({ flow: { actions: menu }, digits: '1' })
    expect(ids(body)).toEqual(['answer', 'menu', 'choice', 'sales', 'bye'])
    expect(body).toMatchObject({ flow_id: null, ended: 'hung_up' })
    expect(body.orders.map((order: { type: string }) => order.type)).toContain('connect')
  })

  test('is one which is kept, with those it leads to, at any time of day', async () => {
    const { body: open } = await make([answer])
    const { body: hours } = await make([
      {
        id: 'hours',
        type: 'condition_datetime',
        option: {
          time_zone: 'Europe/Berlin',
          periods: [{ from: '09:00', to: '17:00' }],
          false_target_id: 'night',
        },
      },
      { id: 'day', type: 'fetch_flow', option: { flow_id: open.id } },
      { id: 'night', type: 'hangup' },
    ])
    const at = (time: string) => walk({ flow_id: hours.id, at: `2026-11-24T${time}Z` })
    expect(ids((await at('08:30:00')).body)).toEqual(['hours', 'day', 'answer', 'night'])
    expect(ids((await at('16:30:00')).body)).toEqual(['hours', 'night'])
  })

  test.each([
    ['nothing', {}, 'flow'],
    ['a flow which is another\u2019s', { flow_id: crypto.randomUUID() }, 'flow_id'],
    ['keys which are none', { flow: { actions: [answer] }, digits: 'x' }, 'digits'],
    [
      'a flow which is none',
      { flow: { actions: [{ ...answer, next_id: 'gone' }] } },
      'flow.actions.0.next_id',
    ],
  ])('by %s is refused', async (_, asked, field) => {
    const { status, body } = await walk(asked)
    expect([status, body.error.details[0].field]).toEqual([400, field])
  })
})

/** Nothing is known of health and of what is in use. */
const live: Runtime = {
  at: utcMs(Date.now()),
  baseDomain: BASE_DOMAIN,
  decidedBy: 'relay',
  snapshotAgeMs: 0,
  version: () => 1,
  health: () => 'unknown',
  trial: () => false,
  use: () => unused,
}

describe('a flow which relays cannot carry out', () => {
  const deaf = { engine: 'rtpengine', keys: false } as const
  const hears = { engine: 'rtpengine', keys: true } as const
  const own = { engine: 'own', keys: true } as const
  const presses = { id: 'door', type: 'digits_send', option: { digits: '9' } }
  const skips = { type: 'talk', option: { text: 'Hello', digits_handle: 'next' } }
  const speaks = (end_of_key?: string) => ({ type: 'voicemail', option: { end_of_key } })
  const cases: [string, (Beat['media'] | undefined)[], object[], RegExp | undefined, string?][] = [
    [
      'asks for keys where no relay hears any',
      [deaf],
      [answer, ask],
      /^digits_receive hears no keys: each.*MEDIA_ENGINE.*leave the action out$/,
    ],
    [
      'sends keys where each relay has an rtpengine',
      [deaf, hears],
      [answer, presses],
      /^digits_send sends no keys/,
    ],
    [
      'lets a key end what is said where no relay hears any',
      [deaf],
      [answer, skips],
      /^waits for a key.*or leave it out$/,
      '.option.digits_handle',
    ],
    [
      'lets a key end a message where no relay hears any',
      [deaf],
      [answer, speaks()],
      /^waits for a key.*or write "none"$/,
      '.option.end_of_key',
    ],
    ['lets silence end a message', [deaf], [answer, speaks('none')], undefined],
    ['lets keys end what one relay hears', [deaf, hears], [answer, skips, speaks()], undefined],
    ['asks for keys where one relay hears them', [deaf, hears], [answer, ask], undefined],
    ['sends keys where one relay does', [hears, own], [answer, presses], undefined],
    ['asks for keys of an older relay', [undefined], [answer, ask, presses], undefined],
    ['asks for nothing of the kind', [deaf], [answer, rings('sales')], undefined],
  ]
  test.each(cases)('%s', async (_, engines, actions, why, at = '') => {
    const relays = await Promise.all(engines.map((_, at) => newRelay(app, `engine-${at}`)))
    for (const [at, relay] of relays.entries()) await relay.beat({ media: engines[at] })
    const ordered = {
      source: { type: 'extension', target_name: 'sales' },
      destinations: [{ type: 'tel', target: '+12125550123' }],
      actions,
    }
    const answers = [
      await make(actions),
      await app.alice('POST', '/v1.0/flows/simulate', { flow: { actions } }),
      ...(why ? [await app.alice('POST', '/v1.0/calls', ordered)] : []),
    ]
    for (const relay of relays) await relay.fallSilent()
    for (const { status, body } of answers) {
      expect(status < 300).toBe(why === undefined)
      if (why === undefined) continue
      expect([status, body.error.reason, body.error.details[0].field]).toEqual([
        400,
        'INVALID_FLOW',
        `actions.1${at}`,
      ])
      expect(body.error.details[0].message).toMatch(why)
    }
  })
})

describe('a number with a flow', () => {
  const source = '192.0.2.77'
  let flow: { id: string }
  beforeAll(async () => {
    await app.alice('POST', '/v1.0/providers', { hostname: 'sip.flow.test', inbound_addresses: [source] })
    const { body: more } = await make([answer])
    flow = (await make([...menu, { type: 'fetch_flow', option: { flow_id: more.id } }])).body
    await app.alice('POST', '/v1.0/numbers', { number, call_flow_id: flow.id })
  })
  const question = {
    call_id: crypto.randomUUID(),
    caller: { kind: 'source', address: source, port: 5060, transport: 'udp', line: null },
    from: { user: '+12125550100' },
    to: { user: number, host: 'here' },
  }

  /** What a relay is told which understands a protocol. */
  async function routed(protocol: string): Promise<unknown> {
    const key = await relayKey(RELAY_SECRET, 'relay-1')
    const headers = { authorization: `Bearer ${key}`, [protocolHeader]: protocol }
    const init = { method: 'POST', headers, body: JSON.stringify(question) }
    return (await app.fetch('/relay/v1/route', init)).json()
  }

  test('is refused to a relay which follows none, in words it can read', async () => {
    const decision = routeDecision.parse(await routed('1'))
    expect(decision).toMatchObject({
      status: 503,
      reason: 'RELAY_TOO_OLD',
      explanation: { outcome: 'reject' },
    })
  })

  test('says so when it is asked where a call goes', async () => {
    const asked = { from: '+12125550100', to: number, source }
    const { body: why } = await app.alice('POST', '/v1.0/routes/resolve', asked)
    expect([why.outcome, why.flow]).toEqual(['flow', { id: flow.id, version: 1, name: 'the menu' }])
  })

  test('is decided alike by the edge and by a relay: with all it leads to, in their versions', async () => {
    const decision = routeDecision.parse(await routed('3'))
    if (decision.kind !== 'flow') throw new Error(`It is a ${decision.kind}.`)
    expect(decision).toMatchObject({
      program: { id: flow.id, version: 1, actions: { length: 7 } },
      called: number,
    })
    expect(decision.programs.map(({ actions }) => actions.length)).toEqual([1])
    expect(decision.variables['voipbin.call.source.target']).toBe('+12125550100')
    expect(decision.forwarder).toMatchObject({ kind: 'number', name: number })
    const index = new ConfigIndex()
    for (const id of [app.aliceId, PLATFORM]) {
      const { body } = await app.relay('GET', `/relay/v1/snapshots/${id}`)
      index.put(snapshot.parse(body))
    }
    const here = decide(routeQuestion.parse(question), index.configuration, live)
    expect({ ...here, explanation: null, provider_id: decision.provider_id }).toEqual({
      ...decision,
      explanation: null,
    })
  })
})
