import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { PLATFORM, timeWindow as shownWindow } from '#contract'
import { customers, providers, routes as table } from '#db'
import { readBeginning } from '#routing'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, now, pageOf, rowOf, times } from '../http/queries.ts'
import { readId, readWish } from '../http/validate.ts'
import { detail, failover, id, name, ours } from './fields.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

/** `all`, or the beginning of numbers, E.164 or short; the plus may be left out. */
const target = z.string().max(64).default('all')

const minute = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time such as 08:30')

/**
 * When the route may be taken, by the clocks of one time zone; without it, always.
 *
 * A period whose `to` is before its `from` goes on past midnight; its `days` are those on which it begins.
 */
const timeWindow = z
  .strictObject({
    time_zone: z.string().max(64).refine(isTimeZone, 'is not a time zone such as Europe/Berlin'),
    periods: z
      .array(
        z
          .strictObject({
            days: z
              .array(z.int().min(1).max(7))
              .max(7)
              .refine((days) => new Set(days).size === days.length, 'names one twice')
              .default([]),
            from: minute,
            to: z.union([minute, z.literal('24:00')], 'is not a time such as 17:00 (24:00 ends the day)'),
          })
          .refine(({ from, to }) => from !== to, { path: ['to'], error: 'is the same as "from"' }),
      )
      .min(1, 'names no period')
      .max(50),
  })
  .nullable()
  .default(null)

const wish = z.strictObject({
  name,
  detail,
  provider_id: id,
  /** 1 is tried first. */
  priority: z.int().min(1).max(10_000).default(1),
  /** Share of the calls among routes of one priority; 0 takes its turn after those that share. */
  weight: z.int().min(0).max(10_000).default(0),
  target,
  time_window: timeWindow,
  failover,
  enabled: z.boolean().default(true),
})

/** Which provider for which destination, in which order. */
export const routes = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readWish(c, wish)
    const [db, { customerId }] = [c.get('db'), c.get('principal')]
    const row = { id: crypto.randomUUID(), customerId, ...(await toRow(c, body)) }
    const [, room, leading, [made]] = await db.batch([
      ...roomFor(db, 'routes', customerId),
      whether(db, leads(row)),
      insertWhere(db, table, row, sql`${hasRoom('routes', customerId)} and ${leads(row)}`).returning(),
    ])
    if (!made) refuseFull('routes', room)
    if (!held(leading)) throw providerGone()
    return created(c, toWire(done(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readWish(c, wish, ours)]
    const [db, mine] = [c.get('db'), live(table, c.get('principal').customerId, id)]
    const row = { ...(await toRow(c, body)), updatedAt: now }
    const [, [before], leading, [changed]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      whether(db, leads(row)),
      db
        .update(table)
        .set(row)
        .where(and(mine, leads(row)))
        .returning(),
    ])
    found(before)
    if (!held(leading)) throw providerGone()
    return replaced(c, toWire(found(before)), toWire(done(changed)))
  })
  .delete('/:id', async (c) => {
    const mine = live(table, c.get('principal').customerId, readId(c))
    const [deleted] = await c.get('db').update(table).set({ deletedAt: now }).where(mine).returning()
    return c.json(toWire(found(deleted)))
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('ROUTE_NOT_FOUND', 'There is no such route.')
  return row
}

/** An IANA name this runtime knows: offsets alone have no summer. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) !== undefined
  } catch {
    // Intl throws a RangeError for a name it does not know.
    return false
  }
}

async function toRow(c: Context<Edge>, body: z.output<typeof wish>) {
  const { owner, country } = await ownerOf(c, body.provider_id)
  return {
    name: body.name,
    detail: body.detail,
    providerId: body.provider_id,
    providerCustomerId: owner,
    priority: body.priority,
    weight: body.weight,
    target: body.target === 'all' ? 'all' : readTarget(body.target, country),
    timeWindow: body.time_window,
    failover: body.failover,
    enabled: body.enabled,
  }
}

function readTarget(written: string, country: string): string {
  const target = readBeginning(written, country)
  if (target !== undefined) return target
  throw ApiError.field('target', 'is "all" or the beginning of a number, such as +1212, 911 or *')
}

/** Whose provider it is, the customer's own or the platform's, and the customer's country; a stranger's does not exist. */
async function ownerOf(c: Context<Edge>, providerId: string): Promise<{ owner: string; country: string }> {
  const { customerId } = c.get('principal')
  const [provider] = await c
    .get('db')
    .select({ owner: providers.customerId, country: customers.defaultCountry })
    .from(providers)
    .innerJoin(customers, eq(customers.id, customerId))
    .where(
      and(
        inArray(providers.customerId, [customerId, PLATFORM]),
        eq(providers.id, providerId),
        isNull(providers.deletedAt),
      ),
    )
  if (!provider) throw providerGone()
  return provider
}

/** The condition that the provider is still there. */
function leads({ providerCustomerId, providerId }: { providerCustomerId: string; providerId: string }): SQL {
  return sql`exists (select from ${providers} where ${live(providers, providerCustomerId, providerId)})`
}

function providerGone(): ApiError {
  return ApiError.field('provider_id', 'names no provider of yours', 'REFERENCE_NOT_FOUND')
}

function toWire(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    name: row.name,
    detail: row.detail,
    provider_id: row.providerId,
    priority: row.priority,
    weight: row.weight,
    target: row.target,
    time_window: row.timeWindow && shownWindow.parse(row.timeWindow),
    failover: row.failover,
    enabled: row.enabled,
    ...times(row),
  }
}
