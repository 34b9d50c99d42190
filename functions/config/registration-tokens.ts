import { and, eq, isNull, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant, tokenName, tokenText, utcMs } from '#contract'
import { registrationTokens as table, extensions as theirs } from '#db'
import { realmOf } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { readBody, readId } from '../http/validate.ts'
import { sha256Hex } from '../secrets.ts'
import { extensions } from './extensions.ts'

/** How many of an extension may be good at once. */
const tokensAtMost = 20
/** Seconds. Who makes all there may be keeps others from theirs no longer. */
const longest = 14_400

const tokenInput = z.strictObject({
  expire: z
    .int()
    .min(60)
    .max(longest)
    .default(3600)
    .describe('Seconds for which a phone may prove itself by it.'),
})

/**
 * A name and a password by which a phone proves itself as an extension for a time, as one in a browser does. It follows from the
 * extension's own password (`#contract`, registration-token.ts): relays know it by that, and it ends with that.
 */
export const registrationTokens = new Hono<Edge>().post('/:id/tokens', async (c) => {
  const id = readId(c)
  const { expire } = await readBody(c, tokenInput)
  const row = await extensions.find(c, id)
  if (row.deletedAt !== null) throw new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
  const { extension, customerId, sealedSha256 } = row
  const ha1 = await c.get('seal').open({ table: 'extensions', id, field: 'ha1_sha256' }, sealedSha256)
  const tokenId = crypto.randomUUID()
  // A relay reads whole seconds.
  const until = utcMs((Math.floor(utcNow() / 1000) + expire) * 1000)
  await count(c, { id, customerId, tokenId, until: new Date(until).toISOString() })
  const username = tokenName(extension, until, tokenId.replaceAll('-', ''))
  const { BASE_DOMAIN, SIP_WS_URLS } = c.get('settings')
  const domain = realmOf(customerId, BASE_DOMAIN)
  c.header('Cache-Control', 'no-store')
  return c.json({
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

/** Writes down that there is another, unless there are enough: of several asked for at once each waits for the one before. */
async function count(
  c: Context<Edge>,
  token: {
    readonly id: string
    readonly customerId: string
    readonly tokenId: string
    readonly until: string
  },
): Promise<void> {
  const db = c.get('db')
  const own = and(eq(table.customerId, token.customerId), eq(table.extensionId, token.id))
  const [, , made] = await db.batch([
    db
      .select({ id: theirs.id })
      .from(theirs)
      .where(and(eq(theirs.id, token.id), isNull(theirs.deletedAt)))
      .for('update'),
    db.delete(table).where(and(own, sql`${table.expiresAt} <= now()`)),
    db.execute<{ id: string }>(sql`
      insert into ${table} (id, extension_id, customer_id, expires_at)
      select ${token.tokenId}::uuid, ${token.id}::uuid, ${token.customerId}::uuid, ${token.until}::timestamptz
      where (select count(*) from ${table} where ${own}) < ${tokensAtMost}
      returning id`),
  ])
  if (made.rows.length === 0)
    throw new ApiError(
      'TOO_MANY_TOKENS',
      `This extension has ${tokensAtMost} tokens which are good still: take one of them, wait until one is over, or give it another password, which ends them all.`,
    )
}

/** How it is described. */
export const registrationTokenOperations: readonly Operation[] = [
  {
    id: 'createExtensionToken',
    method: 'post',
    path: '/v1.0/extensions/{id}/tokens',
    summary: 'Make a credential by which a phone registers for a time',
    description:
      'For phones in browsers and apps, which are not to be given the password: `username` and `password` answer digest challenges (JsSIP’s `authorization_user` and `password`) of REGISTER and INVITE until `tm_expire`. They are good no longer once the extension is disabled, deleted or has another password. Twenty of an extension may be good at once, and none can be taken back by itself, also not with the access key which made it: another password ends them all, and makes room. They are shown here alone, and kept nowhere.',
    tag: 'extensions',
    scope: 'call',
    body: tokenInput,
    answer: z
      .object({
        extension_id: z.guid(),
        uri: z.string().describe('Whom the phone registers as.'),
        username: z.string().describe('The name for digest: the extension, and until when this is good.'),
        password: z.string(),
        realm: z.string(),
        ws_urls: z
          .array(z.string())
          .describe('Where relays take SIP over WebSocket (RFC 7118); none: this installation does not say.'),
        expire: z.int().describe('Seconds from now.'),
        tm_expire: instant.describe('Until when it is good; no registration made by it lasts longer.'),
      })
      .meta({ id: 'ExtensionToken', description: 'A credential of an extension, good for a time.' }),
    errors: ['EXTENSION_NOT_FOUND', 'TOO_MANY_TOKENS'],
    example: {
      parameters: { id: exampleIds.extension },
      body: { expire: 600 },
      answer: {
        extension_id: exampleIds.extension,
        uri: 'sip:office1@3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001.registrar.trunkline.example',
        username: 'office1~tp12qo~5d0c1f6c1a1001f0e6d0b4a529d550c1',
        password: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        realm: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001.registrar.trunkline.example',
        ws_urls: ['wss://sip.trunkline.example:7443/'],
        expire: 600,
        tm_expire: '2026-11-25T10:00:00.000Z',
      },
    },
  },
]
