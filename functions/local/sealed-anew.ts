import type { Pool, PoolClient } from 'pg'
import { type Seal, type SealKey, sealWith } from '../secrets.ts'

/** Every column of secrets which stay, and by what place each is sealed. What idempotency keeps is gone after a day. */
export const sealedColumns = [
  { table: 'providers', column: 'sealed_password', field: 'password' },
  { table: 'extensions', column: 'sealed_md5', field: 'ha1_md5' },
  { table: 'extensions', column: 'sealed_sha256', field: 'ha1_sha256' },
  { table: 'trunks', column: 'sealed_md5', field: 'ha1_md5' },
  { table: 'trunks', column: 'sealed_sha256', field: 'ha1_sha256' },
  { table: 'webhooks', column: 'sealed_secret', field: 'secret' },
  { table: 'webhooks', column: 'sealed_previous_secret', field: 'secret' },
  { table: 'alerts', column: 'sealed_routing_key', field: 'routing_key' },
] as const
type SealedColumn = (typeof sealedColumns)[number]

/** Secrets of one transaction: who saves something else of that table waits for it. */
const AT_ONCE = 500

/**
 * Seals under the first key what an older one sealed; returns how many secrets that were.
 *
 * Nothing of a customer changes by that: no version rises, and no change is noted. Throws where a secret was sealed by a key
 * which is not given, naming the key.
 */
export async function sealAnew(pool: Pool, keys: [SealKey, ...SealKey[]]): Promise<number> {
  const work = { seal: sealWith(keys), sealedByOther: `${keys[0].kid.replaceAll('_', '\\_')}.%` }
  let sealed = 0
  for (const column of sealedColumns)
    for (let some = AT_ONCE; some === AT_ONCE; sealed += some) some = await sealSome(pool, column, work)
  return sealed
}

interface Work {
  readonly seal: Seal
  /** What begins otherwise was sealed by another key (LIKE). */
  readonly sealedByOther: string
}

async function sealSome(pool: Pool, column: SealedColumn, work: Work): Promise<number> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    // What follows from a change of configuration does not follow from this. It needs the table to itself among who writes.
    await client.query(`alter table ${column.table} disable trigger user`)
    const sealed = await sealRows(client, column, work)
    await client.query(`alter table ${column.table} enable trigger user`)
    await client.query('commit')
    return sealed
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

async function sealRows(client: PoolClient, { table, column, field }: SealedColumn, work: Work) {
  const { rows } = await client.query<{ id: string; text: string }>(
    `select id::text, ${column} as text from ${table}
     where ${column} is not null and ${column} not like $1 order by id limit ${AT_ONCE}`,
    [work.sealedByOther],
  )
  for (const { id, text } of rows) {
    const place = { table, id, field }
    const anew = await work.seal.close(place, await work.seal.open(place, text))
    await client.query(`update ${table} set ${column} = $1 where id = $2`, [anew, id])
  }
  return rows.length
}
