import * as z from 'zod'
import type { DigestAlgorithm } from '#contract'
import { ApiError } from '../http/api-error.ts'
import { ha1s, type Seal } from '../secrets.ts'
import { algorithms, limits, limitsRow, limitsShown } from './fields.ts'

/*
 * What an extension and a trunk have in common: both prove themselves by digest, register, and are rung.
 */

/** The name somebody registers as. */
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

export const accountWish = {
  digest_algorithms: algorithms.nullable().default(null),
  max_contacts: z.int().min(1).max(20).default(5),
  min_expires: z.int().min(10).max(86_400).default(60),
  max_expires: z.int().min(60).max(86_400).default(3600),
  default_expires: z.int().min(60).max(86_400).default(3600),
  ring_timeout: z.int().min(5).max(600).default(60),
  ...limits,
  enabled: z.boolean().default(true),
}

const shape = z.object(accountWish)

/** The same for the database. */
export function accountRow(wish: z.output<typeof shape>) {
  if (wish.min_expires > wish.max_expires) throw ApiError.field('min_expires', 'is above max_expires')
  return {
    digestAlgorithms: wish.digest_algorithms,
    maxContacts: wish.max_contacts,
    minExpires: wish.min_expires,
    maxExpires: wish.max_expires,
    defaultExpires: Math.min(Math.max(wish.default_expires, wish.min_expires), wish.max_expires),
    ringTimeout: wish.ring_timeout,
    ...limitsRow(wish),
    enabled: wish.enabled,
  }
}

/** The same as the API shows it. */
export function accountShown(
  row: Omit<ReturnType<typeof accountRow>, 'digestAlgorithms'> & {
    digestAlgorithms: DigestAlgorithm[] | null
  },
) {
  return {
    digest_algorithms: row.digestAlgorithms,
    max_contacts: row.maxContacts,
    min_expires: row.minExpires,
    max_expires: row.maxExpires,
    default_expires: row.defaultExpires,
    ring_timeout: row.ringTimeout,
    ...limitsShown(row),
    enabled: row.enabled,
  }
}

/** What is kept instead of a password: it opens in this row only. */
export async function proofs(
  seal: Seal,
  place: { table: 'extensions' | 'trunks'; id: string },
  { username, realm, password }: { username: string; realm: string; password: string },
) {
  const { md5, sha256 } = await ha1s(username, realm, password)
  return {
    sealedMd5: await seal.close({ ...place, field: 'ha1_md5' }, md5),
    sealedSha256: await seal.close({ ...place, field: 'ha1_sha256' }, sha256),
  }
}
