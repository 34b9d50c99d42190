import { sql } from 'drizzle-orm'
import type { Beat, FoundAt } from '#contract'
import type { Database } from '#db'
import { judgeAlerts } from '../alerts/evaluator.ts'
import { prepare } from '../env.ts'
import { dispatcherOf } from '../events/dispatcher.ts'
import type { Glance, HubTurn, RelayElsewhere } from '../hub/events.ts'
import type { KnownLimit } from '../hub/grants.ts'
import { causesOf, log } from '../log.ts'
import { takeTurn } from '../store/hearing.ts'
import { elsewhereThan, limitsOf, newerThan, partFrom } from '../store/hub-turn.ts'
import { judge } from './judge.ts'

/**
 * What the hub asks Postgres, and tells it: one question after the other, but that what is new is not waited for behind all
 * relays' turns.
 */
export class HubFacts {
  readonly #env: object
  readonly #last = { turn: Promise.resolve(), look: Promise.resolve() }

  constructor(env: object) {
    this.#env = env
  }

  /** Asks in its turn; undefined is heard where Postgres cannot be asked. */
  ask<Answer>(
    what: 'turn' | 'part' | 'look',
    question: () => Promise<Answer>,
    hear: (answer: Answer | undefined) => void,
  ): void {
    const queue = what === 'look' ? 'look' : 'turn'
    this.#last[queue] = this.#last[queue].then(async () => hear(await this.#answered(what, question)))
  }

  async #answered<Answer>(what: string, question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await question()
    } catch (error) {
      log('warn', 'hub.unheard', { what, causes: causesOf(error) })
      return undefined
    }
  }

  /** Has a relay's beat heard, whose shares of limits are the hub's. */
  async turn(beat: Beat): Promise<HubTurn | 'replaced'> {
    const { db, settings } = prepare(this.#env)
    const judged = await judge(db, beat, 'hub')
    if (judged === 'replaced') return judged
    const { answer, limits, elsewhere, deliveriesDue, alertsDue } = judged
    if (alertsDue) void judgeAlerts(db).then(() => dispatcherOf(this.#env).hurry())
    else if (deliveriesDue) void dispatcherOf(this.#env).hurry()
    return { answer: { ...answer, base_domain: settings.BASE_DOMAIN }, limits, elsewhere }
  }

  /** Writes down that a relay is gone, silent for so long, and says whom Postgres hears itself. */
  async part(relayId: string, silentMs: number): Promise<RelayElsewhere[]> {
    const db = this.#db
    const [, , { rows }] = await db.batch([
      db.execute(takeTurn()),
      db.execute(partFrom(relayId, silentMs)),
      db.execute<{ elsewhere: RelayElsewhere[] }>(elsewhereThan('')),
    ])
    return rows[0]?.elsewhere ?? []
  }

  /** What is newer than a version, and what limits are now. */
  async look(version: number, limits: Omit<KnownLimit, 'limit'>[]): Promise<Glance> {
    const { rows } = await this.#db.execute<Glance & Record<string, unknown>>(sql`
      select newer -> 'version' as version, newer -> 'changed' as changed, limits
      from (${newerThan(version)}) as n, (${limitsOf(limits)}) as l`)
    const [row] = rows
    if (!row) throw new Error('What is new brought no row.')
    return { ...row, version: Number(row.version) }
  }

  /** Where extensions or trunks are registered. */
  async where(ids: readonly string[]): Promise<FoundAt[]> {
    const { rows } = await this.#db.execute<FoundAt & Record<string, unknown>>(sql`
      select distinct coalesce(extension_id, trunk_id) as id, relay_id from bindings
      where (extension_id = any(${sql.param([...ids])}::uuid[]) or trunk_id = any(${sql.param([...ids])}::uuid[]))
        and event in ('registered', 'refreshed') and expires_at > now()`)
    return rows
  }

  get #db(): Database {
    return prepare(this.#env).db
  }
}
