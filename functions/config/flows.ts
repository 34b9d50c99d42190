import { and, eq, isNull, notExists, or, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { extensions, numbers, flows as table } from '#db'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, now, pageOf, rowOf, times } from '../http/queries.ts'
import { mayCascade, readCascade } from '../http/query.ts'
import { readId, readWish } from '../http/validate.ts'
import { detail, name, ours } from './fields.ts'
import { type Actions, actions, rung } from './flow-actions.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

const wish = z.strictObject({ name, detail, type: z.literal('flow').default('flow'), actions })

/** Small programs which incoming calls follow. */
export const flows = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readFlow(c)
    const [db, { customerId }] = [c.get('db'), c.get('principal')]
    const row = { id: crypto.randomUUID(), customerId, ...body }
    const leads = sql`exists ${target(c, body.actions)}`
    const [, room, rings, [made]] = await db.batch([
      ...roomFor(db, 'flows', customerId),
      whether(db, leads),
      insertWhere(db, table, row, sql`${hasRoom('flows', customerId)} and ${leads}`).returning(),
    ])
    if (!made) refuseFull('flows', room)
    if (!held(rings)) throw targetGone()
    return created(c, toWire(done(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readFlow(c)]
    const [db, mine] = [c.get('db'), live(table, c.get('principal').customerId, id)]
    const leads = sql`exists ${target(c, body.actions)}`
    const [, [before], rings, [changed]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      whether(db, leads),
      db
        .update(table)
        .set({ ...body, updatedAt: now })
        .where(and(mine, leads))
        .returning(),
    ])
    found(before)
    if (!held(rings)) throw targetGone()
    return replaced(c, toWire(found(before)), toWire(done(changed)))
  })
  .delete('/:id', mayCascade, async (c) => {
    const [db, id, { customerId }] = [c.get('db'), readId(c), c.get('principal')]
    const uses = and(
      eq(numbers.customerId, customerId),
      eq(numbers.callFlowId, id),
      isNull(numbers.deletedAt),
    )
    const unused = notExists(db.select({ one: sql`1` }).from(numbers).where(uses))
    const [mine, along] = [live(table, customerId, id), sql`${readCascade(c)}::boolean`]
    const [, [before], free, , [deleted]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      whether(db, or(along, unused)),
      db.update(numbers).set({ callFlowId: null, updatedAt: now }).where(and(uses, along)),
      db.update(table).set({ deletedAt: now }).where(and(mine, unused)).returning(),
    ])
    found(before)
    if (held(free)) return c.json(toWire(done(deleted)))
    throw new ApiError(
      'FLOW_IN_USE',
      'Numbers lead to this flow. Change them first, or ask with ?cascade=true.',
    )
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('FLOW_NOT_FOUND', 'There is no such flow.')
  return row
}

/** A flow whose extension exists: a call must not be the first to find out. */
async function readFlow(c: Context<Edge>) {
  const body = await readWish(c, wish, [...ours, 'on_complete_flow_id'])
  const { rows } = await c.get('db').execute(sql`select from ${target(c, body.actions)} as target`)
  if (rows.length === 0) throw targetGone()
  return body
}

/** The extension of the customer's which a flow rings. */
function target(c: Context<Edge>, wanted: Actions): SQL {
  return sql`(select from ${extensions} where ${and(
    eq(extensions.customerId, c.get('principal').customerId),
    eq(extensions.extension, rung(wanted)),
    isNull(extensions.deletedAt),
  )})`
}

function targetGone(): ApiError {
  const field = 'actions.0.option.destinations.0.target_name'
  return ApiError.field(field, 'names no extension of yours', 'REFERENCE_NOT_FOUND')
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
