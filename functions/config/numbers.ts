import { and, eq, notExists, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { customers, extensions, flows, numbers as table } from '#db'
import { readNumber } from '#routing'
import type { Edge } from '../env.ts'
import { listed, readPage } from '../http/page.ts'
import { Problem } from '../http/problem.ts'
import { readBody, readId } from '../http/validate.ts'
import { detail, name, optionalId, ours } from './fields.ts'
import { countryOf } from './owned.ts'
import { live, liveRowOf, now, type Owned, pageOf, rowOf, times } from './rows.ts'

const wish = z.strictObject({
  name,
  detail,
  number: z.string().max(64).optional(),
  type: z.literal('normal').default('normal'),
  extension_id: optionalId,
  call_flow_id: optionalId,
  /** Clients written for voice and messages send it; we carry calls only. */
  message_flow_id: optionalId.refine((value) => value === null, 'is not possible: only calls are carried'),
  enabled: z.boolean().default(true),
})
type Wish = z.output<typeof wish>

/** Phone numbers, and who is rung when they are called. */
export const numbers = new Hono<Edge>()
  .get('/', async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('speaker').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readBody(c, wish)
    if (body.number === undefined) throw Problem.field('number', 'is needed')
    const owner = { id: crypto.randomUUID(), customerId: c.get('speaker').customerId }
    const row = { ...owner, ...(await normalised(c, body.number)), ...(await toRow(c, body)) }
    const [made] = await c.get('db').insert(table).values(row).returning()
    return c.json(toWire(found(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('speaker').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, { customerId }, body] = [
      readId(c),
      c.get('speaker'),
      await readBody(c, wish, [...ours, 'country', 'status']),
    ]
    const stored = found(await liveRowOf(c.get('db'), table, customerId, id))
    if (body.number !== undefined && (await normalised(c, body.number)).number !== stored.number) {
      throw Problem.field('number', 'cannot be changed; make another number instead')
    }
    const row = { ...(await toRow(c, body)), updatedAt: now }
    const [changed] = await c
      .get('db')
      .update(table)
      .set(row)
      .where(live(table, customerId, id))
      .returning()
    return c.json(toWire(found(changed)))
  })
  .delete('/:id', async (c) => {
    const [db, id, { customerId }] = [c.get('db'), readId(c), c.get('speaker')]
    const defaults = and(eq(customers.id, customerId), eq(customers.defaultOutgoingNumberId, id))
    const unused = notExists(db.select({ one: sql`1` }).from(customers).where(defaults))
    const mine = live(table, customerId, id)
    const [deleted] = await db.update(table).set({ deletedAt: now }).where(and(mine, unused)).returning()
    if (deleted) return c.json(toWire(deleted))
    found(await liveRowOf(db, table, customerId, id))
    throw new Problem(
      'NUMBER_IN_USE',
      'This is the default caller id. Choose another with PUT /v1.0/customer first.',
    )
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Problem('NUMBER_NOT_FOUND', 'There is no such number.')
  return row
}

async function normalised(
  c: Context<Edge>,
  written: string,
): Promise<{ number: string; country: string | null }> {
  const read = readNumber(written, await countryOf(c))
  if (read.kind !== 'number') throw Problem.field('number', 'is not a phone number; write it as +15551234567')
  return { number: read.e164, country: read.country }
}

async function toRow(c: Context<Edge>, body: Wish) {
  if (body.extension_id !== null && body.call_flow_id !== null) {
    throw Problem.field('extension_id', 'and call_flow_id exclude each other')
  }
  await exists(c, extensions, 'extension_id', body.extension_id)
  await exists(c, flows, 'call_flow_id', body.call_flow_id)
  return {
    name: body.name,
    detail: body.detail,
    type: body.type,
    extensionId: body.extension_id,
    callFlowId: body.call_flow_id,
    enabled: body.enabled,
  }
}

async function exists(c: Context<Edge>, of: Owned, field: string, id: string | null): Promise<void> {
  if (id === null) return
  const row = await liveRowOf(c.get('db'), of, c.get('speaker').customerId, id)
  if (!row) throw Problem.field(field, 'names nothing of yours', 'REFERENCE_NOT_FOUND')
}

function toWire(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    number: row.number,
    country: row.country?.toLowerCase() ?? null,
    type: row.type,
    name: row.name,
    detail: row.detail,
    status: row.deletedAt ? 'deleted' : 'active',
    extension_id: row.extensionId,
    call_flow_id: row.callFlowId,
    enabled: row.enabled,
    ...times(row),
  }
}
