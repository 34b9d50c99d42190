import { and, eq, gt, isNull, or, sql } from 'drizzle-orm'
import type { Context, MiddlewareHandler } from 'hono'
import * as z from 'zod'
import { accessKeys, customers } from '#db'
import type { Edge, Principal } from '../env.ts'
import { relayOf } from '../relay-key.ts'
import { sha256Hex } from '../secrets.ts'
import { ApiError } from './api-error.ts'

/**
 * Lets in whoever holds a live access key: `Authorization: Bearer`, `?token=` or `?accesskey=`.
 *
 * An administrator may speak for another customer by `?customer_id=`.
 */
export const authenticate: MiddlewareHandler<Edge> = async (c, next) => {
  const key = presentedKey(c)
  if (key === undefined) {
    c.header('WWW-Authenticate', 'Bearer')
    throw new ApiError('AUTHENTICATION_REQUIRED', 'Send an access key: Authorization: Bearer <key>.')
  }
  c.set('principal', await actingFor(c, await slowed(c, await sha256Hex(key))))
  await next()
}

/** The access key a request brings, right or wrong; undefined: it brings none. */
export function presentedKey(c: Context<Edge>): string | undefined {
  return bearer(c) ?? c.req.query('token') ?? c.req.query('accesskey')
}

/** Lets in relays, by a key which is checked without the database. */
export const authenticateRelay: MiddlewareHandler<Edge> = async (c, next) => {
  const relayId = await relayOf(c.get('settings').RELAY_SECRET, bearer(c) ?? '')
  if (relayId === undefined)
    throw new ApiError('INVALID_CREDENTIALS', 'This is not a key of a relay of ours.')
  c.set('relayId', relayId)
  await next()
}

/** Lets in administrators only. */
export const administrator: MiddlewareHandler<Edge> = async (c, next) => {
  if (!c.get('principal').admin) throw new ApiError('PERMISSION_DENIED', 'This needs an administrator key.')
  await next()
}

/** Makes the request be about the customer its body names, as `?customer_id=` does. */
export async function actFor(c: Context<Edge>, asked: unknown): Promise<void> {
  const principal = c.get('principal')
  const id = z.guid().toLowerCase().safeParse(asked)
  if (!id.success) throw ApiError.field('customer_id', 'is not a UUID')
  if (id.data === principal.customerId) return
  if (!principal.admin) throw administratorsOnly()
  if (c.req.query('customer_id') !== undefined)
    throw ApiError.field('customer_id', 'is not the one which the query names')
  c.set('principal', { ...principal, customerId: await liveCustomer(c, id.data) })
}

/** Who holds the key of this hash; an address which has tried too many wrong ones has to wait. */
async function slowed(c: Context<Edge>, hash: string): Promise<Holder> {
  // Cloudflare says who it was; where nothing does, nobody can be slowed.
  const [wrongKeys, address] = [c.get('wrongKeys'), c.req.header('cf-connecting-ip')]
  const verdict = address === undefined ? 'ask' : wrongKeys.judge(address, hash, Date.now())
  if (typeof verdict === 'number') {
    c.header('Retry-After', String(Math.ceil(verdict / 1000)))
    throw new ApiError(
      'TOO_MANY_WRONG_KEYS',
      'Too many wrong access keys came from this address. Wait a minute.',
    )
  }
  const note = (right: boolean | undefined) =>
    address !== undefined && wrongKeys.found(address, hash, right, Date.now())
  const holder = verdict === 'wrong' ? undefined : await holderOf(c, hash).catch(failed)
  note(holder !== undefined)
  if (!holder) throw new ApiError('INVALID_CREDENTIALS', 'This access key is unknown, deleted or expired.')
  return holder

  function failed(error: unknown): never {
    note(undefined)
    throw error
  }
}

type Holder = Pick<Principal, 'keyId' | 'customerId' | 'admin'>

async function holderOf(c: Context<Edge>, hash: string): Promise<Holder | undefined> {
  const [found] = await c
    .get('db')
    .select({ keyId: accessKeys.id, customerId: accessKeys.customerId, admin: accessKeys.admin })
    .from(accessKeys)
    .innerJoin(customers, and(eq(customers.id, accessKeys.customerId), isNull(customers.deletedAt)))
    .where(
      and(
        eq(accessKeys.hash, hash),
        isNull(accessKeys.deletedAt),
        or(isNull(accessKeys.expiresAt), gt(accessKeys.expiresAt, sql`now()`)),
      ),
    )
  return found
}

/** The holder of a key as the customer it speaks for: its own, or for an administrator the one `?customer_id=` names. */
async function actingFor(c: Context<Edge>, found: Holder): Promise<Principal> {
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
