import { and, eq, isNull, notExists, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { extensions, numbers, flows as table } from '#db'
import type { Edge } from '../env.ts'
import { listed, readPage } from '../http/page.ts'
import { Problem } from '../http/problem.ts'
import { readBody, readCascade, readId } from '../http/validate.ts'
import { detail, name, ours } from './fields.ts'
import { actions, rung } from './flow-actions.ts'
import { live, liveRowOf, now, pageOf, rowOf, times } from './rows.ts'

const wish = z.strictObject({ name, detail, type: z.literal('flow').default('flow'), actions })

/** Small programs which incoming calls follow. */
export const flows = new Hono<Edge>()
  .get('/', async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('speaker').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readFlow(c)
    const row = { id: crypto.randomUUID(), customerId: c.get('speaker').customerId, ...body }
    const [made] = await c.get('db').insert(table).values(row).returning()
    return c.json(toWire(found(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('speaker').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readFlow(c)]
    const mine = live(table, c.get('speaker').customerId, id)
    const [changed] = await c
      .get('db')
      .update(table)
      .set({ ...body, updatedAt: now })
      .where(mine)
      .returning()
    return c.json(toWire(found(changed)))
  })
  .delete('/:id', async (c) => {
    const [db, id, { customerId }] = [c.get('db'), readId(c), c.get('speaker')]
    const uses = and(
      eq(numbers.customerId, customerId),
      eq(numbers.callFlowId, id),
      isNull(numbers.deletedAt),
    )
    const [mine, gone] = [live(table, customerId, id), { deletedAt: now }]
    if (readCascade(c)) {
      const [, [deleted]] = await db.batch([
        db.update(numbers).set({ callFlowId: null, updatedAt: now }).where(uses),
        db.update(table).set(gone).where(mine).returning(),
      ])
      return c.json(toWire(found(deleted)))
    }
    const unused = notExists(db.select({ one: sql`1` }).from(numbers).where(uses))
    const [deleted] = await db.update(table).set(gone).where(and(mine, unused)).returning()
    if (deleted) return c.json(toWire(deleted))
    found(await liveRowOf(db, table, customerId, id))
    throw new Problem(
      'FLOW_IN_USE',
      'Numbers lead to this flow. Change them first, or ask with ?cascade=true.',
    )
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Problem('FLOW_NOT_FOUND', 'There is no such flow.')
  return row
}

/** A flow whose extension exists: a call must not be the first to find out. */
async function readFlow(c: Context<Edge>) {
  const body = await readBody(c, wish, [...ours, 'on_complete_flow_id'])
  const [target] = await c
    .get('db')
    .select({ id: extensions.id })
    .from(extensions)
    .where(
      and(
        eq(extensions.customerId, c.get('speaker').customerId),
        eq(extensions.extension, rung(body.actions)),
        isNull(extensions.deletedAt),
      ),
    )
  if (target) return body
  const field = 'actions.0.option.destinations.0.target_name'
  throw Problem.field(field, 'names no extension of yours', 'REFERENCE_NOT_FOUND')
}

function toWire(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    type: row.type,
    name: row.name,
    detail: row.detail,
    actions: row.actions,
    ...times(row),
  }
}
