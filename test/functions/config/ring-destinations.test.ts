import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explanation, routeDecision, snapshot } from '#contract'
import { type App, startApp } from '../../support/app.ts'

let app: App
let desk: { id: string; realm: string }
let mobile: { id: string }
let colleague: { id: string }
beforeAll(async () => {
  app = await startApp()
  const phone = async (extension: string) =>
    (await app.alice('POST', '/v1.0/extensions', { extension, password: 'correct-horse-1' })).body
  desk = await phone('desk')
  mobile = await phone('mobile')
  colleague = await phone('colleague')
  const pbx = { domain_name: 'acme', auth_types: ['basic'], username: 'pbx', password: 'correct-horse-1' }
  await app.alice('POST', '/v1.0/trunks', pbx)
  const carrier = { name: 'telnyx', hostname: 'sip.telnyx.test', inbound_addresses: ['192.0.2.7'] }
  const { body: telnyx } = await app.alice('POST', '/v1.0/providers', { ...carrier, diversion: 'diversion' })
  await app.alice('POST', '/v1.0/routes', { provider_id: telnyx.id })
})
afterAll(() => app.close())

const whole = (destination: object) => ({ ring_seconds: null, delay_seconds: 0, when: [], ...destination })
const forward = (body: object, { id } = desk) => app.alice('POST', `/v1.0/extensions/${id}/forwarding`, body)
const rings = async (destinations: object[] | null, { id }: { id: string } = desk) => {
  const { status, body } = await app.alice('PATCH', `/v1.0/extensions/${id}`, { destinations })
  return status === 200 ? body.destinations : [status, body.error.reason, body.error.details[0].field]
}
const decisionOf = async (question: object) =>
  routeDecision.parse((await app.relay('POST', '/relay/v1/route', question)).body)

describe('destinations of an extension', () => {
  test('are kept as they were written, numbers in E.164', async () => {
    const list = [
      { type: 'extension', target: 'desk', ring_seconds: 15 },
      { type: 'trunk', target: 'acme', delay_seconds: 5 },
      { type: 'tel', target: '(212) 555-0000', when: ['no_answer', 'failed'] },
      { type: 'sip', target: 'sip:door@192.0.2.9:5070', when: ['busy'] },
    ]
    expect(await rings(list)).toEqual([
      whole({ type: 'extension', target: 'desk', ring_seconds: 15 }),
      whole({ type: 'trunk', target: 'acme', delay_seconds: 5 }),
      whole({ type: 'tel', target: '+12125550000', when: ['no_answer', 'failed'] }),
      whole({ type: 'sip', target: 'sip:door@192.0.2.9:5070', when: ['busy'] }),
    ])
  })

  test.each([
    [[{ type: 'extension', target: 'nobody' }], 'REFERENCE_NOT_FOUND', 'destinations.0.target'],
    [
      [
        { type: 'extension', target: 'desk' },
        { type: 'trunk', target: 'none' },
      ],
      'REFERENCE_NOT_FOUND',
      'destinations.1.target',
    ],
    [[{ type: 'tel', target: '911' }], 'INVALID_ARGUMENT', 'destinations.0.target'],
    [[{ type: 'sip', target: 'desk@example.com' }], 'INVALID_ARGUMENT', 'destinations.0.target'],
    [[{ type: 'tel', target: '+12125550000', when: ['busy'] }], 'INVALID_ARGUMENT', 'destinations.0.when'],
    [
      [{ type: 'tel', target: '+12125550000', ring_seconds: 1 }],
      'INVALID_ARGUMENT',
      'destinations.0.ring_seconds',
    ],
    [
      [
        { type: 'tel', target: '+12125550000' },
        { type: 'tel', target: '(212) 555-0000', delay_seconds: 5 },
      ],
      'INVALID_ARGUMENT',
      'destinations.1.target',
    ],
  ])('are refused where they cannot be: %j', async (list, reason, field) => {
    expect(await rings(list)).toEqual([
      reason === 'INVALID_ARGUMENT' ? 400 : expect.any(Number),
      reason,
      field,
    ])
  })

  test('end with a flow, and it goes from the list with the flow', async () => {
    const body = { name: 'menu', actions: [{ type: 'answer' }] }
    const { body: flow } = await app.alice('POST', '/v1.0/flows', body)
    const when = ['busy', 'no_answer']
    const last = { type: 'flow', target: flow.id.toUpperCase(), when }
    const itself = { type: 'extension', target: 'desk' }
    expect(await rings([itself, last])).toMatchObject([itself, { ...last, target: flow.id }])
    expect(await rings([last], mobile)).toEqual([400, 'INVALID_ARGUMENT', 'destinations.0.when'])
    expect(await rings([{ ...last, when: [] }], mobile)).toMatchObject([{ target: flow.id }])
    const wrong: [object[], string][] = [
      [[{ ...last, when: [] }, itself], 'destinations.0.type'],
      [[itself, { ...last, when: [] }], 'destinations.1.when'],
      [[itself, last, { type: 'tel', target: '+12125550000', when }], 'destinations.1.type'],
      [[itself, { ...last, ring_seconds: 20 }], 'destinations.1.ring_seconds'],
      [[itself, { ...last, delay_seconds: 1 }], 'destinations.1.delay_seconds'],
      [[itself, { ...last, target: 'menu' }], 'destinations.1.target'],
    ]
    for (const [list, field] of wrong) expect(await rings(list)).toEqual([400, 'INVALID_ARGUMENT', field])
    const gone = [itself, { ...last, target: crypto.randomUUID() }]
    expect(await rings(gone)).toEqual([expect.any(Number), 'REFERENCE_NOT_FOUND', 'destinations.1.target'])
    const alone = { number: '+12125554444', destinations: [{ ...last, when: [] }] }
    expect(await app.alice('POST', '/v1.0/numbers', alone)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('call_flow_id') } },
    })

    const path = `/v1.0/flows/${flow.id}`
    expect(await app.alice('DELETE', path)).toMatchObject({ body: { error: { reason: 'FLOW_IN_USE' } } })
    expect(await app.alice('DELETE', `${path}?cascade=true`)).toMatchObject({ status: 200 })
    const listOf = async ({ id }: { id: string }) =>
      (await app.alice('GET', `/v1.0/extensions/${id}`)).body.destinations
    expect([await listOf(desk), await listOf(mobile)]).toEqual([[whole(itself)], null])
  })

  test('which lead to a carrier of the platform are refused where that can be told: by its name, its networks, where it was found', async () => {
    const carrier = { name: 'ours', hostname: 'sip.ours.test', inbound_addresses: ['198.51.100.0/25'] }
    const { body } = await app.platform('POST', '/v1.0/providers', carrier)
    await app.database.pool.query(
      `update providers set found = '{2001:db8::7}', found_since = '{now}' where id = $1`,
      [body.id],
    )
    const sip = (host: string) => [{ type: 'sip', target: `sip:1900@${host}` }]
    for (const host of ['SIP.ours.test:5062', '198.51.100.9', '[2001:db8:0::7]:5070'])
      expect(await rings(sip(host))).toEqual([400, 'INVALID_ARGUMENT', 'destinations.0.target'])
    // Another customer's carrier is no bar.
    for (const host of ['sip.telnyx.test', '192.0.2.7', '198.51.100.200', '[2001:db8::8]'])
      expect(await rings(sip(host))).toMatchObject([{ type: 'sip' }])
    await app.platform('DELETE', `/v1.0/providers/${body.id}`)
    expect(await rings(sip('198.51.100.9'))).toMatchObject([{ type: 'sip' }])
  })

  test('which lead back to it are refused as they are saved, however far round', async () => {
    await rings([
      { type: 'extension', target: 'desk' },
      { type: 'extension', target: 'mobile' },
    ])
    await rings([{ type: 'extension', target: 'colleague' }], mobile)
    expect(await rings([{ type: 'extension', target: 'desk' }], colleague)).toEqual([
      400,
      'INVALID_ARGUMENT',
      'destinations',
    ])
    expect(await rings([{ type: 'extension', target: 'colleague' }], colleague)).toMatchObject([{}])
    await rings(null, colleague)
  })

  test('which lead back to it by a number of the customer’s own are refused as they are saved, too', async () => {
    const number = '+12125552222'
    const { body: own } = await app.alice('POST', '/v1.0/numbers', { number, extension_id: desk.id })
    await rings(null)
    expect(await rings([{ type: 'tel', target: number }])).toEqual([400, 'INVALID_ARGUMENT', 'destinations'])
    expect(await rings([{ type: 'tel', target: number }], mobile)).toMatchObject([{ target: number }])
    const back = { number: '+12125553333', destinations: [{ type: 'extension', target: 'colleague' }] }
    await rings([{ type: 'tel', target: back.number }], colleague)
    expect(await app.alice('POST', '/v1.0/numbers', back)).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'destinations' }] } },
    })
    await rings(null, colleague)
    await rings(null, mobile)
    await app.alice('DELETE', `/v1.0/numbers/${own.id}`)
  })

  test('keep an extension from being deleted, unless asked: then those who rang it ring as if they had none', async () => {
    const gone = `/v1.0/extensions/${mobile.id}`
    await rings([{ type: 'extension', target: 'mobile' }])
    expect(await app.alice('DELETE', gone)).toMatchObject({ body: { error: { reason: 'EXTENSION_IN_USE' } } })
    const body = { extension: 'mobile', password: 'correct-horse-1' }
    expect(await app.alice('DELETE', `${gone}?cascade=true`)).toMatchObject({ status: 200 })
    expect((await app.alice('GET', `/v1.0/extensions/${desk.id}`)).body.destinations).toBeNull()
    mobile = (await app.alice('POST', '/v1.0/extensions', body)).body
  })
})

describe('POST /v1.0/extensions/{id}/forwarding', () => {
  const colleagues = { type: 'extension', target: 'colleague' }
  const outside = { type: 'tel', target: '+12125550000' }

  test.each([
    ['always', { always: outside }, [whole(outside)]],
    ['do not disturb', { do_not_disturb: true }, []],
    [
      'one for two conditions, another for a third',
      { busy: outside, not_registered: outside, no_answer: colleagues, ring_seconds: 20 },
      [
        whole({ type: 'extension', target: 'desk', ring_seconds: 20 }),
        whole({ ...outside, when: ['busy', 'not_registered'] }),
        whole({ ...colleagues, when: ['no_answer'] }),
      ],
    ],
    ['nothing', {}, null],
  ])('sets the extension’s list: %s', async (_, asked, destinations) => {
    expect(await forward(asked)).toMatchObject({ status: 200, body: { extension: 'desk', destinations } })
    expect((await app.alice('GET', `/v1.0/extensions/${desk.id}`)).body.destinations).toEqual(destinations)
  })

  test.each([
    [{ do_not_disturb: true, always: outside }, 'do_not_disturb'],
    [{ always: outside, busy: colleagues }, 'always'],
  ])('refuses what excludes each other: %j', async (asked, field) => {
    expect(await forward(asked)).toMatchObject({ status: 400, body: { error: { details: [{ field }] } } })
  })

  test('is for the customer’s own extensions', async () => {
    const bob = await app.newcomer('Bob')
    const asked = await bob('POST', `/v1.0/extensions/${desk.id}/forwarding`, {})
    expect(asked).toMatchObject({ status: 404, body: { error: { reason: 'EXTENSION_NOT_FOUND' } } })
  })
})

describe('a number with destinations', () => {
  const list = [
    { type: 'extension', target: 'desk', ring_seconds: 20 },
    { type: 'tel', target: '+12125550000', when: ['no_answer'] },
  ]
  const source = { source: '192.0.2.7', from: '+13105550123', to: '+12125551111' }

  test('rings them instead of an extension, and not beside one', async () => {
    const number = { number: '+12125551111', destinations: list }
    const both = await app.alice('POST', '/v1.0/numbers', { ...number, extension_id: desk.id })
    expect(both).toMatchObject({ status: 400, body: { error: { details: [{ field: 'extension_id' }] } } })
    const none = await app.alice('POST', '/v1.0/numbers', { ...number, destinations: [] })
    expect(none).toMatchObject({ status: 400, body: { error: { details: [{ field: 'destinations' }] } } })
    const made = await app.alice('POST', '/v1.0/numbers', number)
    expect(made).toMatchObject({ status: 200, body: { destinations: list.map(whole) } })
  })

  test('is resolved to the plan, each destination decided as its turn would be, and whom it sends the call on to after it', async () => {
    await forward({ busy: { type: 'extension', target: 'colleague' } })
    const { body } = await app.alice('POST', '/v1.0/routes/resolve', source)
    expect(explanation.parse(body)).toMatchObject({
      outcome: 'connect',
      plan: [
        {
          by: '+12125551111',
          step: 1,
          target: 'desk',
          ring_seconds: 20,
          outcome: 'connect',
          message: 'Rings whom the extension desk names.',
        },
        { by: 'desk', step: 1, target: 'desk', outcome: 'connect', message: 'Rings extension desk.' },
        { by: 'desk', step: 2, target: 'colleague', when: ['busy'], outcome: 'connect' },
        {
          by: '+12125551111',
          step: 2,
          target: '+12125550000',
          when: ['no_answer'],
          outcome: 'connect',
          message: 'Tries telnyx.',
          caller_id: { from: 'number', number: '+12125551111' },
          candidates: [{ provider_name: 'telnyx', dialled: '+12125550000' }],
        },
      ],
    })
  })

  test('is asked about by a relay, destination by destination, as a snapshot would decide it', async () => {
    const { body } = await app.relay('GET', `/relay/v1/snapshots/${app.aliceId}`)
    const facts = snapshot.parse(body)
    expect(facts.numbers).toMatchObject([{ destinations: list.map(whole) }])
    const forwarder = { kind: 'number', id: facts.numbers[0]?.id, name: '+12125551111' }
    const caller = {
      kind: 'forwarder',
      customer_id: app.aliceId,
      forwarder,
      called: '+12125551111',
      path: [],
    }
    const from = { user: '+13105550123', asserted: '+13105550123' }
    const asked = (type: string, user: string) =>
      decisionOf({ call_id: crypto.randomUUID(), caller: { ...caller, type }, from, to: { user, host: '' } })
    expect(await asked('tel', '+12125550000')).toMatchObject({
      targets: {
        kind: 'providers',
        providers: [{ calling: '+13105550123', asserted: '+12125551111', diversion: 'diversion' }],
      },
    })
    expect(await asked('extension', 'colleague')).toMatchObject({ targets: { kind: 'extension' } })
    expect(await asked('trunk', 'acme')).toMatchObject({
      targets: { kind: 'trunk', trunk: { user: '+12125551111' } },
    })
    expect(await asked('sip', 'sip:door@192.0.2.9')).toMatchObject({
      targets: { kind: 'sip', sip: { hostname: '192.0.2.9' } },
    })
  })
})
