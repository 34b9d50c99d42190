import * as z from 'zod'
import { instant, port } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape } from '../http/page.ts'
import { drainInput } from './relay-draining.ts'
import { relayKeyInput } from './relay-keys.ts'

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

const key = z
  .object({
    id: z.string().describe('Its id; `derived`: the key which follows from RELAY_SECRET.'),
    relay_id: z.string(),
    name: z.string(),
    tm_create: instant.nullable().describe('null: of the derived one it is not known.'),
    tm_last_used: instant.nullable().describe('To the minute; null: never, or the derived one.'),
    tm_revoke: instant.nullable().describe('null: it opens.'),
  })
  .meta({ id: 'RelayKey', description: 'A key by which a relay joins.' })

const its = { parameters: { id: 'relay-1' } }
const keyExample = {
  id: exampleIds.relayKey,
  relay_id: 'relay-1',
  name: 'autumn',
  tm_create: '2026-11-24T08:00:00.000Z',
  tm_last_used: null,
  tm_revoke: null,
}

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
  {
    ...ofOne,
    id: 'deleteRelay',
    method: 'delete',
    path: '/v1.0/relays/{id}',
    summary: 'Forget a relay which does not come back',
    description:
      'For administrators. It is listed no more; alerts on its loss are over, calls which went on there by their record end as `relay_lost`, and phones which were registered there are not any more. One which is `alive` stays (409): stop it first. Its keys stay, too: if it comes back after all, it is listed anew as a new relay, unless they are revoked.',
    scope: 'admin',
    answer: relay,
    errors: ['INVALID_ID', 'RELAY_NOT_FOUND', 'RELAY_ALIVE'],
    example: { answer: { ...example, alive: false } },
  },
  {
    ...ofOne,
    id: 'listRelayKeys',
    method: 'get',
    path: '/v1.0/relays/{id}/keys',
    summary: 'List the keys by which a relay may join',
    description: 'For administrators. The key which follows from RELAY_SECRET is `derived`.',
    scope: 'admin',
    answer: listShape(key),
    errors: ['INVALID_ID'],
    example: { ...its, answer: { result: [keyExample], next_page_token: '' } },
  },
  {
    ...ofOne,
    id: 'createRelayKey',
    method: 'post',
    path: '/v1.0/relays/{id}/keys',
    summary: 'Make a key for a relay',
    description:
      'For administrators; whether there is such a relay yet or not. `key` is its RELAY_KEY and shown once. Others stay good until they are revoked.',
    scope: 'admin',
    body: relayKeyInput,
    answer: key
      .extend({ key: z.string().describe('For RELAY_KEY; it is shown here alone.') })
      .meta({ id: 'NewRelayKey', description: 'A key by which a relay joins, as it is made.' }),
    errors: ['INVALID_ID'],
    example: {
      ...its,
      body: { name: 'autumn' },
      answer: { ...keyExample, key: 'rk_relay-1.q8Zt1vXwN5bR0yLkS7eDhAuFcMjPiGoTq8Zt1vXwN5A' },
    },
  },
  {
    ...ofOne,
    parameters: { ...ofOne.parameters, key_id: z.string().describe('Id of the key, or `derived`.') },
    id: 'revokeRelayKey',
    method: 'delete',
    path: '/v1.0/relays/{id}/keys/{key_id}',
    summary: 'Revoke a key of a relay',
    description:
      'For administrators. Who comes with it is cut off within a second; calls which go on at the relay go on. A relay without any other key stays away until it is given one.',
    scope: 'admin',
    answer: key,
    errors: ['INVALID_ID', 'RELAY_KEY_NOT_FOUND'],
    example: {
      parameters: { ...its.parameters, key_id: exampleIds.relayKey },
      answer: { ...keyExample, tm_revoke: '2026-11-24T09:00:00.000Z' },
    },
  },
]
