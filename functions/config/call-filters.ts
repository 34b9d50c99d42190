import { and, eq, gt, lt, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import * as z from 'zod'
import { callStatuses, directions, hangupReasons } from '#contract'
import { partyOf, calls as table } from '#db'
import { readNumber } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readQuery } from '../http/query.ts'
import { id } from './fields.ts'
import { countryOf } from './own-numbers.ts'

/** A moment of a query, with its offset from UTC; PostgreSQL has no year 0. */
export const moment = z.iso
  .datetime({ offset: true, error: 'is not an instant such as 2026-01-31T12:00:00Z' })
  .max(35)
  .regex(/^(?!0000)/)

/** Which calls are listed; all of them where none is given, and those which answer to each where several are. */
export const filters = {
  status: z.enum(callStatuses, `is one of ${callStatuses.join(', ')}`).optional(),
  direction: z.enum(directions, `is one of ${directions.join(', ')}`).optional(),
  number: z.string().max(64).optional().describe('Who calls or whom the call is for, however it is written.'),
  extension_id: id.optional().describe('The extension which made the call, or took it.'),
  trunk_id: id.optional().describe('The trunk which made the call, or took it.'),
  provider_id: id.optional().describe('The provider which carries it, or tried last.'),
  hangup_reason: z.enum(hangupReasons, `is one of ${hangupReasons.join(', ')}`).optional(),
  started_after: moment.optional().describe('It began later than that.'),
  started_before: moment.optional().describe('It began earlier than that.'),
}
const shape = z.object(filters)

/** The condition that a call is one which the query asks for; undefined: any. A bad filter is refused by name. */
export async function callsAsked(c: Context<Edge>): Promise<SQL | undefined> {
  const { number, ...asked } = readQuery(c, shape)
  return matching(number === undefined ? asked : { ...asked, number: await numberAsked(c, number) })
}

/** The same of filters which were read, `number` as records have it. */
export function matching(asked: z.output<typeof shape>): SQL | undefined {
  return and(
    is(table.status, asked.status),
    // By these words the few under way are found among all which are over.
    asked.status === undefined || asked.status === 'hangup' ? undefined : sql`${table.status} <> 'hangup'`,
    is(table.direction, asked.direction),
    is(table.extensionId, asked.extension_id),
    is(table.trunkId, asked.trunk_id),
    is(table.providerId, asked.provider_id),
    is(table.hangupReason, asked.hangup_reason),
    asked.started_after === undefined ? undefined : gt(table.startedAt, asked.started_after),
    asked.started_before === undefined ? undefined : lt(table.startedAt, asked.started_before),
    asked.number === undefined ? undefined : eitherSide(asked.number),
  )
}

function is(column: PgColumn, value: string | undefined): SQL | undefined {
  return value === undefined ? undefined : eq(column, value)
}

function eitherSide(number: string): SQL | undefined {
  return or(sql`${partyOf(table.source)} = ${number}`, sql`${partyOf(table.destination)} = ${number}`)
}

/** As records have it: E.164, or a short number as it was dialled. A plus which came as a blank is one. */
async function numberAsked(c: Context<Edge>, written: string): Promise<string> {
  const text = written.replace(/^ /, '+')
  const read = readNumber(text, text.startsWith('+') ? 'US' : await countryOf(c))
  if (read.kind === 'number') return read.e164
  if (read.kind === 'short') return read.digits
  throw ApiError.field(
    'number',
    'is not a phone number; write it as %2B15551234567',
    'INVALID_REQUEST_PARAMETER',
  )
}
