import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayProtocol } from '#contract'
import { operations } from '../../functions/config/operations.ts'
import { about } from '../../functions/http/about.ts'
import { exampleIds } from '../../functions/http/example-ids.ts'
import { openApi } from '../../functions/http/openapi.ts'
import { MOST_UPLOADED } from '../../functions/media/upload.ts'
import { bindingTell, callTell } from '../relay/io/tells.ts'
import { ApiDocument, type DocumentedOperation } from '../support/api-document.ts'
import { type App, startApp } from '../support/app.ts'
import { newRelay } from '../support/beat.ts'
import { type Answered, type Changes, DocumentedClient } from '../support/documented-client.ts'
import { pause } from '../support/wait.ts'

/*
 * The edge against its own document: every example is sent, and every answer, a refusal too, has to be one which the
 * document has, with no key which is not declared.
 */

const document = new ApiDocument(openApi(operations, about))
const all = document.operations
const asked = all.filter(({ id }) => id !== 'getOpenApi')
let app: App
let client: DocumentedClient
let stranger: DocumentedClient
let reader: DocumentedClient
let stop: () => Promise<void>

beforeAll(async () => {
  app = await startApp({ TURN_URLS: 'turn:turn.test:3478', TURN_SECRET: 'shared-with-the-turn-server' })
  const carry = (path: string, init: RequestInit) => app.fetch(path, init)
  client = new DocumentedClient(document, carry, app.aliceKey)
  stranger = new DocumentedClient(document, carry, await strangersKey())
  const { body: key } = await app.alice('POST', '/v1.0/accesskeys', { scopes: ['read'] })
  reader = new DocumentedClient(document, carry, key.token)
  const relay = await newRelay(app, 'relay-1', { protocol: relayProtocol })
  const well = { ok: true, verdict: 'it answers', steps: [], status: 200 }
  let results: { command_id: string; result: object }[] = []
  const beat = async () => {
    const { commands } = await relay.beat({ protocol: 4, results: results as [] })
    results = commands.map(({ command_id }) => ({ command_id, result: well }))
  }
  await beat()
  stop = again(beat)
})
afterAll(async () => {
  await stop()
  await app.close()
})

describe('an answer', () => {
  test.each(all.filter((one) => !takesAway(one)))(
    'to the example of $id is what the document says',
    async ({ id, path }) => {
      if (tells.test(path) && !happened) await happen()
      if (/\/calls\/\{id\}\/(?!diagnosis)\w/.test(path))
        await goesOn(/\/recording_/.test(path) && id !== 'recordCall')
      await client.reach(id)
    },
  )
})

describe('a refusal', () => {
  test.each(asked.filter(({ scopes }) => scopes.length > 0))(
    'of $id without a right key is declared',
    async (one) => {
      await refused(client, one, 401, { headers: { authorization: '' } })
      await refused(client, one, 401, { headers: { authorization: 'Bearer tk_nobodys' } })
    },
  )

  test.each(asked.filter(({ scopes }) => scopes.length > 0))(
    'of $id with an odd query is declared',
    async (one) => {
      await refused(client, one, 400, { query: { not_a_parameter: '1' } })
      await refused(client, one, 404, { query: { customer_id: crypto.randomUUID() } })
      await refused(stranger, one, 403, { query: { customer_id: app.aliceId } })
    },
  )

  test.each(asked.filter(({ path }) => path.endsWith('{id}')))(
    'of $id where there is no such thing is declared',
    async (one) => {
      await refused(client, one, 400, { path: { id: 'X!' } })
      await refused(client, one, 404, { path: { id: crypto.randomUUID() } })
    },
  )

  test.each(asked.filter(({ example }) => example.body !== undefined))(
    'of $id with a wrong body is declared',
    async (one) => {
      await refused(client, one, 400, { body: '{' })
      await refused(client, one, 400, { body: '[]' })
      await refused(client, one, 400, { body: '{"not_a_field":1}' })
      const most = one.id === 'createPrompt' ? MOST_UPLOADED : 256 * 1024
      await refused(client, one, 413, { body: `"${'x'.repeat(most)}"` })
    },
  )

  // Of nothing that is there: what is asked for is not done, and the body is read first.
  test.each(asked.filter(({ mayBeBare }) => mayBeBare !== undefined))(
    'of $id for want of a body comes where the document says that it needs one',
    async (one) => {
      const { status } = await client.attempt(one, { path: { id: crypto.randomUUID() }, body: null })
      expect(status === 400).toBe(!one.mayBeBare)
    },
  )

  test.each(asked.filter(({ path }) => /^\/v1.0\/(customers|relays)$/.test(path)))(
    'of $id to who is no administrator is declared',
    (one) => refused(stranger, one, 403),
  )

  test.each(asked.filter(({ scopes }) => scopes.length > 0 && !scopes.includes('read')))(
    'of $id to a key which may only read is declared',
    (one) => refused(reader, one, 403),
  )

  test.each(asked.filter(hasHeader('If-Match')))('of $id over a version which is gone is declared', (one) =>
    refused(client, one, 412, { headers: { 'if-match': '"0"' } }),
  )

  test('which the document does not have is noticed, and a key which it does not have', () => {
    const operation = document.operation('getCall')
    const error = { status: 'NOT_FOUND', reason: 'EVENT_NOT_FOUND', message: '', request_id: '' }
    expect(document.faultsOfAnswer(operation, 404, { error })).toHaveLength(1)
    expect(
      document.faultsOfAnswer(operation, 404, { error: { ...error, reason: 'CALL_NOT_FOUND' } }),
    ).toEqual([])
    const answer = { ...(operation.example.answer as object), surprise: 1 }
    expect(document.faultsOfAnswer(operation, 200, answer)).toHaveLength(1)
    expect(document.faultsOfAnswer(operation, 418, {})).toHaveLength(1)
  })
})

describe('at last, an answer', () => {
  // What leans on something goes before it, what a relay holds before that, and what was there before the examples comes back when they are through.
  test.each(all.filter(takesAway).sort(restoringLast).reverse().sort(relaysLast))(
    'to the example of $id is what the document says',
    async ({ id }) => {
      // An erasure of the examples has taken the first.
      if (id === 'deleteRecording') await recorded(crypto.randomUUID())
      if (id === 'deleteRelay') await stopped()
      await client.reach(id)
    },
  )
})

/** The relay beats no more, for longer than one is taken to live which does not. */
async function stopped(): Promise<void> {
  await stop()
  await app.database.pool.query(`update relays set beat_at = now() - interval '7 seconds'`)
}

function takesAway({ method, id }: DocumentedOperation): boolean {
  return method === 'DELETE' || id === 'restoreVersion'
}

function relaysLast(one: DocumentedOperation, other: DocumentedOperation): number {
  return Number(one.id === 'deleteRelay') - Number(other.id === 'deleteRelay')
}

function restoringLast(one: DocumentedOperation, other: DocumentedOperation): number {
  return Number(other.id === 'restoreVersion') - Number(one.id === 'restoreVersion')
}

/** Does something every 200 ms until it is stopped. */
function again(work: () => Promise<void>): () => Promise<void> {
  let going = true
  const round = async () => {
    for (; going; await pause(200)) await work()
  }
  const over = round()
  return () => {
    going = false
    return over
  }
}

async function refused(
  by: DocumentedClient,
  one: DocumentedOperation,
  status: number,
  changes: Changes = {},
) {
  const answer: Answered = await by.attempt(one, changes)
  expect([answer.status, answer.body?.error]).toMatchObject([status, {}])
  expect(document.faultsOfAnswer(one, answer.status, answer.body)).toEqual([])
}

function hasHeader(name: string) {
  return ({ example }: DocumentedOperation) => example.parameters.some((one) => one.name === name)
}

async function strangersKey(): Promise<string> {
  const { body: customer } = await app.alice('POST', '/v1.0/customers', { name: 'Stranger' })
  return (await app.alice('POST', '/v1.0/accesskeys', { customer_id: customer.id })).body.token
}

/** Of what relays tell. */
const tells = /registrations|calls|events|blocks|recordings|recordingfiles|voicemail/
let happened = false
/** A call and a registration of the example's extension, as a relay tells them, and an event. */
async function happen(): Promise<void> {
  happened = true
  const known = (name: keyof typeof exampleIds) => client.known.get(exampleIds[name]) ?? ''
  const party = { customer_id: app.aliceId, extension_id: known('extension') }
  const [call, binding] = [callTell(), bindingTell('registered')]
  const heard = { packets: 9, bytes: 1548, lost: 0, dropped: 0, jitter_ms: 0.5 }
  const over = { status: 'hangup', hangup_by: 'callee', hangup_reason: 'normal', sip_status: 200 }
  const at = new Date().toISOString()
  const told = [
    {
      ...call,
      call: {
        ...call.call,
        ...party,
        ...over,
        started_at: at,
        answered_at: at,
        ended_at: at,
        attempts: [attempt],
        media: { from_caller: heard, from_callee: heard },
      },
    },
    {
      ...binding,
      binding: { ...binding.binding, ...party, expires_at: '2099-01-01T00:00:00.000Z' },
    },
  ]
  const { status, body } = await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: told })
  expect([status, body.accepted.length]).toEqual([200, 2])
  await app.database.pool.query(
    `insert into events (id, customer_id, type, at, relay_id, subject_id, data)
     values (gen_random_uuid(), $1, 'provider.health_changed', now(), 'relay-1', $2, '{"to": "unhealthy"}')`,
    [app.aliceId, known('provider')],
  )
  await recorded(call.call.call_id)
  await seen(call.call.call_id)
  await app.database.pool.query(
    `insert into source_blocks (id, customer_id, relay_id, source, since, until, failures, accounts)
     values (gen_random_uuid(), $1, 'relay-1', '192.0.2.66', now(), now() + interval '1 hour', 100, 20)`,
    [app.aliceId],
  )
}

/** The example's recording is one of that call. */
async function recorded(callId: string): Promise<void> {
  const id = crypto.randomUUID()
  client.known.set(exampleIds.recording, id)
  await app.database.pool.query(
    `insert into recordings (id, customer_id, relay_id, kind, call_id, channels, started_at, ended_at, bytes, uploaded_at)
     values ($1, $2, 'relay-1', 'voicemail', $3, 1, now(), now(), 100, now())`,
    [id, app.aliceId, callId],
  )
}

/** The messages of a call are kept. */
async function seen(callId: string): Promise<void> {
  await app.database.pool.query(
    `insert into call_messages (call_id, customer_id, sequence, left_out, messages) values ($1, $2, 1, 0, '[]')`,
    [callId, app.aliceId],
  )
}

/** The example's call is one which goes on, recorded or not. */
async function goesOn(recorded: boolean): Promise<void> {
  const call = callTell()
  const under = { customer_id: app.aliceId, status: 'progressing', answered_at: new Date().toISOString() }
  const told = { ...call, call: { ...call.call, ...under } }
  await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: [told] })
  client.known.set(exampleIds.call, call.call.call_id)
  await seen(call.call.call_id)
  if (recorded)
    await app.database.pool.query(
      `insert into recordings (id, customer_id, relay_id, kind, call_id, channels, started_at)
       values (gen_random_uuid(), $1, 'relay-1', 'call', $2, 1, now())`,
      [app.aliceId, call.call.call_id],
    )
}
const tried = {
  address: '192.0.2.4:5060',
  transport: 'udp',
  status: 200,
  reason: 'OK',
  started_ms: 0,
  ended_ms: 9,
}
const attempt = {
  ...tried,
  provider_id: null,
  provider_name: 'carrier',
  decision: 'final',
  pdd_ms: 5,
  tries: [{ ...tried, codes: [{ status: 200, ms: 9 }] }],
}
