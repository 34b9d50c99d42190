import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { instant, PLATFORM } from '#contract'
import { extensions, providers, drills as table } from '#db'
import { utcNow } from '../clock.ts'
import { drillSchedule, runAfter, runsAnHour } from '../drill-schedule.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { requireScope } from '../http/authenticate.ts'
import { type Check, condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { derived, field, readOnly } from '../http/field.ts'
import { resource } from '../http/resource.ts'
import { HOURLY, scheduledRuns } from '../store/drills.ts'
import { account } from './account.ts'
import { detail, id, name } from './fields.ts'
import { calledBy, ownShown } from './provider-tests.ts'
import { quota } from './quota.ts'

type DrillRow = typeof table.$inferSelect

const fields = {
  name: field(name),
  detail: field(detail),
  assume: field(
    z
      .strictObject({
        provider_id: id.describe('A provider, one’s own or the platform’s.'),
        down: z.literal(true).describe('It is taken to be down.'),
      })
      .nullable()
      .default(null)
      .describe('What is taken to be so; null: all is as it is, and the routes are tried.'),
  ),
  call: derived(
    z
      .strictObject({
        from: z
          .string()
          .max(64)
          .nullable()
          .default(null)
          .describe(
            'An extension in whose name it calls, or a number of one’s own to show; null: the customer’s.',
          ),
        to: z.string().max(64).describe('The number to call; it rings, and is hung up.'),
      })
      .describe('The call which is made.'),
    (row: DrillRow) => ({ from: row.call.from, to: row.call.to }),
  ),
  schedule: field(drillSchedule),
  enabled: field(z.boolean().default(true)),
  tm_next_run: readOnly(
    instant.nullable().describe('When it runs next by itself; null: it does not.'),
    (row: DrillRow) => row.nextRunAt,
  ),
}

/** Test calls which see the world as if a provider were down. */
export const drills = resource({
  name: 'drill',
  path: '/v1.0/drills',
  about: 'Test calls which see the world as if a provider were down.',
  table,
  fields,
  filters: { name },
  unversioned: ['nextRunAt', 'lostAt'],
  quota: quota('drills'),
  async draft(input, { c, id, customerId }) {
    // What runs by itself calls carriers without being asked to again.
    if (input.schedule !== null) requireScope(c, 'call')
    const next = input.enabled ? runAfter(input.schedule, utcNow()) : undefined
    const { assume } = input
    const ownRuns = input.enabled ? runsAnHour(input.schedule) : 0
    return {
      row: {
        call: await callOf(c, input.call),
        nextRunAt: next === undefined ? null : new Date(next).toISOString(),
      },
      checks: [
        condition(
          assume === null
            ? sql`true`
            : sql`exists (select from ${providers} where id = ${assume.provider_id}::uuid and deleted_at is null
                and customer_id in (${customerId}::uuid, ${PLATFORM}::uuid))`,
          () =>
            ApiError.field(
              'assume.provider_id',
              'names no provider which could call for you',
              'REFERENCE_NOT_FOUND',
            ),
        ),
        ...(ownRuns > 0 ? [seldom(customerId, id, ownRuns)] : []),
      ],
    }
  },
  errors: ['REFERENCE_NOT_FOUND', 'SCOPE_MISSING'],
  example: {
    id: exampleIds.drill,
    body: {
      name: 'The first carrier is down',
      assume: { provider_id: exampleIds.provider, down: true },
      call: { from: 'office1', to: '+15551234567' },
      schedule: { at: '03:30', time_zone: 'America/Chicago', days: [1] },
    },
    shown: { tm_next_run: '2026-11-30T09:30:00.000Z' },
  },
})

/** Those of a customer which run by themselves do so as often as they may, and no more: none is refused when its time comes. */
function seldom(customerId: string, drillId: string, ownRuns: number): Check {
  const others = scheduledRuns(customerId, drillId)
  return {
    ask: sql`select ${others} as others`,
    holds: sql`${others} + ${ownRuns}::integer <= ${HOURLY}`,
    refuse: ([row]) => {
      const all = Number(Reflect.get(Object(row), 'others')) + ownRuns
      if (all > HOURLY)
        throw ApiError.field(
          'schedule',
          `would have drills run by themselves ${all} times within an hour, and ${HOURLY} are allowed, those run by hand included: let this one, or another, run less often`,
        )
    },
  }
}

/** The call as it is kept: whose name it is made in, and the numbers. Throws where it may not be made. */
async function callOf(c: Context<Edge>, { from, to }: { from: string | null; to: string }) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const called = await calledBy(db, customerId, 'call.to', to)
  if (from === null) return { from, to, extension_id: null, shown: null, e164: called.e164 }
  if (account.safeParse(from).success) {
    const { rows } = await db.execute<{ id: string }>(sql`
      select id from ${extensions} where customer_id = ${customerId}::uuid and extension = ${from}::text and deleted_at is null`)
    const [extension] = rows
    if (extension) return { from, to, extension_id: extension.id, shown: null, e164: called.e164 }
  }
  const shown = await ownShown(db, from, called.caller)
  if (shown === undefined)
    throw ApiError.field('call.from', 'is neither an extension nor a number of yours', 'REFERENCE_NOT_FOUND')
  return { from, to, extension_id: null, shown, e164: called.e164 }
}
