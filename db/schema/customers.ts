import { sql } from 'drizzle-orm'
import { bigint, boolean, check, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { DigestAlgorithm } from '#contract'
import { guards, limits, times } from './columns.ts'

/** One row: the number of the last change to any customer's configuration. Each change waits here for the one before. */
export const configuration = pgTable(
  'configuration',
  { only: boolean().primaryKey().default(true), version: bigint({ mode: 'number' }).notNull().default(0) },
  (row) => [check('configuration_is_one_row', sql`${row.only}`)],
)

/** One company: everything below belongs to exactly one. */
export const customers = pgTable(
  'customers',
  {
    id: uuid().primaryKey(),
    /** `{registrarName}.registrar.{base}` is a domain of its phones beside `{id}.registrar.{base}`; null: there is none. */
    registrarName: text(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    email: text().notNull().default(''),
    /** Country of numbers dialled without one, and its calling code. */
    defaultCountry: text().notNull().default('US'),
    callingCode: text().notNull().default('1'),
    /** Countries that may be called; null: the default one and those of the customer's numbers. */
    destinationWhitelist: text().array(),
    requireCallerId: boolean().notNull().default(false),
    defaultOutgoingNumberId: uuid(),
    useDefaultRoutes: boolean().notNull().default(true),
    /** Whether the names which its callers give themselves go to providers. */
    passDisplayName: boolean().notNull().default(false),
    /** Whether the SIP messages of its calls are kept. */
    captureMessages: boolean().notNull().default(false),
    digestAlgorithms: text().array().$type<DigestAlgorithm[]>().notNull().default(['MD5']),
    /** Beginnings of E.164 numbers which this customer's accounts may not call. */
    blockedPrefixes: text().array().notNull().default([]),
    ...limits(),
    ...guards(),
    /** How many of everything it may have, where that is not as usual: by noun. */
    quotas: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** For how many days what happened is kept, where that is not as the platform is set: by noun. */
    retention: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** The number of the last change to anything the customer configures; triggers see to it. */
    version: bigint({ mode: 'number' }).notNull().default(0),
    ...times(),
  },
  (customer) => [
    uniqueIndex('registrar_name_taken').on(customer.registrarName).where(sql`${customer.deletedAt} is null`),
  ],
)
