import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { relayProtocol, tellBatch } from '#contract'
import { customers } from '../../functions/config/customers.ts'
import { resources } from '../../functions/config/resources.ts'
import { patchOf } from '../../functions/http/field.ts'
import worker from '../../functions/index.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { bindingTell, callTell } from '../relay/io/tells.ts'
import { type Answer, type App, RELAY_SECRET, startApp } from '../support/app.ts'
import { changed, fieldsOf } from '../support/shapes.ts'
import { wavFile } from '../support/wav.ts'

/*
 * Every field of every body and query, and every word of a path, each with every odd value: refused or taken, and
 * never a failure of ours. What the fields are the doors say themselves: the shapes they read with are kept here.
 */

const bodies = vi.hoisted(() => new Map<string, z.ZodType>())
const queries = vi.hoisted(() => new Map<string, z.ZodObject>())

vi.mock('../../functions/http/validate.ts', async (original) => {
  const real = await original<typeof import('../../functions/http/validate.ts')>()
  const noted =
    <Reader extends typeof real.readBody>(reader: Reader) =>
    (...[c, shape, ...rest]: Parameters<Reader>) => {
      bodies.set(doorOf(c), shape)
      return reader(c, shape, ...rest)
    }
  return {
    ...real,
    readBody: noted(real.readBody),
    readInput: noted(real.readInput),
    readOrder: noted(real.readOrder),
    readTold: noted(real.readTold),
  }
})
vi.mock('../../functions/http/query.ts', async (original) => {
  const real = await original<typeof import('../../functions/http/query.ts')>()
  return {
    ...real,
    readQuery: (c: Context, shape: z.ZodObject) => {
      const known = queries.get(doorOf(c))
      queries.set(doorOf(c), known ? known.extend(shape.shape) : shape)
      return real.readQuery(c, shape)
    },
  }
})

type Context = Parameters<typeof import('../../functions/http/query.ts').readQuery>[0]

function doorOf(c: Context): string {
  return `${c.req.method} ${c.req.path.replace(ids, ':id')}`
}

const ids = /[\da-f]{8}-[\da-f-]{27}|relay-1(?=\/)/g

const odd: unknown[] = [
  undefined,
  null,
  true,
  [],
  {},
  '',
  ' ',
  'é\u2028👩‍👩‍👧',
  '٣٤٥',
  '\u0000',
  '\ud800',
  'x'.repeat(10_000),
  -1,
  1.5,
  2 ** 31,
  2 ** 53 - 1,
  1e308,
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999Z',
  '+999999999999999',
  '::ffff:0:0/96',
  '00000000-0000-0000-0000-000000000000',
  // Written as it is: a number which is none any more once it is read.
  'raw:1e400',
]

let app: App
let relaysKey: string
let soundPlace: string
const soundServer = createServer((_, response) => response.end(Buffer.from(sound, 'base64')))
const made: Record<string, string> = { relays: 'relay-1' }
const at = '2026-11-24T00:00:00.000Z'

beforeAll(async () => {
  app = await startApp({ TURN_URLS: 'turn:turn.test:3478', TURN_SECRET: 'shared-with-the-turn-server' })
  await new Promise<void>((listening) => soundServer.listen(0, '127.0.0.1', listening))
  soundPlace = `http://127.0.0.1:${(soundServer.address() as AddressInfo).port}/`
  relaysKey = await relayKey(RELAY_SECRET, 'relay-1')
  await obey()
  for (const [door, body] of Object.entries(wholesome)) {
    const { status, body: answer } = await ask(door, body())
    if (status >= 300) throw new Error(`${door}: ${status} ${JSON.stringify(answer)}`)
    const noun = /^POST \/v1.0\/(\w+)$/.exec(door)?.[1]
    if (noun && answer.id) made[noun] = answer.id
    if (door === 'POST /v1.0/webhooks/:id/test') made.events = answer.event_id
    if (door === 'POST /relay/v1/tells') Object.assign(made, await recordable())
  }
  for (const door of doors) if (!takesBody(door)) await ask(door)
})
afterAll(() => {
  soundServer.close()
  return app.close()
})

/** Every door, as the Worker itself lists them. */
const doors = [
  ...new Set(
    worker.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`),
  ),
]

const drill = {
  name: 'odd',
  assume: null,
  call: { to: '+12125550000' },
  schedule: { at: '03:30', time_zone: 'UTC', days: [1] },
}

/** What each door which takes a body takes well, in the order in which one leans on another. */
const wholesome: Record<string, () => object> = {
  'POST /v1.0/customers': () => ({ name: 'Odd', default_country: 'US', quotas: {} }),
  'PUT /v1.0/customers/:id': () => ({ name: 'Odd', default_country: 'US', quotas: {} }),
  'PATCH /v1.0/customers/:id': () => ({ name: 'Odd', default_country: 'US', quotas: {} }),
  'PUT /v1.0/customer': () => ({ name: 'Alice', default_country: 'US' }),
  'PATCH /v1.0/customer': () => ({ name: 'Alice', default_country: 'US' }),
  'POST /v1.0/accesskeys': () => ({ name: 'odd' }),
  'PUT /v1.0/accesskeys/:id': () => ({ name: 'odd' }),
  'PATCH /v1.0/accesskeys/:id': () => ({ name: 'odd' }),
  // Two at one name are refused, and no odd value beside it would come any further.
  'POST /v1.0/accesskeys/:id/rotate': () => ({ overlap_seconds: 60 }),
  'POST /v1.0/providers': () => ({ hostname: `${crypto.randomUUID()}.test`, username: 'u', password: 'p' }),
  'PUT /v1.0/providers/:id': () => ({ hostname: 'sip.provider.com', username: 'u', password: 'p' }),
  'PATCH /v1.0/providers/:id': () => ({ hostname: 'sip.provider.com', username: 'u', password: 'p' }),
  'POST /v1.0/providers/:id/test': () => ({ type: 'options' }),
  'POST /v1.0/routes': () => ({ provider_id: made.providers, priority: 1 }),
  'PUT /v1.0/routes/:id': () => ({ provider_id: made.providers, priority: 1 }),
  'PATCH /v1.0/routes/:id': () => ({ provider_id: made.providers, priority: 1 }),
  'POST /v1.0/extensions': () => ({ username: 'odd1', password: 'secure-password' }),
  'PUT /v1.0/extensions/:id': () => ({ username: 'odd1', password: 'secure-password' }),
  'PATCH /v1.0/extensions/:id': () => ({ username: 'odd1', password: 'secure-password' }),
  'POST /v1.0/trunks': () => ({ ...pbx, domain_name: 'odd' }),
  'PUT /v1.0/trunks/:id': () => ({ ...pbx, domain_name: 'odd' }),
  'PATCH /v1.0/trunks/:id': () => ({ ...pbx, domain_name: 'odd' }),
  'POST /v1.0/prompts': () => ({ sound }),
  'PUT /v1.0/prompts/:id': () => ({ name: 'odd' }),
  'PATCH /v1.0/prompts/:id': () => ({ name: 'odd' }),
  'POST /v1.0/flows': () => ({ actions: ring }),
  'PUT /v1.0/flows/:id': () => ({ actions: ring }),
  'PATCH /v1.0/flows/:id': () => ({ actions: ring }),
  'POST /v1.0/numbers': () => ({ number: '+15551230000', call_flow_id: made.flows }),
  'PUT /v1.0/numbers/:id': () => ({ number: '+15551230000', call_flow_id: made.flows }),
  'PATCH /v1.0/numbers/:id': () => ({ number: '+15551230000', call_flow_id: made.flows }),
  'POST /v1.0/webhooks': () => ({ url: 'http://127.0.0.1:9009/', events: ['call.*'] }),
  'PUT /v1.0/webhooks/:id': () => ({ url: 'http://127.0.0.1:9009/', events: ['call.*'] }),
  'PATCH /v1.0/webhooks/:id': () => ({ url: 'http://127.0.0.1:9009/', events: ['call.*'] }),
  'POST /v1.0/webhooks/:id/rotate': () => ({ overlap_seconds: 60 }),
  'POST /v1.0/webhooks/:id/test': () => ({ note: 'odd' }),
  'POST /v1.0/webhooks/:id/replay': () => ({ after: made.events ?? crypto.randomUUID() }),
  'POST /v1.0/alerts': () => ({
    when: { kind: 'success_rate', threshold: 40, window: 900 },
    webhook_id: made.webhooks ?? null,
  }),
  'PUT /v1.0/alerts/:id': () => ({ when: { kind: 'minutes', floor: 60 } }),
  'PATCH /v1.0/alerts/:id': () => ({
    format: 'pagerduty',
    routing_key: 'R0UT1NGKEY',
    webhook_id: made.webhooks,
  }),
  'POST /v1.0/drills': () => drill,
  'PUT /v1.0/drills/:id': () => drill,
  'PATCH /v1.0/drills/:id': () => drill,
  'POST /v1.0/alerts/:id/test': () => ({ note: 'odd' }),
  ...Object.fromEntries(
    ['customer', 'customers/:id', 'extensions/:id', 'trunks/:id'].flatMap((path) => [
      [`POST /v1.0/${path}/block`, () => ({ hang_up: true })],
      [`POST /v1.0/${path}/release`, () => ({ country: 'de' })],
    ]),
  ),
  'POST /v1.0/extensions/:id/forwarding': () => ({ always: { type: 'tel', target: '+12125550000' } }),
  'POST /relay/v1/recordings/:id': () => ({ customer_id: app.aliceId, bytes: 100, ms: 10, channels: 1 }),
  'POST /v1.0/erasures': () => ({ number: '+15559990000' }),
  'POST /v1.0/flows/simulate': () => ({ flow: { actions: [{ type: 'answer' }] }, digits: '1' }),
  'POST /v1.0/routes/resolve': () => ({ from: 'odd1', to: '+15551234567' }),
  'POST /relay/v1/route': () => ({
    call_id: crypto.randomUUID(),
    caller: { kind: 'source', address: '203.0.113.9', port: 5060, transport: 'udp', line: null },
    from: { user: 'x' },
    to: { user: '+15551230000', host: 'here' },
  }),
  'POST /relay/v1/flow-server': () => ({
    customer_id: app.aliceId,
    call_id: crypto.randomUUID(),
    flow_id: crypto.randomUUID(),
    version: 1,
    asks: 'actions',
    url: 'http://127.0.0.1:9/',
    method: 'POST',
    timeout_ms: 500,
    variables: {},
  }),
  'POST /relay/v1/credential': () => ({ realm: `${app.aliceId}.registrar.trunkline.test`, username: 'odd1' }),
  'POST /relay/v1/sounds': () => ({ url: soundPlace }),
  'POST /relay/v1/beat': () => ({ ...idle, at: new Date().toISOString() }),
  'POST /relay/v1/tells': () => ({ relay_id: 'relay-1', tells: everythingTold() }),
  'POST /v1.0/calls/:id/recording_start': () => ({ channels: 2 }),
  'PATCH /v1.0/recordings/:id': () => ({ heard: true }),
  ...Object.fromEntries(
    Object.entries({
      transfer: { destination: { type: 'extension', target: 'odd1' } },
      play: { stream_urls: ['https://example.com/a.wav'] },
      talk: { text: 'odd' },
      silence: { party: 'caller' },
      dtmf: { digits: '12#' },
      hold: { music_url: 'https://example.com/m.wav' },
      mute: { muted: false },
      hangup: {},
    }).map(([order, body]) => [`POST /v1.0/calls/:id/${order}`, () => body]),
  ),
  'POST /v1.0/turn-credentials': () => ({ expire: 600 }),
  'POST /v1.0/extensions/:id/tokens': () => ({ expire: 600 }),
  'POST /v1.0/calls': () => ({
    source: { type: 'extension', target: 'odd1' },
    destinations: [{ type: 'extension', target: 'odd1' }],
    actions: [{ type: 'answer' }],
  }),
  'POST /v1.0/relays/:id/drain': () => ({ drain: false }),
  'POST /v1.0/relays/:id/keys': () => ({ name: 'odd' }),
  'POST /relay/v1/begin': () => ({ command_id: crypto.randomUUID(), call_id: crypto.randomUUID() }),
  'POST /relay/v1/target': () => ({ customer_id: app.aliceId, ids: [made.extensions] }),
}
// What is to change is merged before it is read: it may name any field.
for (const { path, noun } of resources) bodies.set(`PATCH ${path}/:id`, patchOf(noun.fields))
bodies.set('PATCH /v1.0/customer', patchOf(customers.noun.fields))

/** A millisecond of it. */
const sound = Buffer.from(wavFile({ rate: 8_000, channels: [Array(8).fill(0)] })).toString('base64')
const pbx = { auth_types: ['basic'], username: 'pbx', password: 'secure-password' }
const ring = [{ type: 'connect', option: { destinations: [{ type: 'extension', target_name: 'odd1' }] } }]
const idle = {
  relay_id: 'relay-1',
  boot_id: crypto.randomUUID(),
  started_at: at,
  draining: false,
  address: '192.0.2.1',
  port: 5060,
  version: 0,
  leases: [],
  slices: [],
  health: [],
  registrations: [],
  results: [],
  protocol: relayProtocol,
}

/** A beat which speaks of everything. */
function busy() {
  const [customer_id, provider_id] = [app.aliceId, made.providers]
  const scope = { kind: 'customer', id: customer_id }
  return {
    ...idle,
    at: new Date().toISOString(),
    leases: [{ call_id: crypto.randomUUID(), customer_id, scopes: [scope] }],
    slices: [{ scope, customer_id, resource: 'channels', held: 1, used: 0, refused: 0 }],
    health: [{ provider_id, customer_id, status: 'healthy', since: at, latency_ms: 5, last: null, why: '' }],
    registrations: [
      { provider_id, customer_id, epoch: 1, status: 'registered', since: at, until: at, sip_status: 200 },
    ],
    results: [{ command_id: crypto.randomUUID(), result: { verdict: 'well' } }],
  }
}

/** One tell of each kind. */
function everythingTold(): object[] {
  const [binding, call] = [bindingTell('registered'), callTell()]
  const party = { customer_id: app.aliceId, relay_id: 'relay-1' }
  const once = () => ({ tell_id: crypto.randomUUID(), sequence: 1, at })
  return [
    { ...binding, binding: { ...binding.binding, ...party, extension_id: made.extensions } },
    {
      ...call,
      call: {
        ...call.call,
        ...party,
        attempts: [attempt],
        media: { from_caller: heard, from_callee: heard },
      },
    },
    { kind: 'event', ...once(), ...party, type: 'call.refused', data: { why: 'odd' } },
    { kind: 'relay', ...once(), event: 'started', relay_id: 'relay-1' },
  ]
}
const heard = { packets: 1, bytes: 1, lost: 0, dropped: 0, jitter_ms: 0.5 }
const tried = { address: 'a:5060', transport: 'udp', status: 200, reason: 'OK', started_ms: 0, ended_ms: 1 }
const attempt = {
  ...tried,
  provider_id: null,
  provider_name: 'p',
  decision: 'final',
  pdd_ms: 1,
  tries: [{ ...tried, codes: [{ status: 200, ms: 1 }] }],
}

/** A call which goes on, and a message in a mailbox. */
async function recordable(): Promise<{ calls: string; recordings: string }> {
  const { call, ...tell } = callTell()
  const under = { customer_id: app.aliceId, status: 'progressing', answered_at: at }
  await app.relay('POST', '/relay/v1/tells', {
    relay_id: 'relay-1',
    tells: [{ ...tell, call: { ...call, ...under } }],
  })
  const recordings = crypto.randomUUID()
  await app.database.pool.query(
    `insert into recordings (id, customer_id, relay_id, kind, call_id, channels, started_at, ended_at, bytes, uploaded_at)
     values ($1, $2, 'relay-1', 'voicemail', $3, 1, now(), now(), 100, now())`,
    [recordings, app.aliceId, call.call_id],
  )
  return { calls: call.call_id, recordings }
}

async function ask(door: string, body?: unknown, query = '', path = pathOf(door)): Promise<Answer> {
  const [method = ''] = door.split(' ')
  const wait = door.endsWith('/providers/:id/test') ? '?wait=0' : ''
  if (wait || door === 'POST /v1.0/calls') await readyToAct()
  const json = body === undefined ? null : JSON.stringify(body)
  return send(door, `${path}${query ? `?${query}` : wait}`, {
    method,
    body: json?.replace(/"raw:([^"]+)"/g, '$1') ?? null,
  })
}

/** Sends with the key of a relay or of Alice, and more headers or none. */
function send(door: string, path: string, init: RequestInit, headers: Record<string, string> = {}) {
  const key = door.includes('/relay/v1/') ? relaysKey : app.aliceKey
  const asked = {
    ...init,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  }
  return door.endsWith('/stream') ? begun(path, asked) : app.send(path, asked)
}

/** A stream goes on for longer than a test: its beginning says how it was taken. */
async function begun(path: string, init: RequestInit): Promise<Answer> {
  const { status, headers, body } = await app.fetch(path, init)
  const [refused] = status === 200 ? [] : [await new Response(body).json()]
  if (status === 200) await body?.cancel()
  return { status, headers, body: refused }
}

/** As a relay would which carries out at once what it is told of a call. */
async function obey(): Promise<void> {
  await app.database.pool.query(`
    create function obey() returns trigger language plpgsql as $$ begin
      new.taken_at := now(); new.done_at := now(); new.result := '{"ok": true, "reason": null, "message": "done"}';
      return new; end $$`)
  await app.database.pool.query(`
    create trigger obeyed before insert on commands
      for each row when (new.body ->> 'kind' like 'call\\_%') execute function obey()`)
}

/** A relay is alive, however long it takes until it is needed, and nothing waits for it. */
async function readyToAct(): Promise<void> {
  await app.relay('POST', '/relay/v1/beat', wholesome['POST /relay/v1/beat']?.())
  await app.database.pool.query(`update relays set beat_at = now() + interval '1 hour'`)
  await app.database.pool.query('delete from commands')
}

/** The door's path, leading to what was made; nothing that is there is deleted. */
function pathOf(door: string): string {
  const [method, path = ''] = door.split(' ')
  const noun = path.split('/')[2] ?? ''
  const id = (method !== 'DELETE' && made[noun]) || crypto.randomUUID()
  return path.replace(/:\w+/g, noun === 'snapshots' ? app.aliceId : id)
}

/**
 * Asks, and notes what was a failure of ours, or would be one but for the last net; what was made is taken away again,
 * for the next to be made.
 */
async function failures(what: string, asking: Promise<Answer>): Promise<string[]> {
  const { status, body } = await asking
  const noun = /^POST \/v1.0\/(\w+):/.exec(what)?.[1]
  // What a customer's making told is kept for longer than it.
  if (status < 300 && noun && noun !== 'customers' && body.id) {
    const table = noun === 'accesskeys' ? 'access_keys' : noun
    await app.database.pool.query(`delete from ${table} where id = $1`, [body.id])
  }
  const { reason = '', message = '' } = body?.error ?? {}
  const failed = (status >= 500 && !/^NO_(RELAY|HUB)$/.test(reason)) || message.includes('database')
  return failed ? [`${what}: ${status} ${message}`] : []
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60)
}

describe('an odd value', () => {
  test('can be tried on every body: each door which takes one has said how it reads it', () => {
    const takers = doors.filter((door) => takesBody(door))
    expect(Object.keys(wholesome).sort()).toEqual(takers.sort())
    expect([...bodies.keys()].sort()).toEqual(takers.map(named).sort())
    const lists = [...queries].filter(([, { shape }]) => 'page_token' in shape)
    expect(lists.length).toBeGreaterThan(10)
  })

  test.each(Object.keys(wholesome))('in any field of %s is no failure of ours', async (door) => {
    const shape = door.endsWith('/tells') ? tellBatch : bodies.get(named(door))
    const found: string[] = []
    for (const whole of basesOf(door))
      for (const [nth, field] of fieldsOf(shape as z.ZodType, whole()).entries())
        for (const value of valuesFor(nth)) {
          const what = `${door}: ${field.join('.')} = ${shown(value)}`
          found.push(...(await failures(what, ask(door, changed(whole(), field, value)))))
        }
    expect(found).toEqual([])
  })

  test('in any parameter of any query is no failure of ours', async () => {
    const found: string[] = []
    for (const [nth, [door, { shape }]] of [...queries, ['GET /v1.0/calls', everywhere] as const].entries())
      for (const name of Object.keys(shape))
        for (const value of [
          ...valuesFor(nth).map(String),
          '%00%',
          ...(name === 'page_token' ? tokens() : []),
        ]) {
          const query = `${name}=${encoded(value)}`
          found.push(...(await failures(`${door}?${query}`.slice(0, 200), ask(door, undefined, query))))
        }
    expect(found).toEqual([])
  })

  test('in any path is no failure of ours', async () => {
    const found: string[] = []
    for (const [nth, door] of doors.filter((one) => one.includes(':')).entries())
      for (const value of [...valuesFor(nth).map(String), '%00%']) {
        const path = door.split(' ')[1]?.replace(/:\w+/g, encoded(value)) ?? ''
        found.push(...(await failures(`${door}: ${shown(value)}`, ask(door, undefined, '', path))))
      }
    expect(found).toEqual([])
  })

  test.each([
    'GET /v1.0/providers',
    'POST /v1.0/providers',
    'PUT /v1.0/providers/:id',
    'OPTIONS /v1.0/flows',
  ])('in any header of %s is no failure of ours', async (door) => {
    const [method = ''] = door.split(' ')
    const found: string[] = []
    for (const [nth, name] of readHeaders.entries())
      for (const value of valuesFor(nth).map(inHeader)) {
        const json = /POST|PUT/.test(method) ? JSON.stringify(wholesome[door]?.()) : null
        const asking = send(door, pathOf(door), { method, body: json }, { [name]: value })
        found.push(...(await failures(`${door}: ${name}: ${shown(value)}`, asking)))
      }
    expect(found).toEqual([])
  })

  test('which was taken leaves everything readable', async () => {
    const found: string[] = []
    for (const door of doors.filter((one) => one.startsWith('GET')))
      found.push(...(await failures(door, ask(door))))
    expect(found).toEqual([])
  })
})

/** Headers which something of ours reads. */
const readHeaders = [
  'accept',
  'access-control-request-method',
  'authorization',
  'cf-connecting-ip',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'origin',
  'x-request-id',
]

/** As a header can carry it: its bytes, without the ends of lines and NUL. */
function inHeader(value: unknown): string {
  return Buffer.from(String(value))
    .toString('latin1')
    .replace(/[\0\r\n]/g, '')
}

/** Parameters which every endpoint takes. */
const everywhere = z.object({ customer_id: z.string(), token: z.string(), accesskey: z.string() })

function takesBody(door: string): boolean {
  return (
    /^(POST|PUT|PATCH) /.test(door) &&
    !/\/(restore|run|provisioning(\/:token)?|recording_(stop|pause|resume)|parts\/:nth)$/.test(door)
  )
}

function named(door: string): string {
  return door.replace(/:\w+/g, ':id')
}

/** One, another for the next field and for the next run, unless there is time for all. */
function valuesFor(nth: number): unknown[] {
  if (process.env.ODD_VALUES === 'all') return odd
  return odd.filter((_, which) => which === (nth + start) % odd.length)
}

const start = Math.floor(Math.random() * odd.length)

/** Bodies a door takes, which together have every field of its shape. */
function basesOf(door: string): (() => object)[] {
  if (door.endsWith('/beat')) return [busy]
  if (!door.endsWith('/tells')) return [wholesome[door] ?? (() => ({}))]
  return everythingTold().map((_, which) => () => ({ relay_id: 'relay-1', tells: [everythingTold()[which]] }))
}

/** Tokens to the next page which we never gave out, well wrapped. */
function tokens(): string[] {
  const instants = [
    '2026-02-30T00:00:00.000000Z',
    '0000-01-01T00:00:00.000000Z',
    '2026-01-01T24:00:00.000000Z',
    '2026-13-01T00:00:00.000000Z',
    '99999-01-01T00:00:00.000000Z',
    '2026-01-01T00:00:60.000000Z',
    '2026-01-01T00:00:00.000000Z',
    '',
  ]
  return instants.map((instant) =>
    Buffer.from(JSON.stringify([instant, crypto.randomUUID()])).toString('base64url'),
  )
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
