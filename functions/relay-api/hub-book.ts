import { utcNow } from '../clock.ts'
import type { RelayRecord } from '../hub/events.ts'
import { onlyGroup, type RelayGroup } from '../hub/groups.ts'
import { causesOf, log } from '../log.ts'

/** What a relay said, and was granted, is written down no later than this. */
const writeWithinMs = 3_000
/** What commands came to is known so long to those who ask late: the latest of them. */
const resultsAtMost = 1_000

/**
 * What of relays outlasts the hub's memory, in its object's storage. Who is on the line is written at once; what it said
 * and was granted within three seconds, long before the object may be put to sleep.
 */
export class HubBook {
  readonly #sql: SqlStorage
  readonly #waiting = new Map<string, RelayRecord>()
  #dueAt = Number.POSITIVE_INFINITY
  readonly #known = new Set<string>()
  readonly #results = new Map<string, unknown>()

  constructor({ sql }: Pick<DurableObjectStorage, 'sql'>) {
    this.#sql = sql
    sql.exec('create table if not exists relays (id text primary key, record text not null)')
    sql.exec(
      'create table if not exists stands (one integer primary key, groupnumber integer, groups integer)',
    )
  }

  /** All that was kept. */
  records(): Map<string, RelayRecord> {
    const rows = this.#sql.exec<{ id: string; record: string }>('select id, record from relays').toArray()
    for (const { id } of rows) this.#known.add(id)
    return new Map(rows.map(({ id, record }) => [id, JSON.parse(record) as RelayRecord]))
  }

  /** Whose hub it is, as it was told when it was asked first; all relays', where it was before there were groups. */
  get group(): RelayGroup {
    const [row] = this.#sql
      .exec<{ number: number; of: number }>('select groupnumber as number, groups as "of" from stands')
      .toArray()
    return row ? { number: row.number, of: row.of } : onlyGroup
  }

  standFor({ number, of }: RelayGroup): void {
    this.#sql.exec(
      'insert into stands (one, groupnumber, groups) values (1, ?, ?) on conflict (one) do update set groupnumber = excluded.groupnumber, groups = excluded.groups',
      number,
      of,
    )
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#sql.exec('delete from relays')
  }

  /** When to write; infinite: there is nothing to write. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** undefined: the relay is no more. */
  keep(relayId: string, record: RelayRecord | undefined): void {
    if (record === undefined) return this.#drop(relayId)
    this.#waiting.set(relayId, record)
    this.#dueAt = Math.min(this.#dueAt, utcNow() + writeWithinMs)
    if (!this.#known.has(relayId)) this.write()
  }

  /** Writes what has not been written; throws never. */
  write(): void {
    for (const [relayId, record] of this.#waiting) this.#write(relayId, JSON.stringify(record))
    this.#waiting.clear()
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  /** One which cannot be written, as it is larger than a row may be, is not to be taken for what it was before either. */
  #write(relayId: string, record: string): void {
    this.#known.add(relayId)
    const written = this.#tried(relayId, () =>
      this.#sql.exec(
        'insert into relays (id, record) values (?, ?) on conflict (id) do update set record = excluded.record',
        relayId,
        record,
      ),
    )
    if (!written) this.#erase(relayId)
  }

  #erase(relayId: string): void {
    this.#tried(relayId, () => this.#sql.exec('delete from relays where id = ?', relayId))
  }

  #tried(relayId: string, work: () => unknown): boolean {
    try {
      work()
      return true
    } catch (error) {
      log('error', 'hub.unwritten', { relay_id: relayId, causes: causesOf(error) })
      return false
    }
  }

  keepResult(commandId: string, result: unknown): void {
    this.#results.set(commandId, result)
    const [oldest] = this.#results.keys()
    if (this.#results.size > resultsAtMost && oldest !== undefined) this.#results.delete(oldest)
  }

  /** undefined: it came to nothing yet, as far as is known here. */
  result(commandId: string): unknown {
    return this.#results.get(commandId)
  }

  #drop(relayId: string): void {
    this.#waiting.delete(relayId)
    this.#known.delete(relayId)
    this.#erase(relayId)
  }
}
