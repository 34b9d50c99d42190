import { and, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import * as z from 'zod'
import { diversion, PLATFORM, port, redirection, transport } from '#contract'
import { numbers, routes, providers as table } from '#db'
import { readIp, writeIp } from '#routing'
import type { Principal, Settings } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, type InputOf, readOnly, secret } from '../http/field.ts'
import { live, now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import type { Seal } from '../secrets.ts'
import { noClash, providerClashes } from './ambiguity.ts'
import { country, detail, failover, limits, name, shownCountry } from './fields.ts'
import {
  carriersNetwork,
  neighbourhood,
  networks,
  refusePrivate,
  sources,
  type Widest,
} from './inbound-addresses.ts'
import { providerLive, providerStatus, statusFields } from './provider-status.ts'
import { quota } from './quota.ts'
import {
  codecs,
  dialled,
  dtmf,
  headers,
  host,
  isup,
  numberFormat,
  refuseSecure,
  refuseTls,
  secure,
  tlsFields,
  transfer,
  words,
} from './sip-fields.ts'

type ProviderRow = typeof table.$inferSelect

/** Every field of a provider, once: its column has the same name. */
const fields = {
  type: field(z.literal('sip').default('sip')),
  name: field(name),
  detail: field(detail),
  hostname: field(host),
  port: field(port.min(1).nullable().default(null)),
  transport: field(transport.nullable().default(null)),
  ...tlsFields,
  codecs: field(codecs),
  tech_prefix: field(dialled),
  tech_postfix: field(dialled),
  tech_headers: field(headers),
  called_format: field(numberFormat),
  calling_format: field(numberFormat),
  asserted_format: field(numberFormat),
  country: field(
    country.nullable().default(null).describe('Country its numbers are read in; null: the customer’s.'),
    {
      output: shownCountry,
      as: (row: ProviderRow) => row.country?.toLowerCase() ?? null,
    },
  ),
  username: field(words.nullable().default(null)),
  password: secret(
    words.nullable().optional().describe('Left out, the one there is stays; null forgets it.'),
  ),
  password_set: readOnly(z.boolean(), (row: ProviderRow) => row.sealedPassword !== null),
  realm: field(
    words
      .min(1, 'is empty; null answers any')
      .nullable()
      .default(null)
      .describe('The realm the credentials are for; null: whichever asks first.'),
  ),
  register: field(z.boolean().default(false)),
  register_expires: field(z.int().min(60).max(86_400).default(3600).describe('Seconds asked for.')),
  probe_interval: field(
    z
      .int()
      .refine((seconds) => seconds === 0 || (seconds >= 5 && seconds <= 3600), 'is 0 (never) or 5 to 3600')
      .default(30)
      .describe('Seconds between two OPTIONS.'),
  ),
  probe_accept: field(
    z
      .array(z.int().min(200, 'is not a final SIP status').max(699, 'is not a final SIP status'))
      .min(1, 'names none; null accepts what is usual')
      .max(100)
      .overwrite((statuses) => [...new Set(statuses)])
      .nullable()
      .default(null)
      .describe('Answers to OPTIONS that are well; null: any but 408 and 503.'),
  ),
  max_channels: field(limits.max_channels),
  max_cps: field(limits.max_cps),
  inbound_addresses: field(sources),
  addresses: readOnly(
    z
      .array(z.object({ address: z.string(), since: z.string().nullable() }))
      .describe('Where its hostname leads, as relays find it: its calls are known there, too.'),
    (row: ProviderRow) => row.found.map((address, at) => ({ address, since: row.foundSince[at] ?? null })),
  ),
  failover: field(failover),
  transfer: field(transfer('deny')),
  dtmf: field(dtmf),
  emergency_location: field(
    z
      .boolean()
      .default(false)
      .describe('Whether it takes where a caller is, with calls to emergency numbers (RFC 6442, PIDF-LO).'),
  ),
  diversion: field(
    diversion
      .default('off')
      .describe(
        'How it hears on whose behalf a call comes which is sent on: as Diversion (RFC 5806) or History-Info (RFC 7044), and then who calls; off: the call comes from the customer’s own number.',
      ),
  ),
  redirects: field(
    redirection
      .default('refuse')
      .describe(
        'What follows where it answers 3xx: it counts as a refusal, or the place it names is called.',
      ),
  ),
  isup: field(isup),
  secure: field(secure),
  enabled: field(z.boolean().default(true)),
  ...statusFields,
}
type ProviderInput = InputOf<typeof fields>

/** SIP carriers: where calls to the phone network go, and where calls from it come from. */
export const providers = resource({
  name: 'provider',
  path: '/v1.0/providers',
  about: 'SIP carriers: where calls to the phone network go, and where calls from it come from.',
  table,
  fields,
  beside: providerStatus,
  unversioned: ['found', 'foundSince'],
  live: providerLive,
  filters: { name, hostname: host },
  quota: quota('providers'),
  async draft(input, { c, id, customerId, stored }) {
    const sources = sourcesOf(input, c.get('settings'), widestOf(c.get('principal')))
    refuseHalves(input)
    if (!stored && input.register && !input.password) throw passwordNeeded()
    const mine = live(table, customerId, id)
    const clashes = providerClashes({ id, customerId, sources, ...input })
    const password = await sealedPassword(c.get('seal'), id, input)
    return {
      row: { sources, ...password, ...(stored && elsewhere(input)) },
      checks: [
        ...(stored && input.register && input.password === undefined ? [passwordKept(mine)] : []),
        noClash(clashes, customerId, (at) => (at === input.hostname ? 'hostname' : 'inbound_addresses')),
      ],
    }
  },
  deleting: {
    leaners: ({ id, customerId }) => [
      {
        table: routes,
        where: and(
          eq(routes.providerCustomerId, customerId),
          eq(routes.providerId, id),
          isNull(routes.deletedAt),
        ),
        becomes: { deletedAt: now },
      },
      {
        table: numbers,
        where: and(
          eq(numbers.providerCustomerId, customerId),
          eq(numbers.providerId, id),
          isNull(numbers.deletedAt),
        ),
        becomes: { deletedAt: now },
      },
    ],
    cascade: 'asked',
    inUse:
      'Routes or a catch-all number lead to this provider. Delete them first, or ask with ?cascade=true.',
  },
  errors: ['AMBIGUOUS_SOURCE'],
  example: {
    id: exampleIds.provider,
    body: {
      name: 'Primary SIP Provider',
      type: 'sip',
      hostname: 'sip.provider.com',
      username: 'trunkline',
      password: 'its-own-secret',
      codecs: 'PCMU,PCMA',
      max_channels: 30,
    },
    shown: {
      password_set: true,
      addresses: [],
      health_status: 'unknown',
      health_checked_at: null,
      health: { status: 'unknown', tm_change: null, latency_ms: null, why: '' },
      registration: null,
    },
  },
})

/** How wide a network the principal may say that calls come from. */
function widestOf({ admin, customerId }: Principal): Widest {
  return admin && customerId === PLATFORM ? carriersNetwork : neighbourhood
}

/** The networks its calls come from: those listed, and its host, where that is an address. */
function sourcesOf(input: ProviderInput, settings: Settings, widest: Widest): string[] {
  if (!settings.ALLOW_PRIVATE_TARGETS) refusePrivate(input.hostname, settings.BASE_DOMAIN)
  const host = readIp(input.hostname)
  const listed = networks(
    'inbound_addresses',
    input.inbound_addresses,
    settings.ALLOW_PRIVATE_TARGETS,
    widest,
  )
  return host ? [...listed, writeIp(host)] : listed
}

/** Credentials are said whole or not at all. */
function refuseHalves(input: ProviderInput): void {
  refuseTls(input)
  refuseSecure(input)
  const { username, password, register } = input
  if (register && !username) throw ApiError.field('username', 'is needed to register')
  if (register && (password === null || password === '')) throw passwordNeeded()
  if (username === null && password) throw ApiError.field('username', 'is needed beside a password')
}

/** What becomes of the password: sealed, forgotten, or (by leaving the key out) left as it is. */
async function sealedPassword(seal: Seal, id: string, { username, password }: ProviderInput) {
  if (username === null || password === null || password === '') return { sealedPassword: null }
  if (password === undefined) return {}
  return { sealedPassword: await seal.close({ table: 'providers', id, field: 'password' }, password) }
}

/** Registering takes a password; one which is left out of a change must be there already. */
function passwordKept(mine: SQL | undefined): Check {
  const known = sql`exists (select from ${table} where ${and(mine, isNotNull(table.sealedPassword))})`
  return condition(known, passwordNeeded)
}

function passwordNeeded(): ApiError {
  return ApiError.field('password', 'is needed to register')
}

/** What was found where its host is, is forgotten where that is another from now on. */
function elsewhere({ hostname, port, transport }: ProviderInput) {
  const same = sql`(${table.hostname}, ${table.port}, ${table.transport}) is not distinct from
    (${hostname}::text, ${port}::integer, ${transport}::transport)`
  const kept = (column: PgColumn) => sql`case when ${same} then ${column} else '{}' end`
  return { found: kept(table.found), foundSince: kept(table.foundSince) }
}
