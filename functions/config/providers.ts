import { and, eq, isNull, notExists, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import * as z from 'zod'
import { transport } from '#contract'
import { routes, providers as table } from '#db'
import type { Edge, Settings } from '../env.ts'
import { customerFor } from '../http/authenticate.ts'
import { listed, readPage } from '../http/page.ts'
import { Problem } from '../http/problem.ts'
import { readBody, readCascade, readId } from '../http/validate.ts'
import type { Seal } from '../secrets.ts'
import { detail, failover, id, name, ours } from './fields.ts'
import { isPublic, readIp, readNetwork, writeIp } from './ip.ts'
import { live, liveRowOf, now, pageOf, rowOf, times } from './rows.ts'
import { codecs, dialled, headers, host, words } from './sip-fields.ts'

const wish = z.strictObject({
  customer_id: id.optional(),
  name,
  detail,
  type: z.literal('sip').default('sip'),
  hostname: host,
  port: z.int().min(1).max(65_535).nullable().default(null),
  transport: transport.nullable().default(null),
  codecs,
  tech_prefix: dialled,
  tech_postfix: dialled,
  tech_headers: headers,
  called_format: z.enum(['+e164', 'e164']).default('+e164'),
  username: words.nullable().default(null),
  /** Left out, the one we have stays; null forgets it. */
  password: words.nullable().optional(),
  inbound_addresses: z.array(z.string().trim()).max(64).default([]),
  failover,
  enabled: z.boolean().default(true),
})
type Wish = z.output<typeof wish>
const shown = [...ours, 'password_set', 'health_status', 'health_checked_at']

/** SIP carriers: where calls to the phone network go, and where calls from it come from. */
export const providers = new Hono<Edge>()
  .get('/', async (c) => {
    const page = readPage(c)
    const rows = await pageOf(c.get('db'), table, c.get('speaker').customerId, page)
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), toWire))
  })
  .post('/', async (c) => {
    const body = await readBody(c, wish)
    const owner = { id: crypto.randomUUID(), customerId: customerFor(c, body.customer_id) }
    const row = {
      ...owner,
      ...toRow(body, c.get('settings')),
      ...(await sealed(c.get('seal'), owner.id, body)),
    }
    const [made] = await c.get('db').insert(table).values(row).returning()
    return c.json(toWire(found(made)))
  })
  .get('/:id', async (c) => {
    const row = await rowOf(c.get('db'), table, c.get('speaker').customerId, readId(c))
    return c.json(toWire(found(row)))
  })
  .put('/:id', async (c) => {
    const [id, body] = [readId(c), await readBody(c, wish, shown)]
    const row = {
      ...toRow(body, c.get('settings')),
      ...(await sealed(c.get('seal'), id, body)),
      updatedAt: now,
    }
    const mine = live(table, c.get('speaker').customerId, id)
    const [changed] = await c.get('db').update(table).set(row).where(mine).returning()
    return c.json(toWire(found(changed)))
  })
  .delete('/:id', async (c) => {
    const [db, id, { customerId }] = [c.get('db'), readId(c), c.get('speaker')]
    const uses = and(
      eq(routes.providerCustomerId, customerId),
      eq(routes.providerId, id),
      isNull(routes.deletedAt),
    )
    const gone = { deletedAt: now }
    const mine = live(table, customerId, id)
    if (readCascade(c)) {
      const [, [deleted]] = await db.batch([
        db.update(routes).set(gone).where(uses),
        db.update(table).set(gone).where(mine).returning(),
      ])
      return c.json(toWire(found(deleted)))
    }
    const unused = notExists(db.select({ one: sql`1` }).from(routes).where(uses))
    const [deleted] = await db.update(table).set(gone).where(and(mine, unused)).returning()
    if (deleted) return c.json(toWire(deleted))
    found(await liveRowOf(db, table, customerId, id))
    throw new Problem(
      'PROVIDER_IN_USE',
      'Routes lead to this provider. Delete them first, or ask with ?cascade=true.',
    )
  })

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Problem('PROVIDER_NOT_FOUND', 'There is no such provider.')
  return row
}

function toRow(body: Wish, { ALLOW_PRIVATE_TARGETS, BASE_DOMAIN }: Settings) {
  if (!ALLOW_PRIVATE_TARGETS && !reachable(body.hostname, BASE_DOMAIN)) {
    throw Problem.field('hostname', 'is not a place on the public internet')
  }
  const networks = body.inbound_addresses.map((text, at) => network(text, at, ALLOW_PRIVATE_TARGETS))
  const hostIp = readIp(body.hostname)
  return {
    name: body.name,
    detail: body.detail,
    type: body.type,
    hostname: body.hostname,
    port: body.port,
    transport: body.transport,
    codecs: body.codecs,
    techPrefix: body.tech_prefix,
    techPostfix: body.tech_postfix,
    techHeaders: body.tech_headers,
    calledFormat: body.called_format,
    username: body.username,
    inboundAddresses: body.inbound_addresses,
    sources: hostIp ? [...networks, writeIp(hostIp)] : networks,
    failover: body.failover,
    enabled: body.enabled,
  }
}

/** What becomes of the password: sealed, forgotten, or (by leaving the key out) left as it is. */
async function sealed(seal: Seal, id: string, { username, password }: Wish) {
  if (username === null && password) throw Problem.field('username', 'is needed beside a password')
  if (username === null || password === null || password === '') return { sealedPassword: null }
  if (password === undefined) return {}
  return { sealedPassword: await seal.close({ table: 'providers', id, field: 'password' }, password) }
}

function reachable(hostname: string, baseDomain: string): boolean {
  const ip = readIp(hostname)
  if (ip) return isPublic(ip)
  return ![baseDomain, 'localhost', 'local', 'internal', 'home.arpa'].some(
    (domain) => hostname === domain || hostname.endsWith(`.${domain}`),
  )
}

/** An address or network a carrier calls from; one so wide that anybody would be the carrier is refused. */
function network(text: string, at: number, allowPrivate: boolean): string {
  const field = `inbound_addresses.${at}`
  const read = readNetwork(text)
  if (!read) throw Problem.field(field, 'is not an IP address or a network such as 192.0.2.0/24')
  if (read.bits < (read.ip.length === 4 ? 8 : 19))
    throw Problem.field(field, 'is too wide to name one carrier')
  if (!allowPrivate && !isPublic(read.ip)) throw Problem.field(field, 'is not on the public internet')
  return read.bits === read.ip.length * 8 ? writeIp(read.ip) : text
}

function toWire(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    type: row.type,
    name: row.name,
    detail: row.detail,
    hostname: row.hostname,
    port: row.port,
    transport: row.transport,
    codecs: row.codecs,
    tech_prefix: row.techPrefix,
    tech_postfix: row.techPostfix,
    tech_headers: row.techHeaders,
    called_format: row.calledFormat,
    username: row.username,
    password_set: row.sealedPassword !== null,
    inbound_addresses: row.inboundAddresses,
    failover: row.failover,
    enabled: row.enabled,
    health_status: 'unknown',
    health_checked_at: null,
    ...times(row),
  }
}
