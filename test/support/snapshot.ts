import { createCipheriv, createHmac, hash, randomBytes } from 'node:crypto'
import {
  type AccountFacts,
  accountFacts,
  type BeatAnswer,
  customerFacts,
  extensionFacts,
  numberFacts,
  providerFacts,
  routeFacts,
  type Snapshot,
  type SnapshotSecrets,
} from '#contract'
import type { VerifiedSnapshot } from '../../relay/ground/effects.ts'
import { unsaidTime } from './ladder.ts'

/** One customer's configuration, and its secrets, as the edge has them. */
export interface Configuration {
  readonly snapshot: Omit<Snapshot, 'sealed'>
  readonly secrets: SnapshotSecrets
}

/** A customer in the United States who has nothing yet. */
export function configuration(customerId: string, version: number): Configuration {
  const customer = {
    id: customerId,
    country: 'US',
    calling_code: '1',
    allowed: null,
    number_countries: [],
    require_caller_id: false,
  }
  return {
    snapshot: {
      format: 1,
      customer_id: customerId,
      version,
      made_at: '2026-01-01T00:00:00.000Z',
      customer: customerFacts.parse(customer),
      extensions: [],
      trunks: [],
      numbers: [],
      flows: [],
      providers: [],
      routes: [],
    },
    secrets: { accounts: [], passwords: {} },
  }
}

/** The same with an extension more, whose phone registers with that password. */
export function withExtension(
  { snapshot, secrets }: Configuration,
  extension: { id: string; name: string; realm: string; password: string },
  changes: Partial<AccountFacts> = {},
): Configuration {
  const { id, name, realm, password } = extension
  const common = { id, customer_id: snapshot.customer_id, name, enabled: true }
  const facts = extensionFacts.parse({ ...common, extension: name, ring_timeout: 30 })
  const account = accountFacts.parse({
    kind: 'extension',
    id,
    username: name,
    realm,
    ha1_md5: hash('md5', `${name}:${realm}:${password}`),
    ha1_sha256: hash('sha256', `${name}:${realm}:${password}`),
    algorithms: ['MD5'],
    enabled: true,
    max_contacts: 10,
    min_expires: 60,
    max_expires: 3600,
    default_expires: 3600,
    keepalive_s: 0,
    ended_tokens: [],
    ...changes,
  })
  return {
    snapshot: { ...snapshot, extensions: [...snapshot.extensions, facts] },
    secrets: { ...secrets, accounts: [...secrets.accounts, account] },
  }
}

/** The same with a provider more, a route for everything to it, and a number which rings an extension. */
export function withCarrier(
  { snapshot, secrets }: Configuration,
  carrier: { id: string; name: string; hostname: string; sources: string[] },
  number?: { number: string; extensionId: string },
): Configuration {
  const { customer_id } = snapshot
  const plain = {
    port: null,
    transport: null,
    codecs: '',
    tech_prefix: '',
    tech_postfix: '',
    tech_headers: {},
  }
  const trust = { username: null, failover: null, enabled: true, probe_interval: 0 }
  const provider = providerFacts.parse({ ...carrier, customer_id, ...plain, ...trust })
  const route = routeFacts.parse({
    id: numbered(carrier.id, '9'),
    customer_id,
    target: 'all',
    priority: snapshot.routes.length + 1,
    weight: 1,
    enabled: true,
    created_at: '2026-01-01T00:00:00.000Z',
    failover: null,
    provider_id: carrier.id,
  })
  const numbers = number
    ? [
        numberFacts.parse({
          id: numbered(carrier.id, '8'),
          customer_id,
          number: number.number,
          enabled: true,
          extension_id: number.extensionId,
          flow_id: null,
        }),
      ]
    : []
  return {
    snapshot: {
      ...snapshot,
      providers: [...snapshot.providers, provider],
      routes: [...snapshot.routes, route],
      numbers: [...snapshot.numbers, ...numbers],
    },
    secrets,
  }
}

/** As the edge sends it to the relay of that key: the body, and the header which signs it. */
export function signed(
  { snapshot, secrets }: Configuration,
  relayKey: string,
): { body: string; signature: string } {
  const { customer_id, version } = snapshot
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', derived(relayKey, 'snapshot seal'), iv)
  cipher.setAAD(Buffer.from(`${customer_id}|${version}`))
  const text = Buffer.concat([cipher.update(JSON.stringify(secrets)), cipher.final(), cipher.getAuthTag()])
  const sealed = `${iv.toString('base64url')}.${text.toString('base64url')}`
  const body = JSON.stringify({ ...snapshot, sealed })
  const mac = createHmac('sha256', derived(relayKey, 'snapshot signature')).update(body).digest('hex')
  return { body, signature: `v1=${mac}` }
}

/** As it looks once a relay has opened it. */
export function filed({ snapshot, secrets }: Configuration): VerifiedSnapshot {
  return { snapshot: { ...snapshot, sealed: '' }, secrets, signed: new Uint8Array() }
}

/** An answer to a beat with nothing in it but what is given. */
export function beatAnswer(version: number, changed: BeatAnswer['changed'] = []): BeatAnswer {
  return {
    at: unsaidTime,
    version,
    changed,
    slices: [],
    seconds: [],
    health: [],
    registrations: [],
    withdrawn: [],
    commands: [],
    ends: [],
    relays: 1,
  }
}

function derived(key: string, what: string): Buffer {
  return createHmac('sha256', key).update(what).digest()
}

/** An id like another, with another first digit. */
function numbered(id: string, digit: string): string {
  return `${digit}${id.slice(1)}`
}
