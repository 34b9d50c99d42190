import { and, desc, eq, isNotNull, isNull, notExists, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { type Context, Hono } from 'hono'
import { PLATFORM } from '#contract'
import { type Database, numbers, routes, providers as table } from '#db'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, now, onPage } from '../http/queries.ts'
import { mayCascade, readCascade } from '../http/query.ts'
import { readId, readWish } from '../http/validate.ts'
import { type Clash, firstClash, providerClashes, refuse } from './ambiguity.ts'
import { ours } from './fields.ts'
import { carriersNetwork, neighbourhood } from './inbound-addresses.ts'
import { providerShown, providerToWire, standing } from './provider-standing.ts'
import {
  type ProviderWish,
  passwordNeeded,
  providerRow,
  providerWish,
  sealedPassword,
} from './provider-wish.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'

/** SIP carriers: where calls to the phone network go, and where calls from it come from. */
export const providers = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await standing(c.get('db'))
      .where(onPage(table, c.get('principal').customerId, page))
      .orderBy(desc(table.createdAt), desc(table.id))
      .limit(page.size + 1)
    const cursorOf = ({ provider }: (typeof rows)[number]) => ({ at: provider.createdAt, id: provider.id })
    return c.json(listed(rows, page, cursorOf, providerToWire))
  })
  .post('/', async (c) => created(c, await create(c, await readWish(c, providerWish))))
  .get('/:id', async (c) => {
    const [found] = await byId(c.get('db'), c.get('principal').customerId, readId(c))
    return c.json(shown(found))
  })
  .put('/:id', async (c) =>
    replace(c, readId(c), await readWish(c, providerWish, [...ours, ...providerShown])),
  )
  .delete('/:id', mayCascade, async (c) => c.json(await remove(c, readId(c), readCascade(c))))

async function create(c: Context<Edge>, wish: ProviderWish) {
  const [db, id, { customerId }] = [c.get('db'), crypto.randomUUID(), c.get('principal')]
  const changes = await rowOf(c, id, wish)
  if (changes.register && !wish.password) throw passwordNeeded()
  const row = { id, customerId, ...changes }
  const clashes = providerClashes(row)
  const [, room, clash, , [made]] = await db.batch([
    ...roomFor(db, 'providers', customerId),
    firstClash(db, clashes),
    insertWhere(db, table, row, sql`${hasRoom('providers', customerId)} and not exists ${clashes}`),
    byId(db, customerId, id),
  ])
  if (!made) refuseFull('providers', room)
  refuseClash(clash.rows[0], customerId, wish)
  return providerToWire(done(made))
}

async function replace(c: Context<Edge>, id: string, wish: ProviderWish) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const row = await rowOf(c, id, wish)
  const clashes = providerClashes({ id, customerId, ...row })
  const known = row.register && wish.password === undefined ? isNotNull(table.sealedPassword) : undefined
  const mine = live(table, customerId, id)
  const [, [before], [knowing], clash, [changed], [after]] = await db.batch([
    lockConfig(db),
    standing(db).where(mine),
    db.select({ id: table.id }).from(table).where(and(mine, known)),
    firstClash(db, clashes),
    db
      .update(table)
      .set({ ...row, ...elsewhere(row), updatedAt: now })
      .where(and(mine, known, sql`not exists ${clashes}`))
      .returning({ id: table.id }),
    standing(db).where(mine),
  ])
  const was = shown(before)
  refuseClash(clash.rows[0], customerId, wish)
  if (!knowing) throw passwordNeeded()
  done(changed)
  return replaced(c, was, shown(after))
}

function refuseClash(clash: Clash | undefined, customerId: string, { hostname }: ProviderWish): void {
  refuse(clash, customerId, clash?.network === hostname ? 'hostname' : 'inbound_addresses')
}

/** What was found where its host is, is forgotten where that is another from now on. */
function elsewhere({ hostname, port, transport }: Pick<Row, 'hostname' | 'port' | 'transport'>) {
  const same = sql`(${table.hostname}, ${table.port}, ${table.transport}) is not distinct from
    (${hostname}::text, ${port}::integer, ${transport}::transport)`
  const kept = (column: PgColumn) => sql`case when ${same} then ${column} else '{}' end`
  return { found: kept(table.found), foundSince: kept(table.foundSince) }
}

async function remove(c: Context<Edge>, id: string, cascade: boolean) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const routed = and(
    eq(routes.providerCustomerId, customerId),
    eq(routes.providerId, id),
    isNull(routes.deletedAt),
  )
  const caught = and(
    eq(numbers.providerCustomerId, customerId),
    eq(numbers.providerId, id),
    isNull(numbers.deletedAt),
  )
  const [mine, gone, along] = [live(table, customerId, id), { deletedAt: now }, sql`${cascade}::boolean`]
  const unused = and(none(db, routes, routed), none(db, numbers, caught))
  const deletion = (where: SQL | undefined) =>
    db.update(table).set(gone).where(where).returning({ id: table.id })
  const [, [before], free, , , [deleted], [after]] = await db.batch([
    lockConfig(db),
    standing(db).where(mine),
    whether(db, or(along, unused)),
    db.update(routes).set(gone).where(and(routed, along)),
    db.update(numbers).set(gone).where(and(caught, along)),
    deletion(and(mine, unused)),
    byId(db, customerId, id),
  ])
  shown(before)
  if (held(free)) return shown(done(deleted) && after)
  throw new ApiError(
    'PROVIDER_IN_USE',
    'Routes or a catch-all number lead to this provider. Delete them first, or ask with ?cascade=true.',
  )
}

function none(db: Database, of: typeof routes | typeof numbers, condition: SQL | undefined): SQL {
  return notExists(db.select({ one: sql`1` }).from(of).where(condition))
}

function byId(db: Database, customerId: string, id: string) {
  return standing(db).where(and(eq(table.customerId, customerId), eq(table.id, id)))
}

type Row = typeof table.$inferInsert

async function rowOf(c: Context<Edge>, id: string, wish: ProviderWish) {
  const { admin, customerId } = c.get('principal')
  const widest = admin && customerId === PLATFORM ? carriersNetwork : neighbourhood
  return {
    ...providerRow(wish, c.get('settings'), widest),
    ...(await sealedPassword(c.get('seal'), id, wish)),
  }
}

function shown(found: Awaited<ReturnType<typeof byId>>[number] | undefined) {
  if (found === undefined) throw new ApiError('PROVIDER_NOT_FOUND', 'There is no such provider.')
  return providerToWire(found)
}
