import { getTableColumns } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import * as z from 'zod'
import { accessScope } from '#contract'
import { accessKeys, type ChangedType } from '#db'
import type { Edge } from '../env.ts'
import { type Fields, field, presented, readOnly } from '../http/field.ts'
import type { KeptRow } from '../store/history.ts'
import { alerts } from './alerts.ts'
import { customers } from './customers.ts'
import { drills } from './drills.ts'
import { extensions } from './extensions.ts'
import { detail, name } from './fields.ts'
import { flows } from './flows.ts'
import { numbers } from './numbers.ts'
import { prompts } from './prompts.ts'
import { statusFields } from './provider-status.ts'
import { providers } from './providers.ts'
import { routes } from './routes.ts'
import { trunks } from './trunks.ts'
import { webhooks } from './webhooks.ts'

/*
 * What is kept of a row in its history, as the API shows the row.
 */

type AccessKey = typeof accessKeys.$inferSelect

/** Of a key its token is no part of its history, nor when it was used. */
const keyFields = {
  name: field(name),
  detail: field(detail),
  token_prefix: readOnly(z.string(), (row: AccessKey) => row.prefix),
  scopes: readOnly(z.array(accessScope), (row: AccessKey) => row.scopes),
  admin: field(z.boolean()),
  tm_expire: readOnly(z.string().nullable(), (row: AccessKey) => row.expiresAt),
}

/** What relays say of a provider, and the number of a change, are not configured, nor when a drill runs next. */
const observed = new Set([...Object.keys(statusFields), 'addresses', 'configuration_version', 'tm_next_run'])

interface Shown {
  table: PgTable
  fields: Fields
}
const nouns: Readonly<Record<ChangedType, Shown>> = {
  customer: customers.noun,
  provider: providers.noun,
  route: routes.noun,
  extension: extensions.noun,
  trunk: trunks.noun,
  flow: flows.noun,
  number: numbers.noun,
  accesskey: { table: accessKeys, fields: keyFields },
  webhook: webhooks.noun,
  alert: alerts.noun,
  prompt: prompts.noun,
  drill: drills.noun,
}

/** What the history of a customer may be of. */
export const changedTypes = Object.keys(nouns) as ChangedType[]

/** A row of a history as the API showed it, but for what was only observed, and a flow's version where that is not known; null where it was not there. */
export function shownOf(c: Context<Edge>, type: ChangedType, kept: KeptRow | null) {
  if (!isLive(kept)) return null
  const { table, fields } = nouns[type]
  const row = rowOf(table, kept)
  const shown = Object.entries(presented(fields, row, c)).filter(
    ([key]) => !observed.has(key) && (key !== 'version' || kept.version !== undefined),
  )
  return {
    id: row.id,
    ...('customerId' in row && { customer_id: row.customerId }),
    ...Object.fromEntries(shown),
    tm_create: row.createdAt,
    tm_update: row.updatedAt,
    tm_delete: row.deletedAt,
  }
}

/** Whether a row was there, and not deleted. */
export function isLive(kept: KeptRow | null): kept is KeptRow {
  return kept !== null && kept.deleted_at === null
}

/** The row as a query gives it; a column which came later has its default, and a secret stands for being there. */
function rowOf(table: PgTable, kept: KeptRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(getTableColumns(table)).map(([key, column]) => {
      const value = kept[inDatabase(key)]
      if (value != null) return [key, column.mapFromDriverValue(value)]
      if (key.startsWith('sealed')) return [key, kept.password_set === true ? '' : null]
      return [key, value === undefined ? (column.default ?? null) : null]
    }),
  )
}

/** The name of a column in the database: `probeAccept` is `probe_accept`. */
function inDatabase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
