import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import { certificate } from '../support/certificate.ts'
import { keyOf } from '../support/fault-stack.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { OwnPostgres } from '../support/postgres.ts'
import { type Message, Receiver, type Reply } from '../support/receiver.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { asked } from '../support/stack-database.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Calls' events on their way to a receiver which is down half of the time, while the Worker and the database are killed.
 * Attempts which would come in minutes are made due when the receiver is up again: the database's clock is moved, as
 * nobody could who has not its secret. DELIVERED_CALLS=500 is the whole of it: 10 000 events, in some minutes.
 */

const CALLS = Number(process.env.DELIVERED_CALLS ?? 50)
const STEPS = 20
/** How long the receiver is down, and up again. */
const phaseMs = Math.max(1_200, CALLS * 20)
/** How it is down, one after the other. */
const troubles: readonly (Reply | 'refuses')[] = ['refuses', 500, 'cut', 'hang', 503, 'half', 'late', 429]
const KILLS = 5
/** What was killed, in turn. */
const killed: ('edge' | 'database')[] = []

let postgres: OwnPostgres | undefined
let stack: OwnStack
let receiver: Receiver
let office: Office
let main: Row
let fickle: Row

beforeAll(async () => {
  postgres = await OwnPostgres.open()
  stack = await startStack(postgres ? { DATABASE_URL: postgres.url } : {})
  receiver = await Receiver.open()
  office = await openOffice(stack, [])
  main = await webhookAt('', ['call.*'])
  fickle = await webhookAt('/gone', ['call.*'])
  await webhookAt('/watch', ['webhook.*'])
})
afterAll(async () => {
  await stack?.stop()
  await receiver?.close()
  await postgres?.close()
})

/** Alone on a machine it takes less than a minute. */
const until = CALLS > 50 ? 1_200_000 : 300_000

describe(`${CALLS * STEPS} events of ${CALLS} calls`, () => {
  test('are each told to the webhook, in the order of their call, whatever dies on the way', {
    timeout: until,
  }, async () => {
    const calls = Array.from({ length: CALLS }, () => crypto.randomUUID())
    const began = performance.now()
    let told = 0
    const telling = (async () => {
      for (let step = 0; step < STEPS; step += 1) {
        await soon('the edge to hear', () => tell(calls, step).catch(() => false), 120_000, 250)
        told += CALLS
        await pause(phaseMs)
      }
    })()
    // All of it may have been told before the last kill.
    const downMs = await whileItFails(() => told === CALLS * STEPS && killed.length === KILLS + 1)
    await telling
    setReply(200)
    const all = async () => {
      await timePasses()
      return distinct(arrived()).size === told
    }
    await soon('all to be taken', all, 120_000, 250)
    const seconds = (performance.now() - began) / 1000
    const left = () => office.api.list(`/webhooks/${main.id}/deliveries?status=waiting`)
    // One whose answer was not written down before a database died is sent again when its lease is over.
    await soon('nothing to be left', async () => (await left()).length === 0, 90_000, 250)

    const messages = arrived()
    const twice = messages.length - distinct(messages).size
    process.stdout.write(
      `${told} events taken in ${seconds.toFixed(0)} s, of which the receiver was down ${(downMs / 1000).toFixed(0)}; ` +
        `${sent().length} messages were sent, ${twice} of them after they had been taken; ${postgres ? 'PostgreSQL' : 'PGlite'}\n`,
    )
    for (const call of calls) {
      const own = messages.filter(({ body }) => body.subject === call)
      expect([...new Set(own.map(nthOf))]).toEqual([...Array(STEPS).keys()])
      // The next is not even tried before the one before it was taken.
      let last = -1
      for (const message of sent().filter(({ body }) => body.subject === call)) {
        expect(nthOf(message)).toBeLessThanOrEqual(last + 1)
        if (message.status === 200) last = Math.max(last, nthOf(message))
      }
    }
    // What was on its way when a Worker or the database died is all that may come twice.
    expect(twice).toBeLessThanOrEqual((KILLS + 1) * 2 * 4)
    for (const [id, [first, ...again]] of Map.groupBy(sent(), idOf)) {
      for (const message of again) expect([id, message.text]).toEqual([id, first?.text])
    }
    for (const message of messages) verified(message)
    expect(killed.toSorted()).toEqual(['database', ...Array(KILLS).fill('edge')])
  })

  test('are as many as were told, as events which are kept, and as deliveries which came to an end', async () => {
    const unlike = await asked(
      stack,
      `select status, attempts, next_try_at, leased_until, response_status, error, e.data ->> 'step' as step
       from deliveries d join events e on e.id = d.event_id where webhook_id = $1 and status <> 'delivered'`,
      [main.id],
    )
    expect(unlike).toEqual([])
    const [books] = await asked(
      stack,
      `select (select count(*) from events where customer_id = $1 and type = 'call.step') as events,
        count(*) filter (where status = 'delivered') as delivered, count(distinct event_id) as deliveries, count(*) as all
       from deliveries where webhook_id = $2`,
      [office.id, main.id],
    )
    const all = String(CALLS * STEPS)
    expect(books).toEqual({ events: all, delivered: all, deliveries: all, all })
  })

  test('are told to no webhook which has answered 410, which is told to another', async () => {
    expect(await office.api.get(`/webhooks/${fickle.id}`)).toMatchObject({
      enabled: false,
      disabled_reason: 'GONE',
    })
    const watched = receiver.messages.filter(({ path }) => path === '/hook/watch')
    expect(watched.map(({ body }) => [body.type, body.subject, body.data.reason])).toContainEqual([
      'webhook.disabled',
      fickle.id,
      'GONE',
    ])
    const gone = receiver.messages.filter(({ path, status }) => path === '/hook/gone' && status === 410)
    // What was on its way, and what others had claimed before it was disabled.
    expect(gone.length).toBeLessThan(30)
  })
})

describe('a receiver whose certificate nobody vouches for', () => {
  test('is sent nothing, and a trial says so', async () => {
    let heard = 0
    const server = createServer(certificate({ names: ['IP:127.0.0.1'] }), (_, response) => {
      heard += 1
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { id } = await office.api.post('/webhooks', { url, events: ['customer.deleted'] })
    const tried = await office.api.post(`/webhooks/${id}/test`, {})
    server.close()
    const error = 'It could not be reached, or hung up without an answer.'
    expect(tried).toMatchObject({ status: 'failed', response_status: null, error })
    expect(heard).toBe(0)
  })
})

/** Lets the receiver fail and recover by turns, and kills what is killed, until that is done; gives how long it was down. */
async function whileItFails(done: () => boolean): Promise<number> {
  let downMs = 0
  for (let turn = 0; !done(); turn += 1) {
    // Up for a while, of which some is after what a kill takes.
    setReply(200)
    await timePasses()
    if (turn % 2 === 1 && turn < KILLS * 2) await killEdge()
    if (turn === 4) await killDatabase()
    for (const from = performance.now(); !done() && performance.now() - from < phaseMs; ) await pause(20)
    if (done()) break
    const trouble = troubles[turn % troubles.length] ?? 500
    const from = performance.now()
    if (trouble === 'refuses') await receiver.close()
    else setReply(trouble)
    await pause(phaseMs)
    if (trouble === 'refuses') await receiver.up()
    downMs += performance.now() - from
  }
  return downMs
}

function setReply(reply: Reply): void {
  let heard = 0
  receiver.reply = (_, path) => {
    if (path === '/hook/gone') return ++heard > 10 || reply !== 200 ? 410 : 200
    return path === '/hook/watch' ? 200 : reply
  }
}

/** What waits for its next attempt is due. */
async function timePasses(): Promise<void> {
  await soon(
    'the database',
    () =>
      asked(
        stack,
        `update deliveries set next_try_at = now(), leased_until = null where status = 'waiting' and next_try_at > now()`,
      ).catch(() => undefined),
    30_000,
    100,
  )
}

/** What was on its way is taken up when its leases are over: they are over. */
async function killEdge(): Promise<void> {
  killed.push('edge')
  const [{ at } = {}] = await asked(stack, 'select clock_timestamp() as at')
  const { edge } = stack.pids()
  process.kill(edge ?? 0, 'SIGKILL')
  await soon('another edge', () => ![edge, undefined].includes(stack.pids().edge), 30_000)
  await asked(
    stack,
    `update deliveries set leased_until = null where leased_until <= $1::timestamptz + interval '20 seconds'`,
    [at],
  )
}

async function killDatabase(): Promise<void> {
  killed.push('database')
  if (postgres) {
    await postgres.kill()
    await pause(500)
    return postgres.start()
  }
  const { database } = stack.pids()
  process.kill(database ?? 0, 'SIGKILL')
  await soon('another database', () => ![database, undefined].includes(stack.pids().database), 30_000)
}

/** What a relay tells of calls: of each the step of this number. */
async function tell(calls: string[], step: number): Promise<true> {
  const relay_id = 'told'
  const at = new Date().toISOString()
  const tells = calls.map((call_id) => ({
    kind: 'event',
    tell_id: tellId(call_id, step),
    at,
    relay_id,
    customer_id: office.id,
    type: 'call.step',
    data: { call_id, step },
  }))
  const response = await fetch(`${stack.local.api_url}/relay/v1/tells`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await keyOf(stack, relay_id)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ relay_id, tells }),
    signal: AbortSignal.timeout(10_000),
  })
  const { accepted } = (await response.json()) as { accepted: string[] }
  expect(accepted).toHaveLength(calls.length)
  return true
}

/** The same whenever it is told again. */
function tellId(call: string, step: number): string {
  return call.slice(0, 34) + step.toString(16).padStart(2, '0')
}

function webhookAt(path: string, events: string[]): Promise<Row> {
  return office.api.post('/webhooks', { url: receiver.url + path, events })
}

/** What came to the webhook which is told of all. */
function sent(): Message[] {
  return receiver.messages.filter(({ path }) => path === '/hook')
}

/** And was taken. */
function arrived(): Message[] {
  return sent().filter(({ status }) => status === 200)
}

function distinct(messages: readonly Message[]): Set<unknown> {
  return new Set(messages.map(idOf))
}

function idOf({ headers }: Message): unknown {
  return headers['webhook-id']
}

function nthOf({ body }: Message): number {
  return body.data.step
}

function verified({ text, headers }: Message): unknown {
  return new Webhook(String(main.secret)).verify(text, headers as Record<string, string>)
}
