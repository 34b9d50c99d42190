import * as z from 'zod'
import { utcNow } from '../clock.ts'
import { ApiError } from '../http/api-error.ts'
import { field, type InputOf } from '../http/field.ts'
import { ha1s, type Seal } from '../secrets.ts'
import { algorithms, limits } from './fields.ts'
import { guardFields } from './guard-fields.ts'
import { dtmf, secure, transfer } from './sip-fields.ts'

/*
 * What an extension and a trunk have in common: both prove themselves by digest, register, and are rung.
 */

/** The user name with which an account registers and proves itself. */
export const account = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._+*-]{0,63}$/,
    'may hold letters, digits and . _ + * - and begins with one of the first two',
  )

/** A password as it is chosen; what is kept are two HA1s. */
export const password = z
  .string()
  .min(8, 'needs at least 8 characters')
  .max(128)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')

/** What is asked for an extension or a trunk: how its phones prove themselves, and how long they stay. */
export const accountFields = {
  digest_algorithms: field(algorithms.nullable().default(null)),
  max_contacts: field(z.int().min(1).max(20).default(5)),
  min_expires: field(z.int().min(10).max(86_400).default(60)),
  max_expires: field(z.int().min(60).max(86_400).default(3600)),
  default_expires: field(z.int().min(60).max(86_400).default(3600)),
  keepalive_s: field(
    z
      .int()
      .min(0)
      .max(3600)
      .refine((seconds) => seconds === 0 || seconds >= 10, 'is 0 or at least 10')
      .default(25)
      .describe(
        'Seconds between two OPTIONS by which a phone over UDP is kept reachable through its NAT and known to be there; ' +
          '0: none. One behind NAT which does not answer them is granted no more than this.',
      ),
  ),
  ring_timeout: field(z.int().min(5).max(600).default(60)),
  transfer: field(transfer('local')),
  dtmf: field(dtmf),
  secure: field(secure),
  max_channels: field(limits.max_channels),
  max_cps: field(limits.max_cps),
  max_daily_minutes: field(limits.max_daily_minutes),
  ...guardFields,
  enabled: field(z.boolean().default(true)),
}

/** How long it registers where it asks for nothing: within its own bounds. Throws where those exclude each other. */
export function expiryRow({ min_expires, max_expires, default_expires }: InputOf<typeof accountFields>) {
  if (min_expires > max_expires) throw ApiError.field('min_expires', 'is above max_expires')
  return { defaultExpires: Math.min(Math.max(default_expires, min_expires), max_expires) }
}

/** What is kept instead of a password: it opens in this row only. Which one it is, and since which day, is kept beside it. */
export async function proofs(
  seal: Seal,
  { customerId, ...place }: { table: 'extensions' | 'trunks'; id: string; customerId: string },
  { username, realm, password }: { username: string; realm: string; password: string },
) {
  const { md5, sha256 } = await ha1s(username, realm, password)
  return {
    sealedMd5: await seal.close({ ...place, field: 'ha1_md5' }, md5),
    sealedSha256: await seal.close({ ...place, field: 'ha1_sha256' }, sha256),
    passwordHash: `${new Date(utcNow()).toISOString().slice(0, 10)}.${await seal.mark(customerId, password)}`,
  }
}
