import { createHmac } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FlowServerAnswer, flowServerAnswer, protocolHeader, utcMs } from '#contract'
import { FlowServerPace, MOST_ASKED, MOST_UNTOLD } from '../../../functions/config/flow-server-pace.ts'
import { askFlowServer } from '../../../functions/events/flow-server.ts'
import { flowSecret } from '../../../functions/flow-secret.ts'
import { type App, RELAY_SECRET, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { begunTell, tellAs } from '../../support/call-tells.ts'

/*
 * What a call's flow asks its customer's server, by the edge: with servers which answer as they should, and such as do not.
 */

let app: App
let url: string
/** A flow of Alice's. */
let flowId: string
/** How the server answers the next question, and what it heard. */
let answers: (response: ServerResponse) => void
let heard: { method: string | undefined; headers: Record<string, unknown>; body: string }
/** How often it was asked. */
let asked = 0
const server = createServer(async (request, response) => {
  asked += 1
  heard = { method: request.method, headers: request.headers, body: await text(request) }
  answers(response)
})
beforeAll(async () => {
  app = await startApp()
  flowId = (await app.alice('POST', '/v1.0/flows', { actions: [{ type: 'answer' }] })).body.id
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/menu`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await app.close()
})

const says = (said: unknown) => (response: ServerResponse) => response.end(JSON.stringify(said))
const question = (more: object = {}) => ({
  customer_id: app.aliceId,
  call_id: crypto.randomUUID(),
  flow_id: flowId,
  version: 2,
  asks: 'actions' as const,
  url,
  method: 'POST' as const,
  content_type: 'application/json',
  body: null,
  timeout_ms: 600,
  variables: { 'voipbin.call.digits': '1' },
  ...more,
})

async function asks(more: object = {}): Promise<FlowServerAnswer> {
  const { status, body } = await app.relay('POST', '/relay/v1/flow-server', question(more))
  expect(status).toBe(200)
  return flowServerAnswer.parse(body)
}

describe('a server which knows what is next', () => {
  test('is asked with the call and its variables, signed with the customer\u2019s secret for flows', async () => {
    answers = says([
      { type: 'talk', option: { text: 'You pressed ${voipbin.call.digits}' } },
      { type: 'hangup' },
    ])
    const answer = await asks()
    expect(answer).toMatchObject({ result: 'ok', status: 200, why: null, programs: [] })
    expect(answer.actions?.map(({ type }) => type)).toEqual(['talk', 'hangup'])
    expect(JSON.parse(heard.body)).toMatchObject({ version: 2, variables: { 'voipbin.call.digits': '1' } })
    const { body } = await app.alice('GET', '/v1.0/flows/secret')
    expect(body).toEqual({ secret: await flowSecret(RELAY_SECRET, app.aliceId) })
    const key = Buffer.from(body.secret.slice('whsec_'.length), 'base64')
    const signed = `${heard.headers['webhook-id']}.${heard.headers['webhook-timestamp']}.${heard.body}`
    const right = createHmac('sha256', key).update(signed).digest('base64')
    expect(heard.headers['webhook-signature']).toBe(`v1,${right}`)
  })

  test('sets variables, leads to flows of the customer\u2019s, and calls numbers as they are written there', async () => {
    const { body: flow } = await app.alice('POST', '/v1.0/flows', { actions: [{ type: 'answer' }] })
    answers = says({
      variables: { who: 'Alice', age: 7, nested: {} },
      actions: [
        { type: 'talk', option: { text: 'Hello ${who}' } },
        { type: 'connect', option: { destinations: [{ type: 'tel', target: '(212) 555-0100' }] } },
        { type: 'fetch_flow', option: { flow_id: flow.id } },
      ],
    })
    const answer = await asks()
    expect(answer.variables).toEqual({ who: 'Alice', age: '7' })
    expect(answer.programs.map(({ id }) => id)).toEqual([flow.id])
    expect(answer.actions?.[1]).toMatchObject({ option: { destinations: [{ target: '+12125550100' }] } })
  })

  test.each([
    ['no action', [], []],
    ['nothing', undefined, null],
    ['what is only known', { tier: 'gold' }, null],
  ])('may say %s', async (_, said, actions) => {
    answers = said === undefined ? (response) => response.end() : says(said)
    expect(await asks()).toMatchObject({ result: 'ok', actions })
  })

  test('is told as a webhook_send says, and what it answers are variables', async () => {
    answers = says({ tier: 'gold', actions: [{ type: 'nonsense' }], variables: { open: true } })
    const answer = await asks({ asks: 'variables', method: 'PUT', content_type: 'text/plain', body: 'Hello' })
    expect([heard.method, heard.headers['content-type'], heard.body]).toEqual(['PUT', 'text/plain', 'Hello'])
    expect(answer).toMatchObject({ result: 'ok', actions: null, variables: { open: 'true' } })
  })

  test('is asked by GET without a body', async () => {
    answers = says([])
    await asks({ method: 'GET' })
    expect([heard.method, heard.body, heard.headers['content-type']]).toEqual(['GET', '', undefined])
  })
})

describe('a server is not asked', () => {
  const calls: [string, () => Promise<object>, string][] = [
    [
      'for a call which no relay told of, of a flow which is another customer’s',
      async () => ({ customer_id: (await app.newcomer('Mallory')).id }),
      'this customer has no such flow',
    ],
    [
      'for a call of another relay’s',
      async () => ({ call_id: await begun('relay-2', app.aliceId) }),
      'not under way at this relay',
    ],
    [
      'for a call of another customer’s',
      async () => ({ call_id: await begun('relay-1', (await app.newcomer('Eve')).id) }),
      'not under way at this relay',
    ],
    [
      'for a call which was over long ago',
      async () => {
        const call_id = await begun('relay-1', app.aliceId)
        const over = `update calls set status = 'hangup', updated_at = now() - interval '3 minutes' where id = $1`
        await app.database.pool.query(over, [call_id])
        return { call_id }
      },
      'not under way at this relay',
    ],
  ]
  test.each(calls)('%s', async (_, more, why) => {
    const before = asked
    answers = says([])
    expect(await asks(await more())).toMatchObject({
      result: 'refused',
      status: null,
      why: expect.stringContaining(why),
    })
    expect(asked).toBe(before)
  })

  test('but for one of the relay’s own, or which is ordered of it', async () => {
    answers = says([])
    expect(await asks({ call_id: await begun('relay-1', app.aliceId), flow_id: app.aliceId })).toMatchObject({
      result: 'ok',
    })
    const call_id = crypto.randomUUID()
    await app.database.pool.query(
      `insert into commands (id, customer_id, relay_id, body) values (gen_random_uuid(), $1, 'relay-1', $2)`,
      [app.aliceId, JSON.stringify({ kind: 'originate', call_id })],
    )
    expect(await asks({ call_id, flow_id: call_id })).toMatchObject({ result: 'ok' })
  })

  test('more than so often a minute, and less often for calls which were not told of', () => {
    const pace = new FlowServerPace()
    const [now, next] = [utcMs(60_000), utcMs(120_000)]
    const all = (untold: boolean, times: number) =>
      Array.from({ length: times }, () => pace.refuses('one', untold, now)).filter((why) => why !== undefined)
    expect(all(true, MOST_UNTOLD + 1)).toEqual([expect.stringContaining('had not told of')])
    expect(all(false, MOST_ASKED - MOST_UNTOLD)).toEqual([expect.stringContaining('questions a minute')])
    expect([pace.refuses('two', true, now), pace.refuses('one', true, next)]).toEqual([undefined, undefined])
  })
})

/** A call which a relay has told of. */
async function begun(relayId: string, customerId: string): Promise<string> {
  const call = crypto.randomUUID()
  await tellAs(app, relayId, begunTell(customerId, call, 1, { relay_id: relayId }))
  return call
}

describe('a server which does not', () => {
  const wrong: [string, (response: ServerResponse) => void, Partial<FlowServerAnswer>, RegExp][] = [
    ['is slow', () => undefined, { result: 'timeout', status: null }, /within 600 ms/],
    [
      'stops in the middle',
      (response) => response.writeHead(200).write('['),
      { result: 'timeout' },
      /within 600 ms/,
    ],
    ['is killed', (response) => response.destroy(), { result: 'unreachable', status: null }, /hung up/],
    [
      'is killed in the middle',
      (response) => {
        response.writeHead(200, { 'content-length': 99 }).write('[')
        setTimeout(() => response.destroy(), 20)
      },
      { result: 'unreachable' },
      /hung up/,
    ],
    [
      'refuses',
      (response) => response.writeHead(500).end(),
      { result: 'refused', status: 500 },
      /answered 500/,
    ],
    [
      'redirects',
      (response) => response.writeHead(302, { location: '/' }).end(),
      { result: 'refused', status: 302 },
      /redirects are not followed/,
    ],
    ['speaks no JSON', (response) => response.end('<html>'), { result: 'nonsense', status: 200 }, /no JSON/],
    [
      'has no end',
      (response) => response.end(`"${'x'.repeat(70_000)}"`),
      { result: 'nonsense' },
      /more than 65536 octets/,
    ],
    ['says a word', says('hello'), { result: 'nonsense' }, /an object/],
    [
      'invents actions',
      says([{ type: 'teleport' }]),
      { result: 'nonsense' },
      /actions\.0\.type: is none of the actions/,
    ],
    [
      'leads nowhere',
      says([{ type: 'answer', next_id: 'gone' }]),
      { result: 'nonsense' },
      /no action has that id/,
    ],
    [
      'goes round for ever',
      says([{ id: 'a', type: 'goto', option: { target_id: 'a' } }]),
      { result: 'nonsense' },
      /for ever/,
    ],
    [
      'reads what is not set',
      says([{ type: 'talk', option: { text: '${who}' } }]),
      { result: 'nonsense' },
      /"who"/,
    ],
    [
      'rings nobody',
      says([{ type: 'connect', option: { destinations: [{ type: 'extension', target: 'nobody' }] } }]),
      { result: 'nonsense' },
      /names no extension of yours/,
    ],
  ]
  test('because it would have keys heard where no relay hears any is told why', async () => {
    const relay = await newRelay(app, 'deaf')
    await relay.beat({ media: { engine: 'rtpengine', keys: false } })
    answers = says([{ type: 'digits_receive' }])
    const { result, why } = await asks()
    await relay.fallSilent()
    expect([result, why]).toEqual(['nonsense', expect.stringMatching(/hears no keys/)])
  })

  test.each(wrong)('because it %s is told apart', async (_, answering, expected, why) => {
    answers = answering
    const answer = await asks()
    expect(answer).toMatchObject({ ...expected, actions: null })
    expect(answer.why).toMatch(why)
  })

  test('because there is none is told apart', async () => {
    expect(await asks({ url: 'http://127.0.0.1:1025/menu' })).toMatchObject({
      result: 'unreachable',
      status: null,
    })
  })

  const rules = { allowPrivate: false, ownNames: ['trunkline.test'] }
  const led: [string, string[] | undefined, RegExp][] = [
    ['http://example.com/menu', [], /https/],
    ['https://127.0.0.1/menu', [], /public internet/],
    ['https://api.trunkline.test/menu', [], /public internet/],
    ['https://inside.example.com/menu', ['10.0.0.7'], /public internet/],
    ['https://nowhere.example.com/menu', undefined, /looked up/],
  ]
  test.each(led)('because it is at %s, which leads to %j, is never asked', async (at, addresses, why) => {
    const parts = { secrets: [`whsec_${btoa('x'.repeat(32))}`], rules, resolve: async () => addresses }
    const reply = await askFlowServer({ ...question({ url: at }) }, parts)
    expect('why' in reply && reply.why).toMatch(why)
  })
})

test('a relay which asks nonsense is told so', async () => {
  const { status } = await app.relay('POST', '/relay/v1/flow-server', { url, [protocolHeader]: 1 })
  expect(status).toBe(400)
})
