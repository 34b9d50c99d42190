import { eq } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { connect, customers, type Database, extensions, flows, numbers, providers, routes, trunks } from '#db'
import { type ConfigSlice, decide } from '#routing'
import { configurationOf } from '../../../functions/store/configuration.ts'
import { load } from '../../../functions/store/facts.ts'
import { lookupFor } from '../../../functions/store/lookup.ts'
import { startDatabase, type TestDatabase } from '../../support/database.ts'
import { call, scene, standing } from '../routing/arbitraries.ts'
import {
  ALICE,
  BASE,
  CAROL,
  customer,
  dials,
  extension,
  liveWith,
  number,
  portionOf,
  REALM,
  route,
  type Scene,
  shelfOf,
  trunk,
} from '../routing/fixtures.ts'

let database: TestDatabase
let db: Database
beforeAll(async () => {
  database = await startDatabase()
  db = connect(database.databaseUrl, database.endpointUrl)
  await db.insert(customers).values([ALICE, CAROL].map((id) => ({ id })))
})
afterAll(() => database.close())

test('the edge on what one statement brings, and a relay on whole snapshots, decide alike', async () => {
  const questions = fc.array(fc.tuple(call, standing), { minLength: 6, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(scene, questions, async (world, asked) => {
      await settle(world)
      const { configuration: book } = shelfOf(world)
      for (const [question, how] of asked) {
        database.heard.splice(0)
        const brought = await load(db, lookupFor(question, null, BASE))
        expect(database.heard).toHaveLength(1)
        const live = liveWith(how)
        expect(decide(question, configurationOf(brought), live)).toEqual(decide(question, book, live))
      }
    }),
    { numRuns: 10, endOnFailure: true },
  )
}, 180_000)

test('a number dialled on an island without its area code finds its route and its caller id', async () => {
  const world: Scene = {
    customer: customer({ country: 'BB', calling_code: '1' }),
    extensions: [extension('alice')],
    numbers: [number('+12464605678'), number('+12464605679')],
    routes: [route('far', { target: '+1268' }), route('near', { target: '+1246460' })],
  }
  await settle(world)
  const question = dials('4601234', REALM, { user: '4605678' })
  const brought = await load(db, lookupFor(question, null, BASE))
  const live = liveWith()
  const decision = decide(question, configurationOf(brought), live)
  expect(decision).toEqual(decide(question, shelfOf(world).configuration, live))
  expect(decision).toMatchObject({
    targets: { providers: [{ user: '+12464601234' }] },
    caller_id: { asserted: '+12464605678' },
  })
})

test('what is dialled oddly finds on both sides what it means', async () => {
  const elsewhere = ['+44', '+49', '+33', '+39', '+34', '+31'].map((target) =>
    route(`to${target}`, { target }),
  )
  const young = { created_at: '2026-02-01T00:00:00+00:00' }
  const world: Scene = {
    customer: customer(),
    extensions: [extension('alice'), extension('bob')],
    numbers: [number('+12125550000')],
    routes: [
      ...elsewhere,
      route('us', { target: '+1', ...young }),
      route('city', { target: '+1212', ...young }),
      route('codes', { target: '*', ...young }),
    ],
  }
  await settle(world)
  const live = liveWith()
  for (const [dialled, target] of [
    ['911', 'us'],
    ['911;phone-context=+1', 'us'],
    ['411', 'us'],
    ['*97', 'codes'],
    ['*672125551234', 'city'],
    ['#31#(212) 555-1234', 'city'],
    ['212-555-1234;phone-context=+1', 'city'],
    ['1-212-CALL-ALL', 'city'],
    ['\u202a212\u2011555\u20111234\u202c#', 'city'],
    ['*67bob', 'bob'],
  ] as const) {
    const question = dials(dialled, REALM, { user: '\u2066212\u00a0555\u00a00000\u2069' })
    const decision = decide(question, configurationOf(await load(db, lookupFor(question, null, BASE))), live)
    expect(decision).toEqual(decide(question, shelfOf(world).configuration, live))
    const targets = decision.kind === 'connect' ? decision.targets : undefined
    const found =
      targets?.kind === 'providers' ? targets.providers[0]?.name : targets?.kind === 'extension' && 'bob'
    expect([dialled, found]).toEqual([dialled, target])
  }
})

test('what a list leads to inside is found on both sides', async () => {
  const did = '+12125550000'
  const leads = [
    { extension_id: extension('bob').id },
    { trunk_id: trunk('office').id },
    { flow_id: flow.id },
  ]
  const forwarder = { kind: 'extension' as const, id: extension('alice').id, name: 'alice' }
  for (const lead of leads) {
    const world: Scene = {
      customer: customer(),
      extensions: [extension('alice'), extension('bob')],
      trunks: [trunk('office')],
      flows: [flow],
      numbers: [number(did, lead)],
    }
    await settle(world)
    for (const [type, user] of [
      ['tel', did],
      ['redirect', '2125550000'],
      ['flow', flow.id],
      ['flow', ALICE],
      ['flow', 'none'],
    ] as const) {
      const known = {
        kind: 'forwarder' as const,
        customer_id: ALICE,
        forwarder,
        type,
        called: 'alice',
        path: [],
      }
      const question = { ...dials(user, ''), caller: known }
      const brought = configurationOf(await load(db, lookupFor(question, null, BASE)))
      const decision = decide(question, brought, liveWith())
      expect(decision).toEqual(decide(question, shelfOf(world).configuration, liveWith()))
      expect([user, decision.kind]).toEqual([user, user === ALICE || user === 'none' ? 'reject' : 'connect'])
    }
  }
})

test('a call to a number of the house counts at whom it rings, and finds it busy, on both sides', async () => {
  const did = '+12125550000'
  const caps = { max_channels: 2, max_cps: null, max_daily_minutes: null }
  const [bob, office] = [extension('bob', { caps }), trunk('office', { caps })]
  for (const [lead, called] of [
    [{ extension_id: bob.id }, bob.id],
    [{ trunk_id: office.id }, office.id],
    [{ flow_id: flow.id }, bob.id],
  ] as const) {
    const world: Scene = {
      customer: customer(),
      extensions: [extension('alice'), bob],
      trunks: [office],
      flows: [flow],
      numbers: [number(did, lead)],
    }
    await settle(world)
    await db.update(extensions).set({ maxChannels: 2 }).where(eq(extensions.id, bob.id))
    await db.update(trunks).set({ maxChannels: 2 })
    const brought = await load(db, lookupFor(dials(did), null, BASE))
    expect(brought.use.map(({ id }) => id)).toContain(called)
    for (const [used, outcome] of [
      [1, 'connect'],
      [2, 486],
    ] as const) {
      const use = () => ({ channels: { used, of: 2 }, cps: null, daily_minutes: null })
      const decision = decide(dials(did), configurationOf(brought), liveWith({ use }))
      expect(decision).toEqual(decide(dials(did), shelfOf(world).configuration, liveWith({ use })))
      expect(decision.scopes.map(({ id }) => id)).toContain(called)
      expect(decision.kind === 'reject' ? decision.status : decision.kind).toBe(outcome)
    }
  }
})

const flow = {
  id: '77777777-7777-4777-8777-777777777777',
  customer_id: ALICE,
  name: '',
  version: 1,
  extension: 'bob',
  actions: null,
}

/** Makes the database hold exactly what the scene says. */
async function settle({ platform = {}, others = [], ...alice }: Scene): Promise<void> {
  for (const table of [numbers, routes, trunks, flows, extensions, providers]) await db.delete(table)
  await furnish(portionOf(PLATFORM, platform))
  await furnish(portionOf(ALICE, alice))
  for (const { id, scene } of others) await furnish(portionOf(id, scene))
}

async function furnish(portion: ConfigSlice): Promise<void> {
  const { customer_id: customerId, customer } = portion
  await db
    .update(customers)
    .set({
      defaultCountry: customer.country,
      callingCode: customer.calling_code,
      destinationWhitelist: customer.allowed,
      requireCallerId: customer.require_caller_id,
      useDefaultRoutes: customer.use_default_routes,
      passDisplayName: customer.pass_display_name,
      blockedPrefixes: customer.blocked_prefixes,
    })
    .where(eq(customers.id, customerId))
  const sealed = { sealedMd5: '', sealedSha256: '' }
  await fill(
    providers,
    portion.providers.map((one) => ({
      id: one.id,
      customerId,
      name: one.name,
      hostname: one.hostname,
      enabled: one.enabled,
      country: one.country,
      calledFormat: one.called_format,
      callingFormat: one.calling_format,
      techPrefix: one.tech_prefix,
      sources: one.sources,
      found: one.found.map(({ address }) => address),
      foundSince: one.found.map(({ since }) => since),
      ...(one.created_at !== '' && { createdAt: one.created_at }),
    })),
  )
  await fill(
    routes,
    portion.routes.map((one) => ({
      id: one.id,
      customerId,
      name: one.name,
      providerCustomerId: customerId,
      providerId: one.provider_id,
      target: one.target,
      priority: one.priority,
      weight: one.weight,
      enabled: one.enabled,
      timeWindow: one.time_window,
      createdAt: one.created_at,
    })),
  )
  await fill(
    extensions,
    portion.extensions.map(({ id, extension, name, enabled, ring_timeout, caller_id }) => ({
      id,
      customerId,
      extension,
      name,
      enabled,
      ringTimeout: ring_timeout,
      callerId: caller_id,
      ...sealed,
    })),
  )
  await fill(
    trunks,
    portion.trunks.map((one) => ({
      id: one.id,
      customerId,
      name: one.name,
      domainName: one.domain_name,
      authTypes: one.auth_types,
      enabled: one.enabled,
      country: one.country,
      callerIds: one.caller_ids,
      sources: one.sources,
      ...(one.created_at !== '' && { createdAt: one.created_at }),
      calledFormat: one.called_format,
      ringTimeout: one.ring_timeout,
    })),
  )
  await fill(
    flows,
    portion.flows.map(({ id, extension }) => {
      const option = { destinations: [{ type: 'extension', target_name: extension }] }
      return { id, customerId, actions: [{ id, type: 'connect', option }] }
    }),
  )
  await fill(
    numbers,
    portion.numbers.map((one) => ({
      id: one.id,
      customerId,
      number: one.number,
      numberTo: one.number_to,
      ownership: one.ownership,
      providerId: one.provider_id,
      providerCustomerId: one.provider_id && customerId,
      country: countries[one.number.slice(0, 5)] ?? null,
      extensionId: one.extension_id,
      trunkId: one.trunk_id,
      callFlowId: one.flow_id,
    })),
  )
}

async function fill<Table extends PgTable>(table: Table, rows: Table['$inferInsert'][]): Promise<void> {
  if (rows.length > 0) await db.insert(table).values(rows)
}

const countries: Record<string, string> = { '+1212': 'US', '+4420': 'GB', '+1268': 'AG' }
