import type { Context } from 'hono'
import * as z from 'zod'
import { port, transport } from '#contract'
import type { trunks } from '#db'
import { trunkRealmOf } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { derived, field, type InputOf, readOnly, secret } from '../http/field.ts'
import { account, accountFields, password } from './account.ts'
import { country, detail, name, shownCountry } from './fields.ts'
import { sources } from './inbound-addresses.ts'
import { codecs, host, isup, numberFormat, refuseSecure, refuseTls, tlsFields } from './sip-fields.ts'

/** A trunk as the database keeps it. */
export type TrunkRow = typeof trunks.$inferSelect

/** The first labels of a PBX's own domain. */
export const domain = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9.-]{1,30}$/, 'is 2 to 31 letters, digits, dots and hyphens, a letter first')
  .refine((text) => !/[.-]$/.test(text), 'ends in a dot or a hyphen')
  .refine((text) => !/\.[.-]|-\./.test(text), 'has a part which is empty or begins or ends with a hyphen')
  .toLowerCase()

/** Unset is written as null or, by older clients, as nothing between quotes. */
const unset = z.literal('').transform(() => null)

/** Every field of a trunk, once. */
export const trunkFields = {
  name: field(name),
  detail: field(detail),
  domain_name: derived(domain.optional(), (row: TrunkRow) => row.domainName),
  realm: readOnly(
    z.string().describe('The domain it registers and calls in, and its digest realm.'),
    (row: TrunkRow, c: Context<Edge>) => trunkRealmOf(row.domainName, c.get('settings').BASE_DOMAIN),
  ),
  auth_types: field(
    z
      .array(z.enum(['basic', 'ip']))
      .min(1, 'names neither "basic" nor "ip": nobody could call')
      .refine((types) => new Set(types).size === types.length, 'names one twice'),
  ),
  username: field(z.union([unset, account]).nullable().default(null), { output: account.nullable() }),
  password: secret(
    z.union([unset, password]).nullable().default(null).describe('Left out, the one there is stays.'),
  ),
  password_set: readOnly(z.boolean(), (row: TrunkRow) => row.sealedMd5 !== null),
  allowed_ips: field(sources),
  hostname: field(host.nullable().default(null).describe('Where it takes calls; null: where it registers.')),
  port: field(port.min(1).nullable().default(null)),
  transport: field(transport.nullable().default(null)),
  ...tlsFields,
  codecs: field(codecs),
  isup: field(isup),
  called_format: field(numberFormat),
  calling_format: field(numberFormat),
  country: field(
    country.nullable().default(null).describe('Country its numbers are read in; null: the customer’s.'),
    {
      output: shownCountry,
      as: (row: TrunkRow) => row.country?.toLowerCase() ?? null,
    },
  ),
  caller_ids: field(z.array(z.string().max(64)).max(100).default([])),
  ...accountFields,
}
export type TrunkInput = InputOf<typeof trunkFields>

/**
 * A way to prove itself, and a place to call, is said whole or not at all. Throws, naming the field, where it is not.
 */
export function refuseHalves(input: TrunkInput): void {
  const [basic, ip] = [input.auth_types.includes('basic'), input.auth_types.includes('ip')]
  if (basic && input.username === null)
    throw ApiError.field('username', 'is needed where auth_types has "basic"')
  for (const field of ['username', 'password'] as const) {
    if (!basic && input[field] !== null)
      throw ApiError.field(field, 'is only looked at where auth_types has "basic"')
  }
  if (ip && input.allowed_ips.length === 0)
    throw ApiError.field('allowed_ips', 'is needed where auth_types has "ip"')
  if (!ip && input.allowed_ips.length > 0)
    throw ApiError.field('allowed_ips', 'is only looked at where auth_types has "ip"')
  for (const field of ['port', 'transport'] as const) {
    if (input.hostname === null && input[field] !== null)
      throw ApiError.field(field, 'means nothing without a hostname')
  }
  refuseTls(input)
  if (input.hostname !== null) refuseSecure(input)
}
