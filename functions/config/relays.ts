import { asc, countDistinct, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { leases, relays as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { relayName } from '../relay-key.ts'
import { isAlive } from '../store/alive.ts'

/** The relays there are, as each last said of itself, for administrators. */
export const relays = new Hono<Edge>()
  .use(administrator)
  .get('/', async (c) => c.json({ result: (await rows(c)).map(present), next_page_token: '' }))
  .get('/:id', async (c) => c.json(present(await relayNamed(c, relayIn(c)))))

/** The relay's name in the path. Throws INVALID_ID where no relay is called so. */
export function relayIn(c: Context<Edge>): string {
  const name = c.req.param('id') ?? ''
  if (!relayName.test(name))
    throw new ApiError('INVALID_ID', 'A relay’s name is of small letters, digits and dashes, 40 at most.')
  return name
}

/** Throws where no relay of that name was ever heard of. */
export async function relayNamed(c: Context<Edge>, id: string): Promise<RelayRow> {
  const [row] = await rows(c, eq(table.id, id))
  if (!row) throw new ApiError('RELAY_NOT_FOUND', 'No relay of that name was ever heard of.')
  return row
}

function rows(c: Context<Edge>, which?: SQL): Promise<RelayRow[]> {
  return c
    .get('db')
    .select({
      ...getTableColumns(table),
      alive: sql<boolean>`${isAlive('relays')}`,
      now: sql<string>`now()`.mapWith(table.beatAt),
      counted: countDistinct(leases.callId),
    })
    .from(table)
    .leftJoin(leases, eq(leases.relayId, table.id))
    .where(which)
    .groupBy(table.id)
    .orderBy(asc(table.id))
}

type RelayRow = typeof table.$inferSelect & { alive: boolean; now: string; counted: number }

/** A relay as the API shows it. What an older one does not say is null. */
export function present(row: RelayRow) {
  const { id, alive, draining, drainOrdered, address, port, region, software, protocol, version } = row
  return {
    id,
    alive,
    draining,
    drain: drainOrdered,
    address,
    port,
    region,
    software,
    protocol,
    version,
    calls: row.load?.calls ?? row.counted,
    load: row.load,
    spool: { tells: row.waitingTells, bytes: row.spoolBytes },
    last_error: row.lastError,
    clock_difference_ms: row.clockMs,
    waiting_tells: row.waitingTells,
    /** When its process began, and was last heard. */
    tm_create: row.startedAt,
    tm_update: row.viaHub ? row.now : row.beatAt,
  }
}
