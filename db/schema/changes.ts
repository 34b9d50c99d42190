import { bigint, boolean, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from '../instant.ts'

/**
 * One change of what a customer configured, or of one of its keys or webhooks: written by triggers, whatever made the change, and
 * kept for as long as db/README.md says.
 */
export const changes = pgTable(
  'changes',
  {
    id: uuid().primaryKey(),
    customerId: uuid().notNull(),
    /** The configuration's number with it; a key's changes raise none. */
    version: bigint({ mode: 'number' }).notNull(),
    /** The customer's first change is 1. */
    ordinal: bigint({ mode: 'number' }).notNull(),
    /** Rises with every change of one customer, so that its order is theirs. */
    at: instant().notNull(),
    resourceType: text().$type<ChangedType>().notNull(),
    resourceId: uuid().notNull(),
    /** The access key whose request made it; null: no request did. */
    keyId: uuid(),
    requestId: text(),
    /** The row without its secrets, by its columns' names; null: it was not there. */
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>(),
    /** Whether what is kept of a password or a key is another now. */
    secretChanged: boolean().notNull(),
  },
  (change) => [
    index().on(change.customerId, change.at, change.id),
    index().on(change.customerId, change.resourceId, change.at),
    // What was as it is now, and what was not, at a version.
    index().on(change.customerId, change.version),
  ],
)

/** The noun a change is about, as `changes` names it. */
export type ChangedType =
  | 'customer'
  | 'provider'
  | 'route'
  | 'extension'
  | 'trunk'
  | 'flow'
  | 'number'
  | 'accesskey'
  | 'webhook'
  | 'alert'
  | 'prompt'
  | 'drill'
