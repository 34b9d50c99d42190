import * as z from 'zod'
import { instant, port } from '#contract'
import type { Operation } from '../http/operation.ts'
import { listShape } from '../http/page.ts'
import { drainInput } from './relay-draining.ts'

const relay = z
  .object({
    id: z.string(),
    alive: z.boolean().describe('It was heard within the last seconds.'),
    draining: z.boolean().describe('It takes no new calls.'),
    drain: z
      .boolean()
      .describe('It is ordered to take none: as soon as it has heard of it, it is `draining`.'),
    address: z.string(),
    port,
    region: z.string().nullable().describe('Where it stands, by its REGION; null: it has none.'),
    software: z.string().nullable().describe('Version of its software; null: an older relay does not say.'),
    protocol: z
      .int()
      .nullable()
      .describe('Which protocol it understands; null: an older relay does not say.'),
    version: z.int().describe('Configuration which it has applied.'),
    calls: z.int().describe('Calls under way; of an older relay those which count in a limit.'),
    load: z
      .object({
        calls: z.int().describe('Calls under way.'),
        registrations: z.int().describe('Phones and PBXs which can be reached there.'),
        cpu: z.number().describe('Share of one core, 0.5 for half of it.'),
        loop_delay_ms: z.number().describe('By how many ms it was late at most with what was due.'),
      })
      .nullable()
      .describe('How much it had to do between its latest two beats; null: an older relay does not say.'),
    spool: z
      .object({
        tells: z.int().describe('So many.'),
        bytes: z.int().nullable().describe('Octets of them.'),
      })
      .describe('What it has yet to tell the edge, kept on its disk.'),
    last_error: z
      .object({ at: instant.describe('When.'), message: z.string().describe('What, in words.') })
      .nullable()
      .describe('The last error in its log since its process began.'),
    clock_difference_ms: z
      .int()
      .nullable()
      .describe('ms by which the edge’s clock was ahead of its machine’s, the way between included.'),
    waiting_tells: z.int().describe('As `spool.tells`.'),
    tm_create: instant.describe('When its process began.'),
    tm_update: instant.describe('When it was last heard.'),
  })
  .meta({ id: 'Relay', description: 'A relay, as it last said of itself.' })

const example = {
  id: 'relay-1',
  alive: true,
  draining: false,
  drain: false,
  address: '192.0.2.10',
  port: 5060,
  region: 'eu-central',
  software: '0.1.0',
  protocol: 3,
  version: 12,
  calls: 2,
  load: { calls: 2, registrations: 140, cpu: 0.04, loop_delay_ms: 3 },
  spool: { tells: 0, bytes: 0 },
  last_error: null,
  clock_difference_ms: 7,
  waiting_tells: 0,
  tm_create: '2026-11-24T08:00:00.000Z',
  tm_update: '2026-11-24T09:00:00.000Z',
}

/** What of an operation is alike in all which are about one relay. */
const ofOne = {
  tag: 'relays',
  parameters: { id: z.string().describe('Its name, part of its key.') },
} as const

/** Reading which relays there are. */
export const relayOperations: readonly Operation[] = [
  {
    id: 'listRelays',
    method: 'get',
    path: '/v1.0/relays',
    summary: 'List the relays there are',
    description: 'For administrators.',
    tag: 'relays',
    scope: 'read',
    answer: listShape(relay),
    errors: [],
    example: { answer: { result: [example], next_page_token: '' } },
  },
  {
    ...ofOne,
    id: 'getRelay',
    method: 'get',
    path: '/v1.0/relays/{id}',
    summary: 'Get a relay',
    description: 'For administrators.',
    scope: 'read',
    answer: relay,
    errors: ['INVALID_ID', 'RELAY_NOT_FOUND'],
    example: { answer: example },
  },
  {
    ...ofOne,
    id: 'drainRelay',
    method: 'post',
    path: '/v1.0/relays/{id}/drain',
    summary: 'Have a relay take no new calls, or take them again',
    description:
      'For administrators. What goes on there goes on; callers are refused with 503 and go to another relay, but for those who call for help; registrations at carriers are other relays’. `calls` of the relay says how many are left. So it is until it is taken back, or another process takes the relay’s place.',
    scope: 'admin',
    body: drainInput,
    answer: relay,
    success: 202,
    errors: ['INVALID_ID', 'RELAY_NOT_FOUND', 'RELAY_TOO_OLD'],
    example: { body: { drain: true }, answer: { ...example, drain: true } },
  },
]
