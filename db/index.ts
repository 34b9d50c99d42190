import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import * as schema from './schema.ts'

export { readInstant } from './instant.ts'
export * from './schema.ts'

/** Our tables, reached by Neon's SQL over HTTP: one round trip per statement or batch. */
export type Database = NeonHttpDatabase<typeof schema> & { $client: NeonQueryFunction<false, false> }

/**
 * Connects to the database which `url` names; nothing is sent before the first statement.
 *
 * `endpoint` is where the statements are posted instead of Neon's own place: the local stack's, or a
 * proxy in front of any PostgreSQL. `carry` takes them there instead of `fetch`, each
 * with what `mark` says of them.
 */
export function connect(url: string, endpoint?: string, carry?: Carrier, mark: object = {}): Database {
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint
  if (carry) neonConfig.fetchFunction = carry
  return drizzle(neon(url, { fetchOptions: mark }), { schema, casing: 'snake_case' })
}

/** Posts a statement, as `fetch` does. */
type Carrier = (place: string, request: object) => Promise<unknown>

/** The name of the constraint or unique index a failed statement ran into, if it was one. */
export function violated(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('constraint' in cause && typeof cause.constraint === 'string') return cause.constraint
  }
  return undefined
}

/** The SQLSTATE of a failed statement; undefined when the database was not reached at all. */
export function sqlState(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return undefined
}
