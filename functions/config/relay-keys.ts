import { and, desc, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { relayKeys as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { readBody } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { newRelayKey } from '../relay-key.ts'
import { sha256Hex } from '../secrets.ts'
import { name } from './fields.ts'
import { relayIn } from './relays.ts'

/** A new key. */
export const relayKeyInput = z.strictObject({ name })

/** What the key which follows from RELAY_SECRET is called where keys are named. */
const DERIVED = 'derived'

/** Keys of relays: made and revoked singly. A relay which has none yet goes by the one which follows from RELAY_SECRET. */
export const relayKeys = new Hono<Edge>()
  .get('/:id/keys', administrator, async (c) => c.json({ result: await keysOf(c), next_page_token: '' }))
  .post('/:id/keys', administrator, async (c) => {
    const [relayId, { name }] = [relayIn(c), await readBody(c, relayKeyInput)]
    const key = newRelayKey(relayId)
    const row = { id: crypto.randomUUID(), relayId, name, hash: await sha256Hex(key) }
    const [made] = await c.get('db').insert(table).values(row).returning()
    if (!made) throw new Error('A key was not written.')
    return c.json({ ...shown(made), key })
  })
  .delete('/:id/keys/:key_id', administrator, async (c) => {
    const [relayId, id] = [relayIn(c), c.req.param('key_id')]
    const revoked = id === DERIVED ? await revokeDerived(c, relayId) : await revoke(c, relayId, id)
    if (!revoked)
      throw new ApiError('RELAY_KEY_NOT_FOUND', 'There is no such key of this relay, or it was revoked.')
    await hubOf(c).dismiss(relayId, revoked.hash, `This key of ${relayId} was revoked.`)
    return c.json(shown(revoked))
  })

type KeyRow = typeof table.$inferSelect

/** Those which open, the newest first; last the one which follows from RELAY_SECRET, while it does. */
async function keysOf(c: Context<Edge>) {
  const relayId = relayIn(c)
  const rows = await c
    .get('db')
    .select()
    .from(table)
    .where(eq(table.relayId, relayId))
    .orderBy(desc(table.createdAt), desc(table.id))
  const derived = rows.some(({ hash }) => hash === null) ? [] : [ofSecret(relayId)]
  return [...rows.filter(({ revokedAt }) => revokedAt === null).map(shown), ...derived]
}

async function revoke(c: Context<Edge>, relayId: string, id: string): Promise<KeyRow | undefined> {
  if (!z.guid().safeParse(id).success) throw new ApiError('INVALID_ID', 'A key’s id is a UUID, or `derived`.')
  const its = and(
    eq(table.relayId, relayId),
    eq(table.id, id),
    isNull(table.revokedAt),
    isNotNull(table.hash),
  )
  const [row] = await c.get('db').update(table).set({ revokedAt: sql`now()` }).where(its).returning()
  return row
}

/** Writes down that the key which follows from RELAY_SECRET is none any more; undefined: it was before. */
async function revokeDerived(c: Context<Edge>, relayId: string): Promise<KeyRow | undefined> {
  const row = { id: crypto.randomUUID(), relayId, name: '', hash: null, revokedAt: sql`now()` }
  const [made] = await c.get('db').insert(table).values(row).onConflictDoNothing().returning()
  return made
}

function shown({ id, relayId, name, hash, createdAt, usedAt, revokedAt }: KeyRow) {
  if (hash === null) return { ...ofSecret(relayId), tm_revoke: revokedAt }
  return { id, relay_id: relayId, name, tm_create: createdAt, tm_last_used: usedAt, tm_revoke: revokedAt }
}

function ofSecret(relayId: string) {
  const name = 'made from RELAY_SECRET'
  return { id: DERIVED, relay_id: relayId, name, tm_create: null, tm_last_used: null, tm_revoke: null }
}
