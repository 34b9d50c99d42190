import { sql } from 'drizzle-orm'
import type { UtcMs } from '#contract'
import type { Database } from '#db'
import { remember } from './wrong-keys.ts'

/** A key's use is written once in so long, by each isolate. */
const GRAIN_MS = 60_000
/** Uses are gathered so long before they are written together. */
const GATHER_MS = 1_000
/** A write which has not ended by then never will: its request was cut off. */
const LOST_MS = 30_000
/** Keys remembered; the longest known is forgotten for a new one, and at worst written again. */
const KEYS = 4_096

/**
 * When access keys were last used, to the minute. No request waits for it: uses are gathered in memory, and written
 * together by what goes on after an answer was given.
 */
export class KeyUses {
  /** UTC ms of the use of each key which was written last, or is about to be. */
  readonly #noted = new Map<string, number>()
  #gathered = new Set<string>()
  #writingSince = Number.NEGATIVE_INFINITY

  /** Notes that a key was used at `now`, UTC ms; whether its write is due and none is under way which takes it along. */
  note(keyId: string, now: UtcMs): boolean {
    const noted = this.#noted.get(keyId) ?? Number.NEGATIVE_INFINITY
    if (now - noted < GRAIN_MS && !this.#gathered.has(keyId)) return false
    if (now - noted >= GRAIN_MS) this.#remember(keyId, now)
    return now - this.#writingSince >= LOST_MS
  }

  /** Writes what was gathered, a moment from now. Where the database does not take it, a later use tries again. */
  async write(db: Database, now: UtcMs, gather: number = GATHER_MS): Promise<void> {
    this.#writingSince = now
    await new Promise((resolve) => setTimeout(resolve, gather))
    const keyIds = [...this.#gathered]
    this.#gathered = new Set()
    this.#writingSince = Number.NEGATIVE_INFINITY
    await db.execute(lastUsed(keyIds)).catch(() => {
      for (const keyId of keyIds) this.#noted.delete(keyId)
    })
  }

  #remember(keyId: string, now: UtcMs): void {
    this.#noted.delete(keyId)
    remember(this.#noted, KEYS, () => this.#noted.set(keyId, now))
    this.#gathered.add(keyId)
  }
}

/** In the order of their ids, so that two isolates do not wait for each other in a ring; each row once a minute, by whichever isolate. */
function lastUsed(keyIds: string[]) {
  return sql`insert into access_key_uses (key_id, customer_id, used_at)
    select id, customer_id, now() from access_keys where id = any(${sql.param(keyIds)}::uuid[]) order by id
    on conflict (key_id) do update set used_at = excluded.used_at
    where access_key_uses.used_at <= excluded.used_at - ${GRAIN_MS} * interval '1 millisecond'`
}
