import { and, eq, inArray, isNull, notExists, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type Ownership, PLATFORM } from '#contract'
import { customers, type Database, extensions, flows, providers, numbers as table, trunks } from '#db'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, liveRowOf, now, type Owned, pageOf, rowOf, times } from '../http/queries.ts'
import { readId, readWish } from '../http/validate.ts'
import { catchAllClashes, firstClash, refuse } from './ambiguity.ts'
import { detail, name, optionalId, ours } from './fields.ts'
import { assignable, firstOverlap, readSpan, refuseTaken } from './number-span.ts'
import { mostOf, ownershipFor, ownershipWish, standing, supersede } from './ownership.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

const wish = z.strictObject({
  name,
  detail,
  /** `any`: whatever comes from `provider_id` and is no other number. */
  number: z.string().max(64).optional(),
  /** The last of a range. */
  number_to: z.string().max(64).nullish(),
  provider_id: optionalId,
  type: z.literal('normal').default('normal'),
  extension_id: optionalId,
  call_flow_id: optionalId,
  trunk_id: optionalId,
  /** Clients written for voice and messages send it; we carry calls only. */
  message_flow_id: optionalId.refine((value) => value === null, 'is not possible: only calls are carried'),
  ownership: ownershipWish,
  enabled: z.boolean().default(true),
})
type Wish = z.output<typeof wish>
type Row = typeof table.$inferSelect
const shown = [...ours, 'country', 'status', 'tm_verify']

/** Phone numbers, and who is rung when they are called. */
export const numbers = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => created(c, toWire(await create(c, await readWish(c, wish)))))
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => replace(c, readId(c), await readWish(c, wish, shown)))
  .delete('/:id', async (c) => {
    const [db, id, { customerId }] = [c.get('db'), readId(c), c.get('principal')]
    const defaults = and(eq(customers.id, customerId), eq(customers.defaultOutgoingNumberId, id))
    const unused = notExists(db.select({ one: sql`1` }).from(customers).where(defaults))
    const mine = live(table, customerId, id)
    const [, [before], free, [deleted]] = await db.batch([
      lockConfig(db),
      db.select().from(table).where(mine),
      whether(db, unused),
      db.update(table).set({ deletedAt: now }).where(and(mine, unused)).returning(),
    ])
    found(before)
    if (held(free)) return c.json(toWire(done(deleted)))
    throw new ApiError(
      'NUMBER_IN_USE',
      'This is the default caller id. Choose another with PUT /v1.0/customer first.',
    )
  })

async function create(c: Context<Edge>, body: Wish): Promise<Row> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  if (body.number === undefined) throw ApiError.field('number', 'is needed')
  const any = body.number === 'any'
  const ownership = any ? 'claimed' : ownershipFor(c, body.ownership)
  const span = await readSpan(c, body.number, body.number_to, mostOf(ownership))
  const from = await providerOf(c, any, body.provider_id)
  const verifiedAt = ownership === 'claimed' ? null : new Date().toISOString()
  const rest = { ...span, ...from, ...(await toRow(c, body)) }
  const row = { id: crypto.randomUUID(), customerId, ownership, verifiedAt, ...rest }
  const [taken, clashes] = [standing(row), catchAllClashes(row)]
  const possible = sql`${hasRoom('numbers', customerId)} and not exists ${taken} and not exists ${clashes} and ${leads(row)}`
  const [, room, gone, overlap, clash, , [made]] = await db.batch([
    ...roomFor(db, 'numbers', customerId),
    firstGone(db, row),
    firstOverlap(db, taken),
    firstClash(db, clashes),
    supersede(db, row, possible),
    insertWhere(db, table, row, possible).returning(),
  ])
  if (!made) refuseFull('numbers', room)
  refuseTaken(overlap.rows[0], customerId, span)
  refuse(clash.rows[0], customerId, 'provider_id')
  refuseGone(gone)
  return done(made)
}

async function replace(c: Context<Edge>, id: string, body: Wish) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const stored = found(await liveRowOf(db, table, customerId, id))
  await refuseMoved(c, stored, body)
  const ownership =
    stored.number === 'any' ? stored.ownership : ownershipFor(c, body.ownership, stored.ownership)
  const row = { ...(await toRow(c, body)), ...stated(stored, ownership), updatedAt: now }
  const wanted = { ...stored, ownership }
  const [taken, clashes] = [standing(wanted), catchAllClashes({ ...stored, ...row })]
  const possible = sql`not exists ${taken} and not exists ${clashes} and ${leads({ ...stored, ...row })}`
  const mine = live(table, customerId, id)
  const [, [before], gone, overlap, clash, , [changed]] = await db.batch([
    lockConfig(db),
    db.select().from(table).where(mine),
    firstGone(db, { ...stored, ...row }),
    firstOverlap(db, taken),
    firstClash(db, clashes),
    supersede(db, wanted, possible),
    db.update(table).set(row).where(and(mine, possible)).returning(),
  ])
  found(before)
  refuseTaken(overlap.rows[0], customerId, stored)
  refuse(clash.rows[0], customerId, 'provider_id')
  refuseGone(gone)
  return replaced(c, toWire(found(before)), toWire(done(changed)))
}

/** What is to be written of whose a number is: nothing where that stays, since a call may prove it meanwhile. */
function stated({ ownership: was }: Row, ownership: Ownership) {
  if (ownership === was) return {}
  return { ownership, verifiedAt: ownership === 'claimed' ? null : now }
}

function found(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('NUMBER_NOT_FOUND', 'There is no such number.')
  return row
}

/** Which numbers a row is about stays as it was made; only who is rung may change. */
async function refuseMoved(c: Context<Edge>, stored: Row, body: Wish): Promise<void> {
  const last = body.number_to === undefined ? stored.numberTo : body.number_to
  const span = await readSpan(c, body.number ?? stored.number, last, assignable)
  const moved =
    (span.number !== stored.number && 'number') ||
    (span.numberTo !== stored.numberTo && 'number_to') ||
    (body.provider_id !== null && body.provider_id !== stored.providerId && 'provider_id')
  if (moved) throw ApiError.field(moved, 'cannot be changed; make another number instead')
}

/** Whose calls a catch-all takes: the customer's own provider's, or at an administrator's word the platform's. */
async function providerOf(c: Context<Edge>, any: boolean, id: string | null) {
  if (!any && id !== null) throw ApiError.field('provider_id', 'means something beside "any" only')
  if (!any) return { providerId: null, providerCustomerId: null }
  if (id === null) throw ApiError.field('provider_id', 'is needed: whose calls the number "any" takes')
  const { customerId, admin } = c.get('principal')
  const owners = inArray(providers.customerId, admin ? [customerId, PLATFORM] : [customerId])
  const [row] = await c
    .get('db')
    .select({ providerId: providers.id, providerCustomerId: providers.customerId })
    .from(providers)
    .where(and(owners, eq(providers.id, id), isNull(providers.deletedAt)))
  if (!row) throw notThere('provider_id')
  return row
}

function notThere(field: string): ApiError {
  return ApiError.field(field, 'names nothing of yours', 'REFERENCE_NOT_FOUND')
}

async function toRow(c: Context<Edge>, body: Wish) {
  const [one, two] = (['extension_id', 'call_flow_id', 'trunk_id'] as const).filter(
    (key) => body[key] !== null,
  )
  if (one && two) throw ApiError.field(one, `and ${two} exclude each other`)
  await exists(c, extensions, 'extension_id', body.extension_id)
  await exists(c, flows, 'call_flow_id', body.call_flow_id)
  await exists(c, trunks, 'trunk_id', body.trunk_id)
  return {
    name: body.name,
    detail: body.detail,
    type: body.type,
    extensionId: body.extension_id,
    callFlowId: body.call_flow_id,
    trunkId: body.trunk_id,
    enabled: body.enabled,
  }
}

/** What a number leads to, or takes the calls of, by the field that names it. */
const ends = {
  extension_id: { of: extensions, id: 'extensionId', owner: 'customerId' },
  call_flow_id: { of: flows, id: 'callFlowId', owner: 'customerId' },
  trunk_id: { of: trunks, id: 'trunkId', owner: 'customerId' },
  provider_id: { of: providers, id: 'providerId', owner: 'providerCustomerId' },
} as const

/** The conditions that each of them is there, where one is named. */
function endsThere(row: Ends): [field: string, there: SQL][] {
  return Object.entries(ends).map(([field, { of, id, owner }]) => {
    const [named, whose] = [row[id], row[owner]]
    const there =
      named === null || whose === null
        ? sql`true`
        : sql`exists (select from ${of} where ${live(of, whose, named)})`
    return [field, there]
  })
}

/** The condition that all of them are. */
function leads(row: Ends): SQL {
  return sql.join(
    endsThere(row).map(([, there]) => there),
    sql` and `,
  )
}

/** The fields which name what is not there, the first of them, for a batch. */
function firstGone(db: Database, row: Ends) {
  const gone = endsThere(row).map(([field, there]) => sql`select ${field}::text as field where not ${there}`)
  return db.execute<{ field: string }>(sql`${sql.join(gone, sql` union all `)} limit 1`)
}

function refuseGone({ rows: [gone] }: { rows: { field: string }[] }): void {
  if (gone) throw notThere(gone.field)
}
type Ends = Pick<
  Row,
  'customerId' | 'extensionId' | 'callFlowId' | 'trunkId' | 'providerCustomerId' | 'providerId'
>

async function exists(c: Context<Edge>, of: Owned, field: string, id: string | null): Promise<void> {
  if (id === null) return
  const row = await liveRowOf(c.get('db'), of, c.get('principal').customerId, id)
  if (!row) throw notThere(field)
}

function toWire(row: Row) {
  return {
    id: row.id,
    customer_id: row.customerId,
    number: row.number,
    number_to: row.numberTo,
    provider_id: row.providerId,
    country: row.country?.toLowerCase() ?? null,
    type: row.type,
    name: row.name,
    detail: row.detail,
    status: row.deletedAt ? 'deleted' : 'active',
    extension_id: row.extensionId,
    call_flow_id: row.callFlowId,
    trunk_id: row.trunkId,
    /** `claimed`, `verified` by a call or `assigned`; null for `any`, which is no number. */
    ownership: row.number === 'any' ? null : row.ownership,
    tm_verify: row.verifiedAt,
    enabled: row.enabled,
    ...times(row),
  }
}
