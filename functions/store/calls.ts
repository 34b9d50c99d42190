import { sql } from 'drizzle-orm'
import {
  type BindingReason,
  type BindingTell,
  bindingReasons,
  type CallTell,
  type EventTell,
  type Explanation,
  type RelayTell,
  type TellReceipt,
} from '#contract'
import type { Database } from '#db'
import { readNumber } from '#routing'
import { WrittenStatement } from '../written-statement.ts'
import { endLost } from './lost-calls.ts'
import { verify } from './proof.ts'
import { type Kinds, type StoredRow, type StoreValues, storingAll } from './storing.ts'

/**
 * Stores what was told, in one statement. Hearing it twice, or late, ends where hearing it once would.
 *
 * What concerns a customer that never was is refused; an account that is gone is no news, and accepted.
 * A call's attempts at providers are rows too: a provider's figures are counted from them.
 */
export async function store(db: Database, tells: Fact[]): Promise<StoredReceipt> {
  const { rows } = await storing(tells).ask<StoredRow>(db, {
    bindings: told(tells, 'binding', bindingRow),
    calls: newest(tells),
    events: told(tells, 'event', eventRow),
  })
  const [stored] = rows
  if (stored?.proved) await verify(db, stored.proved)
  const { customers, unheard, told: hurry } = stored ?? { customers: null, unheard: null, told: false }
  return { ...receipt(tells, new Set(customers ?? [])), unheard: unheard ?? [], told: hurry }
}

/** The statement which stores tells, by the kinds they are of. */
const statements = new Map<string, WrittenStatement<keyof StoreValues>>()

function storing(tells: Fact[]): WrittenStatement<keyof StoreValues> {
  const kinds: Kinds = {
    binding: tells.some(({ kind }) => kind === 'binding'),
    call: tells.some(({ kind }) => kind === 'call'),
    event: tells.some(({ kind }) => kind === 'event'),
    refused: tells.some(isRefused),
  }
  const name = JSON.stringify(kinds)
  const statement =
    statements.get(name) ?? new WrittenStatement((values: StoreValues) => storingAll(values, kinds))
  statements.set(name, statement)
  return statement
}

function isRefused(told: Fact): boolean {
  return told.kind === 'call' && (told.call.reject_reason !== null || told.call.decision?.suspicion != null)
}

/** What became of tells; `told`: there are webhooks to be told of it. */
export type StoredReceipt = TellReceipt & { readonly told: boolean }

/**
 * Ends the calls a relay had before it began anew. How long they went on is not known: until now at most. They are locked in the
 * order in which what is told of calls is stored: neither waits for the other.
 */
export async function endBefore(db: Database, { relay_id, at }: RelayTell): Promise<void> {
  const began = sql`${at}::timestamptz`
  const why = sql`'The relay ' || c.relay_id || ' began anew while it carried the call.'`
  const before = sql`c.id = any(array(select id from calls
    where relay_id = ${relay_id} and started_at < ${began} and status <> 'hangup' order by id for no key update))`
  await db.execute(endLost(before, began, why))
}

/** What `store` takes: everything but a relay's beginning. */
export type Fact = BindingTell | CallTell | EventTell
type ToldRow = { sequence: number; decision?: Explanation | null | undefined }

/** The newest word on each call, as JSON: one statement may touch a row only once. */
function newest(tells: Fact[]): string {
  const rows = new Map<string, ToldRow>()
  tells.forEach((one, nth) => {
    if (one.kind !== 'call') return
    const { call_id } = one.call
    const other = rows.get(call_id)
    const row = callRow(one, nth)
    rows.set(call_id, other ? newer(other, row) : row)
  })
  return JSON.stringify([...rows.values()])
}

/** The later of two, with the decision of the earlier where it brings none: a relay tells it once. */
function newer(one: ToldRow, other: ToldRow): ToldRow {
  const [last, first] = one.sequence > other.sequence ? [one, other] : [other, one]
  return { ...last, decision: last.decision ?? first.decision }
}

/** Those of a kind, as JSON, each with its place among all: they are in the order in which the relay told them. */
function told<Kind extends Fact['kind']>(
  tells: Fact[],
  kind: Kind,
  rowOf: (told: Extract<Fact, { kind: Kind }>) => object,
): string {
  const isOf = (one: Fact): one is Extract<Fact, { kind: Kind }> => one.kind === kind
  return JSON.stringify(tells.flatMap((one, nth) => (isOf(one) ? [{ ...rowOf(one), nth }] : [])))
}

function eventRow(told: EventTell) {
  return told
}

function bindingRow({ binding, tell_id, at, sequence, event, reason, moved_from }: BindingTell) {
  const why = whyOf(reason) ?? (event === 'expired' ? bindingReasons.NOT_REFRESHED : '')
  return { ...binding, tell_id, at, sequence, event, reason, why, moved_from }
}

function whyOf(reason: string): string | undefined {
  return Object.hasOwn(bindingReasons, reason) ? bindingReasons[reason as BindingReason] : undefined
}

function callRow({ call, sequence }: CallTell, nth: number) {
  const { held = [], muted = [] } = call
  return { ...call, held, muted, sequence, nth, route_id: routeOf(call), country: countryOf(call) }
}

/** The route by which it went to its provider, or to the last one which was tried. */
function routeOf({ attempts }: CallTell['call']): string | null {
  return attempts.findLast(({ provider_id, counts }) => provider_id !== null && counts)?.route_id ?? null
}

/** The country of the far number; null: it has none which tells it, as a short one. */
function countryOf({ direction, source, destination }: CallTell['call']): string | null {
  const far = direction === 'incoming' ? source : destination
  if (direction === 'internal' || far.type !== 'tel' || !far.target.startsWith('+')) return null
  const read = readNumber(far.target, 'US')
  return read.kind === 'number' ? read.country : null
}

function receipt(tells: Fact[], customers: Set<string>): Pick<TellReceipt, 'accepted' | 'refused'> {
  const known = (told: Fact) => {
    const customerId = customerOf(told)
    return customerId === null || customers.has(customerId)
  }
  return {
    accepted: tells.filter(known).map(({ tell_id }) => tell_id),
    refused: tells
      .filter((told) => !known(told))
      .map(({ tell_id }) => ({ tell_id, why: 'there is no such customer' })),
  }
}

function customerOf(told: Fact): string | null {
  if (told.kind === 'event') return told.customer_id
  return told.kind === 'binding' ? told.binding.customer_id : told.call.customer_id
}
