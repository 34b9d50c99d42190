import { sql } from 'drizzle-orm'
import type { Beat, FoundAt } from '#contract'
import type { Database } from '#db'
import { judgeAlerts } from '../alerts/evaluator.ts'
import { utcNow } from '../clock.ts'
import { prepare, quietly } from '../env.ts'
import { dispatcherOf } from '../events/dispatcher.ts'
import { ApiError } from '../http/api-error.ts'
import { guardedBy } from '../http/relay-guard.ts'
import { groupsOf } from '../hub/binding.ts'
import type { Glance, HubTurn, RelayElsewhere } from '../hub/events.ts'
import type { RelayGroup } from '../hub/groups.ts'
import type { KnownLimit } from '../hub/limit.ts'
import { KnownRelayKeys, type PresentedKey } from '../known-relay-keys.ts'
import { causesOf, log } from '../log.ts'
import { untaken } from '../store/commands.ts'
import { takeTurn } from '../store/hearing.ts'
import { elsewhereIn, limitsOf, newerThan, partFrom } from '../store/hub-turn.ts'
import { judge } from './judge.ts'

/**
 * What the hub asks Postgres, and tells it: one question after the other, orders first, but that what is new is not waited
 * for behind all relays' turns.
 */
export class HubFacts {
  readonly #env: object
  readonly #turns = new QuestionQueue()
  readonly #looks = new QuestionQueue()

  constructor(env: object) {
    this.#env = env
  }

  /** Asks in its turn; undefined is heard where Postgres cannot be asked. */
  ask<Answer>(
    what: 'turn' | 'order' | 'part' | 'meet' | 'look',
    question: () => Promise<Answer>,
    hear: (answer: Answer | undefined) => void,
  ): void {
    const queue = what === 'look' ? this.#looks : this.#turns
    queue.join(async () => hear(await this.#answered(what, question)), what === 'order')
  }

  async #answered<Answer>(what: string, question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await question()
    } catch (error) {
      log('warn', 'hub.unheard', { what, causes: causesOf(error) })
      return undefined
    }
  }

  /** Has a relay's beat heard, whose shares of limits are the hub's; `key`: if that key is still good, as is asked along. */
  async turn(beat: Beat, key: PresentedKey | undefined): Promise<HubTurn | 'replaced' | 'revoked'> {
    const { db, settings } = prepare(this.#env)
    const guarded = key ? guardedBy(db, key, new KnownRelayKeys(), utcNow) : db
    const judged = await judge(guarded, beat, 'hub', groupsOf(this.#env)).catch(refused)
    if (judged === 'replaced' || judged === 'revoked') return judged
    const { answer, limits, elsewhere, deliveriesDue, alertsDue } = judged
    if (alertsDue) void judgeAlerts(db).then(() => dispatcherOf(this.#env).hurry())
    else if (deliveriesDue) void dispatcherOf(this.#env).hurry()
    return { answer: { ...answer, base_domain: settings.BASE_DOMAIN }, limits, elsewhere }
  }

  /** Writes down that a relay is gone, silent for so long, and says whom Postgres hears itself. */
  async part(relayId: string, silentMs: number, group: RelayGroup): Promise<RelayElsewhere[]> {
    const db = this.#db
    const [, , { rows }] = await db.batch([
      db.execute(takeTurn()),
      db.execute(partFrom(relayId, silentMs)),
      db.execute<{ elsewhere: RelayElsewhere[] }>(elsewhereIn(group)),
    ])
    return rows[0]?.elsewhere ?? []
  }

  /** Whom of a group Postgres hears itself. */
  async meet(group: RelayGroup): Promise<RelayElsewhere[]> {
    const db = this.#db
    const [, { rows }] = await db.batch([
      db.execute(takeTurn()),
      db.execute<{ elsewhere: RelayElsewhere[] }>(elsewhereIn(group)),
    ])
    return rows[0]?.elsewhere ?? []
  }

  /** Takes back that a relay has these commands. */
  async untake(relayId: string, commands: readonly string[]): Promise<true> {
    await this.#db.execute(untaken(relayId, commands))
    return true
  }

  /** What is newer than a version (null: that is not asked), and what limits are now. */
  async look(version: number | null, limits: Omit<KnownLimit, 'limit'>[]): Promise<Glance> {
    if (version === null) {
      const { rows } = await this.#quiet.execute<{ limits: KnownLimit[] }>(limitsOf(limits))
      return { version, changed: [], limits: rows[0]?.limits ?? [] }
    }
    const { rows } = await this.#quiet.execute<Glance & Record<string, unknown>>(sql`
      select newer -> 'version' as version, newer -> 'changed' as changed, limits
      from (${newerThan(version)}) as n, (${limitsOf(limits)}) as l`)
    const [row] = rows
    if (!row) throw new Error('What is new brought no row.')
    return { ...row, version: Number(row.version) }
  }

  /** Where extensions or trunks are registered. */
  async where(ids: readonly string[]): Promise<FoundAt[]> {
    const { rows } = await this.#quiet.execute<FoundAt & Record<string, unknown>>(sql`
      select distinct coalesce(extension_id, trunk_id) as id, relay_id from bindings
      where (extension_id = any(${sql.param([...ids])}::uuid[]) or trunk_id = any(${sql.param([...ids])}::uuid[]))
        and event in ('registered', 'refreshed') and expires_at > now()`)
    return rows
  }

  get #db(): Database {
    return prepare(this.#env).db
  }

  /** For what only reads. */
  get #quiet(): Database {
    return prepare(quietly(this.#env)).db
  }
}

/** Questions which are asked one after the other. */
class QuestionQueue {
  readonly #waiting: (() => Promise<void>)[] = []
  #moves = false

  join(question: () => Promise<void>, first: boolean): void {
    if (first) this.#waiting.unshift(question)
    else this.#waiting.push(question)
    if (!this.#moves) void this.#move()
  }

  async #move(): Promise<void> {
    this.#moves = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift())
      await next().catch((error) => log('error', 'hub.failed', { causes: causesOf(error) }))
    this.#moves = false
  }
}

/** The key of a line opens nothing any more; throws whatever else went wrong. */
function refused(error: unknown): 'revoked' {
  if (error instanceof ApiError) return 'revoked'
  throw error
}
