import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { AlertCondition } from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { customers } from './customers.ts'
import { webhooks } from './events.ts'
import { owned } from './owned.ts'
import { alertFormat } from './words.ts'

/** One thing a customer wants to be told of as soon as it is so. */
export const alerts = pgTable(
  'alerts',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    when: jsonb().$type<AlertCondition>().notNull(),
    /** What it is about; null: everything of the customer's that its kind is about. */
    extensionId: uuid(),
    trunkId: uuid(),
    providerId: uuid(),
    routeId: uuid(),
    country: text(),
    minSamples: integer().notNull().default(20),
    /** Where it is told always, and how; null: by its events alone. */
    webhookId: uuid(),
    format: alertFormat().notNull().default('standard'),
    /** PagerDuty's integration key. */
    sealedRoutingKey: text(),
    enabled: boolean().notNull().default(true),
    /** Types of the facts which its kind follows from. */
    fedBy: text().array().notNull(),
    /** Since when it watches for what it does now. */
    since: instant().notNull().default(sql`now()`),
    ...times(),
  },
  (alert) => [
    unique('alert_of_customer').on(alert.customerId, alert.id),
    foreignKey({
      name: 'alert_webhook',
      columns: [alert.customerId, alert.webhookId],
      foreignColumns: [webhooks.customerId, webhooks.id],
    }),
    index().on(alert.customerId, alert.createdAt, alert.id),
    // Whether a fact is of any interest.
    index('alerts_watching').on(alert.customerId).where(sql`${alert.enabled} and ${alert.deletedAt} is null`),
  ],
)

/** A test call which sees the world as if a provider were down. Its runs are `commands` of the kind `drill`. */
export const drills = pgTable(
  'drills',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    /** The provider which is taken to be down; null: none. */
    assume: jsonb().$type<{ provider_id: string; down: true }>(),
    /** The test call as it was written, and as it was understood: caller, number shown, number called. */
    call: jsonb()
      .$type<{
        from: string | null
        to: string
        extension_id: string | null
        shown: string | null
        e164: string
      }>()
      .notNull(),
    schedule: jsonb().$type<{ every_minutes: number } | { at: string; time_zone: string; days: number[] }>(),
    enabled: boolean().notNull().default(true),
    /** When it runs next by itself, and when a run which goes on is given up. */
    nextRunAt: instant(),
    lostAt: instant(),
    ...times(),
  },
  (drill) => [
    index().on(drill.customerId, drill.createdAt, drill.id),
    index('drills_due')
      .on(sql`least(${drill.nextRunAt}, ${drill.lostAt})`)
      .where(sql`${drill.deletedAt} is null`),
  ],
)

/** How often a customer's alerts were judged: who judges them raises it, and of two at once one finds it raised. */
export const alertJudgements = pgTable('alert_judgements', {
  customerId: uuid()
    .primaryKey()
    .references(() => customers.id),
  version: bigint({ mode: 'number' }).notNull().default(0),
})

/** One fact which alerts of its customer wait for: written by triggers with what it is about, gone once they are judged. */
export const alertFacts = pgTable(
  'alert_facts',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
    /** An event's type, or `call_began`, `call_ended`, `call_heard`, `binding`, `alert`. */
    type: text().notNull(),
    /** The event's, or the call, the extension or trunk, the alert. */
    subjectId: uuid(),
    at: instant().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  },
  (fact) => [index().on(fact.customerId, fact.id)],
)

/** What an alert remembers of one thing it is about. */
export const alertStates = pgTable(
  'alert_states',
  {
    customerId: uuid().notNull(),
    alertId: uuid().notNull(),
    /** An account's, provider's or route's id, an address, a country; the customer's id. */
    subject: text().notNull(),
    state: jsonb().$type<Record<string, unknown>>().notNull(),
    /** When time alone may change it; null: it does not. */
    dueAt: instant(),
  },
  (state) => [
    primaryKey({ columns: [state.customerId, state.alertId, state.subject] }),
    foreignKey({
      name: 'state_of_alert',
      columns: [state.customerId, state.alertId],
      foreignColumns: [alerts.customerId, alerts.id],
    }).onDelete('cascade'),
    index('alert_states_due').on(state.dueAt).where(sql`${state.dueAt} is not null`),
  ],
)

/** One time that an alert was raised about one thing. */
export const alertIncidents = pgTable(
  'alert_incidents',
  {
    ...owned(),
    alertId: uuid().notNull(),
    subject: text().notNull(),
    raisedAt: instant().notNull(),
    /** null: it lasts. */
    resolvedAt: instant(),
    /** When it was told last: at most once an hour. */
    toldAt: instant().notNull(),
    /** How many facts it rests on. */
    count: integer().notNull(),
    /** The figure by which it was judged last; null: its kind has none. */
    value: real(),
    reason: text().notNull(),
    /** The source address it is about, where there is one. */
    address: text(),
    /** Why it is over. */
    resolution: text(),
    /** What it is about, as its events say. */
    about: jsonb().$type<Record<string, unknown>>().notNull(),
  },
  (incident) => [
    foreignKey({
      name: 'incident_of_alert',
      columns: [incident.customerId, incident.alertId],
      foreignColumns: [alerts.customerId, alerts.id],
    }).onDelete('cascade'),
    // It is raised once, whichever relays told of it.
    uniqueIndex('incident_lasts_once')
      .on(incident.customerId, incident.alertId, incident.subject)
      .where(sql`${incident.resolvedAt} is null`),
    index().on(incident.customerId, incident.alertId, incident.raisedAt, incident.id),
  ],
)
