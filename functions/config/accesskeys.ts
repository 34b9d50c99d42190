import { Hono } from 'hono'
import * as z from 'zod'
import { accessKeys as table } from '#db'
import { newAccessKey } from '../access-key.ts'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, insertWhere, lockConfig } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, now, pageOf, rowOf, times } from '../http/queries.ts'
import { readId, readWish } from '../http/validate.ts'
import { detail, name, ours } from './fields.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

const changes = z.strictObject({ name, detail })
const wish = changes.extend({
  /** Seconds from now; without it the key stays until it is deleted. */
  expire: z.int().min(1).max(3_153_600_000).optional(),
  /** Only administrators make administrators. */
  admin: z.boolean().default(false),
})
const shown = [...ours, 'token_prefix', 'tm_expire', 'admin']

/** Keys for programs. The token is in the answer to POST and nowhere else, ever. */
export const accesskeys = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readWish(c, wish)
    if (body.admin && !c.get('principal').admin) {
      throw new ApiError('PERMISSION_DENIED', 'Only an administrator can make an administrator key.')
    }
    const { token, hash, prefix } = await newAccessKey()
    const [db, { customerId }] = [c.get('db'), c.get('principal')]
    const owner = { id: crypto.randomUUID(), customerId }
    const row = { ...owner, hash, prefix, name: body.name, detail: body.detail, admin: body.admin }
    const expiresAt =
      body.expire === undefined ? null : new Date(Date.now() + body.expire * 1000).toISOString()
    const [, room, [made]] = await db.batch([
      ...roomFor(db, 'accesskeys', customerId),
      insertWhere(db, table, { ...row, expiresAt }, hasRoom('accesskeys', customerId)).returning(),
    ])
    if (!made) refuseFull('accesskeys', room)
    return created(c, { ...toWire(done(made)), token })
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readWish(c, changes, shown)]
    const mine = live(table, c.get('principal').customerId, id)
    const db = c.get('db')
    const [, [before], [changed]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      db
        .update(table)
        .set({ ...body, updatedAt: now })
        .where(mine)
        .returning(),
    ])
    return replaced(c, toWire(found(before)), toWire(done(changed)))
  })
  .delete('/:id', async (c) => {
    const mine = live(table, c.get('principal').customerId, readId(c))
    const [deleted] = await c.get('db').update(table).set({ deletedAt: now }).where(mine).returning()
    return c.json(toWire(found(deleted)))
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('ACCESSKEY_NOT_FOUND', 'There is no such access key.')
  return row
}

function toWire(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    name: row.name,
    detail: row.detail,
    token_prefix: row.prefix,
    admin: row.admin,
    tm_expire: row.expiresAt,
    ...times(row),
  }
}
