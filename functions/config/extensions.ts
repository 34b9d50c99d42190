import { and, eq, inArray, isNull, notExists, or, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { flows, numbers, extensions as table } from '#db'
import { realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { listed, readPage } from '../http/page.ts'
import { Problem } from '../http/problem.ts'
import { readBody, readCascade, readId } from '../http/validate.ts'
import { ha1s } from '../secrets.ts'
import { algorithms, detail, limits, limitsRow, limitsShown, name, ours } from './fields.ts'
import { connectsTo } from './flow-actions.ts'
import { ownNumber } from './owned.ts'
import { registrationsOf } from './registrations.ts'
import { live, liveRowOf, now, pageOf, rowOf, times } from './rows.ts'

const account = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._+*-]{0,63}$/,
    'may hold letters, digits and . _ + * - and begins with one of the first two',
  )

const wish = z.strictObject({
  name,
  detail,
  /** What the phone registers as; `username` is another name for the same. */
  extension: account.optional(),
  username: account.optional(),
  password: z
    .string()
    .min(8, 'needs at least 8 characters')
    .max(128)
    .regex(/^[^\p{Cc}]*$/u, 'has control characters')
    .optional(),
  caller_id: z.string().nullable().default(null),
  digest_algorithms: algorithms.nullable().default(null),
  max_contacts: z.int().min(1).max(20).default(5),
  min_expires: z.int().min(10).max(86_400).default(60),
  max_expires: z.int().min(60).max(86_400).default(3600),
  default_expires: z.int().min(60).max(86_400).default(3600),
  ring_timeout: z.int().min(5).max(600).default(60),
  ...limits,
  enabled: z.boolean().default(true),
})
type Wish = z.output<typeof wish>
const shown = [...ours, 'domain_name', 'realm', 'password_set']

/** Accounts which phones register as. */
export const extensions = new Hono<Edge>()
  .get('/', async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('speaker').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire(c)))
  })
  .post('/', async (c) => {
    const body = await readBody(c, wish)
    const { customerId } = c.get('speaker')
    const extension = accountOf(body)
    if (extension === undefined)
      throw Problem.field('extension', 'is needed: the name the phone registers as')
    if (body.password === undefined) throw Problem.field('password', 'is needed')
    const owner = { id: crypto.randomUUID(), customerId, extension }
    const row = { ...owner, ...(await toRow(c, body)), ...(await proofs(c, owner, body.password)) }
    const [made] = await c.get('db').insert(table).values(row).returning()
    return c.json(toWire(c)(found(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('speaker').customerId, readId(c))
    return c.json(toWire(c)(found(row)))
  })
  .get('/:id/registrations', async (c) => {
    const { id } = found(await rowOf(c.get('db'), table, c.get('speaker').customerId, readId(c)))
    return c.json(await registrationsOf(c, id))
  })
  .put('/:id', async (c) => {
    const [id, { customerId }, body] = [readId(c), c.get('speaker'), await readBody(c, wish, shown)]
    const stored = found(await liveRowOf(c.get('db'), table, customerId, id))
    if ((accountOf(body) ?? stored.extension) !== stored.extension) {
      throw Problem.field('extension', 'cannot be changed; make another extension instead')
    }
    const renewed = body.password === undefined ? {} : await proofs(c, stored, body.password)
    const row = { ...(await toRow(c, body)), ...renewed, updatedAt: now }
    const [changed] = await c
      .get('db')
      .update(table)
      .set(row)
      .where(live(table, customerId, id))
      .returning()
    return c.json(toWire(c)(found(changed)))
  })
  .delete('/:id', async (c) => c.json(toWire(c)(await remove(c, readId(c), readCascade(c)))))

async function remove(c: Context<Edge>, id: string, cascade: boolean) {
  const [db, { customerId }] = [c.get('db'), c.get('speaker')]
  const mine = live(table, customerId, id)
  const row = found(await liveRowOf(db, table, customerId, id))
  const flowsHere = and(eq(flows.customerId, customerId), isNull(flows.deletedAt), connectsTo(row.extension))
  const itsFlows = db.select({ id: flows.id }).from(flows).where(flowsHere)
  const rings = or(eq(numbers.extensionId, id), inArray(numbers.callFlowId, itsFlows))
  const numbersHere = and(eq(numbers.customerId, customerId), isNull(numbers.deletedAt), rings)
  const gone = { deletedAt: now }
  if (cascade) {
    const [, , [deleted]] = await db.batch([
      db.update(numbers).set({ extensionId: null, callFlowId: null, updatedAt: now }).where(numbersHere),
      db.update(flows).set(gone).where(flowsHere),
      db.update(table).set(gone).where(mine).returning(),
    ])
    return found(deleted)
  }
  const unused = and(
    notExists(db.select({ one: sql`1` }).from(numbers).where(numbersHere)),
    notExists(db.select({ one: sql`1` }).from(flows).where(flowsHere)),
  )
  const [deleted] = await db.update(table).set(gone).where(and(mine, unused)).returning()
  if (deleted) return deleted
  throw new Problem(
    'EXTENSION_IN_USE',
    'Numbers or flows lead to this extension. Change them first, or ask with ?cascade=true.',
  )
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Problem('EXTENSION_NOT_FOUND', 'There is no such extension.')
  return row
}

function accountOf({ extension, username }: Wish): string | undefined {
  if (extension !== undefined && username !== undefined && extension !== username) {
    throw Problem.field('username', 'is another name for "extension": give one, or the same twice')
  }
  return extension ?? username
}

async function toRow(c: Context<Edge>, body: Wish) {
  if (body.min_expires > body.max_expires) throw Problem.field('min_expires', 'is above max_expires')
  return {
    name: body.name,
    detail: body.detail,
    callerId: body.caller_id === null ? null : (await ownNumber(c, 'caller_id', body.caller_id)).number,
    digestAlgorithms: body.digest_algorithms,
    maxContacts: body.max_contacts,
    minExpires: body.min_expires,
    maxExpires: body.max_expires,
    defaultExpires: Math.min(Math.max(body.default_expires, body.min_expires), body.max_expires),
    ringTimeout: body.ring_timeout,
    ...limitsRow(body),
    enabled: body.enabled,
  }
}

/** What is kept instead of the password. */
async function proofs(
  c: Context<Edge>,
  row: { id: string; customerId: string; extension: string },
  password: string,
) {
  const realm = realmOf(row.customerId, c.get('settings').BASE_DOMAIN)
  const { md5, sha256 } = await ha1s(row.extension, realm, password)
  const place = { table: 'extensions', id: row.id }
  const seal = c.get('seal')
  return {
    sealedMd5: await seal.close({ ...place, field: 'ha1_md5' }, md5),
    sealedSha256: await seal.close({ ...place, field: 'ha1_sha256' }, sha256),
  }
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
  digest_algorithms: row.digestAlgorithms,
  max_contacts: row.maxContacts,
  min_expires: row.minExpires,
  max_expires: row.maxExpires,
  default_expires: row.defaultExpires,
  ring_timeout: row.ringTimeout,
  ...limitsShown(row),
  enabled: row.enabled,
  ...times(row),
})
