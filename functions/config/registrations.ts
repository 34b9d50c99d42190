import { and, desc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { bindings, extensions } from '#db'
import type { Edge } from '../env.ts'
import { listed, readPage } from '../http/page.ts'
import { before } from './rows.ts'

/** Where phones can be reached now: read only, told by the relays. */
export const registrations = new Hono<Edge>().get('/', async (c) => c.json(await registrationsOf(c)))

/** One page of a customer's registrations, or of one extension's. */
export async function registrationsOf(c: Context<Edge>, extensionId?: string) {
  const page = readPage(c)
  const rows = await c
    .get('db')
    .select({ binding: bindings, extension: extensions.extension })
    .from(bindings)
    .innerJoin(
      extensions,
      and(eq(extensions.customerId, bindings.customerId), eq(extensions.id, bindings.extensionId)),
    )
    .where(
      and(
        eq(bindings.customerId, c.get('speaker').customerId),
        extensionId === undefined ? undefined : eq(bindings.extensionId, extensionId),
        isNull(extensions.deletedAt),
        reachable(),
        page.after && before(bindings.registeredAt, bindings.id, page.after),
      ),
    )
    .orderBy(desc(bindings.registeredAt), desc(bindings.id))
    .limit(page.size + 1)
  return listed(rows, page, ({ binding }) => ({ at: binding.registeredAt, id: binding.id }), toWire)
}

/** The condition that a binding has neither ended nor run out. */
export function reachable(): SQL | undefined {
  return and(inArray(bindings.event, ['registered', 'refreshed']), sql`${bindings.expiresAt} > now()`)
}

function toWire({ binding, extension }: { binding: typeof bindings.$inferSelect; extension: string }) {
  return {
    id: binding.id,
    customer_id: binding.customerId,
    extension_id: binding.extensionId,
    extension,
    state: binding.event,
    contact: binding.contact,
    transport: binding.transport,
    source_address: binding.address,
    source_port: binding.port,
    path: binding.path,
    user_agent: binding.userAgent,
    q: binding.q,
    relay_id: binding.relayId,
    tm_registered: binding.registeredAt,
    tm_refreshed: binding.refreshedAt,
    tm_expire: binding.expiresAt,
  }
}
