import { and, eq, gt, isNull, or, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { accessKeys, customers, extensions, provisioningLinks as links } from '#db'
import { realmOf } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { lockConfig, signedBy } from '../http/config-lock.ts'
import { now } from '../http/queries.ts'
import { hubOf } from '../hub/client.ts'
import { sha256Hex } from '../secrets.ts'
import { proofs } from './account.ts'
import {
  type PhoneAccount,
  type PhoneApp,
  type PhonePlace,
  phoneApps,
  settingsFor,
} from './provisioning-formats.ts'
import { gonePage, offerPage, pageHeaders, typedPage } from './provisioning-page.ts'
import { tokensEnded } from './token-endings.ts'

/** Where phones fetch their settings, without an access key: the token of the link is in the path. */
export const PROVISIONING_LINKS = '/provisioning'

/**
 * What such links lead to. Spent is one by what gives the password, alone: an app's fetch, or the button of the page. A browser, a
 * HEAD and what looks at links before people do are shown the page.
 */
export const provisioningLinks = new Hono<Edge>()
  .get('/:token', async (c) => {
    const link = await linkOf(c)
    return isLinphone(c) ? fetched(c, link, 'linphone') : offered(c, link)
  })
  .post('/:token', async (c) => {
    const link = await linkOf(c)
    const account = link && (await spent(c, link))
    return account ? shown(c, await typedPage(account)) : shown(c, await gonePage(), 410)
  })
  .get('/:token/:app', async (c) => {
    const app = phoneApps.find((one) => one === c.req.param('app'))
    if (app === undefined) return c.notFound()
    const link = await linkOf(c)
    return isLooker(c) ? offered(c, link) : fetched(c, link, app)
  })

/** A link which may be spent yet, and the phone it is for. */
interface OpenLink {
  readonly hash: string
  readonly keyId: string
  readonly extensionId: string
  readonly customerId: string
  readonly phone: PhonePlace
}

/** The link of the path; undefined: there is none, or none any more. An address with too many wrong tokens has to wait. */
async function linkOf(c: Context<Edge>): Promise<OpenLink | undefined> {
  const hash = await sha256Hex(c.req.param('token') ?? '')
  const [address, wrongTokens] = [c.req.header('cf-connecting-ip'), c.get('wrongKeys')]
  const verdict = address === undefined ? 'ask' : wrongTokens.judge(address, hash, utcNow())
  if (typeof verdict === 'number') {
    c.header('Retry-After', String(Math.ceil(verdict / 1000)))
    throw new ApiError(
      'TOO_MANY_WRONG_KEYS',
      'Too many wrong links were tried from this address. Wait a minute.',
    )
  }
  if (verdict === 'wrong') return undefined
  const link = await lookUp(c, hash)
  if (address !== undefined) wrongTokens.found(address, hash, link !== undefined, utcNow())
  return link
}

async function lookUp(c: Context<Edge>, hash: string): Promise<OpenLink | undefined> {
  const [row] = await c
    .get('db')
    .select({
      keyId: links.keyId,
      extensionId: links.extensionId,
      customerId: links.customerId,
      name: extensions.name,
      username: extensions.extension,
    })
    .from(links)
    .innerJoin(extensions, and(eq(extensions.id, links.extensionId), isNull(extensions.deletedAt)))
    .innerJoin(customers, and(eq(customers.id, links.customerId), isNull(customers.deletedAt)))
    .where(isOpen(hash))
  if (!row) return undefined
  const { keyId, extensionId, customerId, name, username } = row
  const { BASE_DOMAIN, SIP_SERVER } = c.get('settings')
  const domain = realmOf(customerId, BASE_DOMAIN)
  const { host, transport } = SIP_SERVER ?? { host: domain, transport: 'udp' }
  return { hash, keyId, extensionId, customerId, phone: { name, username, domain, server: host, transport } }
}

/** The condition that a link leads somewhere: by the database's clock, not yet spent, and made by a key which is good still. */
function isOpen(hash: string): SQL | undefined {
  const lives = and(
    eq(accessKeys.id, links.keyId),
    isNull(accessKeys.deletedAt),
    or(isNull(accessKeys.expiresAt), gt(accessKeys.expiresAt, now)),
  )
  return and(
    eq(links.hash, hash),
    isNull(links.spentAt),
    gt(links.expiresAt, now),
    sql`exists (select from ${accessKeys} where ${lives})`,
  )
}

/**
 * Spends a link: gives its extension a new password, the change being that of the key which made the link. undefined: another
 * was first, or its time was up. Of several at once one gets it: each waits for the one before (`lockConfig`).
 */
async function spent(c: Context<Edge>, link: OpenLink): Promise<PhoneAccount | undefined> {
  const { hash, keyId, extensionId: id, customerId, phone } = link
  const password = newPassword()
  const { username, domain: realm } = phone
  const kept = await proofs(
    c.get('seal'),
    { table: 'extensions', id, customerId },
    { username, realm, password },
  )
  const db = signedBy(c.get('db'), { keyId, requestId: c.get('requestId'), admission: () => undefined })
  const opens = sql`exists (select from ${links} where ${isOpen(hash)})`
  const happened = await hubOf(c).changing(customerId)
  try {
    const [, changed] = await db.batch([
      lockConfig(db),
      db
        .update(extensions)
        .set({ ...kept, updatedAt: now })
        .where(and(eq(extensions.id, id), isNull(extensions.deletedAt), opens))
        .returning({ id: extensions.id }),
      tokensEnded(db, { id, customerId }, opens),
      db.update(links).set({ spentAt: now }).where(isOpen(hash)),
    ])
    return changed.length === 1 ? { ...phone, password } : undefined
  } finally {
    await happened()
  }
}

/** Letters which are not taken for one another: it may have to be typed. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

function newPassword(): string {
  const drawn = crypto.getRandomValues(new Uint32Array(20))
  return Array.from(drawn, (one) => letters[one % letters.length]).join('')
}

async function fetched(c: Context<Edge>, link: OpenLink | undefined, app: PhoneApp): Promise<Response> {
  const account = link && (await spent(c, link))
  if (!account)
    throw new ApiError('PROVISIONING_GONE', 'This link was used, or its ten minutes are over. Make another.')
  c.header('Cache-Control', 'no-store')
  return c.body(settingsFor(app, account), 200, { 'Content-Type': 'application/xml; charset=utf-8' })
}

async function offered(c: Context<Edge>, link: OpenLink | undefined): Promise<Response> {
  if (!link) return shown(c, await gonePage(), 410)
  const url = new URL(`${PROVISIONING_LINKS}/${c.req.param('token')}`, c.req.url).href
  return shown(c, await offerPage(url, link.phone))
}

function shown(
  c: Context<Edge>,
  { html, policy }: { readonly html: string; readonly policy: string },
  status: 200 | 410 = 200,
): Response {
  return c.body(html, status, { ...pageHeaders, 'Content-Security-Policy': policy })
}

/** Linphone’s fetch: it says so, or (5.1) says that it is “Unknown” and not what it accepts. */
function isLinphone(c: Context<Edge>): boolean {
  if (isLooker(c)) return false
  const agent = c.req.header('user-agent') ?? ''
  if (c.req.header('x-linphone-provisioning') !== undefined || /linphone|belle-sip/i.test(agent)) return true
  return agent === 'Unknown' && c.req.header('accept') === undefined
}

/** What looks at a link without being a phone: a browser, a HEAD, a program which shows what stands behind it. */
function isLooker(c: Context<Edge>): boolean {
  const said = (name: string) => c.req.header(name) ?? ''
  if (c.req.method === 'HEAD' || said('accept').includes('text/html')) return true
  if (/prefetch|preview|prerender/i.test(`${said('purpose')} ${said('sec-purpose')} ${said('x-purpose')}`))
    return true
  return /bot\b|crawl|spider|preview|facebookexternalhit|whatsapp|slack|embedly/i.test(said('user-agent'))
}
