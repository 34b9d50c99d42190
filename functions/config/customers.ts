import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { PLATFORM } from '#contract'
import { accessKeys, extensions, flows, numbers, providers, routes, customers as table, trunks } from '#db'
import { callingCode, isEmergency, readBeginning, realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { created, replaced } from '../http/answer.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { done, held, lockConfig, whether } from '../http/config-lock.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before, live, liveRowOf, now, times } from '../http/queries.ts'
import { readBody, readId } from '../http/validate.ts'
import {
  algorithms,
  country,
  detail,
  limits,
  limitsRow,
  limitsShown,
  name,
  optionalId,
  ours,
} from './fields.ts'
import { type Quotas, quotasOf, quotasWish, unusual } from './quota.ts'

/** Beginnings of numbers, E.164 or short; the plus may be left out. */
const prefixes = z.array(z.string().max(64)).max(1000).default([])

/** Names which would be taken for the platform's own. */
const reserved = new Set([
  'registrar',
  'trunk',
  'trunkline',
  'sip',
  'sips',
  'www',
  'api',
  'admin',
  'localhost',
])

/** One label of a host name, too short to be a customer's id. */
const registrarName = z
  .string()
  .toLowerCase()
  .regex(
    /^[a-z]([a-z0-9-]{0,29}[a-z0-9])$/,
    'is 2 to 31 letters, digits and hyphens, a letter first and no hyphen last',
  )
  .refine((text) => !text.startsWith('xn--') && !reserved.has(text), 'is a reserved name')

const wish = z.strictObject({
  name,
  detail,
  email: z.union([z.email(), z.literal('')]).default(''),
  /** A short domain of its phones, `{registrar_name}.registrar.{base}`; null: none. Left out, it stays. */
  registrar_name: z
    .union([registrarName, z.literal('').transform(() => null)])
    .nullable()
    .optional(),
  default_country: country.default('US'),
  /** Countries that may be called; null: the default country and those of the customer's numbers. */
  destination_whitelist: z.array(country).max(250).nullable().default(null),
  require_caller_id: z.boolean().default(false),
  default_outgoing_number_id: optionalId,
  use_default_routes: z.boolean().default(true),
  /** Whether the names which callers give themselves go to providers. */
  pass_display_name: z.boolean().default(false),
  digest_algorithms: algorithms.default(['MD5']),
  /** Numbers beginning so may not be called, whatever their country. */
  blocked_prefixes: prefixes,
  /** How many of everything it may have; left out, it stays. Changed by administrators. */
  quotas: quotasWish.optional(),
  ...limits,
})
type Wish = z.output<typeof wish>
type Row = typeof table.$inferSelect
const shown = [...ours, 'realm', 'configuration_version']

/** Every customer, for administrators. */
export const customers = new Hono<Edge>()
  .use(administrator)
  .get('/', lists(), async (c) => {
    const page = readPage(c)
    const after = page.after && before(table.createdAt, table.id, page.after)
    const rows = await c
      .get('db')
      .select()
      .from(table)
      .where(and(isNull(table.deletedAt), after))
      .orderBy(desc(table.createdAt), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire(c)))
  })
  .post('/', async (c) => {
    const stored = { id: crypto.randomUUID(), quotas: {} }
    const row = { id: stored.id, ...(await toRow(c, stored, await readBody(c, wish))) }
    const [made] = await c.get('db').insert(table).values(row).returning()
    return created(c, toWire(c)(done(made)))
  })
  .get('/:id', async (c) => c.json(toWire(c)(found(await customer(c, readId(c))))))
  .put('/:id', async (c) => replace(c, readId(c)))
  .delete('/:id', async (c) => {
    const id = readId(c)
    if (id === PLATFORM || id === c.get('principal').ownId) {
      throw new ApiError('CUSTOMER_IN_USE', 'Neither the platform nor your own customer can be deleted.')
    }
    return c.json(toWire(c)(await remove(c, id)))
  })

/** The speaking customer itself. */
export const self = new Hono<Edge>()
  .get('/', async (c) => c.json(toWire(c)(found(await customer(c, c.get('principal').customerId)))))
  .put('/', async (c) => replace(c, c.get('principal').customerId))

async function customer(c: Context<Edge>, id: string) {
  const [row] = await c.get('db').select().from(table).where(eq(table.id, id))
  return row
}

async function replace(c: Context<Edge>, id: string) {
  const [db, body] = [c.get('db'), await readBody(c, wish, shown)]
  const row = { ...(await toRow(c, found(await customer(c, id)), body)), updatedAt: now }
  const [alive, possible] = [
    and(eq(table.id, id), isNull(table.deletedAt)),
    showable(id, row.defaultOutgoingNumberId),
  ]
  const [, [before], shows, [changed]] = await db.batch([
    lockConfig(db),
    db.select().from(table).where(alive),
    whether(db, possible),
    db.update(table).set(row).where(and(alive, possible)).returning(),
  ])
  found(before)
  if (!held(shows)) throw numberGone()
  return replaced(c, toWire(c)(found(before)), toWire(c)(done(changed)))
}

/** A customer goes with everything it configured; its records stay. */
async function remove(c: Context<Edge>, id: string) {
  const [db, gone] = [c.get('db'), { deletedAt: now }]
  const [, deleted] = await db.batch([
    lockConfig(db),
    db
      .update(table)
      .set(gone)
      .where(and(eq(table.id, id), isNull(table.deletedAt)))
      .returning(),
    db
      .update(accessKeys)
      .set(gone)
      .where(and(eq(accessKeys.customerId, id), isNull(accessKeys.deletedAt))),
    db
      .update(numbers)
      .set(gone)
      .where(and(eq(numbers.customerId, id), isNull(numbers.deletedAt))),
    db
      .update(flows)
      .set(gone)
      .where(and(eq(flows.customerId, id), isNull(flows.deletedAt))),
    db
      .update(routes)
      .set(gone)
      .where(and(eq(routes.customerId, id), isNull(routes.deletedAt))),
    db
      .update(providers)
      .set(gone)
      .where(and(eq(providers.customerId, id), isNull(providers.deletedAt))),
    db
      .update(extensions)
      .set(gone)
      .where(and(eq(extensions.customerId, id), isNull(extensions.deletedAt))),
    db
      .update(trunks)
      .set(gone)
      .where(and(eq(trunks.customerId, id), isNull(trunks.deletedAt))),
  ])
  return found(deleted[0])
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  return row
}

async function toRow(c: Context<Edge>, { id, quotas }: Pick<Row, 'id' | 'quotas'>, body: Wish) {
  return {
    name: body.name,
    detail: body.detail,
    email: body.email,
    ...(body.registrar_name === undefined ? {} : { registrarName: body.registrar_name }),
    defaultCountry: body.default_country,
    callingCode: callingCode(body.default_country) ?? '1',
    destinationWhitelist: body.destination_whitelist,
    requireCallerId: body.require_caller_id,
    defaultOutgoingNumberId: await outgoing(c, id, body.default_outgoing_number_id),
    useDefaultRoutes: body.use_default_routes,
    passDisplayName: body.pass_display_name,
    digestAlgorithms: body.digest_algorithms,
    blockedPrefixes: blocked(body.blocked_prefixes, body.default_country),
    quotas: allowed(c, quotas, body.quotas),
    ...limitsRow(body),
  }
}

/** Only an administrator gives more or less than is usual; without a word it stays as it is. */
function allowed(c: Context<Edge>, stored: Partial<Quotas>, asked: Quotas | undefined): Partial<Quotas> {
  if (asked === undefined) return stored
  const [was, wanted] = [quotasOf(stored), asked]
  const moved = Object.entries(wanted).find(([noun, most]) => was[noun as keyof Quotas] !== most)
  if (moved && !c.get('principal').admin)
    throw new ApiError('PERMISSION_DENIED', `Only an administrator may change quotas.${moved[0]}.`)
  return unusual(wanted)
}

/** Beginnings of numbers as they are compared, each once. */
function blocked(prefixes: string[], country: string): string[] {
  const read = prefixes.map((text, at) => {
    const prefix = readBeginning(text, country)
    const field = `blocked_prefixes.${at}`
    if (prefix === undefined)
      throw ApiError.field(field, 'is not the beginning of a number, such as +1900 or 118')
    if (isEmergency(prefix, country))
      throw ApiError.field(field, 'is an emergency number: nothing stops calls to it')
    return prefix
  })
  return [...new Set(read)]
}

async function outgoing(
  c: Context<Edge>,
  customerId: string,
  numberId: string | null,
): Promise<string | null> {
  if (numberId === null) return null
  const row = await liveRowOf(c.get('db'), numbers, customerId, numberId)
  if (row && (row.number === 'any' || row.numberTo !== null))
    throw ApiError.field('default_outgoing_number_id', 'names many numbers; a call shows one')
  if (row) return row.id
  throw numberGone()
}

function numberGone(): ApiError {
  const field = 'default_outgoing_number_id'
  return ApiError.field(field, 'names no number of this customer', 'REFERENCE_NOT_FOUND')
}

/** The condition that the number is there which the customer shows by default. */
function showable(customerId: string, numberId: string | null): SQL {
  if (numberId === null) return sql`true`
  return sql`exists (select from ${numbers} where ${live(numbers, customerId, numberId)})`
}

const toWire = (c: Context<Edge>) => (row: Row) => ({
  id: row.id,
  name: row.name,
  detail: row.detail,
  email: row.email,
  registrar_name: row.registrarName,
  /** The domain its phones register in, by which they prove themselves whatever its other name. */
  realm: realmOf(row.id, c.get('settings').BASE_DOMAIN),
  default_country: row.defaultCountry.toLowerCase(),
  destination_whitelist: row.destinationWhitelist?.map((code) => code.toLowerCase()) ?? null,
  require_caller_id: row.requireCallerId,
  default_outgoing_number_id: row.defaultOutgoingNumberId,
  use_default_routes: row.useDefaultRoutes,
  pass_display_name: row.passDisplayName,
  digest_algorithms: row.digestAlgorithms,
  blocked_prefixes: row.blockedPrefixes,
  quotas: quotasOf(row.quotas),
  ...limitsShown(row),
  /** The number of the last change to anything the customer configures. */
  configuration_version: row.version,
  ...times(row),
})
