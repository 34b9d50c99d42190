import { and, eq, gt, isNull, or, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type Database, replacedTokens, accessKeys as table } from '#db'
import { newAccessKey } from '../access-key.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { condition } from '../http/check.ts'
import { madeExampleOf, madeOf } from '../http/noun-operations.ts'
import type { Operation } from '../http/operation.ts'
import { readId, readOrder } from '../http/validate.ts'
import { accesskeys, ending, expire, isKey } from './accesskeys.ts'

const rotation = z.strictObject({
  overlap_seconds: z
    .int()
    .min(0)
    .max(2_592_000)
    .describe(
      'For so long the tokens so far go on opening; 30 days at most, and none longer than it would have.',
    ),
  expire,
})

/** Tokens of earlier rotations of one key which may still open. */
const OVERLAPS = 5
/** Replaced tokens kept of one key, so that who still sends one is told that it was replaced. */
const REMEMBERED = 10

/** Another token for an access key, while those it had go on opening. */
export const rotations = new Hono<Edge>().post('/:id/rotate', async (c) => {
  const [id, input] = [readId(c), await readOrder(c, rotation)]
  return c.json(await rotate(c, id, input))
})

async function rotate(c: Context<Edge>, id: string, input: z.output<typeof rotation>) {
  const [db, { token, hash, prefix }] = [c.get('db'), await newAccessKey()]
  const overlap = sql`now() + ${input.overlap_seconds} * interval '1 second'`
  const room = input.overlap_seconds === 0 ? sql`true` : sql`${openTokens(id)} < ${OVERLAPS}`
  const opens = input.expire === undefined ? isKey(and(eq(table.id, id), unexpired)) : sql`true`
  const shown = await accesskeys.change(c, id, {
    row: { hash, prefix, ...ending(input.expire) },
    checks: [condition(opens, expired), condition(room, tooManyTokens)],
    also: (possible) => [
      shortened(db, id, overlap, possible),
      db.execute(sql`
        insert into ${replacedTokens} (hash, customer_id, key_id, expires_at)
        select ${table.hash}, ${table.customerId}, ${table.id}, least(${overlap}, ${table.expiresAt})
        from ${table} where ${and(eq(table.id, id), possible)}`),
      forgetOldest(db, id),
    ],
  })
  return { ...shown, token }
}

/** Lets tokens of before open no longer than the overlap. */
function shortened(db: Database, id: string, overlap: SQL, possible: SQL) {
  return db
    .update(replacedTokens)
    .set({ expiresAt: sql`least(${replacedTokens.expiresAt}, ${overlap})` })
    .where(and(eq(replacedTokens.keyId, id), possible))
}

/** How many tokens which earlier rotations of a key replaced still open; not the one which this one replaces. */
function openTokens(id: string): SQL {
  return sql`(select count(*) from replaced_tokens
    where key_id = ${id}::uuid and expires_at > now() and replaced_at < now())`
}

/** Those which open are among the newest: none is left out before it has ended. */
function forgetOldest(db: Database, id: string) {
  return db.execute(sql`
    delete from ${replacedTokens} where ${replacedTokens.hash} in (
      select hash from ${replacedTokens} where key_id = ${id}::uuid order by replaced_at desc, hash offset ${REMEMBERED})`)
}

const unexpired = or(isNull(table.expiresAt), gt(table.expiresAt, sql`now()`))

function expired(): ApiError {
  return ApiError.field('expire', 'is required: this key has expired; null: never')
}

function tooManyTokens(): ApiError {
  return new ApiError(
    'QUOTA_EXCEEDED',
    `Earlier rotations of this key left ${OVERLAPS} tokens which still open. Wait for one to end (tm_previous_expire is the last one’s), or end all of them with "overlap_seconds": 0.`,
  )
}

/** Rotating keys. */
export const rotationOperations: readonly Operation[] = [
  {
    id: 'rotateAccesskey',
    method: 'post',
    path: '/v1.0/accesskeys/{id}/rotate',
    summary: 'Give an access key another token',
    description: 'The tokens so far go on opening for the overlap, so that programs can change over.',
    tag: 'accesskeys',
    scope: 'admin',
    body: rotation,
    mayBeBare: true,
    answer: madeOf(accesskeys.noun),
    precondition: 'If-Match',
    headers: ['ETag'],
    errors: ['ACCESSKEY_NOT_FOUND', 'VERSION_MISMATCH', 'QUOTA_EXCEEDED'],
    example: { body: { overlap_seconds: 86_400 }, answer: madeExampleOf(accesskeys.noun) },
  },
]
