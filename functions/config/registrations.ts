import { and, desc, eq, isNull, or, type SQL } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { bindings, extensions, trunks } from '#db'
import type { Edge } from '../env.ts'
import { asked } from '../http/asked.ts'
import { confirmsKey } from '../http/authenticate.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { reachable } from '../store/bindings.ts'

/** Where phones and PBXs can be reached now, as told by the relays. */
export const registrations = new Hono<Edge>().get(
  '/',
  lists(),
  confirmsKey(async (c) => c.json(await registrationsOf(c))),
)

/** One registration as the API shows it, whether it has ended or not; undefined: the customer has none of this id. */
export async function registrationOf(c: Context<Edge>, id: string) {
  const { customerId } = c.get('principal')
  const [row] = await withOwner(c).where(and(eq(bindings.customerId, customerId), eq(bindings.id, id)))
  return row && present(row)
}

/** One page of a customer's registrations, or of those for which `whose` holds. */
export async function registrationsOf(c: Context<Edge>, whose?: SQL) {
  const page = readPage(c)
  const rows = await asked(
    c,
    withOwner(c)
      .where(
        and(
          eq(bindings.customerId, c.get('principal').customerId),
          whose,
          or(eq(extensions.enabled, true), eq(trunks.enabled, true)),
          reachable(),
          page.after && before(bindings.registeredAt, bindings.id, page.after),
        ),
      )
      .orderBy(desc(bindings.registeredAt), desc(bindings.id))
      .limit(page.size + 1),
  )
  return listed([...rows], page, ({ binding }) => ({ at: binding.registeredAt, id: binding.id }), present)
}

/** Bindings beside the live extension or trunk which each is of. */
function withOwner(c: Context<Edge>) {
  const names = { extension: extensions.extension, domainName: trunks.domainName, trunkName: trunks.name }
  return c
    .get('db')
    .select({ binding: bindings, ...names })
    .from(bindings)
    .leftJoin(
      extensions,
      and(
        eq(extensions.customerId, bindings.customerId),
        eq(extensions.id, bindings.extensionId),
        isNull(extensions.deletedAt),
      ),
    )
    .leftJoin(
      trunks,
      and(
        eq(trunks.customerId, bindings.customerId),
        eq(trunks.id, bindings.trunkId),
        isNull(trunks.deletedAt),
      ),
    )
}

type Registration = Awaited<ReturnType<typeof withOwner>>[number]

function present({ binding, extension, domainName, trunkName }: Registration) {
  return {
    id: binding.id,
    customer_id: binding.customerId,
    /** Of a phone; null where it is a PBX's. */
    extension_id: binding.extensionId,
    extension,
    /** Of a PBX; null where it is a phone's. */
    trunk_id: binding.trunkId,
    trunk_domain_name: domainName,
    trunk_name: trunkName,
    state: binding.event,
    contact: binding.contact,
    transport: binding.transport,
    source_address: binding.address,
    source_port: binding.port,
    path: binding.path,
    user_agent: binding.userAgent,
    /** The token by which it was proved; null: the password. */
    token_id: binding.tokenId,
    q: binding.q,
    relay_id: binding.relayId,
    tm_create: binding.registeredAt,
    tm_update: binding.refreshedAt,
    tm_expire: binding.expiresAt,
  }
}
