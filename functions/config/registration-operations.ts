import * as z from 'zod'
import { flowTransport, instant } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'

const registration = z
  .object({
    id: z.guid(),
    customer_id: z.guid(),
    extension_id: z.guid().nullable().describe('Of a phone; null where it is a PBX’s.'),
    extension: z.string().nullable(),
    trunk_id: z.guid().nullable().describe('Of a PBX; null where it is a phone’s.'),
    trunk_domain_name: z.string().nullable(),
    trunk_name: z.string().nullable(),
    state: z.enum(['registered', 'refreshed', 'unregistered', 'expired', 'flow_lost']),
    contact: z.string().describe('The Contact it registered.'),
    transport: flowTransport,
    source_address: z.string().describe('Where its packets come from.'),
    source_port: z.int(),
    path: z.array(z.string()),
    user_agent: z.string(),
    token_id: z
      .guid()
      .nullable()
      .describe('The token by which it registered, which ends it; null: it was the password.'),
    q: z.number().describe('Its preference among others of the same account, 0 to 1.'),
    relay_id: z.string().describe('The relay which holds its connection.'),
    tm_create: instant,
    tm_update: instant.describe('When it was last refreshed.'),
    tm_expire: instant,
  })
  .meta({ id: 'Registration', description: 'Where a phone or a PBX can be reached now.' })

const example = {
  id: exampleIds.registration,
  customer_id: exampleIds.customer,
  extension_id: exampleIds.extension,
  extension: 'office1',
  trunk_id: null,
  trunk_domain_name: null,
  trunk_name: null,
  state: 'registered',
  contact: 'sip:office1@192.0.2.44:5060',
  transport: 'udp',
  source_address: '192.0.2.44',
  source_port: 5060,
  path: [],
  user_agent: 'Phone/1.0',
  token_id: null,
  q: 1,
  relay_id: 'relay-1',
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_update: '2026-11-24T09:00:00.000Z',
  tm_expire: '2026-11-24T10:00:00.000Z',
}
const page = { result: [example], next_page_token: '' }

/** Reading who is registered where, and ending it. */
export const registrationOperations: readonly Operation[] = [
  {
    id: 'listRegistrations',
    method: 'get',
    path: '/v1.0/registrations',
    summary: 'List registrations of phones and PBXs, newest first',
    tag: 'registrations',
    scope: 'read',
    query: paging,
    answer: listShape(registration),
    errors: [],
    example: { answer: page },
  },
  {
    id: 'listExtensionRegistrations',
    method: 'get',
    path: '/v1.0/extensions/{id}/registrations',
    summary: 'List registrations of an extension',
    tag: 'registrations',
    scope: 'read',
    query: paging,
    answer: listShape(registration),
    errors: ['EXTENSION_NOT_FOUND'],
    example: { parameters: { id: exampleIds.extension }, answer: page },
  },
  {
    id: 'listTrunkRegistrations',
    method: 'get',
    path: '/v1.0/trunks/{id}/registrations',
    summary: 'List registrations of a trunk',
    tag: 'registrations',
    scope: 'read',
    query: paging,
    answer: listShape(registration),
    errors: ['TRUNK_NOT_FOUND'],
    example: { parameters: { id: exampleIds.trunk }, answer: { result: [], next_page_token: '' } },
  },
  {
    id: 'endRegistration',
    method: 'delete',
    path: '/v1.0/registrations/{id}',
    summary: 'End a registration',
    description:
      'Its relay takes the contact away at its next beat: 202 where that relay is alive, else 200.',
    tag: 'registrations',
    scope: 'configure',
    answer: registration,
    pending: true,
    errors: ['REGISTRATION_NOT_FOUND'],
    example: { answer: { ...example, state: 'unregistered' } },
  },
]
