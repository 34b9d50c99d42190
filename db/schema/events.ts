import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
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
import { PLATFORM } from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { owned } from './owned.ts'
import { deliveryStatus } from './words.ts'

/** One thing worth knowing: a provider's health changed, a call was refused. Written once, never changed. */
export const events = pgTable(
  'events',
  {
    id: uuid().primaryKey(),
    /** null: no customer's. No reference: its writer has looked the customer up, and none is ever taken away. */
    customerId: uuid(),
    /** Dotted, e.g. `provider.health_changed`. */
    type: text().notNull(),
    at: instant().notNull(),
    relayId: text(),
    /** What it is about, where it is about one thing. */
    subjectId: uuid(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    /** The order in which they were written: of two transactions at once, the later number may show first. */
    written: bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    /**
     * Rises by one with each event of a customer, in the order in which they show; those of no customer count among the
     * platform's. A trigger gives it when the transaction commits: null until then.
     */
    sequence: bigint({ mode: 'number' }),
  },
  (event) => {
    const owner = sql`coalesce(${event.customerId}, ${sql.raw(`'${PLATFORM}'::uuid`)})`
    const numbered = sql`${event.sequence} is not null`
    return [
      uniqueIndex('events_in_order').on(owner, event.sequence).where(numbered),
      index('events_of_type').on(owner, event.type, event.sequence).where(numbered),
      index('events_about').on(event.subjectId, event.sequence).where(numbered),
      index('events_not_numbered').on(event.written).where(sql`${event.sequence} is null`),
    ]
  },
)

/** How many events a customer has had: each is numbered here, by one transaction at a time. */
export const eventCounters = pgTable('event_counters', {
  customerId: uuid().primaryKey(),
  last: bigint({ mode: 'number' }).notNull(),
})

/** One place of a customer's which is told of its events. */
export const webhooks = pgTable(
  'webhooks',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    url: text().notNull(),
    /** Types of events it is told of, and beginnings of such: `call.ended`, `call.*`, `*`. */
    events: text().array().notNull(),
    enabled: boolean().notNull().default(true),
    sealedSecret: text().notNull(),
    /** The one before its rotation, which signs beside it until `previousUntil`. */
    sealedPreviousSecret: text(),
    previousUntil: instant(),
    /** Since when nothing but failure came of deliveries; null: the last one was taken. */
    failingSince: instant(),
    /** Why the edge disabled it, as a word; null: it did not. */
    disabledReason: text(),
    ...times(),
  },
  (webhook) => [
    unique('webhook_of_customer').on(webhook.customerId, webhook.id),
    index().on(webhook.customerId, webhook.createdAt, webhook.id),
  ],
)

/** One event which a webhook is to be told of: written by a trigger in the event's own transaction. */
export const deliveries = pgTable(
  'deliveries',
  {
    ...owned(),
    webhookId: uuid().notNull(),
    eventId: uuid()
      .notNull()
      .references(() => events.id),
    /** What it waits behind others for: those of one line go in the order of their events. */
    line: uuid().notNull(),
    /** The event's. */
    sequence: bigint({ mode: 'number' }).notNull(),
    status: deliveryStatus().notNull().default('waiting'),
    attempts: integer().notNull().default(0),
    /** null: it waits for one before it in its line, or for its webhook to be enabled, or is over. */
    nextTryAt: instant(),
    /** Until when a Worker is at it. One which died is at it no longer then. */
    leasedUntil: instant(),
    /** Of the last answer, and its beginning. */
    responseStatus: integer(),
    responseBody: text(),
    /** Why the last attempt failed, in words. */
    error: text(),
    createdAt: instant().notNull().default(sql`now()`),
    endedAt: instant(),
  },
  (delivery) => [
    foreignKey({
      name: 'delivery_webhook',
      columns: [delivery.customerId, delivery.webhookId],
      foreignColumns: [webhooks.customerId, webhooks.id],
    }),
    uniqueIndex('delivery_waits_once')
      .on(delivery.customerId, delivery.webhookId, delivery.eventId)
      .where(sql`${delivery.status} = 'waiting'`),
    // What is due, and who is first in its line.
    index('deliveries_due').on(delivery.nextTryAt).where(sql`${delivery.status} = 'waiting'`),
    index('deliveries_in_line')
      .on(delivery.webhookId, delivery.line, delivery.sequence)
      .where(sql`${delivery.status} = 'waiting'`),
    index('deliveries_leased')
      .on(delivery.webhookId, delivery.leasedUntil)
      .where(sql`${delivery.leasedUntil} is not null`),
    index().on(delivery.customerId, delivery.webhookId, delivery.createdAt, delivery.id),
    // An event goes with its deliveries.
    index().on(delivery.eventId),
  ],
)
