import { and, eq, inArray, isNull, notExists, or, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { bindings, flows, numbers, extensions as table } from '#db'
import { isEmergency, realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, liveRowOf, now, pageOf, rowOf, times } from '../http/queries.ts'
import { mayCascade, readCascade } from '../http/query.ts'
import { readId, readWish } from '../http/validate.ts'
import { account, accountRow, accountShown, accountWish, password, proofs } from './account.ts'
import { detail, name, ours } from './fields.ts'
import { connectsTo } from './flow-actions.ts'
import { countriesOf, ownNumber } from './own-numbers.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'
import { registrationsOf } from './registrations.ts'
import { refuseWeak } from './weak-password.ts'

const wish = z.strictObject({
  name,
  detail,
  /** What the phone registers as; `username` is another name for the same. */
  extension: account.optional(),
  username: account.optional(),
  password: password.optional(),
  caller_id: z.string().nullable().default(null),
  ...accountWish,
})
type Wish = z.output<typeof wish>
const shown = [...ours, 'domain_name', 'realm', 'password_set']

/** Accounts which phones register as. */
export const extensions = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire(c)))
  })
  .post('/', async (c) => {
    const body = await readWish(c, wish)
    const [db, { customerId }] = [c.get('db'), c.get('principal')]
    const extension = accountOf(body)
    if (extension === undefined)
      throw ApiError.field('extension', 'is needed: the name the phone registers as')
    await refuseEmergency(c, extension)
    if (body.password === undefined) throw ApiError.field('password', 'is needed')
    const owner = { id: crypto.randomUUID(), customerId, extension }
    const row = {
      ...owner,
      ...(await toRow(c, body)),
      ...(await secrets(c, owner, body.name, body.password)),
    }
    const [, room, [made]] = await db.batch([
      ...roomFor(db, 'extensions', customerId),
      insertWhere(db, table, row, hasRoom('extensions', customerId)).returning(),
    ])
    if (!made) refuseFull('extensions', room)
    return created(c, toWire(c)(done(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(c)(found(row)))
  })
  .get('/:id/registrations', lists(), async (c) => {
    const { id } = found(await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c)))
    return c.json(await registrationsOf(c, eq(bindings.extensionId, id)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readWish(c, wish, shown)]
    const { customerId } = c.get('principal')
    const stored = found(await liveRowOf(c.get('db'), table, customerId, id))
    if ((accountOf(body) ?? stored.extension) !== stored.extension) {
      throw ApiError.field('extension', 'cannot be changed; make another extension instead')
    }
    const renewed = body.password === undefined ? {} : await secrets(c, stored, body.name, body.password)
    const row = { ...(await toRow(c, body)), ...renewed, updatedAt: now }
    const [db, mine] = [c.get('db'), live(table, customerId, id)]
    const [, [before], [changed]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      db.update(table).set(row).where(mine).returning(),
    ])
    return replaced(c, toWire(c)(found(before)), toWire(c)(done(changed)))
  })
  .delete('/:id', mayCascade, async (c) => c.json(toWire(c)(await remove(c, readId(c), readCascade(c)))))

async function remove(c: Context<Edge>, id: string, cascade: boolean) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const mine = live(table, customerId, id)
  const row = found(await rowOf(db, table, customerId, id))
  const flowsHere = and(eq(flows.customerId, customerId), isNull(flows.deletedAt), connectsTo(row.extension))
  const itsFlows = db.select({ id: flows.id }).from(flows).where(flowsHere)
  const rings = or(eq(numbers.extensionId, id), inArray(numbers.callFlowId, itsFlows))
  const numbersHere = and(eq(numbers.customerId, customerId), isNull(numbers.deletedAt), rings)
  const unused = and(
    notExists(db.select({ one: sql`1` }).from(numbers).where(numbersHere)),
    notExists(db.select({ one: sql`1` }).from(flows).where(flowsHere)),
  )
  const [gone, along] = [{ deletedAt: now }, sql`${cascade}::boolean`]
  const [, [before], free, , , [deleted]] = await db.batch([
    lockConfig(db),
    db.select().from(table).where(mine),
    whether(db, or(along, unused)),
    db
      .update(numbers)
      .set({ extensionId: null, callFlowId: null, updatedAt: now })
      .where(and(numbersHere, along)),
    db.update(flows).set(gone).where(and(flowsHere, along)),
    db.update(table).set(gone).where(and(mine, unused)).returning(),
  ])
  found(before)
  if (held(free)) return done(deleted)
  throw new ApiError(
    'EXTENSION_IN_USE',
    'Numbers or flows lead to this extension. Change them first, or ask with ?cascade=true.',
  )
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
  return row
}

function accountOf({ extension, username }: Wish): string | undefined {
  if (extension !== undefined && username !== undefined && extension !== username) {
    throw ApiError.field('username', 'is another name for "extension": give one, or the same twice')
  }
  return extension ?? username
}

/** Whoever dials an emergency number means that, whatever a phone is called. */
async function refuseEmergency(c: Context<Edge>, extension: string): Promise<void> {
  if (!/^\d{2,4}$/.test(extension)) return
  const country = (await countriesOf(c)).find((one) => isEmergency(extension, one))
  if (country !== undefined)
    throw ApiError.field(
      'extension',
      `is an emergency number (${country}), which no phone may answer; take another name`,
    )
}

async function toRow(c: Context<Edge>, body: Wish) {
  return {
    name: body.name,
    detail: body.detail,
    callerId: body.caller_id === null ? null : await ownNumber(c, 'caller_id', body.caller_id),
    ...accountRow(body),
  }
}

function secrets(
  c: Context<Edge>,
  row: { id: string; customerId: string; extension: string },
  name: string,
  password: string,
) {
  refuseWeak(password, [row.extension, name])
  const realm = realmOf(row.customerId, c.get('settings').BASE_DOMAIN)
  const place = { table: 'extensions', id: row.id } as const
  return proofs(c.get('seal'), place, { username: row.extension, realm, password })
}

const toWire = (c: Context<Edge>) => (row: typeof table.$inferSelect) => ({
  id: row.id,
  customer_id: row.customerId,
  name: row.name,
  detail: row.detail,
  extension: row.extension,
  username: row.extension,
  domain_name: realmOf(row.customerId, c.get('settings').BASE_DOMAIN),
  realm: realmOf(row.customerId, c.get('settings').BASE_DOMAIN),
  password_set: true,
  caller_id: row.callerId,
  ...accountShown(row),
  ...times(row),
})
