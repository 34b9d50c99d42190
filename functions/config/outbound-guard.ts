import { type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { exampleIds } from '../http/example-ids.ts'
import { executionOf } from '../http/execution.ts'
import type { ErrorCode, Operation } from '../http/operation.ts'
import { now } from '../http/queries.ts'
import type { NounResource } from '../http/resource.ts'
import { readId, readOrder } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { causesOf, log } from '../log.ts'
import { customers } from './customers.ts'
import { extensions } from './extensions.ts'
import { country } from './fields.ts'
import { trunks } from './trunks.ts'

/*
 * The switch which stops the calls out of a customer, extension or trunk, and what lets them go on. Emergency calls are
 * never stopped, nor are those between its phones.
 */

const blockInput = z.strictObject({
  hang_up: z.boolean().default(false).describe('Its calls out which are under way are ended, too.'),
})
const releaseInput = z.strictObject({
  country: country
    .nullable()
    .default(null)
    .describe(
      'The country which is new no more; null: nothing is blocked any more, and calls begun up to now count in no minute and no hour.',
    ),
})

const standing = z
  .object({
    id: z.guid(),
    outbound_blocked: z.boolean(),
    known_countries: z.array(z.string()),
    tm_release: instant.nullable(),
    calls_ended: z
      .int()
      .describe(
        'Calls under way whose relays were told to end them. Of the newest a relay may tell within seconds: they are ended then, and are not among these.',
      ),
  })
  .meta({
    id: 'OutboundGuard',
    description: 'Whether calls out are stopped, and which countries are not new.',
  })

type Kind = 'customer' | 'extension' | 'trunk'
interface GuardedRow {
  readonly deletedAt: string | null
}

const nouns: Readonly<
  Record<Kind, { of: NounResource<GuardedRow>; table: SQL; whose: (id: string) => SQL }>
> = {
  customer: { of: customers, table: sql`customers`, whose: (id) => sql`c.customer_id = ${id}::uuid` },
  extension: {
    of: extensions,
    table: sql`extensions`,
    whose: (id) => sql`(c.extension_id = ${id}::uuid or c.sent_out_by = ${id}::uuid)`,
  },
  trunk: {
    of: trunks,
    table: sql`trunks`,
    whose: (id) => sql`(c.trunk_id = ${id}::uuid or c.sent_out_by = ${id}::uuid)`,
  },
}

/** Blocking and releasing the calls out of each of a kind. */
export function outboundGuards(kind: Kind): Hono<Edge> {
  const endpoints = new Hono<Edge>()
  if (kind === 'customer') endpoints.use('/:id/block/*', administrator).use('/:id/release/*', administrator)
  return endpoints
    .post('/:id/block', async (c) => block(c, kind, readId(c)))
    .post('/:id/release', async (c) => release(c, kind, readId(c)))
}

/** The same of the asking customer itself. */
export const ownOutboundGuard = new Hono<Edge>()
  .post('/block', (c) => block(c, 'customer', c.get('principal').customerId))
  .post('/release', (c) => release(c, 'customer', c.get('principal').customerId))

async function block(c: Context<Edge>, kind: Kind, id: string): Promise<Response> {
  const { hang_up } = await readOrder(c, blockInput)
  const changed = await change(c, kind, id, { outboundBlocked: true })
  if (!hang_up) return c.json(shown(changed, 0))
  // Blocked first: no call begins behind the back of those which are ended.
  const ended = await endCalls(c, kind, id, [])
  void hurry(c, ended)
  executionOf(c)?.waitUntil(endUntold(c, kind, id, ended))
  return c.json(shown(changed, ended.length))
}

async function release(c: Context<Edge>, kind: Kind, id: string): Promise<Response> {
  const { country } = await readOrder(c, releaseInput)
  const row =
    country === null
      ? { outboundBlocked: false, releasedAt: now }
      : {
          knownCountries: sql`array(select unnest(known_countries) union select ${country}::text order by 1)`,
        }
  return c.json(shown(await change(c, kind, id, row), 0))
}

async function change(c: Context<Edge>, kind: Kind, id: string, row: Record<string, unknown>) {
  const { of } = nouns[kind]
  const { deletedAt } = await of.find(c, id)
  if (deletedAt !== null) throw new ApiError(notFound[kind], `There is no such ${kind}.`)
  return of.change(c, id, { row })
}

const notFound = {
  customer: 'CUSTOMER_NOT_FOUND',
  extension: 'EXTENSION_NOT_FOUND',
  trunk: 'TRUNK_NOT_FOUND',
} as const satisfies Record<Kind, ErrorCode>

/** When, after the answer, it is looked for calls of which relays had yet to tell: of those which are not watched that is a second. */
const LOOKS_MS = [1_500, 1_500]

/** Ends those, too, and such as begin before relays hear of the block; who was released meanwhile keeps what began since. */
async function endUntold(c: Context<Edge>, kind: Kind, id: string, ended: EndedCall[]): Promise<void> {
  const [blockedAt, known] = [new Date(utcNow()).toISOString(), [...ended]]
  const still = sql`and (c.started_at <= ${blockedAt}::timestamptz
    or exists (select from ${nouns[kind].table} where id = ${id}::uuid and outbound_blocked))`
  try {
    for (const ms of LOOKS_MS) {
      await new Promise((resolve) => setTimeout(resolve, ms))
      const found = await endCalls(c, kind, id, known, still)
      known.push(...found)
      await hurry(c, found)
    }
  } catch (error) {
    log('warn', 'block.interrupted', { causes: causesOf(error) })
  }
}

interface EndedCall extends Record<string, unknown> {
  readonly call_id: string
  readonly relay_id: string
}

/** Orders of the relays of calls out under way to end them, but for `known`; which those are. */
async function endCalls(c: Context<Edge>, kind: Kind, id: string, known: EndedCall[], which = sql``) {
  const { rows } = await c.get('db').execute<EndedCall>(sql`
    insert into commands (id, customer_id, relay_id, body)
    select gen_random_uuid(), c.customer_id, c.relay_id, jsonb_build_object('kind', 'call_hangup', 'call_id', c.id)
    from calls c where ${nouns[kind].whose(id)} and c.status <> 'hangup' and coalesce((c.decision ->> 'emergency')::boolean, false) is false
      and (c.direction = 'outgoing' or c.sent_out_by is not null)
      and c.id <> all(${sql.param(known.map(({ call_id }) => call_id))}::uuid[]) ${which}
    returning relay_id, body ->> 'call_id' as call_id`)
  return rows
}

/** Has their relays hear of it at once. */
function hurry(c: Context<Edge>, ended: readonly EndedCall[]): Promise<void> {
  return hubOf(c).ordered([...new Set(ended.map(({ relay_id }) => relay_id))])
}

function shown(changed: Record<string, unknown>, calls_ended: number) {
  const { id, outbound_blocked, known_countries, tm_release } = changed
  return { id, outbound_blocked, known_countries, tm_release, calls_ended }
}

/** What can be asked of them. */
export const outboundGuardOperations: readonly Operation[] = [
  ...operationsFor('customer', '/v1.0/customer', 'OwnCustomer', 'your own customer'),
  ...operationsFor('customer', '/v1.0/customers/{id}', 'Customer', 'a customer'),
  ...operationsFor('extension', '/v1.0/extensions/{id}', 'Extension', 'an extension'),
  ...operationsFor('trunk', '/v1.0/trunks/{id}', 'Trunk', 'a trunk'),
]

function operationsFor(kind: Kind, path: string, name: string, whom: string): Operation[] {
  const own = !path.endsWith('}')
  const answer = {
    id: own || kind !== 'customer' ? exampleIds[kind] : exampleIds.newCustomer,
    outbound_blocked: true,
    known_countries: ['ca'],
    tm_release: null,
    calls_ended: 2,
  }
  const common = {
    method: 'post',
    tag: own ? 'customer' : `${kind}s`,
    scope: kind === 'customer' && !own ? 'admin' : 'configure',
    answer: standing,
    headers: ['ETag'],
    precondition: 'If-Match',
    errors: [notFound[kind], 'VERSION_MISMATCH'],
  } as const
  const parameters = own ? {} : { parameters: { id: answer.id } }
  return [
    {
      ...common,
      id: `block${name}`,
      path: `${path}/block`,
      summary: `Stop the calls out of ${whom}`,
      description:
        'They are refused (403, `OUTBOUND_BLOCKED`) as soon as relays hear of it, until `release`. Emergency calls, calls in ' +
        'and calls between phones go on.',
      body: blockInput,
      mayBeBare: true,
      example: { ...parameters, body: { hang_up: true }, answer },
    },
    {
      ...common,
      id: `release${name}`,
      path: `${path}/release`,
      summary: `Let the calls out of ${whom} go on, or let a country be called`,
      body: releaseInput,
      mayBeBare: true,
      example: {
        ...parameters,
        body: {},
        answer: {
          ...answer,
          outbound_blocked: false,
          tm_release: '2026-11-24T09:00:00.000Z',
          calls_ended: 0,
        },
      },
    },
  ]
}
