import { expect } from 'vitest'
import {
  type Consideration,
  type CustomerFacts,
  customerFacts,
  type ExtensionFacts,
  extensionFacts,
  type FlowFacts,
  type NumberFacts,
  numberFacts,
  PLATFORM,
  type ProviderFacts,
  portNumber,
  providerFacts,
  type RouteDecision,
  type RouteFacts,
  type RouteQuestion,
  routeDecision,
  routeFacts,
  type TrunkFacts,
  trunkFacts,
  utcMs,
} from '#contract'
import { ConfigIndex, type ConfigSlice, decide, type Runtime, unused } from '#routing'

/*
 * Snapshots short enough to be read in a test. Alice is a customer in the United States with the extensions
 * `alice` and `bob`; the platform has what a test gives it.
 */

export const BASE = 'trunkline.test'
export const ALICE = '11111111-1111-4111-8111-111111111111'
export const CAROL = '22222222-2222-4222-8222-222222222222'
export const REALM = `${ALICE}.registrar.${BASE}`
/** A Tuesday, 13:30 UTC. */
export const AT = Date.parse('2026-11-24T13:30:00Z')

/** What a customer has; what is not said is as Alice has it, or empty. */
export interface Scene {
  customer?: Partial<CustomerFacts>
  extensions?: ExtensionFacts[]
  trunks?: TrunkFacts[]
  numbers?: NumberFacts[]
  flows?: FlowFacts[]
  providers?: ProviderFacts[]
  routes?: Listed[]
  platform?: Scene
  others?: { id: string; scene: Scene }[]
}

/** A route, and the provider it leads to. */
export interface Listed {
  route: RouteFacts
  provider: ProviderFacts
}

export function shelfOf({ platform = {}, others = [], ...alice }: Scene): ConfigIndex {
  const index = new ConfigIndex()
  const phones = { extensions: [extension('alice', { name: 'Alice' }), extension('bob')] }
  index.put(portionOf(ALICE, { ...phones, ...alice }))
  index.put(portionOf(PLATFORM, { customer: { allowed: [] }, ...platform }))
  for (const { id, scene } of others) index.put(portionOf(id, scene))
  return index
}

export function portionOf(id: string, scene: Scene): ConfigSlice {
  const own = <Thing extends { customer_id: string }>(thing: Thing): Thing => ({ ...thing, customer_id: id })
  const listed = scene.routes ?? []
  const providers = [...listed.map(({ provider }) => provider), ...(scene.providers ?? [])].map(own)
  return {
    customer_id: id,
    version: 7,
    customer: customer({ ...scene.customer, id }),
    extensions: (scene.extensions ?? []).map(own),
    trunks: (scene.trunks ?? []).map(own),
    numbers: (scene.numbers ?? []).map(own),
    flows: (scene.flows ?? []).map(own),
    providers: [...new Map(providers.map((provider) => [provider.id, provider])).values()],
    routes: listed.map(({ route }) => own(route)),
  }
}

export function liveWith(changes: Partial<Runtime> = {}): Runtime {
  return {
    at: utcMs(AT),
    baseDomain: BASE,
    decidedBy: 'edge',
    snapshotAgeMs: null,
    version: () => 7,
    health: () => 'unknown',
    trial: () => false,
    use: () => unused,
    ...changes,
  }
}

/** Decides, and sees to it that the decision is in the contract's words and its explanation is the decision. */
export function decided(question: RouteQuestion, scene: Scene, live: Partial<Runtime> = {}): RouteDecision {
  const decision = decide(question, shelfOf(scene).configuration, liveWith(live))
  expect(routeDecision.parse(decision)).toEqual(decision)
  expectExplained(decision)
  return decision
}

/** The explanation says what the decision does, neither more nor less. */
export function expectExplained(decision: RouteDecision): void {
  const said = decision.explanation
  expect(said).toMatchObject({ outcome: decision.kind, message: expect.stringMatching(/\.$/) })
  const refused = decision.kind === 'reject'
  expect([said?.status, said?.reason]).toEqual(refused ? [decision.status, decision.reason] : [null, null])
  if (refused) expect(said?.message).toBe(decision.message)
  const tried = said?.candidates.filter(({ order }) => order !== null) ?? []
  tried.sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
  expect(tried.map(({ order }) => order)).toEqual(tried.map((_, at) => at + 1))
  expect(tried.map(({ provider_id, dialled, policy }) => ({ provider_id, user: dialled, policy }))).toEqual(
    providersOf(decision).map(({ provider_id, user, policy }) => ({ provider_id, user, policy })),
  )
  for (const { kept, order, code } of said?.candidates ?? []) {
    expect(kept).toBe(code === 'KEPT')
    expect(order !== null).toBe(kept)
  }
}

export function providersOf(decision: RouteDecision) {
  return decision.kind === 'connect' && decision.targets.kind === 'providers'
    ? decision.targets.providers
    : []
}

/** Names of the providers which a call from Alice's phone tries. */
export function tried(user: string, scene: Scene, live: Partial<Runtime> = {}): string[] {
  return providersOf(decided(dials(user), scene, live)).map(({ name }) => name)
}

/** What is said of one provider. */
export function said(decision: RouteDecision, provider: string): Consideration[] {
  return decision.explanation?.candidates.filter(({ provider_name }) => provider_name === provider) ?? []
}

/** A call from Alice's phone. */
export function dials(user: string, host = REALM, from: Partial<RouteQuestion['from']> = {}): RouteQuestion {
  return {
    call_id: '99999999-9999-4999-8999-999999999999',
    caller: { kind: 'extension', customer_id: ALICE, extension_id: idOf('alice') },
    from: { user: 'alice', display: '', asserted: null, diverting: [], ...from },
    to: { user, host },
    codecs: [],
  }
}

/** A call from the PBX `office`, which proved itself. */
export function officeDials(user: string, from: Partial<RouteQuestion['from']> = {}): RouteQuestion {
  return {
    ...dials(user, `office.trunk.${BASE}`, { user: '101', ...from }),
    caller: { kind: 'trunk', customer_id: ALICE, trunk_id: idOf('office') },
  }
}

/** A call from an address, by default 192.0.2.7. */
export function rings(
  user: string,
  { from = '+442079460000', address = '192.0.2.7', host = '192.0.2.1', line = null as string | null } = {},
): RouteQuestion {
  return {
    ...dials(user, host),
    caller: { kind: 'source', address, port: portNumber(5060), transport: 'udp', line },
    from: { user: from, display: 'Carol', asserted: null, diverting: [] },
  }
}

export function customer(changes: Partial<CustomerFacts> = {}): CustomerFacts {
  const plain = { id: ALICE, country: 'US', calling_code: '1', allowed: null, number_countries: [] }
  return { ...customerFacts.parse({ ...plain, require_caller_id: false }), ...changes }
}

export function extension(name: string, changes: Partial<ExtensionFacts> = {}): ExtensionFacts {
  const plain = { id: idOf(name), customer_id: ALICE, extension: name, name, enabled: true, ring_timeout: 30 }
  return { ...extensionFacts.parse(plain), ...changes }
}

export function trunk(name: string, changes: Partial<TrunkFacts> = {}): TrunkFacts {
  const plain = {
    id: idOf(name),
    customer_id: ALICE,
    name,
    domain_name: name,
    enabled: true,
    auth_types: ['basic', 'ip'],
    username: null,
    sources: [],
    hostname: null,
    port: null,
    transport: null,
    ring_timeout: 30,
  }
  return { ...trunkFacts.parse(plain), ...changes }
}

export function number(e164: string, changes: Partial<NumberFacts> = {}): NumberFacts {
  const plain = {
    id: idOf(`n${e164}`),
    customer_id: ALICE,
    number: e164,
    enabled: true,
    extension_id: null,
    flow_id: null,
  }
  return { ...numberFacts.parse(plain), ...changes }
}

export function provider(name: string, changes: Partial<ProviderFacts> = {}): ProviderFacts {
  const plain = {
    id: idOf(name),
    customer_id: ALICE,
    name,
    enabled: true,
    hostname: `${name}.test`,
    port: null,
    transport: null,
    codecs: '',
    tech_prefix: '',
    tech_postfix: '',
    tech_headers: {},
    username: null,
    failover: null,
  }
  return { ...providerFacts.parse(plain), ...changes }
}

type RouteChanges = Partial<RouteFacts> & { provider?: Partial<ProviderFacts> }

/** A route to the provider of that name; what is not said is as a new route has it. */
export function route(to: string, { provider: changes, ...wishes }: RouteChanges = {}): Listed {
  const plain = {
    id: idOf(`route ${to} ${wishes.target ?? 'all'}`),
    customer_id: ALICE,
    target: 'all',
    priority: 1,
    weight: 0,
    enabled: true,
    created_at: '2026-01-01T00:00:00+00:00',
    failover: null,
    provider_id: idOf(to),
  }
  return { route: { ...routeFacts.parse(plain), ...wishes }, provider: provider(to, changes) }
}

/** The same id for the same name, in the shape of a UUID. */
export function idOf(name: string): string {
  const hex = Array.from(name, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  const digits = hex.padEnd(31, '0').slice(-31)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18, 30)}`
}
