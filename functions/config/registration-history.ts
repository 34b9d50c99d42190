import { and, desc, eq, gt, inArray, isNotNull, lt, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { eventTypesMeant, flowTransports, instant } from '#contract'
import { events as table } from '#db'
import type { Edge } from '../env.ts'
import { shallow } from '../events/sender.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listed, listShape, paging, readNumberedPage } from '../http/page.ts'
import { readQuery } from '../http/query.ts'
import { moment } from './call-filters.ts'

/** What happens to registrations of one account. A block is an address's. */
const types = eventTypesMeant('registration.*').filter((type) => type !== 'registration.blocked')

/** Which parts of a history are listed; all of it where none is given. */
export const historyFilters = {
  type: z
    .enum(types, `is one of ${types.join(', ')}`)
    .optional()
    .describe('What happened.'),
  reason: z
    .string()
    .regex(/^[A-Z_]{1,64}$/, 'is a word such as WRONG_PASSWORD')
    .optional()
    .describe('The word which says why.'),
  source_address: z.string().max(64).optional().describe('From where its packets came.'),
  happened_after: moment.optional().describe('It happened later than that.'),
  happened_before: moment.optional().describe('It happened earlier than that.'),
}

/** One page of what happened to the registrations of an extension or trunk of the asking customer's, the newest first. */
export async function historyOf(c: Context<Edge>, accountId: string) {
  const [{ size, after }, asked] = [readNumberedPage(c), readQuery(c, z.object(historyFilters))]
  const { type, reason, source_address, happened_after, happened_before } = asked
  const rows = await c
    .get('db')
    .select()
    .from(table)
    .where(
      and(
        eq(table.subjectId, accountId),
        eq(table.customerId, c.get('principal').customerId),
        isNotNull(table.sequence),
        inArray(table.type, type === undefined ? types : [type]),
        after === undefined ? undefined : lt(table.sequence, after),
        reason === undefined ? undefined : sql`${table.data} ->> 'reason' = ${reason}`,
        source_address === undefined
          ? undefined
          : sql`${table.data} ->> 'source_address' = ${source_address}`,
        happened_after === undefined ? undefined : gt(table.at, happened_after),
        happened_before === undefined ? undefined : lt(table.at, happened_before),
      ),
    )
    .orderBy(desc(table.sequence))
    .limit(size + 1)
  return listed(rows, { size }, ({ sequence }) => sequence ?? 0, present)
}

function present({ id, type, relayId, data, at }: typeof table.$inferSelect) {
  const told = shallow(data)
  const from = told.moved_from as { contact?: unknown; source?: unknown; relay_id?: unknown } | undefined
  return {
    id,
    type,
    reason: word(told.reason) || null,
    message: word(told.why) || null,
    contact: word(told.contact) || null,
    ...placeOf(told.source),
    moved_from: from
      ? { contact: word(from.contact), ...placeOf(from.source), relay_id: word(from.relay_id) || null }
      : null,
    user_agent: word(told.user_agent),
    relay_id: relayId,
    sip_status: typeof told.sip_status === 'number' ? told.sip_status : null,
    count: typeof told.count === 'number' ? told.count : 1,
    tm_create: at,
  }
}

/** What a relay says of a source: `udp 192.0.2.44:5060`, brackets around IPv6. */
function placeOf(source: unknown) {
  const [, transport, address, port] = /^(\w+) \[?([^\]]*?)\]?:(\d+)$/.exec(word(source)) ?? []
  const known = flowTransports.find((one) => one === transport) ?? null
  return { transport: known, source_address: address ?? null, source_port: port ? Number(port) : null }
}

function word(said: unknown): string {
  return typeof said === 'string' ? said : ''
}

const place = {
  transport: z.enum(flowTransports).nullable(),
  source_address: z.string().nullable().describe('Where its packets came from.'),
  source_port: z.int().nullable(),
}

const change = z
  .object({
    id: z.guid().describe('The event’s.'),
    type: z.enum(types).describe('What happened, as the event says it.'),
    reason: z.string().nullable().describe('Why, as a word: `NO_ANSWER`, `WRONG_PASSWORD`.'),
    message: z.string().nullable().describe('Why, in a sentence.'),
    contact: z.string().nullable().describe('The Contact it registered; null where it was refused.'),
    ...place,
    moved_from: z
      .object({ contact: z.string(), ...place, relay_id: z.string().nullable() })
      .nullable()
      .describe('Where it was before, where it moved.'),
    user_agent: z.string(),
    relay_id: z.string().nullable(),
    sip_status: z.int().nullable().describe('What a refused one was answered.'),
    count: z.int().describe('How often, where several were told together.'),
    tm_create: instant,
  })
  .meta({ id: 'RegistrationChange', description: 'Something which happened to a registration.' })

const example = {
  id: exampleIds.event,
  type: 'registration.lost',
  reason: 'NO_ANSWER',
  message: 'It answered OPTIONS, and does no longer: the phone is off, or its NAT has forgotten it.',
  contact: 'sip:office1@192.0.2.44:5060',
  transport: 'udp',
  source_address: '192.0.2.44',
  source_port: 5060,
  moved_from: null,
  user_agent: 'Phone/1.0',
  relay_id: 'relay-1',
  sip_status: null,
  count: 1,
  tm_create: '2026-11-24T09:30:00.000Z',
}

/** Reading what happened to registrations. */
export const registrationHistoryOperations: readonly Operation[] = (['Extension', 'Trunk'] as const).map(
  (noun) => ({
    id: `list${noun}RegistrationHistory`,
    method: 'get',
    path: `/v1.0/${noun.toLowerCase()}s/{id}/registrations/history`,
    summary: `List what happened to the registrations of ${noun === 'Trunk' ? 'a trunk' : 'an extension'}, newest first`,
    description: 'Each made, moved, ended, lost and refused. A refresh which changes nothing is none.',
    tag: 'registrations',
    scope: 'read',
    query: paging.extend(historyFilters),
    answer: listShape(change),
    errors: [noun === 'Trunk' ? 'TRUNK_NOT_FOUND' : 'EXTENSION_NOT_FOUND'],
    example: {
      parameters: { id: noun === 'Trunk' ? exampleIds.trunk : exampleIds.extension },
      answer: { result: noun === 'Trunk' ? [] : [example], next_page_token: '' },
    },
  }),
)
