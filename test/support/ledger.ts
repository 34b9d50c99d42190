import type { Api, Row } from './api.ts'
import { soon } from './wait.ts'

/** A call as whoever placed it saw it. */
export interface Entry {
  readonly direction: 'outgoing' | 'incoming'
  /** The caller heard a 200. */
  answered: boolean
  /** It was refused before all who are needed were there: of many such calls relays tell one. */
  early?: boolean
}

/** Calls placed, by the caller's Call-ID. */
export type Ledger = Map<string, Entry>

/** The records of a customer's calls, but for those of `before`, once all are over and agree with the ledger; and where they never do, why not. */
export async function reconciled(
  api: Api,
  ledger: Ledger,
  before: ReadonlySet<string> = new Set(),
): Promise<{ records: Row[]; discrepancies: string[] }> {
  let found = { records: [] as Row[], discrepancies: ['nobody looked'] }
  const look = async () => {
    const records = (await api.list('/calls?page_size=100')).filter(({ id }) => !before.has(id))
    found = { records, discrepancies: discrepancies(ledger, records) }
    return found.discrepancies.length === 0
  }
  await soon('the records to agree with the ledger', look, 60_000, 500).catch(() => undefined)
  return found
}

/**
 * A sentence for each call which has no record, another record than it should have, or more than one.
 *
 * A relay which is killed while it sets up a call may be asked for it again: then what never was answered and
 * ended as `relay_lost` is no second call.
 */
export function discrepancies(ledger: Ledger, records: readonly Row[]): string[] {
  const byCall = Map.groupBy(records, ({ sip_call_id }) => String(sip_call_id))
  const missing = [...ledger]
    .filter(([id, { early }]) => !byCall.has(id) && !early)
    .map(
      ([id, { direction, answered }]) =>
        `${id}, ${direction}, ${answered ? '' : 'not '}answered, has no record`,
    )
  const wrong = [...byCall].flatMap(([id, all]) => {
    const entry = ledger.get(id)
    if (!entry) return [`nobody placed ${id}`]
    const lost = all.filter((one) => one.hangup_reason === 'relay_lost' && one.tm_progressing === null)
    const [record, ...more] = all.length > 1 ? all.filter((one) => !lost.includes(one)) : all
    if (!record || more.length > 0) return [`${id} has ${all.length} records`]
    return flaws(id, entry, record)
  })
  return [...missing, ...wrong]
}

function flaws(id: string, { direction, answered }: Entry, record: Row): string[] {
  if (record.status !== 'hangup') return [`${id} is ${record.status}`]
  if (record.direction !== direction)
    return [`${id} was ${direction}, and is recorded as ${record.direction}`]
  const says = record.tm_progressing !== null
  if (says !== answered)
    return [`${id} was ${answered ? '' : 'not '}answered, and is recorded as ${says ? '' : 'not '}answered`]
  return []
}

/** Who decided a recorded call, and on how old a snapshot. */
export function decisionOf({ decision }: Row): { by: string; ageMs: number } {
  const { decided_by, snapshot_age_ms } = (decision ?? {}) as {
    decided_by?: string
    snapshot_age_ms?: number | null
  }
  return { by: decided_by ?? 'nobody', ageMs: snapshot_age_ms ?? -1 }
}
