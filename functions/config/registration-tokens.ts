import { and, desc, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { tokenName, tokenText, utcMs } from '#contract'
import { accessKeys, readInstant, registrationTokens as table, extensions as theirs } from '#db'
import { realmOf } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { requireScope } from '../http/authenticate.ts'
import { lockConfig } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before, now } from '../http/queries.ts'
import { covers } from '../http/scopes.ts'
import { readId, readIdOf, readOrder } from '../http/validate.ts'
import { sha256Hex } from '../secrets.ts'
import { currentMark, ofPassword } from '../store/ended-tokens.ts'
import { writeEvents } from '../store/event-log.ts'
import { instant } from '../store/instant.ts'
import { extensions } from './extensions.ts'
import { goodTokens } from './token-endings.ts'

/** How many of an extension may be good at once. */
const goodAtMost = 20
/** Those and which relays have to know as ended, until their time is over. */
const keptAtMost = 200
/** Of one access key’s: however many are ended of what it makes, another’s still find room. Those of a password of before are none. */
const endedOfKeyAtMost = 120
/** Of all passwords: rows which are kept of an extension, whatever is changed, and cleared away when their time is over. */
const rowsAtMost = 1_000
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
 * the extension's own (`#contract`, registration-token.ts): relays know it by that, it ends with that, and which were ended before
 * their time they are told.
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
    const at = ({ token }: MadeToken) => ({ at: token.createdAt, id: token.id })
    return c.json(listed(rows, page, at, (one) => present(c, one)))
  })
  .post('/:id/tokens', async (c) => {
    const { expire } = await readOrder(c, tokenInput)
    const { id, extension, customerId, sealedSha256 } = await there(c)
    const tokenId = crypto.randomUUID()
    // A relay reads whole seconds.
    const until = utcMs((Math.floor(utcNow() / 1000) + expire) * 1000)
    const wanted = { id, customerId, tokenId, until: new Date(until).toISOString() }
    const { made, ha1 } = await make(c, wanted, sealedSha256)
    const username = tokenName(extension, until, tokenId)
    const { BASE_DOMAIN, SIP_WS_URLS } = c.get('settings')
    const domain = realmOf(customerId, BASE_DOMAIN)
    c.header('Cache-Control', 'no-store')
    return c.json({
      ...present(c, made),
      uri: `sip:${extension}@${domain}`,
      username,
      password: await sha256Hex(tokenText(ha1, await sha256Hex(tokenText(ha1, username)))),
      realm: domain,
      ws_urls: SIP_WS_URLS,
      expire,
    })
  })
  .delete('/:id/tokens/:token_id', async (c) => {
    const [{ id, customerId }, tokenId] = [await there(c), readIdOf(c, 'token_id')]
    const one = goodTokens(and(ownedBy({ id, customerId }), eq(table.id, tokenId)))
    const [db, { keyId, scopes }] = [c.get('db'), c.get('principal')]
    const mine = covers(scopes, 'configure') ? undefined : eq(table.keyId, keyId)
    const [, [found], , [ended]] = await db.batch([
      lockConfig(db),
      tokensOf(c).where(one),
      db.execute(writeEvents(endedBy(c), sql`from ${table} where ${and(one, mine)}`)),
      db.update(table).set({ endedAt: now }).where(and(one, mine)).returning({ at: table.endedAt }),
    ])
    if (!found) throw new ApiError('TOKEN_NOT_FOUND', 'There is no such token, or it has ended.')
    // What registered by it is thrown out: of what another key made, as ending a registration is.
    if (!ended) requireScope(c, 'configure')
    return c.json(present(c, found))
  })

/** What is told of a token which a request ends: by which key, and which made it. */
function endedBy(c: Context<Edge>) {
  const [{ keyId }, requestId] = [c.get('principal'), c.get('requestId')]
  return {
    type: 'token.ended',
    subjectId: sql`extension_id`,
    data: sql`jsonb_build_object('token_id', id, 'made_by', key_id, 'key_id', ${keyId}::uuid, 'request_id', ${requestId}::text,
      'tm_expire', ${instant(sql`expires_at`)})`,
  } as const
}

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
type MadeToken = Awaited<ReturnType<typeof tokensOf>>[number]

/** What other keys are called is for who may list keys. */
function present(c: Context<Edge>, { token, keyName }: MadeToken) {
  const [{ id, extensionId, keyId, createdAt, expiresAt }, asking] = [token, c.get('principal')]
  const isNamed = keyId === asking.keyId || covers(asking.scopes, 'admin')
  return {
    id,
    extension_id: extensionId,
    key_id: keyId,
    key_name: isNamed ? keyName : null,
    tm_create: createdAt,
    tm_expire: expiresAt,
  }
}

function noExtension(): ApiError {
  return new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
}

/** What is found where another token is to be made. */
interface TokenRoom extends Record<string, unknown> {
  /** The extension's HA1; null: there is no such extension. */
  sealed: string | null
  key: boolean
  /** Until when too many are good, and too many known as ended; null: they are not. */
  good_until: string | null
  ended_until: string | null
}

/**
 * Writes down that there is another, unless there are enough: of several asked for at once each waits for the one before, and for who
 * gives another password or deletes the access key. The HA1 is opened before, so that what cannot be opened leaves nothing behind;
 * where it is another by then, that is, and so it is that which ends this token when it is changed. Throws where there is no room.
 */
async function make(
  c: Context<Edge>,
  token: TokenOwner & { readonly tokenId: string; readonly until: string },
  opened: string,
): Promise<{ made: MadeToken; ha1: string }> {
  const ha1 = await c.get('seal').open({ table: 'extensions', id: token.id, field: 'ha1_sha256' }, opened)
  const [db, { keyId }] = [c.get('db'), c.get('principal')]
  const own = ownedBy(token)
  const ofThis = ofPassword(sql`${table.passwordMark}`, sql`${token.id}::uuid`)
  const sealed = sql`(select ${theirs.sealedSha256} from ${theirs} where ${and(eq(theirs.id, token.id), isNull(theirs.deletedAt))})`
  const keyThere = sql`exists (select from ${accessKeys} where ${and(eq(accessKeys.id, keyId), isNull(accessKeys.deletedAt))})`
  const goodUntil = fullUntil(and(own, isNull(table.endedAt)), goodAtMost)
  const endedOfKey = and(own, ofThis, isNotNull(table.endedAt), eq(table.keyId, keyId))
  const endedUntil = sql`greatest(${fullUntil(and(own, ofThis), keptAtMost)}, ${fullUntil(endedOfKey, endedOfKeyAtMost)},
    ${fullUntil(own, rowsAtMost)})`
  const [, , { rows }, , [made]] = await db.batch([
    lockConfig(db),
    db.delete(table).where(and(own, sql`${table.expiresAt} <= now()`)),
    db.execute<TokenRoom>(
      sql`select ${sealed} as sealed, ${keyThere} as key, ${goodUntil}::text as good_until, ${endedUntil}::text as ended_until`,
    ),
    db.execute(sql`
      insert into ${table} (id, extension_id, customer_id, key_id, password_mark, expires_at)
      select ${token.tokenId}::uuid, ${token.id}::uuid, ${token.customerId}::uuid, ${keyId}::uuid,
        (select ${currentMark} from ${theirs} p where p.id = ${token.id}::uuid), ${token.until}::timestamptz
      where ${goodUntil} is null and ${endedUntil} is null and ${sealed} = ${opened} and ${keyThere}`),
    tokensOf(c).where(and(own, eq(table.id, token.tokenId))),
  ])
  const [room] = rows
  if (made) return { made, ha1 }
  if (!room?.sealed) throw noExtension()
  if (room.sealed !== opened) return make(c, token, room.sealed)
  if (!room.key) throw new ApiError('INVALID_CREDENTIALS', 'This access key is unknown or deleted.')
  throw tooMany(c, room)
}

/** When fewer than so many tokens are left of these; null: there are fewer. */
function fullUntil(which: SQL | undefined, atMost: number): SQL {
  return sql`(select ${table.expiresAt} from ${table} where ${which} order by ${table.expiresAt} desc offset ${atMost - 1} limit 1)`
}

function tooMany(c: Context<Edge>, room: TokenRoom): ApiError {
  const untils = [room.ended_until, room.good_until].flatMap((until) =>
    until === null ? [] : readInstant(until),
  )
  const until = untils.reduce((later, one) => (Date.parse(one) > Date.parse(later) ? one : later))
  c.header('Retry-After', String(Math.max(1, Math.ceil((Date.parse(until) - utcNow()) / 1000))))
  return new ApiError(
    'TOO_MANY_TOKENS',
    room.ended_until === null
      ? `This extension has ${goodAtMost} tokens which are good still: end one, or wait until ${until}, when the first is over.`
      : `Too many tokens of this extension were ended lately, and relays must know each until its time is over: wait until ${until}.`,
  )
}
