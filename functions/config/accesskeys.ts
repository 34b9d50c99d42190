import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { accessScope, accessScopes } from '#contract'
import { accessKeyUses, readInstant, registrationTokens, replacedTokens, accessKeys as table } from '#db'
import { newAccessKey } from '../access-key.ts'
import { utcNow } from '../clock.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, readOnly, secret } from '../http/field.ts'
import type { Stored } from '../http/noun.ts'
import { now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { detail, name } from './fields.ts'
import { quota } from './quota.ts'
import { goodTokens } from './token-endings.ts'

const scopes = z
  .array(accessScope)
  .min(1, 'names none; leave it out for all of them')
  .refine((list) => new Set(list).size === list.length, 'names one twice')
  .transform((list) => accessScopes.filter((scope) => list.includes(scope)))

/** When a key ends; null: never. Seconds from now, so that no clock but the edge's counts; a hundred years at most. */
export const expire = z
  .int()
  .min(1)
  .max(3_153_600_000)
  .nullable()
  .optional()
  .describe(
    'Seconds from now until it expires; null: it stays until it is deleted. Left out, that stays as it is.',
  )

const instant = z.iso.datetime({ precision: 6 })

/** Columns of a key which change without a change of its configuration. */
const beside = {
  previousUntil: sql<string | null>`(
    select max(t.expires_at) from ${replacedTokens} t where t.key_id = "access_keys"."id" and t.expires_at > now())`,
  usedAt: sql<string | null>`(select u.used_at from ${accessKeyUses} u where u.key_id = "access_keys"."id")`,
}
type Row = Stored<typeof table, typeof beside>

/** What is in the answer which shows a new token, and in no other. */
const once = { token: z.string().describe('The key itself: only its hash is kept.') }

/** Keys for programs. The token is in the answers to POST and nowhere else, ever. */
export const accesskeys = resource({
  name: 'accesskey',
  path: '/v1.0/accesskeys',
  about: 'Keys for programs: what they open, and until when.',
  table,
  scope: 'admin',
  fields: {
    name: field(name),
    detail: field(detail),
    token_prefix: readOnly(z.string().describe('How its token begins.'), (row: Row) => row.prefix),
    scopes: field(
      scopes
        .optional()
        .describe('What it opens; all where it is made without. Left out, that stays as it is.'),
      { output: z.array(accessScope) },
    ),
    admin: field(
      z
        .boolean()
        .optional()
        .describe('An administrator of the platform’s. Only administrators make one. Left out, that stays.'),
      { output: z.boolean() },
    ),
    expire: secret(expire),
    tm_expire: readOnly(instant.nullable(), (row: Row) => row.expiresAt),
    tm_previous_expire: readOnly(
      instant.nullable().describe('Until when a token which it had before opens; null: none does.'),
      (row: Row) => at(row.previousUntil),
    ),
    tm_last_used: readOnly(instant.nullable().describe('To the minute.'), (row: Row) => at(row.usedAt)),
  },
  beside,
  live: ({ previousUntil, usedAt }: Row) => [at(previousUntil), at(usedAt)],
  once,
  quota: quota('accesskeys'),
  deleting: {
    leaners: ({ id }) => [
      {
        table: registrationTokens,
        where: goodTokens(eq(registrationTokens.keyId, id)),
        becomes: { endedAt: now },
      },
    ],
    cascade: 'always',
  },
  guards: (c, id) => (c.get('principal').admin ? [] : [isNoAdministrators(id)]),
  async draft(input, { c, stored }) {
    const { admin } = c.get('principal')
    if (input.admin && !admin) throw administratorsOnly()
    if (stored) return { row: ending(input.expire) }
    const { token, hash, prefix } = await newAccessKey()
    return { row: { hash, prefix, ...ending(input.expire) }, once: { token } }
  },
  example: {
    id: exampleIds.accesskey,
    body: { name: 'deploy', scopes: ['configure'] },
    shown: {
      admin: false,
      token_prefix: 'tk_q8Zt1vXw',
      tm_expire: null,
      tm_previous_expire: null,
      tm_last_used: null,
    },
    once: { token: 'tk_q8Zt1vXwN5bR0yLkS7eDhAuFcMjPiGoT' },
  },
})

/** The column of a key's end, where something is said of it. */
export function ending(expire: number | null | undefined): { expiresAt?: string | null } {
  if (expire === undefined) return {}
  return { expiresAt: expire === null ? null : new Date(utcNow() + expire * 1000).toISOString() }
}

/** The check that a key is no administrator's: it opens the platform, and its customer must not widen or end it. */
function isNoAdministrators(id: string): Check {
  return condition(isKey(and(eq(table.id, id), eq(table.admin, false))), administratorsOnly)
}

/** The condition that there is such a key, and it is not deleted. */
export function isKey(condition: SQL | undefined): SQL {
  return sql`exists (select from ${table} where ${and(condition, isNull(table.deletedAt))})`
}

function administratorsOnly(): ApiError {
  return new ApiError('PERMISSION_DENIED', 'Only an administrator can make or change an administrator’s key.')
}

function at(text: string | null): string | null {
  return text === null ? null : readInstant(text)
}
