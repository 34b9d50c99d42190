import { asc, countDistinct, eq, getTableColumns, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import * as z from 'zod'
import { deadAfterMs, instant, port } from '#contract'
import { leases, relays as table } from '#db'
import type { Edge } from '../env.ts'
import { administrator } from '../http/authenticate.ts'
import type { Operation } from '../http/operation.ts'
import { listShape } from '../http/page.ts'

/** The relays there are, as each last said of itself, for administrators. */
export const relays = new Hono<Edge>().use(administrator).get('/', async (c) => {
  const rows = await c
    .get('db')
    .select({
      ...getTableColumns(table),
      alive: sql<boolean>`${table.beatAt} > now() - make_interval(secs => ${deadAfterMs / 1000})`,
      calls: countDistinct(leases.callId),
    })
    .from(table)
    .leftJoin(leases, eq(leases.relayId, table.id))
    .groupBy(table.id)
    .orderBy(asc(table.id))
  return c.json({ result: rows.map(present), next_page_token: '' })
})

function present(row: typeof table.$inferSelect & { alive: boolean; calls: number }) {
  return {
    id: row.id,
    alive: row.alive,
    draining: row.draining,
    address: row.address,
    port: row.port,
    /** Configuration it has applied. */
    version: row.version,
    /** When its process began, and was last heard. */
    tm_create: row.startedAt,
    tm_update: row.beatAt,
    waiting_tells: row.waitingTells,
    /** Those under way which count in a limit. */
    calls: row.calls,
  }
}

const relay = z
  .object({
    id: z.string(),
    alive: z.boolean().describe('It was heard within the last seconds.'),
    draining: z.boolean(),
    address: z.string(),
    port,
    version: z.int().describe('Configuration which it has applied.'),
    tm_create: instant.describe('When its process began.'),
    tm_update: instant.describe('When it was last heard.'),
    waiting_tells: z.int(),
    calls: z.int().describe('Those under way which count in a limit.'),
  })
  .meta({ id: 'Relay', description: 'A relay, as it last said of itself.' })

/** Reading which relays there are. */
export const relayOperations: readonly Operation[] = [
  {
    id: 'listRelays',
    method: 'get',
    path: '/v1.0/relays',
    summary: 'List the relays there are',
    description: 'For administrators.',
    tag: 'relays',
    scope: 'read',
    answer: listShape(relay),
    errors: [],
    example: {
      answer: {
        result: [
          {
            id: 'relay-1',
            alive: true,
            draining: false,
            address: '192.0.2.10',
            port: 5060,
            version: 12,
            tm_create: '2026-11-24T08:00:00.000Z',
            tm_update: '2026-11-24T09:00:00.000Z',
            waiting_tells: 0,
            calls: 2,
          },
        ],
        next_page_token: '',
      },
    },
  },
]
