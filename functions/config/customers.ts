import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { PLATFORM } from '#contract'
import {
  accessKeys,
  alerts,
  drills,
  extensions,
  flows,
  numbers,
  prompts,
  providers,
  routes,
  customers as table,
  trunks,
  webhooks,
} from '#db'
import { callingCode, isEmergency, readBeginning, realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { requireScope } from '../http/authenticate.ts'
import { condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { derived, field, readOnly } from '../http/field.ts'
import type { Operation } from '../http/operation.ts'
import { live, liveRowOf, now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { type Retention, retentionDays, retentionInput, retentionOf } from '../retention.ts'
import { algorithms, country, detail, limits, name, optionalId } from './fields.ts'
import { countriesKnown, guardFields, guardShown } from './guard-fields.ts'
import { type Quotas, quotasInput, quotasOf, unusual } from './quota.ts'

type CustomerRow = typeof table.$inferSelect

/** Beginnings of numbers, E.164 or short; the plus may be left out. */
const prefixes = z.array(z.string().max(64)).max(1000).default([])

/** Names which would be taken for the platform's own. */
const reserved = new Set([
  'registrar',
  'trunk',
  'trunkline',
  'sip',
  'sips',
  'www',
  'api',
  'admin',
  'localhost',
])

/** One label of a host name, too short to be a customer's id. */
const registrarName = z
  .string()
  .toLowerCase()
  .regex(
    /^[a-z]([a-z0-9-]{0,29}[a-z0-9])$/,
    'is 2 to 31 letters, digits and hyphens, a letter first and no hyphen last',
  )
  .refine((text) => !text.startsWith('xn--') && !reserved.has(text), 'is a reserved name')

const fields = {
  name: field(name),
  detail: field(detail),
  email: field(z.union([z.email(), z.literal('')]).default('')),
  registrar_name: field(
    z
      .union([registrarName, z.literal('').transform(() => null)])
      .nullable()
      .optional()
      .describe(
        'A short domain of its phones, `{registrar_name}.registrar.{base}`; null: none. Left out, it stays.',
      ),
    { output: registrarName.nullable() },
  ),
  realm: readOnly(
    z
      .string()
      .describe('The domain its phones register in, by which they prove themselves whatever its other name.'),
    (row: CustomerRow, c: Context<Edge>) => realmOf(row.id, c.get('settings').BASE_DOMAIN),
  ),
  default_country: field(country.default('US'), {
    output: z.string(),
    as: (row: CustomerRow) => row.defaultCountry.toLowerCase(),
  }),
  destination_whitelist: field(
    z
      .array(country)
      .max(250)
      .nullable()
      .default(null)
      .describe(
        'Countries that may be called; null: the default country and those of the customer’s numbers.',
      ),
    {
      output: z.array(z.string()).nullable(),
      as: (row: CustomerRow) => row.destinationWhitelist?.map((code) => code.toLowerCase()) ?? null,
    },
  ),
  require_caller_id: field(z.boolean().default(false)),
  default_outgoing_number_id: field(optionalId),
  use_default_routes: field(z.boolean().default(true)),
  pass_display_name: field(
    z.boolean().default(false).describe('Whether the names which callers give themselves go to providers.'),
  ),
  capture_messages: field(
    z
      .boolean()
      .default(false)
      .describe(
        'Whether the SIP messages of its calls are kept, secrets masked, as long as the calls are: `calls/{id}/messages` and `/pcap`.',
      ),
  ),
  digest_algorithms: field(algorithms.default(['MD5'])),
  blocked_prefixes: field(
    prefixes.describe('Numbers beginning so may not be called, whatever their country.'),
  ),
  quotas: derived(
    quotasInput
      .optional()
      .describe('How many of everything it may have; left out, it stays. Administrators change it.'),
    (row: CustomerRow) => quotasOf(row.quotas),
  ),
  retention_days: derived(
    retentionInput
      .optional()
      .describe(
        'For how many days what happened is kept; null: as the platform is set. Left out, it stays. Only administrators keep anything for longer than that.',
      ),
    (row: CustomerRow, c: Context<Edge>) => retentionOf(row.retention, c.get('settings').RETENTION_DAYS),
  ),
  max_channels: field(limits.max_channels),
  max_cps: field(limits.max_cps),
  max_daily_minutes: field(limits.max_daily_minutes),
  ...guardFields,
  configuration_version: readOnly(
    z.int().describe('The number of the last change to anything the customer configures.'),
    (row: CustomerRow) => row.version,
  ),
}

/** Every customer, for administrators. */
export const customers = resource({
  name: 'customer',
  path: '/v1.0/customers',
  about: 'Everybody who has numbers, phones and calls here.',
  table,
  fields,
  unversioned: ['version'],
  live: ({ version }: CustomerRow) => [version],
  everybodys: true,
  filters: { name, registrar_name: registrarName },
  async draft(input, { c, id, stored }) {
    const retention = input.retention_days && { retention: keepable(c, input.retention_days) }
    const quotas = input.quotas && { quotas: allowed(c, stored ? (await stored()).quotas : {}, input.quotas) }
    await refuseMany(c, id, input.default_outgoing_number_id)
    return {
      row: {
        callingCode: callingCode(input.default_country) ?? '1',
        blockedPrefixes: blocked(input.blocked_prefixes, input.default_country),
        ...quotas,
        ...retention,
        ...(await countriesKnown('customer', { id, customerId: id }, input, stored)),
      },
      checks: [condition(showable(id, input.default_outgoing_number_id), numberGone)],
    }
  },
  deleting: {
    // A customer goes with everything it configured; its records stay.
    leaners: ({ id }) =>
      [
        accessKeys,
        drills,
        alerts,
        webhooks,
        numbers,
        flows,
        prompts,
        routes,
        providers,
        extensions,
        trunks,
      ].map((of) => ({
        table: of,
        where: and(eq(of.customerId, id), isNull(of.deletedAt)),
        becomes: { deletedAt: now },
      })),
    cascade: 'always',
    inUse: 'Neither the platform nor your own customer can be deleted.',
    refuse(c, id) {
      if (id === PLATFORM || id === c.get('principal').ownId)
        throw new ApiError('CUSTOMER_IN_USE', 'Neither the platform nor your own customer can be deleted.')
    },
  },
  errors: ['REGISTRAR_NAME_TAKEN', 'REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.newCustomer,
    body: { name: 'Acme', email: 'voice@acme.example', default_country: 'us', max_channels: 20 },
    shown: {
      realm: `${exampleIds.newCustomer}.registrar.trunkline.example`,
      default_country: 'us',
      quotas: quotasOf({}),
      retention_days: retentionDays.parse(undefined),
      configuration_version: 7,
      ...guardShown,
    },
  },
})

const own = (c: Context<Edge>) => c.get('principal').customerId

/** The asking customer itself. */
export const self = new Hono<Edge>()
  .get('/', (c) => customers.one.get(c, own(c)))
  .put('/', (c) => customers.one.put(c, own(c)))
  .patch('/', (c) => customers.one.patch(c, own(c)))

/** What can be asked of the asking customer itself: as of any, by its key. */
export const ownCustomerOperations: readonly Operation[] = customers.operations
  .filter(({ id }) => ['getCustomer', 'replaceCustomer', 'updateCustomer'].includes(id))
  .map((operation) => ({
    ...operation,
    id: operation.id.replace('Customer', 'OwnCustomer'),
    path: '/v1.0/customer',
    tag: 'customer',
    summary: operation.summary.replace('a customer', 'your own customer'),
    scope: operation.method === 'get' ? 'read' : 'configure',
    example: {
      ...operation.example,
      answer: { ...Object(operation.example?.answer), id: exampleIds.customer },
    },
  }))

/** Only an administrator gives more or less than is usual. */
function allowed(c: Context<Edge>, stored: Partial<Quotas>, wanted: Quotas): Partial<Quotas> {
  const was = quotasOf(stored)
  const moved = Object.entries(wanted).find(([noun, most]) => was[noun as keyof Quotas] !== most)
  if (moved && !c.get('principal').admin)
    throw new ApiError('PERMISSION_DENIED', `Only an administrator may change quotas.${moved[0]}.`)
  if (moved) requireScope(c, 'admin')
  return unusual(wanted)
}

/** Only an administrator has anything kept for longer than the platform is set. */
function keepable(c: Context<Edge>, wanted: z.output<typeof retentionInput>): Partial<Retention> {
  const set = c.get('settings').RETENTION_DAYS
  const own = (Object.entries(wanted) as [keyof Retention, number | null][]).flatMap(([noun, days]) =>
    days === null || days === set[noun] ? [] : [[noun, days] as const],
  )
  const longer = own.find(([noun, days]) => days > set[noun])
  if (longer && !c.get('principal').admin)
    throw new ApiError(
      'PERMISSION_DENIED',
      `Only an administrator may keep ${longer[0]} for more than ${set[longer[0]]} days.`,
    )
  return Object.fromEntries(own)
}

/** Beginnings of numbers as they are compared, each once. */
function blocked(prefixes: string[], country: string): string[] {
  const read = prefixes.map((text, at) => {
    const prefix = readBeginning(text, country)
    const field = `blocked_prefixes.${at}`
    if (prefix === undefined)
      throw ApiError.field(field, 'is not the beginning of a number, such as +1900 or 118')
    if (isEmergency(prefix, country))
      throw ApiError.field(field, 'is an emergency number: nothing stops calls to it')
    return prefix
  })
  return [...new Set(read)]
}

/** A call shows one number. */
async function refuseMany(c: Context<Edge>, customerId: string, numberId: string | null): Promise<void> {
  if (numberId === null) return
  const row = await liveRowOf(c.get('db'), numbers, customerId, numberId)
  if (!row) throw numberGone()
  if (row.number === 'any' || row.numberTo !== null)
    throw ApiError.field('default_outgoing_number_id', 'names many numbers; a call shows one')
}

function numberGone(): ApiError {
  const field = 'default_outgoing_number_id'
  return ApiError.field(field, 'names no number of this customer', 'REFERENCE_NOT_FOUND')
}

/** The condition that the number is there which the customer shows by default. */
function showable(customerId: string, numberId: string | null): SQL {
  if (numberId === null) return sql`true`
  return sql`exists (select from ${numbers} where ${live(numbers, customerId, numberId)})`
}
