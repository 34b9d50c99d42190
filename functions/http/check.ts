import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '#db'
import type { ApiError } from './api-error.ts'

/**
 * What must hold for a change to be made. Each is asked for by itself inside the lock, before anything changes: no
 * refusal follows from a row that did not come back.
 */
export interface Check {
  /** The statement which asks. */
  readonly ask: SQL
  /** The condition of the change. */
  readonly holds: SQL
  /** Throws where what was asked says that it does not hold. */
  readonly refuse: (rows: readonly unknown[]) => void
}

/** A condition which holds or not, and the refusal where it does not. `refuse` throws that. */
export function condition(holds: SQL, refusal: () => ApiError): Check {
  return {
    ask: sql`select ${holds} as held`,
    holds,
    refuse: ([row]) => {
      if (Reflect.get(Object(row), 'held') !== true) throw refusal()
    },
  }
}

/** Rows which must not be there: the first of them, in the order of `found`, is what `refuse` throws about. */
export function noneOf<Found>(found: SQL, refuse: (first: Found) => void): Check {
  return {
    ask: sql`select * from ${found} as found limit 1`,
    holds: sql`not exists ${found}`,
    refuse: ([first]) => {
      if (first !== undefined) refuse(first as Found)
    },
  }
}

/** Throws what the first of them refuses that does not hold, asked in one round trip: for what is not kept, so that no lock is needed. */
export async function hold(db: Database, checks: readonly Check[]): Promise<void> {
  const [first, ...others] = checks.map(({ ask }) => db.execute(ask))
  const answers = first ? await db.batch([first, ...others]) : []
  for (const [at, { refuse }] of checks.entries()) refuse(answers[at]?.rows ?? [])
}
