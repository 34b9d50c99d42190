import * as z from 'zod'
import { transport } from '#contract'
import type { Settings } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { account, accountRow, accountWish, password } from './account.ts'
import { country, detail, name } from './fields.ts'
import { neighbourhood, networks, refusePrivate, sources } from './inbound-addresses.ts'
import { codecs, host, numberFormat, tlsRow, tlsWish } from './sip-fields.ts'

/** The first labels of a PBX's own domain. */
const domain = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9.-]{1,30}$/, 'is 2 to 31 letters, digits, dots and hyphens, a letter first')
  .refine((text) => !/[.-]$/.test(text), 'ends in a dot or a hyphen')
  .refine((text) => !/\.[.-]|-\./.test(text), 'has a part which is empty or begins or ends with a hyphen')
  .toLowerCase()

/** Unset is written as null or, by older clients, as nothing between quotes. */
const unset = z.literal('').transform(() => null)

/** What a customer may say of a trunk. */
export const trunkWish = z.strictObject({
  name,
  detail,
  domain_name: domain.optional(),
  auth_types: z
    .array(z.enum(['basic', 'ip']))
    .min(1, 'names neither "basic" nor "ip": nobody could call')
    .refine((types) => new Set(types).size === types.length, 'names one twice'),
  username: z.union([unset, account]).nullable().default(null),
  /** Left out, the one we have stays. */
  password: z.union([unset, password]).nullable().default(null),
  allowed_ips: sources,
  /** Where it takes calls; null: where it registers. */
  hostname: host.nullable().default(null),
  port: z.int().min(1).max(65_535).nullable().default(null),
  transport: transport.nullable().default(null),
  ...tlsWish,
  codecs,
  called_format: numberFormat,
  calling_format: numberFormat,
  /** Country its numbers are read in; null: the customer's. */
  country: country.nullable().default(null),
  caller_ids: z.array(z.string().max(64)).max(100).default([]),
  ...accountWish,
})
export type TrunkWish = z.output<typeof trunkWish>

/** The same for the database, but for what proves it and whose its caller ids are. */
export function trunkRow(wish: TrunkWish, settings: Settings) {
  refuseHalves(wish)
  const { ALLOW_PRIVATE_TARGETS, BASE_DOMAIN } = settings
  if (wish.hostname !== null && !ALLOW_PRIVATE_TARGETS) refusePrivate(wish.hostname, BASE_DOMAIN)
  return {
    name: wish.name,
    detail: wish.detail,
    authTypes: wish.auth_types,
    username: wish.username,
    allowedIps: wish.allowed_ips,
    sources: networks('allowed_ips', wish.allowed_ips, ALLOW_PRIVATE_TARGETS, neighbourhood),
    hostname: wish.hostname,
    port: wish.port,
    transport: wish.transport,
    ...tlsRow(wish),
    codecs: wish.codecs,
    calledFormat: wish.called_format,
    callingFormat: wish.calling_format,
    country: wish.country,
    ...accountRow(wish),
  }
}

/** A way to prove itself is said whole or not at all. */
function refuseHalves(wish: TrunkWish): void {
  const [basic, ip] = [wish.auth_types.includes('basic'), wish.auth_types.includes('ip')]
  if (basic && wish.username === null)
    throw ApiError.field('username', 'is needed where auth_types has "basic"')
  for (const field of ['username', 'password'] as const) {
    if (!basic && wish[field] !== null)
      throw ApiError.field(field, 'is only looked at where auth_types has "basic"')
  }
  if (ip && wish.allowed_ips.length === 0)
    throw ApiError.field('allowed_ips', 'is needed where auth_types has "ip"')
  if (!ip && wish.allowed_ips.length > 0)
    throw ApiError.field('allowed_ips', 'is only looked at where auth_types has "ip"')
  for (const field of ['port', 'transport'] as const) {
    if (wish.hostname === null && wish[field] !== null)
      throw ApiError.field(field, 'means nothing without a hostname')
  }
}
