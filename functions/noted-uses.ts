import { type SQL, sql } from 'drizzle-orm'
import type { UtcMs } from '#contract'
import type { Database } from '#db'
import { remember } from './wrong-keys.ts'

/** A use is written once in so long, by each isolate. */
const GRAIN_MS = 60_000
/** Uses are gathered so long before they are written together. */
const GATHER_MS = 1_000
/** A write which has not ended by then never will: its request was cut off. */
const LOST_MS = 30_000
/** Who has read calls or events counts as watching for so long: longer than a stream of events lasts. */
const WATCHES_S = 360
/** Users remembered; the longest known is forgotten for a new one, and at worst written again. */
const USERS = 4_096

/**
 * When something was last used by whom, to the minute. No request waits for it: uses are gathered in memory, and written
 * together by what goes on after an answer was given.
 */
export class NotedUses {
  readonly #written: (ids: readonly string[]) => SQL
  /** UTC ms of each user's use which was written last, or is about to be. */
  readonly #noted = new Map<string, number>()
  #gathered = new Set<string>()
  #writingSince = Number.NEGATIVE_INFINITY

  /** `written` is the statement which writes that those with these ids used it. */
  constructor(written: (ids: readonly string[]) => SQL) {
    this.#written = written
  }

  /** Notes a use at `now`, UTC ms; whether its write is due and none is under way which takes it along. */
  note(id: string, now: UtcMs): boolean {
    const noted = this.#noted.get(id) ?? Number.NEGATIVE_INFINITY
    if (now - noted < GRAIN_MS && !this.#gathered.has(id)) return false
    if (now - noted >= GRAIN_MS) this.#remember(id, now)
    return now - this.#writingSince >= LOST_MS
  }

  /**
   * Writes the uses gathered, a moment from now, and gives the ids which the statement returns. Where the database fails, a
   * later use tries again.
   */
  async write(db: Database, now: UtcMs, gather: number = GATHER_MS): Promise<string[]> {
    this.#writingSince = now
    await new Promise((resolve) => setTimeout(resolve, gather))
    const ids = [...this.#gathered]
    this.#gathered = new Set()
    this.#writingSince = Number.NEGATIVE_INFINITY
    try {
      const { rows } = await db.execute<{ id: string }>(this.#written(ids))
      return rows.map(({ id }) => id)
    } catch {
      for (const id of ids) this.#noted.delete(id)
      return []
    }
  }

  #remember(id: string, now: UtcMs): void {
    this.#noted.delete(id)
    remember(this.#noted, USERS, () => this.#noted.set(id, now))
    this.#gathered.add(id)
  }
}

/** In the order of their ids, so that two isolates do not wait for each other in a ring; each row once a minute, by whichever isolate. */
export function keysUsed(ids: readonly string[]): SQL {
  return sql`insert into access_key_uses (key_id, customer_id, used_at)
    select id, customer_id, now() from access_keys where id = any(${sql.param([...ids])}::uuid[]) order by id
    on conflict (key_id) do update set used_at = excluded.used_at
    where access_key_uses.used_at <= excluded.used_at - ${GRAIN_MS} * interval '1 millisecond'`
}

/**
 * The statement which writes that calls and events of these customers were read. It gives as `id` those who begin to watch: their
 * calls were not watched until now, and relays may hold back what they tell of them. In the order of their ids, so that two isolates
 * do not wait for each other in a ring.
 */
export function listening(customerIds: readonly string[]): SQL {
  return sql`
    with asking as materialized (
      select c.id, ${watched(sql`c.id`)} as watched from customers c
      where c.id = any(${sql.param([...customerIds])}::uuid[]) order by c.id
    ),
    noted as (
      insert into listeners (customer_id, listened_at) select id, now() from asking order by id
      on conflict (customer_id) do update set listened_at = excluded.listened_at
    )
    select id from asking where not watched`
}

/** The condition that calls of a customer are watched. */
export function watched(customerId: SQL): SQL {
  return sql`(exists (select from webhooks w where w.customer_id = ${customerId} and w.enabled and w.deleted_at is null)
    or exists (select from listeners l where l.customer_id = ${customerId}
      and l.listened_at > now() - ${WATCHES_S} * interval '1 second'))`
}
