import { sql } from 'drizzle-orm'
import { boolean, integer, text } from 'drizzle-orm/pg-core'
import type { NewCountryPolicy } from '#contract'
import { instant } from '../instant.ts'

/** Limits of a customer, extension or trunk; null: none. */
export function limits() {
  return { maxChannels: integer(), maxCps: integer(), maxDailyMinutes: integer() }
}

/** What guards the calls out of a customer, extension or trunk against fraud. */
export function guards() {
  return {
    /** They are refused until it is released. */
    outboundBlocked: boolean().notNull().default(false),
    /** Calls begun; null: any number. What was begun before `releasedAt` counts no more. */
    maxCallsPerMinute: integer(),
    maxCallsPerHour: integer(),
    releasedAt: instant(),
    /** What becomes of the first call to a country: `allow`, `alert` or `refuse`; null: as the customer says, else `allow`. */
    newCountries: text().$type<NewCountryPolicy>(),
    /** Countries which are not new, beside the own ones. */
    knownCountries: text().array().notNull().default([]),
  }
}

/** And ends with. Deletes are soft: records still name what is gone. */
export function times() {
  return {
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant(),
    deletedAt: instant(),
  }
}
