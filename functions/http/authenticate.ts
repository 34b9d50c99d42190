import { and, eq, isNull, type SQL } from 'drizzle-orm'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import * as z from 'zod'
import type { AccessScope } from '#contract'
import { customers, readInstant } from '#db'
import { utcNow } from '../clock.ts'
import type { Edge, Principal } from '../env.ts'
import { hubOf } from '../hub/client.ts'
import { hashOfKey } from '../key-hashes.ts'
import { type HolderRow, holderFrom, holderOf, type KeyHolder, stillHolds } from '../key-holder.ts'
import type { NotedUses } from '../noted-uses.ts'
import { type PresentedKey, readRelayKey } from '../relay-key.ts'
import { ApiError } from './api-error.ts'
import { executionOf } from './execution.ts'
import type { Operation } from './operation.ts'
import { confirmKey, guardedBy, notOurs } from './relay-guard.ts'
import { covers, scopesOf } from './scopes.ts'

/**
 * Lets in who holds a live access key: `Authorization: Bearer`, `?token=` or `?accesskey=`.
 *
 * An administrator may act for another customer by `?customer_id=`.
 */
export const authenticate: MiddlewareHandler<Edge> = async (c, next) => {
  const token = presentedKey(c)
  if (token === undefined) {
    c.header('WWW-Authenticate', 'Bearer')
    throw new ApiError('AUTHENTICATION_REQUIRED', 'Send an access key: Authorization: Bearer <key>.')
  }
  // Caches which share answers go by the URL, and a key may be in it; some answers show a secret once.
  c.header('Cache-Control', c.req.method === 'GET' ? 'private, no-cache' : 'no-store')
  const hash = await hashOfKey(token)
  c.set('principal', await actingFor(c, assumed(c, hash) ?? (await slowed(c, hash))))
  await next()
  // What was refused on the way to the endpoint is a stranger's to know no more than what it answers.
  await confirmed(c)
  if (c.res.status !== 401) noteUse(c, c.get('keyUses'), c.get('principal').keyId)
}

/** Notes that calls of the customer which the request is about are watched: relays then tell how they stand at once. */
export const watches: MiddlewareHandler<Edge> = async (c, next) => {
  await next()
  if (c.res.status >= 400) return
  // At once: what is gathered first, relays would hear of a second later.
  noteUse(c, c.get('listeners'), c.get('principal').customerId, 0, (began) => hubOf(c).watched(began))
}

/** Refuses a key without the scope which the operation needs. An endpoint which is no operation needs `admin`. */
export function withinScope(operations: readonly Operation[]): MiddlewareHandler<Edge> {
  const scopes = scopesOf(operations)
  return async (c, next) => {
    const endpoint = matchedRoutes(c).find(({ method }) => method !== 'ALL')
    if (endpoint) c.set('scope', scopes.get(`${endpoint.method} ${endpoint.path}`) ?? 'admin')
    // It may have been given the scope since.
    if (lacksScope(c)) await confirmed(c)
    requireScope(c)
    await next()
  }
}

function lacksScope(c: Context<Edge>, needed: AccessScope | undefined = c.get('scope')): boolean {
  return needed !== undefined && !covers(c.get('principal').scopes, needed)
}

/** Refuses a key without a scope: the one which the operation needs, or one which a part of its body does. */
export function requireScope(c: Context<Edge>, needed: AccessScope | undefined = c.get('scope')): void {
  const { scopes } = c.get('principal')
  if (!lacksScope(c, needed)) return
  // RFC 6750 §3.1.
  c.header('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${needed}"`)
  throw new ApiError(
    'SCOPE_MISSING',
    `This needs an access key with the scope ${needed}; this one has ${scopes.join(', ')}.`,
  )
}

/** The access key a request brings, right or wrong; undefined: it brings none. */
export function presentedKey(c: Context<Edge>): string | undefined {
  return bearer(c) ?? c.req.query('token') ?? c.req.query('accesskey')
}

/**
 * Lets in relays. Whether a key is still good the database is asked together with what the request asks it first; what a
 * request does without the database it does for any key which was ever good (`confirmsRelay`).
 */
export const authenticateRelay: MiddlewareHandler<Edge> = async (c, next) => {
  const [token, db, known] = [bearer(c) ?? '', c.get('db'), c.get('knownRelayKeys')]
  const key = await readRelayKey(c.get('settings').RELAY_SECRET, token)
  if (key === undefined) throw notOurs()
  c.set('presentedKey', key)
  c.set('relayKey', token)
  c.set('relayId', key.relayId)
  c.header('Cache-Control', 'no-store')
  if (!key.derived && !known.has(key)) await lookUpRelay(c, key)
  c.set('db', guardedBy(db, key, known, utcNow))
  await next()
}

/** Finds out before whether a relay's key is good: for endpoints which do something without the database. */
export const confirmsRelay: MiddlewareHandler<Edge> = async (c, next) => {
  await confirmKey(c.get('db'), c.get('presentedKey'), c.get('knownRelayKeys'), utcNow)
  await next()
}

/** A key of which nothing follows by itself: an address which has tried too many wrong ones has to wait. */
async function lookUpRelay(c: Context<Edge>, key: PresentedKey): Promise<void> {
  if (mayAsk(c, key.hash) === 'wrong') throw notOurs()
  try {
    await confirmKey(c.get('db'), key, c.get('knownRelayKeys'), utcNow)
    note(c, key.hash, true)
  } catch (error) {
    note(c, key.hash, error instanceof ApiError ? false : undefined)
    throw error
  }
}

/** Lets in administrators only. */
export const administrator: MiddlewareHandler<Edge> = async (c, next) => {
  if (!c.get('principal').admin) throw new ApiError('PERMISSION_DENIED', 'This needs an administrator key.')
  await next()
}

/**
 * Makes the request be about the customer its body names, as `?customer_id=` does. Throws where it may not: no UUID,
 * no administrator, or another one in the query.
 */
export async function actFor(c: Context<Edge>, asked: unknown): Promise<void> {
  const principal = c.get('principal')
  const id = z.guid().toLowerCase().safeParse(asked)
  if (!id.success) throw ApiError.field('customer_id', 'is not a UUID')
  if (id.data === principal.customerId) return
  await confirmed(c)
  if (!c.get('principal').admin) throw administratorsOnly()
  if (c.req.query('customer_id') !== undefined)
    throw ApiError.field('customer_id', 'is not the one which the query names')
  c.set('principal', { ...c.get('principal'), customerId: await liveCustomer(c, id.data) })
}

/** Endpoints whose own statement finds out whose the token is. */
const questions = new WeakSet<object>()

/** What answers a request. */
export type Endpoint = (c: Context<Edge>) => Response | Promise<Response>

/** Thrown where a key is another than memory had it, by scopes or as an administrator's; nothing has been changed. */
export class HolderChanged extends Error {}

/**
 * Declares an endpoint to ask whose the token is together with what it brings (`unconfirmed`, `confirm`) or changes
 * (`admission`), in one round trip to the database. A token which this isolate has not seen is looked up before, as
 * everywhere; where memory was wrong about one, the endpoint answers anew. Throws what the endpoint does, unless the
 * key was the reason.
 */
export function confirmsKey(answer: Endpoint): Endpoint {
  const endpoint: Endpoint = async (c) => {
    try {
      const response = await answer(c)
      if (await isAsAssumed(c)) return response
    } catch (error) {
      if (!(error instanceof HolderChanged) && (await isAsAssumed(c))) throw error
    }
    return answer(c)
  }
  questions.add(endpoint)
  return endpoint
}

/** Whether memory was right about the key, where that has not been found out yet. Throws where it opens this no longer. */
async function isAsAssumed(c: Context<Edge>): Promise<boolean> {
  const assumed = c.get('principal')
  await confirmed(c)
  return isSame(assumed, c.get('principal'))
}

/** Whether a key may do the same as one did. */
function isSame(one: Principal, other: Principal): boolean {
  return one.keyId === other.keyId && one.admin === other.admin && String(one.scopes) === String(other.scopes)
}

/** Who held the token last, where the endpoint finds out whether that still holds. */
function assumed(c: Context<Edge>, hash: string): KeyHolder | undefined {
  // What these ask of the database before the endpoint does, is not for a token of which only memory knows.
  if (c.req.query('customer_id') ?? c.req.header('idempotency-key')) return undefined
  if (!matchedRoutes(c).some(({ handler }) => questions.has(handler))) return undefined
  const holder = c.get('knownHolders').get(hash)
  if (holder) c.set('unconfirmed', hash)
  return holder
}

/** The query whose answer `confirm` takes; undefined where the token has been looked up already. */
export function unconfirmed(c: Context<Edge>): SQL | undefined {
  const hash = c.get('unconfirmed')
  return hash === undefined ? undefined : holderOf(hash)
}

/** Refuses a token which no longer opens what it opened before. Throws `HolderChanged` where it opens something else. */
export function confirm(c: Context<Edge>, row: HolderRow | undefined): void {
  const assumed = c.get('principal')
  take(c, row)
  if (!isSame(assumed, c.get('principal'))) throw new HolderChanged()
}

/** Finds out by itself whose the token is, where nothing has yet. */
export async function confirmed(c: Context<Edge>): Promise<void> {
  const hash = c.get('unconfirmed')
  if (hash !== undefined) take(c, await lookUp(c, hash))
}

/** The condition that the token still opens what memory says; undefined: that is known. A change asks it of itself. */
export function admission(c: Context<Edge>): SQL | undefined {
  const [hash, { keyId, ownId, admin, scopes }] = [c.get('unconfirmed'), c.get('principal')]
  return hash === undefined ? undefined : stillHolds(hash, { keyId, customerId: ownId, admin, scopes })
}

/** Says that a change with that condition has been made. */
export function admitted(c: Context<Edge>): void {
  c.set('unconfirmed', undefined)
}

function take(c: Context<Edge>, row: HolderRow | undefined): void {
  const hash = c.get('unconfirmed') ?? ''
  c.set('unconfirmed', undefined)
  const { keyId, customerId, admin, scopes } = settle(c, hash, row)
  c.set('principal', { keyId, ownId: customerId, customerId, admin, scopes })
  requireScope(c)
}

/** Who holds the token of this hash; an address which has tried too many wrong ones has to wait. */
async function slowed(c: Context<Edge>, hash: string): Promise<KeyHolder> {
  return settle(c, hash, mayAsk(c, hash) === 'wrong' ? undefined : await lookUp(c, hash))
}

/** Whether a key is to be looked up, or is known to be wrong. Throws where its address has to wait. */
function mayAsk(c: Context<Edge>, hash: string): 'ask' | 'wrong' {
  const address = addressOf(c)
  const verdict = address === undefined ? 'ask' : c.get('wrongKeys').judge(address, hash, utcNow())
  if (typeof verdict !== 'number') return verdict
  c.header('Retry-After', String(Math.ceil(verdict / 1000)))
  throw new ApiError(
    'TOO_MANY_WRONG_KEYS',
    'Too many wrong access keys came from this address. Wait a minute.',
  )
}

async function lookUp(c: Context<Edge>, hash: string): Promise<HolderRow | undefined> {
  try {
    const { rows } = await c.get('db').execute<{ holder: HolderRow | null }>(holderOf(hash))
    return rows[0]?.holder ?? undefined
  } catch (error) {
    note(c, hash, undefined)
    throw error
  }
}

/** Remembers what a look-up found. Throws where the token opens nothing. */
function settle(c: Context<Edge>, hash: string, row: HolderRow | undefined): KeyHolder {
  note(c, hash, row !== undefined)
  const refusal = refusalOf(row)
  const holder = refusal === undefined && row !== undefined ? holderFrom(row) : undefined
  c.get('knownHolders').found(hash, holder)
  if (holder) return holder
  c.header('WWW-Authenticate', 'Bearer error="invalid_token"')
  throw refusal
}

/** Why a token opens nothing; undefined: it does. */
function refusalOf(row: HolderRow | undefined): ApiError | undefined {
  if (row === undefined) return new ApiError('INVALID_CREDENTIALS', 'This access key is unknown or deleted.')
  if (row.replaced_at !== null)
    return new ApiError(
      'ACCESSKEY_ROTATED',
      `This token was replaced when its access key was rotated, and opened until ${readInstant(row.replaced_at)}. Use the new one.`,
    )
  if (row.expired_at !== null)
    return new ApiError(
      'ACCESSKEY_EXPIRED',
      `This access key expired at ${readInstant(row.expired_at)}. Make another, or rotate it with a new expire.`,
    )
  return undefined
}

/** What the look-up found, for the address it came from; undefined where it failed. */
function note(c: Context<Edge>, hash: string, right: boolean | undefined): void {
  const address = addressOf(c)
  if (address !== undefined) c.get('wrongKeys').found(address, hash, right, utcNow())
}

/** Cloudflare says who it was; where nothing does, no address can be slowed. */
function addressOf(c: Context<Edge>): string | undefined {
  return c.req.header('cf-connecting-ip')
}

/**
 * Notes that a key was used, where a statement may go on after the answer: no request waits for it. `then` is given the ids
 * which that statement returns, and is not called where there are none.
 */
function noteUse(
  c: Context<Edge>,
  uses: NotedUses,
  id: string,
  gatherMs?: number,
  then?: (ids: readonly string[]) => void,
): void {
  const [now, context] = [utcNow(), executionOf(c)]
  if (!context || !uses.note(id, now)) return
  const written = uses.write(c.get('db'), now, gatherMs)
  context.waitUntil(written.then((ids) => (ids.length > 0 ? then?.(ids) : undefined)))
}

/** The holder of a key as the customer it speaks for: its own, or for an administrator the one `?customer_id=` names. */
async function actingFor(c: Context<Edge>, found: KeyHolder): Promise<Principal> {
  const asked = c.req.query('customer_id')
  const own = { ...found, ownId: found.customerId }
  if (asked === undefined || asked === found.customerId) return own
  if (!found.admin) throw administratorsOnly()
  return { ...own, customerId: await liveCustomer(c, asked) }
}

async function liveCustomer(c: Context<Edge>, asked: string): Promise<string> {
  const id = z.guid().safeParse(asked)
  if (!id.success) throw ApiError.field('customer_id', 'is not a UUID', 'INVALID_REQUEST_PARAMETER')
  const [found] = await c
    .get('db')
    .select({ id: customers.id })
    .from(customers)
    .where(and(eq(customers.id, id.data), isNull(customers.deletedAt)))
  if (!found) throw new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  return found.id
}

function administratorsOnly(): ApiError {
  return new ApiError('PERMISSION_DENIED', 'Only an administrator may act for another customer.')
}

function bearer(c: Context<Edge>): string | undefined {
  const [, key] = /^Bearer +(\S+)\s*$/i.exec(c.req.header('authorization') ?? '') ?? []
  return key
}
