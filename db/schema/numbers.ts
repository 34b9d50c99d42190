import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { PLATFORM, type RecordAnnouncement, type RecordingMode, type RingDestination } from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { owned } from './owned.ts'
import { extensions, trunks } from './phones.ts'
import { providers } from './providers.ts'
import { ownership } from './words.ts'

/** One small program which a call follows. */
export const flows = pgTable(
  'flows',
  {
    ...owned(),
    type: text().notNull().default('flow'),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    actions: jsonb().$type<{ id: string; type: string; option?: unknown }[]>().notNull(),
    /** Variables which are set when it begins. */
    variables: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** Rises with every change of what a call follows (`flow_version`). */
    version: integer().notNull().default(1),
    ...times(),
  },
  (flow) => [
    unique('flow_of_customer').on(flow.customerId, flow.id),
    index().on(flow.customerId, flow.createdAt, flow.id),
  ],
)

/** One recorded sound of a customer's which flows play; its octets are in the bucket, by its customer and id. */
export const prompts = pgTable(
  'prompts',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    /** Of the file as relays fetch it, in lower-case hex; its octets, and how long it lasts. */
    sha256: text().notNull(),
    size: integer().notNull(),
    durationMs: integer().notNull(),
    /** When a deleted one's octets were taken out of the bucket; null: they are in it. */
    erasedAt: instant(),
    ...times(),
  },
  (prompt) => [
    index().on(prompt.customerId, prompt.createdAt, prompt.id),
    // Whose octets are to go.
    index('prompts_deleted')
      .on(prompt.deletedAt)
      .where(sql`${prompt.deletedAt} is not null and ${prompt.erasedAt} is null`),
  ],
)

/** One phone number of a customer, a range of them, or all from one provider; and who is rung when it is called. */
export const numbers = pgTable(
  'numbers',
  {
    ...owned(),
    /** E.164, the first of a range; `any` for whatever comes from `providerId`. */
    number: text().notNull(),
    /** Last number of a range: as many digits as the first. */
    numberTo: text(),
    providerCustomerId: uuid(),
    providerId: uuid(),
    /** Whether it is the customer's, or only said to be; and since when. `any` is neither. */
    ownership: ownership().notNull().default('claimed'),
    verifiedAt: instant(),
    /** ISO 3166 alpha-2, or null where the number belongs to none. */
    country: text(),
    type: text().notNull().default('normal'),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    extensionId: uuid(),
    callFlowId: uuid(),
    trunkId: uuid(),
    /** What a call to the number rings, where that is a list. */
    destinations: jsonb().$type<RingDestination[]>(),
    /** Whether calls to it are recorded. */
    record: text().$type<RecordingMode>().notNull().default('off'),
    /** What is said before that; null: nothing. */
    recordAnnouncement: jsonb().$type<RecordAnnouncement>(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (number) => [
    unique('number_of_customer').on(number.customerId, number.id),
    foreignKey({
      name: 'number_extension',
      columns: [number.customerId, number.extensionId],
      foreignColumns: [extensions.customerId, extensions.id],
    }),
    foreignKey({
      name: 'number_flow',
      columns: [number.customerId, number.callFlowId],
      foreignColumns: [flows.customerId, flows.id],
    }),
    foreignKey({
      name: 'number_trunk',
      columns: [number.customerId, number.trunkId],
      foreignColumns: [trunks.customerId, trunks.id],
    }),
    foreignKey({
      name: 'number_provider',
      columns: [number.providerCustomerId, number.providerId],
      foreignColumns: [providers.customerId, providers.id],
    }),
    check(
      'number_provider_own_or_platform',
      sql`${number.providerCustomerId} = ${number.customerId} or ${number.providerCustomerId} = ${sql.raw(`'${PLATFORM}'`)}`,
    ),
    // A number is one customer's in the world, however many say that it is theirs; and each says so once.
    uniqueIndex('number_taken')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.number} <> 'any' and ${number.ownership} <> 'claimed'`,
      ),
    uniqueIndex('number_twice')
      .on(number.customerId, number.number)
      .where(sql`${number.deletedAt} is null and ${number.number} <> 'any'`),
    uniqueIndex('number_any_taken')
      .on(number.customerId, number.providerId)
      .where(sql`${number.deletedAt} is null and ${number.number} = 'any'`),
    index('number_catch_alls')
      .on(number.providerId)
      .where(sql`${number.deletedAt} is null and ${number.number} = 'any'`),
    // What lies in a range is looked for by its beginning.
    index('number_ranges')
      .on(number.customerId, number.number)
      .where(sql`${number.deletedAt} is null and ${number.numberTo} is not null`),
    index('number_ranges_taken')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.numberTo} is not null and ${number.ownership} <> 'claimed'`,
      ),
    index().on(number.customerId, number.createdAt, number.id),
    // Whose number was called from an address which no provider or trunk lists.
    index('number_listed')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.number} <> 'any' and ${number.ownership} = 'claimed'`,
      ),
    // Which countries a customer has numbers in.
    index('number_countries')
      .on(number.customerId, number.country)
      .where(
        sql`${number.deletedAt} is null and ${number.enabled} and ${number.country} is not null and ${number.ownership} <> 'claimed'`,
      ),
  ],
)
