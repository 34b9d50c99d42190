import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AccessScope, accessScopes } from '#contract'
import edge from '../../functions/index.ts'
import { type App, type Client, startApp } from '../support/app.ts'
import { wavFile } from '../support/wav.ts'

/*
 * Whose things are whose, and what a key opens, at every endpoint there is: they are taken from the edge's own table, so
 * that a new one is asked too. Each is asked by the same customer with the same body; only the id and the key differ.
 */

type Tenant = Client & { id: string }
/** One thing of each noun, by the noun. */
type Things = Record<string, string>

let app: App
let [alice, mallory] = [{} as Tenant, {} as Tenant]
let [hers, own]: [Things, Things] = [{}, {}]
/** A key of Mallory's for each scope, and nothing else. */
let keyed: Record<AccessScope, Client>
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  mallory = await app.newcomer('Mallory')
  hers = await furnished(alice, 1)
  own = await furnished(mallory, 2)
  const keys = accessScopes.map(async (scope) => {
    const { body } = await mallory('POST', '/v1.0/accesskeys', { name: scope, scopes: [scope] })
    return [scope, app.as(body.token)]
  })
  keyed = Object.fromEntries(await Promise.all(keys))
})
afterAll(() => app.close())

interface Endpoint {
  method: string
  path: string
  noun: string
}

const nouns = [
  'customers',
  'providers',
  'routes',
  'extensions',
  'trunks',
  'prompts',
  'flows',
  'numbers',
  'webhooks',
  'alerts',
  'drills',
  'accesskeys',
]
const told = ['calls', 'recordings', 'events', 'registrations', 'blocks', 'changes']
const administered = ['customers', 'accesskeys']

/** What is answered to whoever asks. */
const open = ['/v1.0/openapi.json']
const all = edge.routes
  .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1.0/') && !open.includes(path))
  .filter(({ method, path }, at, all) => all.findIndex((o) => o.method === method && o.path === path) === at)
  .map(({ method, path }): Endpoint => ({ method, path, noun: path.split('/')[2] ?? '' }))

/** Those about one thing: what reads first, deletions last, and what leans on others before them. */
const endpoints = all.filter(isAboutOne).sort((a, b) => turnOf(a) - turnOf(b))

/** A version is a number, the same for everybody: whose configuration it shows follows from the key alone. Relays are administrators'. */
function isAboutOne({ path, noun }: Endpoint): boolean {
  return path.includes('/:') && noun !== 'versions' && noun !== 'relays'
}

function turnOf({ method, noun }: Endpoint): number {
  return method === 'DELETE' ? 10 + nouns.length - nouns.indexOf(noun) : method === 'GET' ? 0 : 1
}

/** The scope each endpoint needs; what each scope opens beside its own stands in `opened`. */
const stated: Record<AccessScope, string[]> = {
  read: [
    ...[...nouns, ...told].filter((noun) => !administered.includes(noun)).map((noun) => `GET ${noun}`),
    ...[...nouns, ...told]
      .filter((noun) => ![...administered, 'registrations', 'blocks'].includes(noun))
      .map((noun) => `GET ${noun}/:id`),
    'GET customer',
    'GET accesskey',
    'GET events/stream',
    'GET relays',
    'GET relays/:id',
    'GET stats',
    'GET advice',
    'GET erasures/:id',
    'GET calls/:id/diagnosis',
    'GET calls/:id/messages',
    'GET calls/:id/pcap',
    'GET extensions/:id/diagnosis',
    'GET providers/:id/diagnosis',
    'GET providers/:id/health',
    'GET providers/:id/stats',
    'GET providers/:id/tests/:test_id',
    'GET recordingfiles/:id',
    'GET extensions/:id/voicemail',
    'GET extensions/:id/registrations',
    'GET extensions/:id/tokens',
    'GET trunks/:id/registrations',
    'GET extensions/:id/registrations/history',
    'GET trunks/:id/registrations/history',
    'GET webhooks/:id/deliveries',
    'GET alerts/:id/incidents',
    'GET drills/:id/runs',
    'GET prompts/:id/sound',
    'POST routes/resolve',
    'POST flows/simulate',
    'GET versions/:version',
    'GET flows/:id/versions',
    'GET flows/:id/versions/:version',
  ],
  configure: [
    ...nouns
      .filter((noun) => !administered.includes(noun))
      .flatMap((noun) => [`POST ${noun}`, `PUT ${noun}/:id`, `PATCH ${noun}/:id`, `DELETE ${noun}/:id`]),
    'PUT customer',
    'PATCH customer',
    'POST extensions/:id/forwarding',
    'POST extensions/:id/provisioning',
    ...['customer', 'extensions/:id', 'trunks/:id'].flatMap((of) => [
      `POST ${of}/block`,
      `POST ${of}/release`,
    ]),
    'PATCH recordings/:id',
    'DELETE recordings/:id',
    'GET flows/secret',
    'DELETE registrations/:id',
    'DELETE blocks/:id',
    'POST versions/:version/restore',
    'POST flows/:id/versions/:version/restore',
    'POST webhooks/:id/rotate',
    'POST webhooks/:id/test',
    'POST webhooks/:id/replay',
    'POST alerts/:id/test',
  ],
  call: [
    'POST providers/:id/test',
    'POST drills/:id/run',
    'POST calls',
    'POST turn-credentials',
    'POST extensions/:id/tokens',
    'DELETE extensions/:id/tokens/:token_id',
    ...['hangup', 'transfer', 'play', 'talk', 'silence', 'dtmf', 'hold', 'mute'].map(
      (what) => `POST calls/:id/${what}`,
    ),
    ...['start', 'stop', 'pause', 'resume'].map((what) => `POST calls/:id/recording_${what}`),
  ],
  admin: [
    ...administered.flatMap((noun) => [
      `GET ${noun}`,
      `POST ${noun}`,
      `GET ${noun}/:id`,
      `PUT ${noun}/:id`,
      `PATCH ${noun}/:id`,
      `DELETE ${noun}/:id`,
    ]),
    'POST accesskeys/:id/rotate',
    'POST erasures',
    'POST relays/:id/drain',
    'DELETE relays/:id',
    'POST customers/:id/block',
    'POST customers/:id/release',
    'GET relays/:id/keys',
    'POST relays/:id/keys',
    'DELETE relays/:id/keys/:key_id',
  ],
}
const opened: Record<AccessScope, AccessScope[]> = {
  read: ['read'],
  configure: ['read', 'configure'],
  call: ['read', 'call'],
  admin: ['read', 'configure', 'call', 'admin'],
}

function neededBy({ method, path }: Endpoint): AccessScope {
  const said = `${method} ${path.replace('/v1.0/', '')}`
  const needed = accessScopes.find((scope) => stated[scope].includes(said))
  if (!needed) throw new Error(`No scope is stated here for ${said}.`)
  return needed
}

describe('every endpoint', () => {
  test('has its scope stated here, and nothing else has', () => {
    expect(Object.values(stated).flat().sort()).toEqual(
      all.map(({ method, path }) => `${method} ${path.replace('/v1.0/', '')}`).sort(),
    )
  })
})

describe.each(all)('$method $path', (endpoint) => {
  let before: object
  beforeAll(async () => {
    before = await everything()
  })

  test.each(accessScopes)('with a key for %s', async (scope) => {
    const needed = neededBy(endpoint)
    const refusing = !opened[scope].includes(needed)
    const answers = [await ask(endpoint, hers, keyed[scope])]
    if (refusing) answers.push(await ask(endpoint, own, keyed[scope]))
    expect(await everything()).toEqual(before)
    if (!refusing) return expect(answers[0]?.body?.error?.reason).not.toBe('SCOPE_MISSING')
    const lacking = `This needs an access key with the scope ${needed}; this one has ${scope}.`
    for (const refused of answers) {
      expect(refused).toMatchObject({
        status: 403,
        body: { error: { status: 'PERMISSION_DENIED', reason: 'SCOPE_MISSING', message: lacking } },
      })
      expect(refused.headers.get('www-authenticate')).toBe(
        `Bearer error="insufficient_scope", scope="${needed}"`,
      )
    }
  })
})

describe('every endpoint about one thing', () => {
  test('is asked here', () => {
    expect(new Set(endpoints.map(({ noun }) => noun))).toEqual(
      new Set(
        [...nouns, ...told, 'erasures', 'recordingfiles'].filter(
          (noun) => noun !== 'registrations' || endpointsOf(noun).length > 0,
        ),
      ),
    )
    expect(endpointsOf('routes').map(({ method }) => method)).toEqual(['GET', 'PUT', 'PATCH', 'DELETE'])
  })
})

describe.each(endpoints.filter(({ noun }) => noun !== 'customers'))('$method $path', (endpoint) => {
  test('is for the customer whose it is, and there is nothing for another', async () => {
    const before = await everythingOf(alice.id)
    const needed = neededBy(endpoint)
    for (const scope of accessScopes.filter((scope) => opened[scope].includes(needed))) {
      const stolen = await ask(endpoint, hers, keyed[scope])
      expect(stolen).toMatchObject({ status: 404, body: { error: { status: 'NOT_FOUND' } } })
      expect(stolen.body.error.reason).not.toBe('RESOURCE_NOT_FOUND')
    }
    expect(await everythingOf(alice.id)).toEqual(before)
    const allowed = await ask(endpoint, own, keyed[needed])
    expect(allowed.body?.error?.reason ?? 'done').toBe(cameTo(endpoint))
  })
})

describe.each(endpointsOf('customers'))('$method $path', (endpoint) => {
  test('is for administrators', async () => {
    for (const whose of [hers, own]) expect(await ask(endpoint, whose)).toMatchObject({ status: 403 })
  })
})

describe.each(nouns.filter((noun) => noun !== 'customers').concat(told))('GET /v1.0/%s', (noun) => {
  test('shows one’s own, and nothing of another’s', async () => {
    const ids = async (of: Client) =>
      (await of('GET', `/v1.0/${noun}`)).body.result.map(({ id }: { id: string }) => id)
    const listed = await ids(alice)
    expect(listed).toContain(hers[noun])
    expect(listed).not.toContain(own[noun])
    expect(await ids(mallory)).not.toContain(hers[noun])
  })
})

describe('what leads to another customer’s', () => {
  test.each([
    ['routes', 'provider_id', 'providers', {}],
    ['numbers', 'extension_id', 'extensions', { number: '+15559990001' }],
    ['numbers', 'call_flow_id', 'flows', { number: '+15559990001' }],
    ['numbers', 'trunk_id', 'trunks', { number: '+15559990001' }],
    ['numbers', 'provider_id', 'providers', { number: 'any' }],
    ['alerts', 'extension_id', 'extensions', { when: { kind: 'unregistered' } }],
    ['alerts', 'trunk_id', 'trunks', { when: { kind: 'unregistered' } }],
    ['alerts', 'provider_id', 'providers', { when: { kind: 'provider_unhealthy' } }],
    ['alerts', 'route_id', 'routes', { when: { kind: 'success_rate', of: 'route' } }],
    ['alerts', 'webhook_id', 'webhooks', { when: { kind: 'new_country' } }],
  ])('is refused when %s are made: %s', async (noun, field, of, body) => {
    const carol = await app.newcomer('Carol')
    expect(await carol('POST', `/v1.0/${noun}`, { ...body, [field]: hers[of] })).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND', details: [{ field }] } },
    })
  })

  test('is refused as the number to show', async () => {
    expect(
      await mallory('PUT', '/v1.0/customer', { default_outgoing_number_id: hers.numbers }),
    ).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND' } },
    })
  })
})

/** What a request for one's own comes to: no relay is here, the call is over and kept no messages, and so is the recording which was deleted; the token is another key’s. */
function cameTo({ method, path }: Endpoint): string {
  if (method === 'DELETE' && path.endsWith('/tokens/:token_id')) return 'SCOPE_MISSING'
  if (path === '/v1.0/providers/:id/test' || path === '/v1.0/drills/:id/run') return 'NO_RELAY'
  if (path.endsWith('/pcap')) return 'MESSAGES_NOT_FOUND'
  return /\/(recording_\w+|hangup|transfer|play|talk|silence|dtmf|hold|mute)$/.test(path)
    ? 'CALL_OVER'
    : 'done'
}

function endpointsOf(noun: string): Endpoint[] {
  return endpoints.filter((endpoint) => endpoint.noun === noun)
}

/** Mallory asks about a thing which is hers, or another's. What is made, is asked for without what it needs. */
function ask({ method, path, noun }: Endpoint, whose: Things, as: Client = mallory) {
  const named = path
    .replace(':id', whose[noun] ?? '')
    .replace(':test_id', whose.tests ?? '')
    .replace(':token_id', whose.tokens ?? '')
    .replace(':version', '1')
  if (path.endsWith('/stream')) return as(method, `${named}?seconds=1`)
  if (method === 'GET' || method === 'DELETE') return as(method, named)
  if (path.endsWith('/rotate')) return as(method, named, { overlap_seconds: 60 })
  if (path.endsWith('/replay')) return as(method, named, { after: whose.events })
  if (method === 'PUT' || method === 'PATCH')
    return as(method, named, noun === 'customer' ? { colour: 'red' } : changesOf(noun))
  if (noun === 'calls') return as(method, named, orders[path.split('/').at(-1) ?? ''] ?? {})
  return as(method, named, path.includes(':') ? {} : { colour: 'red' })
}

/** What an order to a call says, where it is to say something. */
const orders: Record<string, object> = {
  transfer: { destination: { type: 'tel', target: '+12125550000' } },
  play: { stream_urls: ['https://example.com/a.wav'] },
  talk: { text: 'Hello' },
  dtmf: { digits: '1' },
}

/** A change which each noun takes, of whoever's thing. */
function changesOf(noun: string): object {
  if (noun === 'providers') return { name: 'mine', hostname: 'mine.test' }
  if (noun === 'routes') return { name: 'mine', provider_id: own.providers }
  if (noun === 'trunks')
    return { name: 'mine', auth_types: ['basic'], username: 'mine', password: 'mine enough' }
  if (noun === 'webhooks') return { name: 'mine', url: 'http://127.0.0.1:9009/', events: ['*'] }
  if (noun === 'alerts') return { name: 'mine', when: { kind: 'provider_unhealthy' } }
  if (noun === 'drills') return { name: 'mine', call: { to: '+12125550000' } }
  if (noun === 'recordings') return { heard: true }
  if (noun === 'flows') return { name: 'mine', actions: connect('phone2') }
  return { name: 'mine' }
}

/** A WAV file, in base64. */
const silence = wavFile({ rate: 8_000, channels: [[0, 0]] }).toString('base64')

function connect(extension: string) {
  return [{ type: 'connect', option: { destinations: [{ type: 'extension', target_name: extension }] } }]
}

/** One of everything, of one customer: what it makes, and what relays told of it. */
async function furnished(of: Tenant, which: number): Promise<Things> {
  const make = async (noun: string, body: object) => (await of('POST', `/v1.0/${noun}`, body)).body.id
  const providers = await make('providers', { hostname: `sip${which}.test` })
  const routes = await make('routes', { provider_id: providers })
  const extensions = await make('extensions', { extension: `phone${which}`, password: 'long enough' })
  const tokens = await make(`extensions/${extensions}/tokens`, {})
  const trunk = { auth_types: ['basic'], username: 'pbx', password: 'long enough' }
  const trunks = await make('trunks', { ...trunk, domain_name: `pbx${which}` })
  const prompts = await make('prompts', { sound: silence })
  const flows = await make('flows', { actions: connect(`phone${which}`) })
  const numbers = await make('numbers', { number: `+1555999111${which}` })
  const webhooks = await make('webhooks', { url: 'http://127.0.0.1:9009/', events: ['*'] })
  const alerts = await make('alerts', { when: { kind: 'new_country' }, webhook_id: webhooks })
  const drills = await make('drills', { call: { to: '+12125550000' } })
  const accesskeys = await make('accesskeys', {})
  const erasures = await make('erasures', { number: '+15550009999' })
  const made = {
    providers,
    routes,
    extensions,
    tokens,
    trunks,
    prompts,
    flows,
    numbers,
    webhooks,
    alerts,
    drills,
    accesskeys,
    erasures,
    customers: of.id,
    relays: 'relay-1',
  }
  const { body } = await of('GET', `/v1.0/changes?resource_id=${providers}`)
  return { ...made, changes: body.result[0].id, ...(await heardOf(of.id, made)) }
}

async function heardOf(customerId: string, { extensions, providers }: Things): Promise<Things> {
  const [calls, events, registrations, blocks, tests, recordings] = Array.from({ length: 6 }, () =>
    crypto.randomUUID(),
  ) as [string, string, string, string, string, string]
  const party = JSON.stringify({ type: 'tel', target: '+15550001', target_name: '', name: '', detail: '' })
  const { pool } = app.database
  await pool.query(
    `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
       sip_call_id, started_at, attempts)
     values ($1, $2, 'relay-1', 1, 'outgoing', $3, $3, 'hangup', false, 'x', now(), '[]')`,
    [calls, customerId, party],
  )
  await pool.query(
    `insert into events (id, customer_id, type, at, data) values ($1, $2, 'call.refused', now(), '{}')`,
    [events, customerId],
  )
  await pool.query(
    `insert into bindings (id, customer_id, extension_id, relay_id, sequence, event, contact, q, call_id, cseq,
       transport, address, port, path, user_agent, registered_at, refreshed_at, expires_at)
     values ($1, $2, $3, 'relay-1', 1, 'registered', 'sip:a@192.0.2.1', 1, 'x', 1, 'udp', '192.0.2.1', 5060, '{}', '',
       now(), now(), now() + interval '1 hour')`,
    [registrations, customerId, extensions],
  )
  await pool.query(`insert into commands (id, customer_id, relay_id, body) values ($1, $2, 'relay-1', $3)`, [
    tests,
    customerId,
    JSON.stringify({ provider_id: providers, type: 'options' }),
  ])
  await pool.query(
    `insert into source_blocks (id, customer_id, relay_id, source, since, until, failures, accounts)
     values ($1, $2, 'relay-1', '192.0.2.66', now(), now() + interval '1 hour', 100, 20)`,
    [blocks, customerId],
  )
  await pool.query(
    `insert into recordings (id, customer_id, relay_id, kind, call_id, extension_id, started_at, ended_at, bytes, uploaded_at)
     values ($1, $2, 'relay-1', 'voicemail', $3, $4, now(), now(), 100, now())`,
    [recordings, customerId, calls, extensions],
  )
  return { calls, events, registrations, blocks, tests, recordings, recordingfiles: recordings }
}

/** Every row of both customers. */
function everything() {
  return Promise.all([everythingOf(alice.id), everythingOf(mallory.id)])
}

/** Every row of a customer, as the database has it: a digest of each table's. */
async function everythingOf(customerId: string) {
  const tables = [
    ...nouns.slice(1, -1),
    'deliveries',
    'access_keys',
    'replaced_tokens',
    'provisioning_links',
    'registration_tokens',
    'calls',
    'events',
    'bindings',
    'recordings',
    'commands',
    'changes',
  ]
  const digests = tables.map(
    (table) => `select '${table}' as name, md5(string_agg(row::text, '' order by row::text)) as digest
      from ${table} as row where customer_id = $1`,
  )
  return (await app.database.pool.query(digests.join(' union all '), [customerId])).rows
}
