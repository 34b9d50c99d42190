import * as z from 'zod'
import { transport } from '#contract'
import { readIp, writeIp } from '#routing'
import type { Settings } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import type { Seal } from '../secrets.ts'
import { country, detail, failover, limits, name } from './fields.ts'
import { networks, refusePrivate, sources, type Widest } from './inbound-addresses.ts'
import { codecs, dialled, headers, host, numberFormat, tlsRow, tlsWish, words } from './sip-fields.ts'

/** What a customer may say of a provider. */
export const providerWish = z.strictObject({
  name,
  detail,
  type: z.literal('sip').default('sip'),
  hostname: host,
  port: z.int().min(1).max(65_535).nullable().default(null),
  transport: transport.nullable().default(null),
  ...tlsWish,
  codecs,
  tech_prefix: dialled,
  tech_postfix: dialled,
  tech_headers: headers,
  called_format: numberFormat,
  calling_format: numberFormat,
  asserted_format: numberFormat,
  /** Country its numbers are read in; null: the customer's. */
  country: country.nullable().default(null),
  username: words.nullable().default(null),
  /** Left out, the one we have stays; null forgets it. */
  password: words.nullable().optional(),
  /** The realm our credentials are for; null: whichever asks first. */
  realm: words.min(1, 'is empty; null answers any').nullable().default(null),
  register: z.boolean().default(false),
  /** Seconds we ask for. */
  register_expires: z.int().min(60).max(86_400).default(3600),
  /** Seconds between two OPTIONS. */
  probe_interval: z
    .int()
    .refine((seconds) => seconds === 0 || (seconds >= 5 && seconds <= 3600), 'is 0 (never) or 5 to 3600')
    .default(30),
  /** Answers to OPTIONS that are well; null: any but 408 and 503. */
  probe_accept: z
    .array(z.int().min(200, 'is not a final SIP status').max(699, 'is not a final SIP status'))
    .min(1, 'names none; null accepts what is usual')
    .max(100)
    .transform((statuses) => [...new Set(statuses)])
    .nullable()
    .default(null),
  max_channels: limits.max_channels,
  max_cps: limits.max_cps,
  inbound_addresses: sources,
  failover,
  enabled: z.boolean().default(true),
})
export type ProviderWish = z.output<typeof providerWish>

/** The same for the database; what cannot be is refused, naming the field. */
export function providerRow(wish: ProviderWish, settings: Settings, widest: Widest) {
  if (!settings.ALLOW_PRIVATE_TARGETS) refusePrivate(wish.hostname, settings.BASE_DOMAIN)
  const hostIp = readIp(wish.hostname)
  const listed = networks('inbound_addresses', wish.inbound_addresses, settings.ALLOW_PRIVATE_TARGETS, widest)
  return {
    name: wish.name,
    detail: wish.detail,
    type: wish.type,
    hostname: wish.hostname,
    port: wish.port,
    transport: wish.transport,
    ...tlsRow(wish),
    codecs: wish.codecs,
    techPrefix: wish.tech_prefix,
    techPostfix: wish.tech_postfix,
    techHeaders: wish.tech_headers,
    calledFormat: wish.called_format,
    callingFormat: wish.calling_format,
    assertedFormat: wish.asserted_format,
    country: wish.country,
    username: wish.username,
    realm: wish.realm,
    ...registering(wish),
    probeInterval: wish.probe_interval,
    probeAccept: wish.probe_accept,
    maxChannels: wish.max_channels,
    maxCps: wish.max_cps,
    inboundAddresses: wish.inbound_addresses,
    sources: hostIp ? [...listed, writeIp(hostIp)] : listed,
    failover: wish.failover,
    enabled: wish.enabled,
  }
}

/** What becomes of the password: sealed, forgotten, or (by leaving the key out) left as it is. */
export async function sealedPassword(seal: Seal, id: string, { username, password }: ProviderWish) {
  if (username === null && password) throw ApiError.field('username', 'is needed beside a password')
  if (username === null || password === null || password === '') return { sealedPassword: null }
  if (password === undefined) return {}
  return { sealedPassword: await seal.close({ table: 'providers', id, field: 'password' }, password) }
}

/** Registering takes a password; which one is left out of a change must be there already. */
export function passwordNeeded(): ApiError {
  return ApiError.field('password', 'is needed to register')
}

function registering({ register, register_expires, username, password }: ProviderWish) {
  if (register && !username) throw ApiError.field('username', 'is needed to register')
  if (register && (password === null || password === '')) throw passwordNeeded()
  return { register, registerExpires: register_expires }
}
