import { and, desc, eq, gt, isNull, max, or, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { accessScope, accessScopes } from '#contract'
import { accessKeyUses, type Database, replacedTokens, accessKeys as table } from '#db'
import { newAccessKey } from '../access-key.ts'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, now, onPage, times } from '../http/queries.ts'
import { readBody, readId, readWish } from '../http/validate.ts'
import { detail, name, ours } from './fields.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

const scopes = z
  .array(accessScope)
  .min(1, 'names none; leave it out for all of them')
  .refine((list) => new Set(list).size === list.length, 'names one twice')
  .transform((list) => accessScopes.filter((scope) => list.includes(scope)))

/** Seconds from now; the longest are a hundred years. */
const expire = z.int().min(1).max(3_153_600_000)

/** What may be changed of a key. Left out, the scopes stay: a client which knows of none must not give more than there was. */
export const changes = z.strictObject({
  name,
  detail,
  scopes: scopes.optional().describe('What it opens; all of them, where a new key names none.'),
})
/** What may be said of a new key. */
export const wish = changes.extend({
  expire: expire.optional().describe('Seconds from now; without it the key stays until it is deleted.'),
  admin: z.boolean().default(false).describe('Of the platform. Only administrators make administrators.'),
})
/** How a key is given another token. */
export const rotation = z.strictObject({
  overlap_seconds: z
    .int()
    .min(0)
    .max(2_592_000)
    .describe('Seconds for which the tokens so far go on opening; 30 days at most.'),
  expire: expire
    .nullable()
    .optional()
    .describe('Seconds from now until the key expires; null: never. Left out, that stays as it is.'),
})
const shown = [...ours, 'token_prefix', 'admin', 'tm_expire', 'tm_previous_expire', 'tm_last_used']

/** Tokens of earlier rotations of one key which may still open. */
const OVERLAPS = 5
/** Replaced tokens kept of one key, so that who still sends one is told that it was replaced. */
const REMEMBERED = 10

/** Keys for programs. The token is in the answer to POST and nowhere else, ever. */
export const accesskeys = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await keys(c.get('db'))
      .where(onPage(table, c.get('principal').customerId, page))
      .orderBy(desc(table.createdAt), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ key }) => ({ at: key.createdAt, id: key.id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readWish(c, wish)
    if (body.admin && !c.get('principal').admin) {
      throw new ApiError('PERMISSION_DENIED', 'Only an administrator can make an administrator key.')
    }
    const { token, hash, prefix } = await newAccessKey()
    const [db, { customerId }] = [c.get('db'), c.get('principal')]
    const { expire, ...given } = body
    const row = { id: crypto.randomUUID(), customerId, hash, prefix, ...given, expiresAt: instantIn(expire) }
    const [, room, [made]] = await db.batch([
      ...roomFor(db, 'accesskeys', customerId),
      insertWhere(db, table, row, hasRoom('accesskeys', customerId)).returning(),
    ])
    if (!made) refuseFull('accesskeys', room)
    return created(c, { ...toWire({ key: done(made), usedAt: null, previousUntil: null }), token })
  })
  .get('/:id', async (c) => {
    const mine = and(eq(table.customerId, c.get('principal').customerId), eq(table.id, readId(c)))
    const [row] = await keys(c.get('db')).where(mine)
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readWish(c, changes, shown)]
    const mine = live(table, c.get('principal').customerId, id)
    const db = c.get('db')
    const [, [before], [changed]] = await db.batch([
      lockConfig(db),
      keys(db).where(mine),
      db
        .update(table)
        .set({ ...body, updatedAt: now })
        .where(mine)
        .returning(),
    ])
    const was = found(before)
    return replaced(c, toWire(was), toWire({ ...was, key: done(changed) }))
  })
  .delete('/:id', async (c) => {
    const [db, mine] = [c.get('db'), live(table, c.get('principal').customerId, readId(c))]
    const [, [was], [deleted]] = await db.batch([
      lockConfig(db),
      keys(db).where(mine),
      db.update(table).set({ deletedAt: now }).where(mine).returning(),
    ])
    return c.json(toWire({ ...found(was), key: done(deleted) }))
  })
  .post('/:id/rotate', async (c) => c.json(await rotate(c, readId(c), await readBody(c, rotation))))

/** Gives a key another token. Those it had go on opening for the overlap, and none longer than it would have. */
async function rotate(c: Context<Edge>, id: string, wish: z.output<typeof rotation>) {
  const [db, { token, hash, prefix }] = [c.get('db'), await newAccessKey()]
  const mine = live(table, c.get('principal').customerId, id)
  const overlap = sql`now() + ${wish.overlap_seconds} * interval '1 second'`
  const until = sql`least(${overlap}, ${table.expiresAt})`
  const room = wish.overlap_seconds === 0 ? sql`true` : sql`${openTokens(id)} < ${OVERLAPS}`
  const opens = wish.expire === undefined ? unexpired : undefined
  const possible = and(mine, room, opens)
  const expiresAt = wish.expire === undefined ? {} : { expiresAt: instantIn(wish.expire) }
  const [, [before], free, alive, , , , [changed], [after]] = await db.batch([
    lockConfig(db),
    keys(db).where(mine),
    whether(db, room),
    whether(db, sql`exists (select from ${table} where ${and(mine, opens)})`),
    db
      .update(replacedTokens)
      .set({ expiresAt: sql`least(${replacedTokens.expiresAt}, ${overlap})` })
      .where(and(eq(replacedTokens.keyId, id), sql`exists (select from ${table} where ${possible})`)),
    db.execute(sql`
      insert into ${replacedTokens} (hash, customer_id, key_id, expires_at)
      select ${table.hash}, ${table.customerId}, ${table.id}, ${until} from ${table} where ${possible}`),
    forgetOldest(db, id),
    db
      .update(table)
      .set({ hash, prefix, ...expiresAt, updatedAt: now })
      .where(possible)
      .returning({ id: table.id }),
    keys(db).where(mine),
  ])
  found(before)
  if (!held(alive)) throw ApiError.field('expire', 'is required: this key has expired; null: never')
  if (!held(free)) throw tooManyTokens()
  done(changed)
  return { ...toWire(found(after)), token }
}

/** How many tokens which earlier rotations of a key replaced still open. */
function openTokens(id: string): SQL {
  return sql`(select count(*) from replaced_tokens where key_id = ${id}::uuid and expires_at > now() and replaced_at < now())`
}

/** Those which open are among the newest: a rotation leaves none out before it has ended. */
function forgetOldest(db: Database, id: string) {
  return db.execute(sql`
    delete from ${replacedTokens} where ${replacedTokens.hash} in (
      select hash from ${replacedTokens} where key_id = ${id}::uuid order by replaced_at desc, hash offset ${REMEMBERED})`)
}

function tooManyTokens(): ApiError {
  return new ApiError(
    'QUOTA_EXCEEDED',
    `Earlier rotations of this key left ${OVERLAPS} tokens which still open. Wait for one to end (tm_previous_expire is the last one’s), or end all of them with "overlap_seconds": 0.`,
  )
}

const unexpired = or(isNull(table.expiresAt), gt(table.expiresAt, now))

/** Keys, each with when it was last used and how long a token of before its rotation still opens. */
function keys(db: Database) {
  const previous = db
    .select({ until: max(replacedTokens.expiresAt) })
    .from(replacedTokens)
    .where(and(eq(replacedTokens.keyId, table.id), gt(replacedTokens.expiresAt, now)))
  return db
    .select({
      key: table,
      usedAt: accessKeyUses.usedAt,
      previousUntil: sql<string | null>`(${previous})`.mapWith(replacedTokens.expiresAt),
    })
    .from(table)
    .leftJoin(accessKeyUses, eq(accessKeyUses.keyId, table.id))
}

function instantIn(seconds: number | null | undefined): string | null {
  return seconds == null ? null : new Date(Date.now() + seconds * 1000).toISOString()
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('ACCESSKEY_NOT_FOUND', 'There is no such access key.')
  return row
}

interface Shown {
  key: typeof table.$inferSelect
  usedAt: string | null
  previousUntil: string | null
}

function toWire({ key, usedAt, previousUntil }: Shown) {
  return {
    id: key.id,
    customer_id: key.customerId,
    name: key.name,
    detail: key.detail,
    token_prefix: key.prefix,
    scopes: key.scopes,
    admin: key.admin,
    tm_expire: key.expiresAt,
    /** Until when a token it had before its rotation opens; null: none does. */
    tm_previous_expire: previousUntil,
    /** To the minute. */
    tm_last_used: usedAt,
    ...times(key),
  }
}
