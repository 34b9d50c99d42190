import { sql } from 'drizzle-orm'
import * as z from 'zod'
import { healthStatus, registrationStatus } from '#contract'
import { providerHealth, providerRegistrations, type providers, readInstant } from '#db'
import { readOnly } from '../http/field.ts'
import type { Stored } from '../http/noun.ts'

/*
 * How a provider is doing, as relays say it: read in the statement which reads the provider.
 */

type HealthRow = typeof providerHealth.$inferSelect
type Registration = typeof providerRegistrations.$inferSelect

const health = sql<Json<HealthRow> | null>`(
  select to_jsonb(h) from ${providerHealth} h where h.provider_id = "providers"."id")`
const registration = sql<Json<Registration> | null>`(
  select to_jsonb(r) from ${providerRegistrations} r where r.provider_id = "providers"."id")`

/** What is read beside a provider. */
export const providerStatus = { health, registration }

type ProviderWithStatus = Stored<typeof providers, typeof providerStatus>

/** The same and where its host is found: what of a provider changes without a change of its configuration. */
export function providerLive({ health, registration, found, foundSince }: ProviderWithStatus): unknown[] {
  return [health, registration, found, foundSince]
}

const instant = z.iso.datetime({ precision: 6 })
const since = instant.nullable()

/** What of a provider only relays and the edge say. */
export const statusFields = {
  health_status: readOnly(healthStatus, (row: ProviderWithStatus) => row.health?.status ?? 'unknown'),
  health_checked_at: readOnly(since.describe('VoIPBIN’s name for it.'), ({ health }: ProviderWithStatus) =>
    at(health?.checked_at),
  ),
  health: readOnly(
    z.object({
      status: healthStatus,
      tm_change: since,
      latency_ms: z.number().nullable(),
      why: z.string(),
    }),
    ({ health }: ProviderWithStatus) => ({
      status: health?.status ?? 'unknown',
      tm_change: at(health?.since),
      latency_ms: health?.latency_ms ?? null,
      why: health?.why ?? '',
    }),
  ),
  registration: readOnly(
    z
      .object({
        status: registrationStatus,
        since,
        until: since,
        sip_status: z.int().nullable(),
        why: z.string(),
        relay_id: z.string().nullable(),
        next_at: since,
      })
      .nullable(),
    (row: ProviderWithStatus) => (row.register ? registered(row.registration) : null),
  ),
}

function registered(row: Json<Registration> | null) {
  return {
    status: row?.status ?? 'not_registered',
    since: at(row?.since),
    until: at(row?.until),
    sip_status: row?.sip_status ?? null,
    why: row?.why ?? '',
    relay_id: row?.relay_id ?? null,
    next_at: at(row?.next_at),
  }
}

function at(text: string | null | undefined): string | null {
  return text == null ? null : readInstant(text)
}

/** A row as JSON: its columns by their names in the database. */
type Json<ProviderWithStatus> = {
  [Column in keyof ProviderWithStatus & string as Snake<Column>]: ProviderWithStatus[Column]
}
type Snake<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : Name
