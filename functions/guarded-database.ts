import type { SQL } from 'drizzle-orm'
import type { Database } from '#db'

/** What has to hold before a database answers. */
interface Guard {
  /** Goes before what is asked first, in its transaction, and fails where it does not hold. */
  readonly first: SQL
  /** It held. */
  passed(): void
  /** That first batch failed, for this reason or another; throws. */
  failed(error: unknown): Promise<never>
}

/** What a prepared query of drizzle's is asked here: it runs by itself, or as one of a batch. */
interface Prepared {
  execute(...given: unknown[]): Promise<unknown>
}
interface DrizzleSession {
  prepareQuery(...given: unknown[]): Prepared
  batch(queries: readonly unknown[]): Promise<unknown[]>
}

/**
 * The same database, behind a guard: until it has held once, whatever is asked goes in one batch with it, at no round trip
 * more. Queries which begin at once are each guarded.
 */
export function guarded(db: Database, guard: Guard): Database {
  const plain = db._.session as unknown as DrizzleSession
  let open = false
  const behind = async (queries: readonly unknown[]): Promise<unknown[]> => {
    if (open) return plain.batch(queries)
    try {
      const [, ...answers] = await plain.batch([db.execute(guard.first), ...queries])
      open = true
      guard.passed()
      return answers
    } catch (error) {
      return guard.failed(error)
    }
  }
  const session: DrizzleSession = Object.assign(Object.create(plain), {
    batch: behind,
    prepareQuery(...given: unknown[]): Prepared {
      const prepared = plain.prepareQuery(...given)
      const alone = prepared.execute.bind(prepared)
      prepared.execute = async (...values) => {
        if (open) return alone(...values)
        const [answer] = await behind([{ _prepare: () => prepared }])
        return answer
      }
      return prepared
    },
  })
  return Object.create(db, { session: { value: session } }) as Database
}
