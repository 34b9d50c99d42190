import { and, desc, eq, ne, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { type Database, changes as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listed, listShape, lists, paging, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { covers } from '../http/scopes.ts'
import { readId } from '../http/validate.ts'
import { id } from './fields.ts'
import { changedTypes, isLive, shownOf } from './history.ts'

const filters = z.object({
  resource_type: z.enum(changedTypes, `is one of ${changedTypes.join(', ')}`).optional(),
  resource_id: id.optional(),
  key_id: id.optional(),
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'is no request’s id')
    .optional(),
  version: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'is the number of a version')
    .transform(Number)
    .optional()
    .describe('Changes which were made at once, as one.'),
  after: id.optional().describe('A change: those which were made later than it.'),
})

/** What changed of a customer's configuration, keys and webhooks, by whichever key: read only, newest first. */
export const changes = new Hono<Edge>()
  .get('/', lists(filters.shape), async (c) => {
    const [page, asked] = [readPage(c), readQuery(c, filters)]
    const rows = await selected(c.get('db'), [
      ours(c),
      // How things were when the history began was no change.
      sql`(${table.before} is distinct from ${table.after} or ${table.secretChanged})`,
      asked.resource_type && eq(table.resourceType, asked.resource_type),
      asked.resource_id && eq(table.resourceId, asked.resource_id),
      asked.key_id && eq(table.keyId, asked.key_id),
      asked.request_id && eq(table.requestId, asked.request_id),
      asked.version && eq(table.version, asked.version),
      asked.after && laterThan(await theChange(c, asked.after)),
      page.after && before(table.at, table.id, page.after),
    ])
      .orderBy(desc(table.at), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ at, id }) => ({ at, id }), present(c)))
  })
  .get('/:id', async (c) => {
    const row = await byId(c, readId(c))
    if (!row) throw new ApiError('CHANGE_NOT_FOUND', 'There is no such change.')
    return c.json(present(c)(row))
  })

async function byId(c: Context<Edge>, id: string): Promise<Row | undefined> {
  return (await selected(c.get('db'), [ours(c), eq(table.id, id)]))[0]
}

/** A change of the asking customer's which the query names. */
async function theChange(c: Context<Edge>, id: string): Promise<Row> {
  const row = await byId(c, id)
  if (row) return row
  throw ApiError.field('after', 'is not a change of yours', 'INVALID_REQUEST_PARAMETER')
}

/** The condition that a change stands before another in the list. */
function laterThan({ at, id }: Row): SQL {
  return sql`(${table.at}, ${table.id}) > (${at}::timestamptz, ${id}::uuid)`
}

function selected(db: Database, conditions: (SQL | undefined | '' | 0)[]) {
  return db
    .select()
    .from(table)
    .where(and(...conditions.map((condition) => condition || undefined)))
    .$dynamic()
}

/** The condition that a change is of the asking customer's: of its keys only where the key that asks may list them. */
function ours(c: Context<Edge>): SQL | undefined {
  const { customerId, scopes } = c.get('principal')
  const keys = covers(scopes, 'admin') ? undefined : ne(table.resourceType, 'accesskey')
  return and(eq(table.customerId, customerId), keys)
}

type Row = typeof table.$inferSelect
type Shown = ReturnType<typeof shownOf>

const present = (c: Context<Edge>) => (row: Row) => {
  const [was, is] = [shownOf(c, row.resourceType, row.before), shownOf(c, row.resourceType, row.after)]
  return {
    id: row.id,
    customer_id: row.customerId,
    version: row.version,
    resource_type: row.resourceType,
    resource_id: row.resourceId,
    action: actionOf(row),
    changed: [...changedIn(was, is), ...(row.secretChanged ? [secrets[row.resourceType] ?? 'password'] : [])],
    key_id: row.keyId,
    request_id: row.requestId,
    before: was,
    after: is,
    tm_create: row.at,
  }
}

const actions = ['created', 'changed', 'deleted', 'restored'] as const

function actionOf({ before, after }: Row): (typeof actions)[number] {
  if (!isLive(after)) return 'deleted'
  if (isLive(before)) return 'changed'
  return before === null ? 'created' : 'restored'
}

/** What is never shown, as the API calls it. */
const secrets: Partial<Record<Row['resourceType'], string>> = {
  accesskey: 'token',
  webhook: 'secret',
  alert: 'routing_key',
}

/** The fields in which two differ. */
function changedIn(was: Shown, is: Shown): string[] {
  if (was === null || is === null) return []
  const before = new Map(Object.entries(was))
  const differs = ([key, value]: [string, unknown]) =>
    key !== 'tm_update' && JSON.stringify(value) !== JSON.stringify(before.get(key))
  return Object.entries(is)
    .filter(differs)
    .map(([key]) => key)
}

const resource = z.record(z.string(), z.unknown()).nullable()

const change = z
  .object({
    id: z.guid(),
    customer_id: z.guid(),
    version: z
      .int()
      .describe(
        '`configuration_version` with it; several changes made at once have the same. A key raises none.',
      ),
    resource_type: z.enum(changedTypes),
    resource_id: z.guid(),
    action: z.enum(actions),
    changed: z
      .array(z.string())
      .describe(
        'Fields which it changed, of what was there before and after: a password or token by its name alone.',
      ),
    key_id: z.guid().nullable().describe('The access key it was made with; null: no request made it.'),
    request_id: z.string().nullable().describe('`X-Request-Id` of the request.'),
    before: resource.describe('As the API showed it, without secrets; null: it was not there.'),
    after: resource.describe('Likewise; null: it is not there any more.'),
    tm_create: instant,
  })
  .meta({ id: 'Change', description: 'One change of a customer’s configuration or of one of its keys.' })

const example = {
  id: exampleIds.change,
  customer_id: exampleIds.customer,
  version: 13,
  resource_type: 'route',
  resource_id: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a2001',
  action: 'changed',
  changed: ['priority'],
  key_id: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a2002',
  request_id: 'req_abcdefghijklmnopqrstuvwxyz',
  before: { name: 'Default Outbound Route', priority: 1 },
  after: { name: 'Default Outbound Route', priority: 2 },
  tm_create: '2026-11-24T09:00:00.000000Z',
}

/** Reading what changed. */
export const changeOperations: readonly Operation[] = [
  {
    id: 'listChanges',
    method: 'get',
    path: '/v1.0/changes',
    summary: 'What changed, the newest first',
    description: 'A customer’s last 30 000 changes of 90 days.',
    tag: 'changes',
    scope: 'read',
    query: paging.extend(filters.shape),
    answer: listShape(change),
    errors: [],
    example: {
      parameters: { resource_type: 'route' },
      answer: { result: [example], next_page_token: '' },
    },
  },
  {
    id: 'getChange',
    method: 'get',
    path: '/v1.0/changes/{id}',
    summary: 'One change',
    tag: 'changes',
    scope: 'read',
    answer: change,
    errors: ['CHANGE_NOT_FOUND'],
    example: { answer: example },
  },
]
