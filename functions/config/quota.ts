import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import {
  accessKeys,
  alerts,
  drills,
  extensions,
  flows,
  numbers,
  prompts,
  providers,
  routes,
  trunks,
  webhooks,
} from '#db'
import { ApiError } from '../http/api-error.ts'
import type { Check } from '../http/check.ts'

/*
 * How much of everything one customer may have. All of it but prompts, keys, webhooks, alerts and drills is in its snapshot, which a Worker with 128 MB
 * makes and every relay keeps: what is allowed by default makes some megabytes at worst.
 */

/** What a customer makes: where it is kept, how many it may have, and the most an administrator may allow. */
const nouns = {
  providers: { table: providers, usual: 100, most: 1_000 },
  routes: { table: routes, usual: 2_000, most: 20_000 },
  extensions: { table: extensions, usual: 2_000, most: 20_000 },
  trunks: { table: trunks, usual: 100, most: 1_000 },
  numbers: { table: numbers, usual: 2_000, most: 20_000 },
  flows: { table: flows, usual: 1_000, most: 20_000 },
  prompts: { table: prompts, usual: 200, most: 5_000 },
  webhooks: { table: webhooks, usual: 100, most: 1_000 },
  alerts: { table: alerts, usual: 100, most: 1_000 },
  drills: { table: drills, usual: 20, most: 200 },
  accesskeys: { table: accessKeys, usual: 100, most: 1_000 },
} as const
export type QuotaNoun = keyof typeof nouns
export type Quotas = Record<QuotaNoun, number>

/** Other quotas than the usual, as an administrator gives them. */
export const quotasInput = z.strictObject(
  eachNoun(({ usual, most }) => z.int().min(0).max(most).default(usual)),
)

/** A customer's quotas, those which are as usual too. */
export function quotasOf(own: Partial<Quotas>): Quotas {
  return { ...eachNoun(({ usual }) => usual), ...own }
}

/** Those which are not as usual: what is kept of them. */
export function unusual(quotas: Quotas): Partial<Quotas> {
  const own = Object.entries(quotas).filter(([noun, most]) => most !== nouns[noun as QuotaNoun].usual)
  return Object.fromEntries(own)
}

/** Whether a customer may have one more of a noun. */
export function quota(noun: QuotaNoun): (customerId: string) => Check {
  return (customerId) => ({
    ask: room(noun, customerId),
    holds: hasRoom(noun, customerId),
    refuse: (rows) => refuseFull(noun, { rows: rows as Room[] }),
  })
}

function room(noun: QuotaNoun, customerId: string): SQL {
  return sql`select ${mostOf(noun)}::integer as most, ${countOf(noun, customerId)}::integer as used
    from customers c where ${alive(customerId)}`
}
interface Room extends Record<string, unknown> {
  most: number
  used: number
}

/** The condition that its customer is there and may have one more. */
function hasRoom(noun: QuotaNoun, customerId: string): SQL {
  return sql`exists (select from customers c where ${alive(customerId)} and ${countOf(noun, customerId)} < ${mostOf(noun)})`
}

/** Refuses what there was no room for. */
function refuseFull(noun: QuotaNoun, { rows: [room] }: { rows: Room[] }): void {
  if (!room) throw new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  if (room.used < room.most) return
  const more = `${remedies[noun] ?? 'delete some'}, or have an administrator raise quotas.${noun} with PATCH /v1.0/customers/{id}`
  throw new ApiError(
    'QUOTA_EXCEEDED',
    `This customer has ${room.used} ${noun} and may have ${room.most}: ${more}.`,
  )
}

/** What a customer does for room, where deleting is not enough. */
const remedies: Partial<Record<QuotaNoun, string>> = {
  prompts:
    'deleted ones count as long as their sound is kept, retention_days.prompts days; delete some and wait for that',
}

function alive(customerId: string): SQL {
  return sql`c.id = ${customerId}::uuid and c.deleted_at is null`
}

function mostOf(noun: QuotaNoun): SQL {
  return sql`coalesce((c.quotas ->> ${noun}::text)::integer, ${nouns[noun].usual}::integer)`
}

function countOf(noun: QuotaNoun, customerId: string): SQL {
  const counted = countedBy[noun] ?? sql`deleted_at is null`
  return sql`(select count(*) from ${nouns[noun].table} where customer_id = ${customerId}::uuid and ${counted})`
}

/** Which rows count, where it is not those which are not deleted: a prompt does as long as its sound is in the bucket. */
const countedBy: Partial<Record<QuotaNoun, SQL>> = {
  prompts: sql`erased_at is null`,
  accesskeys: sql`deleted_at is null and (expires_at is null or expires_at > now())`,
}

function eachNoun<Of>(of: (noun: (typeof nouns)[QuotaNoun]) => Of): Record<QuotaNoun, Of> {
  return Object.fromEntries(Object.entries(nouns).map(([noun, about]) => [noun, of(about)])) as Record<
    QuotaNoun,
    Of
  >
}
