import { eq } from 'drizzle-orm'
import { type Database, providerHealth, providerRegistrations, providers } from '#db'
import { times } from '../http/queries.ts'

/** A provider as it was configured, and how it is doing, in one statement. */
export function standing(db: Database) {
  return db
    .select({ provider: providers, health: providerHealth, registration: providerRegistrations })
    .from(providers)
    .leftJoin(providerHealth, eq(providerHealth.providerId, providers.id))
    .leftJoin(providerRegistrations, eq(providerRegistrations.providerId, providers.id))
    .$dynamic()
}
type Standing = Awaited<ReturnType<typeof standing>>[number]

/** Keys of a provider that only we set. */
export const providerShown = [
  'password_set',
  'addresses',
  'health_status',
  'health_checked_at',
  'health',
  'registration',
] as const

/** A provider as the API shows it. */
export function providerToWire({ provider: row, health, registration }: Standing) {
  return {
    id: row.id,
    customer_id: row.customerId,
    type: row.type,
    name: row.name,
    detail: row.detail,
    hostname: row.hostname,
    port: row.port,
    transport: row.transport,
    tls_verify: row.tlsVerify,
    tls_fingerprint: row.tlsFingerprint,
    codecs: row.codecs,
    tech_prefix: row.techPrefix,
    tech_postfix: row.techPostfix,
    tech_headers: row.techHeaders,
    called_format: row.calledFormat,
    calling_format: row.callingFormat,
    asserted_format: row.assertedFormat,
    country: row.country?.toLowerCase() ?? null,
    username: row.username,
    password_set: row.sealedPassword !== null,
    realm: row.realm,
    register: row.register,
    register_expires: row.registerExpires,
    probe_interval: row.probeInterval,
    probe_accept: row.probeAccept,
    max_channels: row.maxChannels,
    max_cps: row.maxCps,
    inbound_addresses: row.inboundAddresses,
    /** Where its hostname leads, as relays find it: its calls are known there, too. */
    addresses: row.found.map((address, at) => ({ address, since: row.foundSince[at] ?? null })),
    failover: row.failover,
    enabled: row.enabled,
    health_status: health?.status ?? 'unknown',
    /** VoIPBIN’s name for it. */
    health_checked_at: health?.checkedAt ?? null,
    health: {
      status: health?.status ?? 'unknown',
      tm_change: health?.since ?? null,
      latency_ms: health?.latencyMs ?? null,
      why: health?.why ?? '',
    },
    registration: row.register ? registered(registration) : null,
    ...times(row),
  }
}

function registered(row: Standing['registration']) {
  return {
    status: row?.status ?? 'not_registered',
    since: row?.since ?? null,
    until: row?.until ?? null,
    sip_status: row?.sipStatus ?? null,
    why: row?.why ?? '',
    relay_id: row?.relayId ?? null,
    next_at: row?.nextAt ?? null,
  }
}
