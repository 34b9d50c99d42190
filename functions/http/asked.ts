import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import type { HolderRow } from '../key-holder.ts'
import { confirm, unconfirmed } from './authenticate.ts'
import type { BatchStatement } from './noun.ts'

/**
 * What a query finds, and in the same round trip whose the access key is, where the endpoint declared that it asks so
 * (`confirmsKey`) and that is not known for sure. Throws where the key is another than memory had it.
 */
export async function asked<Row>(
  c: Context<Edge>,
  query: BatchStatement & PromiseLike<readonly Row[]>,
): Promise<readonly Row[]> {
  const holder = unconfirmed(c)
  if (holder === undefined) return rowsIn(await query) as readonly Row[]
  const db = c.get('db')
  const [key, found] = await db.batch([db.execute<{ holder: HolderRow | null }>(holder), query])
  confirm(c, key.rows[0]?.holder ?? undefined)
  return rowsIn(found) as readonly Row[]
}

/** A query's answer is its rows; a bare statement's has them inside. */
export function rowsIn(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : ((Reflect.get(Object(answer), 'rows') as unknown[]) ?? [])
}
