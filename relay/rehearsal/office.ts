import { type Snapshot, type SnapshotSecrets, snapshot, snapshotSecrets } from '#contract'
import type { VerifiedSnapshot } from '../ground/effects.ts'
import { type DigestHashes, ha1Text } from '../sip/digest.ts'

/** Domain of the rehearsed office: no such name is ever looked up (RFC 6761 §6.4). */
export const baseDomain = 'rehearsal.invalid'

const customerId = '00000000-0000-4000-8000-000000000001'
/** Domain and digest realm of its phones. */
export const realm = `${customerId}.registrar.${baseDomain}`

/** How each of its phones is registered. */
export const usernames = ['first', 'second'] as const
export const password = 'rehearsed'

/** A number which rings the second phone. */
export const number = '+12025550142'
/** The name of its carrier's gateways. */
const carrierHost = `carrier.${baseDomain}`

/** Where all of them are: documentation addresses (RFC 5737, RFC 3849) of the family which `ours` is of. */
export function placesBeside(ours: string) {
  const places = ours.includes(':')
    ? ['2001:db8::21', '2001:db8::22', '2001:db8::31', '2001:db8::32']
    : ['198.51.100.21', '198.51.100.22', '203.0.113.31', '203.0.113.32']
  const [first = '', second = '', phone = '', other = ''] = places
  return { gateways: [first, second], phones: [phone, other] } as const
}

/** An office of two phones and one carrier, as an edge would say it. */
export function rehearsedOffice(hashes: DigestHashes, gateways: readonly string[]): VerifiedSnapshot {
  const of = { customer_id: customerId, enabled: true }
  const extensions = usernames.map((extension, at) => ({
    ...of,
    id: numbered(10 + at),
    extension,
    name: extension,
    ring_timeout: 30,
  }))
  const accounts = usernames.map((username, at) => ({
    kind: 'extension',
    id: numbered(10 + at),
    username,
    realm,
    ha1_md5: hashes.md5(ha1Text(username, realm, password)),
    ha1_sha256: hashes.sha256(ha1Text(username, realm, password)),
    algorithms: ['MD5'],
    enabled: true,
    max_contacts: 10,
    min_expires: 60,
    max_expires: 3600,
    default_expires: 3600,
    keepalive_s: 0,
  }))
  return {
    snapshot: snapshot.parse({
      format: 1,
      customer_id: customerId,
      version: 1,
      made_at: '2026-01-01T00:00:00.000Z',
      customer: {
        id: customerId,
        country: 'US',
        calling_code: '1',
        allowed: null,
        number_countries: ['US'],
        require_caller_id: false,
      },
      extensions,
      trunks: [],
      numbers: [{ ...of, id: numbered(20), number, extension_id: numbered(11), flow_id: null }],
      flows: [],
      providers: [
        {
          ...carrier(of),
          sources: gateways.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
        },
      ],
      routes: [
        {
          ...of,
          id: numbered(40),
          target: 'all',
          priority: 1,
          weight: 1,
          created_at: '2026-01-01T00:00:00.000Z',
          failover: null,
          provider_id: numbered(30),
        },
      ],
      sealed: '',
    } satisfies Loose<Snapshot>),
    secrets: snapshotSecrets.parse({ accounts, passwords: {} } satisfies Loose<SnapshotSecrets>),
    signed: new Uint8Array(),
  }
}

/** Where what is left out is as the schema has it. */
type Loose<T> = { readonly [key in keyof T]?: unknown }

function carrier(of: object) {
  return {
    ...of,
    id: numbered(30),
    name: 'Carrier',
    hostname: carrierHost,
    port: 5060,
    transport: 'udp',
    codecs: '',
    tech_prefix: '',
    tech_postfix: '',
    tech_headers: {},
    username: null,
    failover: null,
    probe_interval: 0,
  }
}

function numbered(last: number): string {
  return `00000000-0000-4000-8000-0000000000${last}`
}
