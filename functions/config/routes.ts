import { eq, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { PLATFORM, timeWindow as shownWindow } from '#contract'
import { customers, providers, routes as table } from '#db'
import { readBeginning } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field } from '../http/field.ts'
import { resource } from '../http/resource.ts'
import { detail, failover, id, name } from './fields.ts'
import { quota } from './quota.ts'

/** `all`, or the beginning of numbers, E.164 or short; the plus may be left out. */
const target = z.string().max(64).default('all')

const minute = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time such as 08:30')

/**
 * When the route may be taken, by the clocks of one time zone; without it, always.
 *
 * A period whose `to` is before its `from` goes on past midnight; its `days` are those on which it begins.
 */
const timeWindow = z
  .strictObject({
    time_zone: z.string().max(64).refine(isTimeZone, 'is not a time zone such as Europe/Berlin'),
    periods: z
      .array(
        z
          .strictObject({
            days: z
              .array(z.int().min(1).max(7))
              .max(7)
              .refine((days) => new Set(days).size === days.length, 'names one twice')
              .default([]),
            from: minute,
            to: z.union([minute, z.literal('24:00')], 'is not a time such as 17:00 (24:00 ends the day)'),
          })
          .refine(({ from, to }) => from !== to, { path: ['to'], error: 'is the same as "from"' }),
      )
      .min(1, 'names no period')
      .max(50),
  })
  .nullable()
  .default(null)

/** Which provider for which destination, in which order. */
export const routes = resource({
  name: 'route',
  path: '/v1.0/routes',
  about: 'Which provider is tried for which destination, in which order.',
  table,
  fields: {
    name: field(name),
    detail: field(detail),
    provider_id: field(id.describe('A provider of the customer, or of the platform.')),
    priority: field(z.int().min(1).max(10_000).default(1).describe('1 is tried first.')),
    weight: field(
      z
        .int()
        .min(0)
        .max(10_000)
        .default(0)
        .describe(
          'Share of the calls among routes of one priority; 0 takes its turn after those that share.',
        ),
    ),
    target: field(target),
    // jsonb forgets the order of keys.
    time_window: field(timeWindow, {
      as: (row: RouteRow) => row.timeWindow && shownWindow.parse(row.timeWindow),
    }),
    failover: field(failover),
    enabled: field(z.boolean().default(true)),
  },
  filters: { provider_id: id, target: z.string().max(64) },
  quota: quota('routes'),
  async draft(input, { c, customerId }) {
    const owner = ownerOf(customerId, input.provider_id)
    return {
      row: {
        providerCustomerId: owner,
        target: isWhole(input.target)
          ? readTarget(input.target)
          : await readTargetFor(c, customerId, input.target),
      },
      checks: [condition(sql`${owner} is not null`, providerGone)],
    }
  },
  errors: ['REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.route,
    body: { name: 'Default Outbound Route', provider_id: exampleIds.provider, priority: 1 },
  },
})
type RouteRow = typeof table.$inferSelect

/** An IANA name this runtime knows: offsets alone have no summer. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) !== undefined
  } catch {
    // Intl throws a RangeError for a name it does not know.
    return false
  }
}

/** Whether a target means the same in every country. */
function isWhole(written: string): boolean {
  return written === 'all' || written.startsWith('+')
}

function readTarget(written: string, country = ''): string {
  const target = written === 'all' ? written : readBeginning(written, country)
  if (target !== undefined) return target
  throw ApiError.field('target', 'is "all" or the beginning of a number, such as +1212, 911 or *')
}

async function readTargetFor(c: Context<Edge>, customerId: string, written: string): Promise<string> {
  const [customer] = await c
    .get('db')
    .select({ country: customers.defaultCountry })
    .from(customers)
    .where(eq(customers.id, customerId))
  return readTarget(written, customer?.country)
}

/** Whose provider it is, the customer's own or the platform's; null: a stranger's does not exist. */
function ownerOf(customerId: string, providerId: string): SQL {
  return sql`(select p.customer_id from ${providers} p where p.id = ${providerId}::uuid
    and p.customer_id in (${customerId}::uuid, ${PLATFORM}::uuid) and p.deleted_at is null)`
}

function providerGone(): ApiError {
  return ApiError.namesNone('provider_id')
}
