import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { accessScopes } from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { customers } from './customers.ts'
import { owned } from './owned.ts'
import { accessScope } from './words.ts'

/** One way in for programs. The key itself is shown once; only its hash is kept. */
export const accessKeys = pgTable(
  'access_keys',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    hash: text().notNull(),
    prefix: text().notNull(),
    /** An administrator of the platform's: it may act for every customer, as far as its scopes go. */
    admin: boolean().notNull().default(false),
    scopes: accessScope()
      .array()
      .notNull()
      .default([...accessScopes]),
    expiresAt: instant(),
    ...times(),
  },
  // Every API request looks its key up by hash, before a customer is known.
  (key) => [unique('access_key_hash').on(key.hash), index().on(key.customerId, key.createdAt, key.id)],
)

/** One token which an access key had before its rotation; it opens until `expiresAt`. */
export const replacedTokens = pgTable(
  'replaced_tokens',
  {
    // A request looks its token up here too, before a customer is known.
    hash: text().primaryKey(),
    customerId: uuid().notNull(),
    keyId: uuid()
      .notNull()
      .references(() => accessKeys.id),
    replacedAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
  },
  (token) => [index().on(token.keyId, token.replacedAt)],
)

/** When an access key was last used. Apart from the key, since a use changes nothing that was configured. */
export const accessKeyUses = pgTable('access_key_uses', {
  keyId: uuid()
    .primaryKey()
    .references(() => accessKeys.id),
  customerId: uuid().notNull(),
  usedAt: instant().notNull(),
})

/** When a customer's calls or events were asked for last. Apart from the customer, as uses of keys are from keys. */
export const listeners = pgTable('listeners', {
  customerId: uuid()
    .primaryKey()
    .references(() => customers.id),
  listenedAt: instant().notNull(),
})

/** One POST which named itself by an Idempotency-Key, and how it was answered; for a day. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    ...owned(),
    accessKeyId: uuid().notNull(),
    /** As the client chose it. */
    key: text().notNull(),
    /** A hash of what was asked, and the answer: sealed, since both may tell a secret. No answer: it is under way. */
    sealedRequest: text().notNull(),
    sealedAnswer: text(),
    createdAt: instant().notNull().default(sql`now()`),
  },
  (row) => [
    // How the answer to a repeated request is found; of two which come at once one makes the row.
    unique('idempotency_key_once').on(row.customerId, row.accessKeyId, row.key),
    // What is older than a day is taken away.
    index().on(row.createdAt),
  ],
)
