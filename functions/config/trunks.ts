import { and, eq, isNotNull, isNull, notExists, or, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { bindings, numbers, trunks as table } from '#db'
import { trunkRealmOf } from '#routing'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { done, held, insertWhere, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { live, liveRowOf, now, pageOf, rowOf, times } from '../http/queries.ts'
import { mayCascade, readCascade } from '../http/query.ts'
import { readId, readWish } from '../http/validate.ts'
import { accountShown, proofs } from './account.ts'
import { firstClash, refuse, trunkClashes } from './ambiguity.ts'
import { ours } from './fields.ts'
import { ownNumbers } from './own-numbers.ts'
import { hasRoom, refuseFull, roomFor } from './quota.ts'
import { registrationsOf } from './registrations.ts'
import { type TrunkWish, trunkRow, trunkWish } from './trunk-wish.ts'
import { refuseWeak } from './weak-password.ts'

type Row = typeof table.$inferSelect
const shown = [...ours, 'realm', 'password_set']

/** Customers' own PBXs: they call through us, and numbers lead to them. */
export const trunks = new Hono<Edge>()
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('principal').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire(c)))
  })
  .post('/', async (c) => created(c, toWire(c)(await create(c, await readWish(c, trunkWish)))))
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c))
    return c.json(toWire(c)(found(row)))
  })
  .get('/:id/registrations', lists(), async (c) => {
    const { id } = found(await rowOf(c.get('db'), table, c.get('principal').customerId, readId(c)))
    return c.json(await registrationsOf(c, eq(bindings.trunkId, id)))
  })
  .put('/:id', async (c) => replace(c, readId(c), await readWish(c, trunkWish, shown)))
  .delete('/:id', mayCascade, async (c) => c.json(toWire(c)(await remove(c, readId(c), readCascade(c)))))

async function create(c: Context<Edge>, wish: TrunkWish): Promise<Row> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  if (wish.domain_name === undefined)
    throw ApiError.field('domain_name', 'is needed: the first part of its domain')
  const owner = { id: crypto.randomUUID(), customerId, domainName: wish.domain_name }
  const row = { ...owner, ...(await rowFor(c, wish)), ...(await secrets(c, owner, wish)) }
  if (row.authTypes.includes('basic') && !row.sealedMd5) throw passwordNeeded()
  const clashes = trunkClashes(claim(row))
  const [, room, clash, [made]] = await db.batch([
    ...roomFor(db, 'trunks', customerId),
    firstClash(db, clashes),
    insertWhere(db, table, row, sql`${hasRoom('trunks', customerId)} and not exists ${clashes}`).returning(),
  ])
  if (!made) refuseFull('trunks', room)
  refuse(clash.rows[0], customerId, 'allowed_ips')
  return done(made)
}

async function replace(c: Context<Edge>, id: string, wish: TrunkWish) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const stored = found(await liveRowOf(db, table, customerId, id))
  if ((wish.domain_name ?? stored.domainName) !== stored.domainName)
    throw ApiError.field('domain_name', 'cannot be changed; make another trunk instead')
  const row = { ...(await rowFor(c, wish)), ...(await secrets(c, stored, wish)), updatedAt: now }
  const clashes = trunkClashes(claim({ ...row, id, customerId }))
  const [mine, proved] = [live(table, customerId, id), proves(row)]
  const [, [before], [proving], clash, [changed]] = await db.batch([
    lockConfig(db),
    db.select().from(table).where(mine),
    db.select({ id: table.id }).from(table).where(and(mine, proved)),
    firstClash(db, clashes),
    db
      .update(table)
      .set(row)
      .where(and(mine, proved, sql`not exists ${clashes}`))
      .returning(),
  ])
  found(before)
  if (!proving) throw passwordNeeded()
  refuse(clash.rows[0], customerId, 'allowed_ips')
  return replaced(c, toWire(c)(found(before)), toWire(c)(done(changed)))
}

/** The condition that the password which is kept is still the one of this username. */
function proves({
  sealedMd5,
  authTypes,
  username,
}: Pick<Row, 'authTypes' | 'username'> & { sealedMd5?: string | null }) {
  if (sealedMd5 !== undefined || !authTypes.includes('basic') || username === null) return undefined
  return and(isNotNull(table.sealedMd5), eq(table.username, username))
}

async function remove(c: Context<Edge>, id: string, cascade: boolean): Promise<Row> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const uses = and(eq(numbers.customerId, customerId), eq(numbers.trunkId, id), isNull(numbers.deletedAt))
  const unused = notExists(db.select({ one: sql`1` }).from(numbers).where(uses))
  const [mine, along] = [live(table, customerId, id), sql`${cascade}::boolean`]
  const [, [before], free, , [deleted]] = await db.batch([
    lockConfig(db),
    db.select().from(table).where(mine),
    whether(db, or(along, unused)),
    db.update(numbers).set({ trunkId: null, updatedAt: now }).where(and(uses, along)),
    db.update(table).set({ deletedAt: now }).where(and(mine, unused)).returning(),
  ])
  found(before)
  if (held(free)) return done(deleted)
  throw new ApiError(
    'TRUNK_IN_USE',
    'Numbers lead to this trunk. Change them first, or ask with ?cascade=true.',
  )
}

function found(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('TRUNK_NOT_FOUND', 'There is no such trunk.')
  return row
}

async function rowFor(c: Context<Edge>, wish: TrunkWish) {
  const row = trunkRow(wish, c.get('settings'))
  return { ...row, callerIds: await ownNumbers(c, 'caller_ids', wish.caller_ids, wish.country) }
}

/** Known by its addresses only where they prove something. */
function claim(row: Pick<Row, 'id' | 'customerId' | 'sources' | 'enabled' | 'authTypes'>) {
  return { ...row, enabled: row.enabled && row.authTypes.includes('ip') }
}

/** What is kept of a password: made anew, forgotten, or (where none is sent) as it is. */
async function secrets(
  c: Context<Edge>,
  { id, domainName }: Pick<Row, 'id' | 'domainName'>,
  { name, username, password }: TrunkWish,
): Promise<{ sealedMd5?: string | null; sealedSha256?: string | null }> {
  if (username === null) return { sealedMd5: null, sealedSha256: null }
  if (password === null) return {}
  refuseWeak(password, [username, domainName, name])
  const realm = trunkRealmOf(domainName, c.get('settings').BASE_DOMAIN)
  return proofs(c.get('seal'), { table: 'trunks', id }, { username, realm, password })
}

function passwordNeeded(): ApiError {
  return ApiError.field('password', 'is needed with each new username: what is kept of it depends on both')
}

const toWire = (c: Context<Edge>) => (row: Row) => ({
  id: row.id,
  customer_id: row.customerId,
  name: row.name,
  detail: row.detail,
  domain_name: row.domainName,
  /** The domain it registers and calls in, and its digest realm. */
  realm: trunkRealmOf(row.domainName, c.get('settings').BASE_DOMAIN),
  auth_types: row.authTypes,
  username: row.username,
  password_set: row.sealedMd5 !== null,
  allowed_ips: row.allowedIps,
  hostname: row.hostname,
  port: row.port,
  transport: row.transport,
  tls_verify: row.tlsVerify,
  tls_fingerprint: row.tlsFingerprint,
  codecs: row.codecs,
  called_format: row.calledFormat,
  calling_format: row.callingFormat,
  country: row.country?.toLowerCase() ?? null,
  caller_ids: row.callerIds,
  ...accountShown(row),
  ...times(row),
})
