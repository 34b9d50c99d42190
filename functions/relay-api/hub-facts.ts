import { type SQL, sql } from 'drizzle-orm'
import type { Beat, FoundAt } from '#contract'
import type { Database } from '#db'
import { judgeAlerts } from '../alerts/evaluator.ts'
import { utcNow } from '../clock.ts'
import { prepare, quietly } from '../env.ts'
import { dispatcherOf } from '../events/dispatcher.ts'
import { dueNow } from '../events/outbox.ts'
import { ApiError } from '../http/api-error.ts'
import { guardedBy } from '../http/relay-guard.ts'
import { groupsOf } from '../hub/binding.ts'
import type { Glance, HubTurn, RelayElsewhere, RelayOrders } from '../hub/events.ts'
import type { RelayGroup } from '../hub/groups.ts'
import type { KnownLimit } from '../hub/limit.ts'
import { KnownRelayKeys } from '../known-relay-keys.ts'
import { causesOf, log } from '../log.ts'
import type { PresentedKey } from '../relay-key.ts'
import { alertsDueNow } from '../store/alert-work.ts'
import { carryOut, concluded, isProcess, ordersFor, untaken } from '../store/commands.ts'
import { takeTurn } from '../store/hearing.ts'
import { elsewhereIn, limitsOf, newerThan, partFrom } from '../store/hub-turn.ts'
import { endCallsOf, hasCalls } from '../store/lost-calls.ts'
import { missRelay } from '../store/relay-presence.ts'
import { judge } from './judge.ts'
import { QuestionQueue } from './question-queue.ts'

/**
 * What the hub asks Postgres, and tells it: one question after the other, first what a relay waits for, but that what is new is not
 * waited for behind all relays' turns.
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
    what: 'beat' | 'turn' | 'order' | 'part' | 'meet' | 'look',
    question: () => Promise<Answer>,
    hear: (answer: Answer | undefined) => void,
  ): void {
    const queue = what === 'look' ? this.#looks : this.#turns
    queue.join(async () => hear(await this.#answered(what, question)), what === 'order' || what === 'beat')
  }

  /** Asks at once, beside what waits: one statement or two of a relay's own, which need no turn. */
  askAside<Answer>(
    what: 'order' | 'outcome' | 'loss',
    question: () => Promise<Answer>,
    hear: (answer: Answer | undefined) => void,
  ): void {
    void this.#answered(what, question)
      .then(hear)
      .catch((error) => log('error', 'hub.failed', { causes: causesOf(error) }))
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
    const { settings } = prepare(this.#env)
    const judged = await judge(this.#guarded(key), beat, 'hub', groupsOf(this.#env)).catch(refused)
    if (judged === 'replaced' || judged === 'revoked') return judged
    const { answer, limits, elsewhere, deliveriesDue, alertsDue } = judged
    this.#hurry({ alertsDue, deliveriesDue })
    return { answer: { ...answer, base_domain: settings.BASE_DOMAIN }, limits, elsewhere }
  }

  /** What is ordered of a relay's process; `key`: if that key is still good. */
  async orders(
    relay_id: string,
    boot_id: string,
    key: PresentedKey | undefined,
  ): Promise<RelayOrders | 'revoked'> {
    try {
      const { rows } = await this.#guarded(key).execute<{ orders: RelayOrders }>(
        ordersFor({ relay_id, boot_id }),
      )
      return rows[0]?.orders ?? { commands: [], ends: [] }
    } catch (error) {
      return refused(error)
    }
  }

  /** Has Postgres hear what orders came to, as a relay's process says in its beat; `key`: if that key is still good. */
  async conclude(beat: Beat, key: PresentedKey | undefined): Promise<'done' | 'replaced' | 'revoked'> {
    const [db, its] = [this.#guarded(key), isProcess(beat)]
    const execute = (statement: SQL) =>
      db.execute<{ its?: boolean; deliveries_due?: boolean; alerts_due?: boolean }>(statement)
    try {
      const answers = await db.batch([
        execute(sql`select ${its} as its`),
        execute(carryOut(beat, its)),
        ...(beat.ended.length > 0 ? [execute(concluded(beat, its))] : []),
        execute(dueNow()),
        execute(alertsDueNow()),
      ])
      const words = answers.flatMap(({ rows }) => rows)
      if (words.some(({ its }) => its === false)) return 'replaced'
      this.#hurry({
        alertsDue: words.some(({ alerts_due }) => alerts_due),
        deliveriesDue: words.some(({ deliveries_due }) => deliveries_due),
      })
      return 'done'
    } catch (error) {
      return refused(error)
    }
  }

  #guarded(key: PresentedKey | undefined): Database {
    return key ? guardedBy(this.#db, key, new KnownRelayKeys(), utcNow) : this.#db
  }

  #hurry({ alertsDue, deliveriesDue }: { alertsDue: boolean; deliveriesDue: boolean }): void {
    if (alertsDue) void judgeAlerts(this.#db).then(() => dispatcherOf(this.#env).hurry())
    else if (deliveriesDue) void dispatcherOf(this.#env).hurry()
  }

  /** Writes down that a relay is gone, silent for so long, and says which relays Postgres hears itself. */
  async part(relayId: string, silentMs: number, group: RelayGroup): Promise<RelayElsewhere[]> {
    const db = this.#db
    const [, , { rows }] = await db.batch([
      db.execute(takeTurn()),
      db.execute(partFrom(relayId, silentMs)),
      db.execute<{ elsewhere: RelayElsewhere[] }>(elsewhereIn(group)),
    ])
    return rows[0]?.elsewhere ?? []
  }

  /** Writes down that a relay is lost, which is not heard, and ends its calls: so many at once, until all are. */
  async lose(relayId: string): Promise<void> {
    const db = this.#db
    for (let [left, times] = [true, 0]; left && times < partsAtMost; times += 1) {
      const answers = await db.batch([
        db.execute(missRelay(relayId)),
        db.execute(endCallsOf(relayId)),
        db.execute<{ left: boolean }>(hasCalls(relayId)),
        db.execute<{ deliveries_due: boolean }>(dueNow()),
        db.execute<{ alerts_due: boolean }>(alertsDueNow()),
      ])
      const [, , { rows: calls }, { rows: deliveries }, { rows: alerts }] = answers
      left = calls[0]?.left === true
      this.#hurry({
        alertsDue: alerts[0]?.alerts_due === true,
        deliveriesDue: deliveries[0]?.deliveries_due === true,
      })
    }
  }

  /** The relays of a group which Postgres hears itself. */
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

/** Of what is ended in parts so many at most: the rest is others' to see to, later. */
const partsAtMost = 40

/** The key of a line opens nothing any more; throws whatever else went wrong. */
function refused(error: unknown): 'revoked' {
  if (error instanceof ApiError) return 'revoked'
  throw error
}
