import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { tokenName, tokenText, utcMs } from '#contract'
import { accessKeys, registrationTokens as table, extensions as theirs } from '#db'
import { realmOf } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { lockConfig } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before, now } from '../http/queries.ts'
import { readBody, readId, readIdOf } from '../http/validate.ts'
import { sha256Hex } from '../secrets.ts'
import { extensions } from './extensions.ts'
import { goodTokens } from './token-endings.ts'

/** How many of an extension may be good at once. */
const tokensAtMost = 20
/** How many of it relays may have to know as ended, until their time is over. */
const endedAtMost = 180
/** Seconds. Who makes all there may be keeps others from theirs no longer. */
const longest = 14_400

/** For how long one is made. */
export const tokenInput = z.strictObject({
  expire: z
    .int()
    .min(60)
    .max(longest)
    .default(3600)
    .describe('Seconds for which a phone may prove itself by it.'),
})

/**
 * Names and passwords by which a phone proves itself as an extension for a time, as one in a browser does. A password follows from
 * the extension's own (`#contract`, registration-token.ts): relays know it by that, it ends with that, and which were ended one
 * by one they are told.
 */
export const registrationTokens = new Hono<Edge>()
  .get('/:id/tokens', lists(), async (c) => {
    const [{ id, customerId }, page] = [await there(c), readPage(c)]
    const rows = await tokensOf(c)
      .where(
        and(
          goodTokens(ownedBy({ id, customerId })),
          page.after && before(table.createdAt, table.id, page.after),
        ),
      )
      .orderBy(desc(table.createdAt), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ token }) => ({ at: token.createdAt, id: token.id }), present))
  })
  .post('/:id/tokens', async (c) => {
    const { expire } = await readBody(c, tokenInput)
    const { id, extension, customerId, sealedSha256 } = await there(c)
    const ha1 = await c.get('seal').open({ table: 'extensions', id, field: 'ha1_sha256' }, sealedSha256)
    const tokenId = crypto.randomUUID()
    // A relay reads whole seconds.
    const until = utcMs((Math.floor(utcNow() / 1000) + expire) * 1000)
    await make(c, { id, customerId, tokenId, until: new Date(until).toISOString() })
    const username = tokenName(extension, until, tokenId)
    const { BASE_DOMAIN, SIP_WS_URLS } = c.get('settings')
    const domain = realmOf(customerId, BASE_DOMAIN)
    c.header('Cache-Control', 'no-store')
    return c.json({
      id: tokenId,
      extension_id: id,
      uri: `sip:${extension}@${domain}`,
      username,
      password: await sha256Hex(tokenText(ha1, await sha256Hex(tokenText(ha1, username)))),
      realm: domain,
      ws_urls: SIP_WS_URLS,
      expire,
      tm_expire: new Date(until).toISOString(),
    })
  })
  .delete('/:id/tokens/:token_id', async (c) => {
    const [{ id, customerId }, tokenId] = [await there(c), readIdOf(c, 'token_id')]
    const one = and(ownedBy({ id, customerId }), eq(table.id, tokenId))
    const db = c.get('db')
    const [, [found], [ended]] = await db.batch([
      lockConfig(db),
      tokensOf(c).where(goodTokens(one)),
      db.update(table).set({ endedAt: now }).where(goodTokens(one)).returning({ at: table.endedAt }),
    ])
    if (!found || !ended) throw new ApiError('TOKEN_NOT_FOUND', 'There is no such token, or it has ended.')
    return c.json(present(found))
  })

/** The extension which the path names. Throws where there is none. */
async function there(c: Context<Edge>) {
  const row = await extensions.find(c, readId(c))
  if (row.deletedAt !== null) throw noExtension()
  return row
}

interface TokenOwner {
  readonly id: string
  readonly customerId: string
}

function ownedBy({ id, customerId }: TokenOwner): SQL | undefined {
  return and(eq(table.customerId, customerId), eq(table.extensionId, id))
}

/** Tokens beside the access keys which made them, where those are the customer's own. */
function tokensOf(c: Context<Edge>) {
  return c
    .get('db')
    .select({ token: table, keyName: accessKeys.name })
    .from(table)
    .leftJoin(accessKeys, and(eq(accessKeys.id, table.keyId), eq(accessKeys.customerId, table.customerId)))
}

function present({ token, keyName }: Awaited<ReturnType<typeof tokensOf>>[number]) {
  const { id, extensionId, keyId, createdAt, expiresAt } = token
  return {
    id,
    extension_id: extensionId,
    key_id: keyId,
    key_name: keyName,
    tm_create: createdAt,
    tm_expire: expiresAt,
  }
}

function noExtension(): ApiError {
  return new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
}

/**
 * Writes down that there is another, unless there are enough: of several asked for at once each waits for the one before, and for who
 * gives another password or deletes the access key.
 */
async function make(
  c: Context<Edge>,
  token: TokenOwner & { readonly tokenId: string; readonly until: string },
): Promise<void> {
  const [db, { keyId }] = [c.get('db'), c.get('principal')]
  const own = ownedBy(token)
  const held = sql`(select count(*) filter (where ended_at is null) < ${tokensAtMost} and count(*) < ${tokensAtMost + endedAtMost}
    from ${table} where ${own})`
  const extensionThere = sql`exists (select from ${theirs} where ${and(eq(theirs.id, token.id), isNull(theirs.deletedAt))})`
  const keyThere = sql`exists (select from ${accessKeys} where ${and(eq(accessKeys.id, keyId), isNull(accessKeys.deletedAt))})`
  const [, , asked, made] = await db.batch([
    lockConfig(db),
    db.delete(table).where(and(own, sql`${table.expiresAt} <= now()`)),
    db.execute<{ extension: boolean; key: boolean }>(
      sql`select ${extensionThere} as extension, ${keyThere} as key`,
    ),
    db.execute<{ id: string }>(sql`
      insert into ${table} (id, extension_id, customer_id, key_id, expires_at)
      select ${token.tokenId}::uuid, ${token.id}::uuid, ${token.customerId}::uuid, ${keyId}::uuid, ${token.until}::timestamptz
      where ${held} and ${extensionThere} and ${keyThere}
      returning id`),
  ])
  if (made.rows.length > 0) return
  if (asked.rows[0]?.extension === false) throw noExtension()
  if (asked.rows[0]?.key === false)
    throw new ApiError('INVALID_CREDENTIALS', 'This access key is unknown or deleted.')
  throw new ApiError(
    'TOO_MANY_TOKENS',
    `This extension has ${tokensAtMost} tokens which are good still, or ${endedAtMost} more which were ended before their time: end one, or give it another password, which ends all which are good; or wait until some would be over.`,
  )
}
