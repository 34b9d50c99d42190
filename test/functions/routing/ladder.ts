import type { RouteQuestion } from '#contract'
import type {
  ExtensionFacts,
  InboundFacts,
  OutboundFacts,
  RouteFacts,
} from '../../../functions/routing/facts.ts'

/*
 * Facts as the database would bring them, short enough to be read in a test. Alice is a customer in the
 * United States with the extensions `alice` and `bob`.
 */

export const BASE = 'trunkline.test'
export const ALICE = '11111111-1111-4111-8111-111111111111'
export const REALM = `${ALICE}.registrar.${BASE}`

export function dials(user: string, host = REALM): RouteQuestion {
  return {
    call_id: '99999999-9999-4999-8999-999999999999',
    caller: { kind: 'extension', customer_id: ALICE, extension_id: idOf('alice') },
    from: { user: 'alice', display: '', asserted: null },
    to: { user, host },
    codecs: [],
  }
}

export function rings(user: string, from = '+442079460000'): RouteQuestion {
  const caller = {
    kind: 'source' as const,
    address: '192.0.2.7',
    port: 5060,
    transport: 'udp' as const,
    line: null,
  }
  return { ...dials(user, '192.0.2.1'), caller, from: { user: from, display: 'Carol', asserted: null } }
}

export function known(changes: Partial<OutboundFacts> = {}): OutboundFacts {
  return {
    customer: { id: ALICE, country: 'US', allowed: null, number_countries: [], require_caller_id: false },
    caller: { id: idOf('alice'), extension: 'alice', name: 'Alice', enabled: true },
    callee: null,
    callerIds: { own: null, default: null, only: null },
    routes: [],
    ...changes,
  }
}

export function customer(changes: Partial<NonNullable<OutboundFacts['customer']>>) {
  return {
    id: ALICE,
    country: 'US',
    allowed: null,
    number_countries: [],
    require_caller_id: false,
    ...changes,
  }
}

export function extension(name: string, changes: Partial<ExtensionFacts> = {}): ExtensionFacts {
  return { id: idOf(name), extension: name, name, enabled: true, ring_timeout: 30, ...changes }
}

type RouteChanges = Partial<Omit<RouteFacts, 'provider'>> & { provider?: Partial<RouteFacts['provider']> }

/** A route to the provider of that name; what is not said is as a new route has it. */
export function route(to: string, { provider, ...changes }: RouteChanges = {}): RouteFacts {
  return {
    id: idOf(`route ${to} ${changes.target ?? 'all'}`),
    customer_id: ALICE,
    target: 'all',
    priority: 1,
    weight: 0,
    enabled: true,
    created_at: '2026-01-01T00:00:00+00:00',
    failover: null,
    ...changes,
    provider: {
      id: idOf(to),
      name: to,
      enabled: true,
      deleted: false,
      hostname: `${to}.test`,
      port: null,
      transport: null,
      codecs: '',
      tech_prefix: '',
      tech_postfix: '',
      tech_headers: {},
      called_format: '+e164',
      username: null,
      password: null,
      locked: false,
      failover: null,
      ...provider,
    },
  }
}

export function called(changes: Partial<InboundFacts> = {}): InboundFacts {
  return {
    sources: [{ id: idOf('telnyx'), name: 'telnyx', customer_id: ALICE, country: 'US' }],
    numbers: [
      {
        id: idOf('number'),
        number: '+15551230000',
        customer_id: ALICE,
        enabled: true,
        leads_to: 'extension',
        extension: extension('bob'),
      },
    ],
    ...changes,
  }
}

/** The same id for the same name, in the shape of a UUID. */
export function idOf(name: string): string {
  const hex = Array.from(name, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  const digits = hex.padEnd(31, '0').slice(-31)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18, 30)}`
}
