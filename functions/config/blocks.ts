import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { sourceBlocks as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listed, listShape, lists, paging, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { readId } from '../http/validate.ts'

const filters = {
  source_address: z
    .string()
    .max(64)
    .optional()
    .describe('The address, or of IPv6 the network, as it is shown.'),
}

/** Addresses which relays block, since many accounts were tried from there: to be read, and to be taken back. */
export const blocks = new Hono<Edge>()
  .get('/', lists(filters), async (c) => {
    const [page, { source_address }] = [readPage(c), readQuery(c, z.object(filters))]
    const rows = await c
      .get('db')
      .select()
      .from(table)
      .where(
        and(
          holds(c),
          source_address === undefined ? undefined : eq(table.source, source_address),
          page.after && before(table.since, table.id, page.after),
        ),
      )
      .orderBy(desc(table.since), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ since, id }) => ({ at: since, id }), present))
  })
  .delete('/:id', async (c) => {
    const mine = and(holds(c), eq(table.id, readId(c)))
    const [row] = await c.get('db').update(table).set({ endedAt: sql`now()` }).where(mine).returning()
    if (!row) throw new ApiError('BLOCK_NOT_FOUND', 'There is no such block, or it is over.')
    return c.json(present(row))
  })

/** The condition that a block is the asking customer's, and neither over nor taken back. */
function holds(c: Context<Edge>): SQL | undefined {
  const { customerId } = c.get('principal')
  return and(eq(table.customerId, customerId), isNull(table.endedAt), sql`${table.until} > now()`)
}

function present(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    source_address: row.source,
    relay_id: row.relayId,
    failures: row.failures,
    accounts: row.accounts,
    tm_create: row.since,
    tm_expire: row.until,
    tm_delete: row.endedAt,
  }
}

const block = z
  .object({
    id: z.guid(),
    customer_id: z.guid().describe('Whose accounts were tried; the platform’s has every block.'),
    source_address: z.string().describe('From where; of IPv6 the /64.'),
    relay_id: z.string().describe('The relay which made it. It holds at all of them.'),
    failures: z.int().describe('Wrong answers for accounts of the customer which led to it.'),
    accounts: z.int().describe('Accounts which were tried, the customer’s or not: so many at least.'),
    tm_create: instant,
    tm_expire: instant.describe('When it ends by itself.'),
    tm_delete: instant.nullable().describe('When it was taken back.'),
  })
  .meta({
    id: 'Block',
    description:
      'An address from which many accounts were tried with wrong passwords: for a while relays look at nothing from ' +
      'there but what is registered there, or was within a day.',
  })

const example = {
  id: exampleIds.block,
  customer_id: exampleIds.customer,
  source_address: '192.0.2.66',
  relay_id: 'relay-1',
  failures: 100,
  accounts: 20,
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_expire: '2026-11-24T09:10:00.000Z',
  tm_delete: null,
}

/** Reading which addresses are blocked, and letting them in again. */
export const blockOperations: readonly Operation[] = [
  {
    id: 'listBlocks',
    method: 'get',
    path: '/v1.0/blocks',
    summary: 'List blocked addresses, newest first',
    tag: 'blocks',
    scope: 'read',
    query: paging.extend(filters),
    answer: listShape(block),
    errors: [],
    example: { answer: { result: [example], next_page_token: '' } },
  },
  {
    id: 'endBlock',
    method: 'delete',
    path: '/v1.0/blocks/{id}',
    summary: 'Take a block back',
    description:
      'Relays hear of it with their next beat. Taken back by a customer it ends for that customer’s accounts; by the ' +
      'platform, for all.',
    tag: 'blocks',
    scope: 'configure',
    answer: block,
    errors: ['BLOCK_NOT_FOUND'],
    example: { answer: { ...example, tm_delete: '2026-11-24T09:01:00.000Z' } },
  },
]
