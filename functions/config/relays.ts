import { asc, countDistinct, eq, getTableColumns, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { deadAfterMs } from '#contract'
import { leases, relays as table } from '#db'
import type { Edge } from '../env.ts'
import { administrator } from '../http/authenticate.ts'

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
  return c.json({ result: rows.map(toWire), next_page_token: '' })
})

function toWire(row: typeof table.$inferSelect & { alive: boolean; calls: number }) {
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
