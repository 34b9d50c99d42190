import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

/*
 * Whatever is done to a configuration through the API, each of its versions is told as the API showed it then, and comes
 * back so, but for what the answer names.
 */

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const nouns = ['providers', 'routes', 'extensions', 'trunks', 'flows', 'numbers'] as const
type Noun = (typeof nouns)[number]
type Thing = Record<string, unknown> & { id: string }
type Configuration = Record<Noun, Thing[]> & { customer: Thing }

/** One request: which verb, of which noun, about which of the things there are, and a number that makes it differ. */
const act = fc.record({
  verb: fc.constantFrom('post', 'post', 'post', 'put', 'patch', 'delete'),
  noun: fc.constantFrom(...nouns, 'customer' as const),
  which: fc.nat(20),
  other: fc.nat(20),
  salt: fc.nat(3),
})
type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never

const histories = Number(process.env.HISTORIES ?? 4)

describe('a version', () => {
  test('is told as it was, and comes back so', { timeout: 60_000 * Math.max(1, histories / 4) }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 6, maxLength: 14 }),
        fc.infiniteStream(fc.nat()),
        async (acts, dice) => {
          const customer = await app.newcomer('Somebody')
          const seen = new Map<number, Configuration>()
          for (const one of acts) {
            await carryOut(customer, one)
            const configuration = await shown(customer)
            seen.set(Number(configuration.customer.configuration_version), configuration)
          }
          for (const [version, then] of seen) expect(await told(customer, version)).toEqual(bare(then))
          for (const [version, then] of shuffled([...seen], dice)) await restores(customer, version, then)
        },
      ),
      { numRuns: histories, endOnFailure: true },
    )
  })
})

async function restores(customer: Client, version: number, then: Configuration): Promise<void> {
  const before = await shown(customer)
  const { status, body } = await customer('POST', `/v1.0/versions/${version}/restore`)
  expect([status, body.error]).toEqual([200, undefined])
  const after = await shown(customer)
  const stays = new Set(
    body.left_out.filter(({ field }: LeftOut) => field === null).map((one: LeftOut) => one.resource_id),
  )
  // What is named stays as it was before, all else is as it was then.
  const expected = all(then)
    .filter(({ id }) => !stays.has(id))
    .concat(all(before).filter(({ id }) => stays.has(id)))
  expect(sorted(all(after))).toEqual(sorted(expected))
  const number = Number(before.customer.configuration_version)
  expect(body.version).toBe(body.changes.length === 0 ? number : after.customer.configuration_version)
  const { body: made } = await customer('GET', `/v1.0/changes?version=${body.version}`)
  const changed = body.changes.map((one: { resource_id: string }) => one.resource_id)
  if (changed.length > 0) expect(ids(made.result)).toEqual(changed.sort())
}
interface LeftOut {
  resource_id: string
  field: string | null
}

function ids(changes: { resource_id: string }[]): string[] {
  return changes.map(({ resource_id }) => resource_id).sort()
}

/** Does something; what is refused has changed nothing, and is no matter here. */
async function carryOut(customer: Client, { verb, noun, which, other, salt }: Act): Promise<void> {
  const now = await shown(customer)
  const pick = (of: Noun, at = which) => now[of][at % Math.max(1, now[of].length)]?.id
  const body = bodies({
    salt,
    which,
    pick: (of) => pick(of, other),
    name: now.extensions[other % 3]?.extension,
  })
  if (noun === 'customer') await customer('PATCH', '/v1.0/customer', body.customer)
  else if (verb === 'post') await customer('POST', `/v1.0/${noun}`, body[noun])
  else {
    const path = `/v1.0/${noun}/${pick(noun)}${verb === 'delete' && noun !== 'numbers' && noun !== 'routes' && salt > 0 ? '?cascade=true' : ''}`
    await customer(verb.toUpperCase(), path, verb === 'delete' ? undefined : body[noun])
  }
}

interface Salt {
  salt: number
  which: number
  pick: (of: Noun) => string | undefined
  name: unknown
}

function bodies({ salt, which, pick, name }: Salt): Record<Noun | 'customer', object> {
  const secret =
    salt % 2 === 0 ? { username: `user${salt}`, password: `password-${which}` } : { username: null }
  const target = [
    { extension_id: pick('extensions') },
    { trunk_id: pick('trunks') },
    { call_flow_id: pick('flows') },
    {},
  ]
  return {
    customer: {
      detail: `salt ${salt}`,
      max_cps: salt + 1,
      ...(salt > 1 && { default_outgoing_number_id: pick('numbers') ?? null }),
    },
    providers: {
      name: `provider ${salt}`,
      hostname: `host${which}.test`,
      codecs: salt > 1 ? 'PCMU,PCMA' : '',
      tech_headers: { [`X-${which}`]: String(salt) },
      inbound_addresses: salt > 2 ? [`198.51.100.${which % 3}`] : [],
      failover: salt > 1 ? { answer_ms: 10_000 + salt } : null,
      ...secret,
    },
    routes: {
      name: `route ${salt}`,
      provider_id: pick('providers'),
      priority: salt + 1,
      time_window:
        salt > 1 ? { time_zone: 'Europe/Berlin', periods: [{ from: '08:00', to: '17:00' }] } : null,
    },
    extensions: {
      extension: `phone${which % 3}`,
      name: `phone ${salt}`,
      password: 'secure-password',
      max_channels: salt + 1,
    },
    trunks:
      salt === 3
        ? { domain_name: `pbx${which % 3}`, auth_types: ['ip'], allowed_ips: [`198.51.100.${which % 3}`] }
        : {
            domain_name: `pbx${which % 3}`,
            auth_types: ['basic'],
            username: `user${salt}`,
            password: 'between-us-two',
          },
    flows: {
      name: `flow ${salt}`,
      actions: [{ type: 'connect', option: { destinations: [{ type: 'extension', target_name: name }] } }],
    },
    numbers: {
      number: which === 0 ? 'any' : `+1212555010${which % 4}`,
      ...(which === 0 && { provider_id: pick('providers') }),
      name: `number ${salt}`,
      ...target[salt],
    },
  }
}

async function shown(customer: Client): Promise<Configuration> {
  const lists = nouns.map(async (noun) => [noun, (await customer('GET', `/v1.0/${noun}`)).body.result])
  const own = (await customer('GET', '/v1.0/customer')).body
  return { customer: own, ...Object.fromEntries(await Promise.all(lists)) }
}

async function told(customer: Client, version: number): Promise<object> {
  const { version: number, ...configuration } = (await customer('GET', `/v1.0/versions/${version}`)).body
  expect(number).toBe(version)
  return configuration
}

/** Without tags, and what is only observed. */
function bare<Value extends object>(value: Value, ...also: string[]): Value {
  const hidden = [...observed, ...also]
  return JSON.parse(JSON.stringify(value, (key, part) => (hidden.includes(key) ? undefined : part)))
}

const observed = [
  'etag',
  'configuration_version',
  'addresses',
  'health_status',
  'health_checked_at',
  'health',
  'registration',
]

/** All things of a configuration, but for when they were changed last and how often flows were, and whether there is a password for a username. */
function all({ customer, ...lists }: Configuration): Thing[] {
  return bare([customer, ...Object.values(lists).flat()], 'tm_update', 'version', 'password_set')
}

function sorted(things: Thing[]): Thing[] {
  return things.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function shuffled<One>(list: One[], dice: fc.Stream<number>): One[] {
  return list
    .map((one) => ({ one, at: dice.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}
