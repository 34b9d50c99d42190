import { type FlowAction, PLATFORM } from '#contract'
import type { ErrorCode } from '../http/operation.ts'
import type { Configured, KeptRow, ThenAndNow } from '../store/history.ts'
import { referencesIn } from './flow-actions.ts'
import { claimable } from './number-span.ts'
import type { Quotas } from './quota.ts'

/*
 * What it takes to bring a configuration back as it was, decided without a database: a row comes back whole or stays as
 * it is, and what leans on one which stays, stays too.
 */

/** What does not come back, or which field of it. */
export interface LeftOut {
  readonly resource_type: Configured
  readonly resource_id: string
  /** null: all of it stays as it is. */
  readonly field: string | null
  readonly reason: ErrorCode
  readonly message: string
}

/** One thing which changes, goes, or comes back though it was deleted. */
export interface RestorationStep {
  readonly type: Configured
  readonly id: string
  readonly action: 'changed' | 'deleted' | 'restored'
  /** The row as it is to be, by its columns' names; null: it goes. */
  readonly row: KeptRow | null
}

/** How a configuration becomes what it was. */
export interface RestorationPlan {
  readonly steps: readonly RestorationStep[]
  readonly leftOut: readonly LeftOut[]
}

/** The rights and quotas which a restoration is planned under, and what was found to stand in its way. */
export interface Terms {
  readonly admin: boolean
  readonly quotas: Quotas
  readonly refused: readonly LeftOut[]
}

/** Plans how rows become what they were. */
export function planFor(rows: readonly ThenAndNow[], { admin, quotas, refused }: Terms): RestorationPlan {
  const items = rows.map((row) => itemOf(row, admin))
  const stays = new Map(refused.map((one) => [one.resource_id, one]))
  for (const item of items.filter(({ moves }) => moves)) note(stays, unfit(item, admin))
  while (settled(items, stays, quotas) > 0) {
    // What stays may keep others.
  }
  const free = items.filter(({ id }) => !stays.has(id))
  const steps = free.filter(({ moves }) => moves).map(stepOf)
  return { steps, leftOut: [...stays.values(), ...free.flatMap(keptFields)] }
}

/** One row: as it was, as it is and as it may become. null: it is not there, or deleted. */
interface Item {
  readonly type: Configured
  readonly id: string
  readonly past: KeptRow | null
  readonly present: KeptRow | null
  readonly wanted: KeptRow | null
  /** The row as it is, a deleted one too. */
  readonly stored: KeptRow | null
  readonly moves: boolean
}

function itemOf({ type, id, past, present }: ThenAndNow, admin: boolean): Item {
  const stored = present ?? past
  const [was, is] = [live(past), live(stored)]
  const wanted = was && { ...asItMay(type, was, is, admin), ...guardOf(stored) }
  return { type, id, past: was, present: is, wanted, stored, moves: compared(wanted) !== compared(is) }
}

/** The row, or null where it was not there or deleted. */
export function live(row: KeptRow | null): KeptRow | null {
  return row !== null && row.deleted_at === null ? row : null
}

/** A row as it was, but for what is another's word: quotas, and whose a number is. */
function asItMay(type: Configured, past: KeptRow, present: KeptRow | null, admin: boolean): KeptRow {
  if (type === 'customer') return { ...past, quotas: present?.quotas }
  if (type !== 'number') return past
  const { ownership, verified_at } = present ?? ownedAnew(past, admin)
  return { ...past, ownership, verified_at }
}

/** What was blocked or released stays so: neither is undone by the way. */
function guardOf(stored: KeptRow | null): KeptRow {
  if (!stored || !('outbound_blocked' in stored)) return {}
  const { outbound_blocked, known_countries, released_at } = stored
  return { outbound_blocked, known_countries, released_at }
}

/** A number which was deleted is claimed, like any number its customer makes; an administrator assigns what was assigned. */
function ownedAnew(past: KeptRow, admin: boolean): KeptRow {
  return admin && past.ownership === 'assigned' ? past : { ownership: 'claimed', verified_at: null }
}

/** What of a row is brought back, in one text. */
function compared(row: KeptRow | null): string {
  if (row === null) return ''
  const passedOver = ['updated_at', 'password_set']
  const entries = Object.entries(row).filter(([key]) => !passedOver.includes(key))
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function stepOf({ type, id, wanted, present }: Item): RestorationStep {
  return { type, id, row: wanted, action: wanted === null ? 'deleted' : present ? 'changed' : 'restored' }
}

type Stays = Map<string, LeftOut>

function note(stays: Stays, one: LeftOut | undefined): void {
  if (one && !stays.has(one.resource_id)) stays.set(one.resource_id, one)
}

function leftOut(
  { type, id }: Item,
  reason: ErrorCode,
  message: string,
  field: string | null = null,
): LeftOut {
  return { resource_type: type, resource_id: id, field, reason, message }
}

/** What of a row itself stands in its way. */
function unfit(item: Item, admin: boolean): LeftOut | undefined {
  if (item.wanted === null) return undefined
  if (item.type === 'provider' || item.type === 'trunk') return withoutPassword(item)
  if (item.type === 'number' && !item.present && !admin) return notItsToSay(item, item.wanted)
  return undefined
}

/** What is kept of a trunk's password is of one username; a provider's may have been forgotten. */
function withoutPassword(item: Item): LeftOut | undefined {
  const { type, past, stored } = item
  if (past?.password_set !== true || past.username === null) return undefined
  const known = stored?.password_set === true && (type !== 'trunk' || stored.username === past.username)
  return known
    ? undefined
    : leftOut(item, 'PASSWORD_UNKNOWN', 'The password which it had then is not known any more.')
}

/** A customer may claim less than an administrator assigns. */
function notItsToSay(item: Item, { number, provider_customer_id, customer_id, ...row }: KeptRow) {
  if (number === 'any' && provider_customer_id === PLATFORM && customer_id !== PLATFORM)
    return leftOut(
      item,
      'PERMISSION_DENIED',
      'Only an administrator gives away calls of the platform’s provider.',
    )
  if (row.number_to === null) return undefined
  const count = Number(row.number_to) - Number(number) + 1
  return count > claimable
    ? leftOut(
        item,
        'PERMISSION_DENIED',
        `Only an administrator assigns more than ${claimable} numbers at once.`,
      )
    : undefined
}

/** Leaves out what cannot be beside what stays, and says how much that was. */
function settled(items: readonly Item[], stays: Stays, quotas: Quotas): number {
  const before = stays.size
  leaveLeaning(items, stays)
  if (stays.size === before) leaveBeyond(items, stays, quotas)
  return stays.size - before
}

/** How a row will be, as far as is known. */
function outcome({ id, present, wanted }: Item, stays: Stays): KeptRow | null {
  return stays.has(id) ? present : wanted
}

/** Nothing leads to what is not there: neither what comes back, nor what stays. */
function leaveLeaning(items: readonly Item[], stays: Stays): void {
  const there = new Set(items.flatMap((item) => namesOf(item, outcome(item, stays))))
  const was = new Set(items.flatMap((item) => namesOf(item, item.past)))
  const gone = new Map(items.flatMap((item) => namesOf(item, item.present).map((name) => [name, item])))
  for (const item of items) {
    const missing = leadsOf(item.type, outcome(item, stays)).find(
      ([, to]) => !there.has(to) && (was.has(to) || gone.has(to)),
    )
    if (missing === undefined) continue
    const [field, to] = missing
    const removed = gone.get(to)
    if (!stays.has(item.id) && item.moves)
      note(stays, leftOut(item, 'REFERENCE_NOT_FOUND', `${field} names what does not come back.`))
    else if (removed?.moves)
      note(
        stays,
        leftOut(
          removed,
          inUse[removed.type],
          `The ${item.type} ${item.id}, which stays as it is, leads to it.`,
        ),
      )
  }
}

const inUse: Readonly<Record<Configured, ErrorCode>> = {
  customer: 'CUSTOMER_IN_USE',
  provider: 'PROVIDER_IN_USE',
  route: 'REFERENCE_NOT_FOUND',
  extension: 'EXTENSION_IN_USE',
  trunk: 'TRUNK_IN_USE',
  flow: 'FLOW_IN_USE',
  number: 'NUMBER_IN_USE',
}

/** By what others lead to a row. */
function namesOf({ type, id }: Item, row: KeptRow | null): string[] {
  if (row === null) return []
  if (type === 'extension') return [id, `extension ${row.extension}`]
  return type === 'trunk' ? [id, `trunk ${row.domain_name}`] : [id]
}

/** Where a row leads of what is its customer's own, by field. */
function leadsOf(type: Configured, row: KeptRow | null): [field: string, to: string][] {
  if (row === null) return []
  const fields = references[type].map((field): [string, unknown] => [field, row[field]])
  const provider: [string, unknown][] =
    row.provider_customer_id === row.customer_id ? [['provider_id', row.provider_id]] : []
  const rings: [string, unknown][] = type === 'flow' ? ledTo(row).map((to) => ['actions', to]) : []
  return [...fields, ...provider, ...rings].filter(
    (lead): lead is [string, string] => typeof lead[1] === 'string',
  )
}

const references: Readonly<Record<Configured, readonly string[]>> = {
  customer: ['default_outgoing_number_id'],
  provider: [],
  route: [],
  extension: [],
  trunk: [],
  flow: [],
  number: ['extension_id', 'call_flow_id', 'trunk_id'],
}

/** What a flow's actions name. */
function ledTo({ actions }: KeptRow): string[] {
  return referencesIn(actions as FlowAction[]).map(({ kind, name }) =>
    kind === 'flow' ? name : `${kind} ${name}`,
  )
}

/** What would be more than its customer may have stays deleted, the youngest first. */
function leaveBeyond(items: readonly Item[], stays: Stays, quotas: Quotas): void {
  for (const [type, noun] of Object.entries(counted)) {
    const there = items.filter((item) => item.type === type && outcome(item, stays) !== null)
    const anew = there.filter(({ present }) => present === null).sort(youngestFirst)
    const beyond = Math.max(0, there.length - quotas[noun])
    for (const item of anew.slice(0, beyond))
      note(stays, leftOut(item, 'QUOTA_EXCEEDED', `This customer may have ${quotas[noun]} ${noun}.`))
  }
}

const counted = {
  provider: 'providers',
  route: 'routes',
  extension: 'extensions',
  trunk: 'trunks',
  flow: 'flows',
  number: 'numbers',
} as const

function youngestFirst(a: Item, b: Item): number {
  return String(a.past?.created_at) < String(b.past?.created_at) ? 1 : -1
}

/** The fields which stay as they are though the rest comes back. */
function keptFields(item: Item): LeftOut[] {
  const { type, past, wanted } = item
  if (past === null || wanted === null) return []
  if (type === 'customer' && compared({ is: past.quotas }) !== compared({ is: wanted.quotas }))
    return [leftOut(item, 'PERMISSION_DENIED', 'Quotas stay as an administrator has set them.', 'quotas')]
  if (type === 'number' && past.ownership !== wanted.ownership)
    return [
      leftOut(
        item,
        'PERMISSION_DENIED',
        `It was ${past.ownership} then, and is ${wanted.ownership} now.`,
        'ownership',
      ),
    ]
  return []
}
