import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '#db'
import { erase } from '../../../functions/store/erasing.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'
import { soon } from '../../support/wait.ts'

/*
 * What is told of calls which an erasure has passed, and who waits for whom while it is at them.
 */

let app: App
let bob: Client & { id: string }
let phone: string
let nth = 0
let number: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  phone = (await bob('POST', '/v1.0/extensions', { extension: 'office1', password: 'correct horse' })).body.id
})
afterAll(() => app.close())
beforeEach(() => {
  nth += 1
  number = `+4420794600${nth + 10}`
})

describe('a call which an erasure has passed', () => {
  test('is erased as it ends where the number came into it after that', async () => {
    const call_id = crypto.randomUUID()
    await told({ call_id, ...goesOn })
    expect(await erased()).toBe('completed')
    const attempts = [{ ...attemptTold(null, 200), reason: `Forwarded to ${number}` }]
    await told({ call_id, ...goesOn, attempts }, 2)
    await told({ call_id, attempts }, 3)
    expect(await everything()).not.toContain(number.slice(3))
    expect((await bob('GET', `/v1.0/calls/${call_id}`)).body).toMatchObject({
      status: 'hangup',
      attempts: [{ reason: 'Forwarded to erased' }],
    })
  })

  test('is erased where it was over, and is told again with the number', async () => {
    const call_id = await told({})
    expect(await erased()).toBe('completed')
    await told({ call_id, reject_message: `Dialled as ${number}` }, 2)
    expect(await everything()).not.toContain(number.slice(3))
  })

  test('is left alone where the number never comes into it, or it began later', async () => {
    const call_id = crypto.randomUUID()
    await told({ call_id, ...goesOn })
    await erased()
    await told({ call_id }, 2)
    const later = { started_at: new Date().toISOString(), reject_message: `Dialled as ${number}` }
    const other = await told({ ...goesOn, ...later })
    await told({ call_id: other, ...later }, 2)
    expect((await bob('GET', `/v1.0/calls/${call_id}`)).body.sip_call_id).toBe('a@192.0.2.44')
    expect((await bob('GET', `/v1.0/calls/${other}`)).body.reject_message).toContain(number)
  })
})

describe('the messages of a call', () => {
  test('go where the number stands in them alone, whether they came before it was erased or after', async () => {
    const [before, after, other] = [await told({}), await told({}), await told({})]
    await tellAs(app, 'relay-1', messagesOf(before, number), messagesOf(other, '+15550000000'))
    await erased()
    await tellAs(app, 'relay-1', messagesOf(after, number))
    const { rows } = await app.database.pool.query(
      'select call_id from call_messages where call_id = any($1)',
      [[before, after, other]],
    )
    expect(rows).toEqual([{ call_id: other }])
  })
})

/** PGlite has one connection, which waits for nobody. */
describe.skipIf(!process.env.TEST_DATABASE_URL)(
  'who stores what is told while something of it is erased',
  () => {
    const of = 'where id = any(array[$1, $2]::uuid[]) order by id for no key update'
    const calls = `select from calls ${of}`
    test.each([
      ['calls', 'calls', ['update calls set held = held where id = $1']],
      ['events of calls', 'events', [calls, 'update events set data = data where subject_id = $1']],
      ['recordings of calls', 'calls', [calls, 'update recordings set ms = 1 where call_id = $1']],
      ['bindings', 'rest', ['update bindings set updated_at = now() where id = $1']],
    ] as const)('waits for no erasure which waits for it: %s', async (_, phase, statements) => {
      const [first = '', second = ''] = [crypto.randomUUID(), crypto.randomUUID()].sort()
      const order = statements.at(-1) ?? ''
      await both(second, '2026-11-23T07:00:00.000Z')
      await both(first, '2026-11-23T08:00:00.000Z')
      const extension = phase === 'rest' ? { extension_id: phone } : { number }
      const { body } = await bob('POST', '/v1.0/erasures', extension)
      // As if it were told of since.
      await app.database.pool.query('update recordings set deleted_at = null')
      const storing = await app.database.pool.connect()
      try {
        await storing.query('begin')
        if (statements.length > 1) await storing.query(calls, [first, second])
        await storing.query(order, [first])
        await app.database.pool.query(
          "update erasures set created_at = created_at - interval '3 seconds', phase = $1 where status = 'running'",
          [phase],
        )
        const erasing = erase(connect(app.database.databaseUrl, app.database.endpointUrl))
        await soon('the erasure to wait', async () => {
          const waits =
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
          return (await app.database.pool.query(waits)).rowCount === 1
        })
        await storing.query(order, [second])
        await storing.query('commit')
        await erasing
        expect((await bob('GET', `/v1.0/erasures/${body.id}`)).body.status).toBe('completed')
      } finally {
        storing.release(true)
      }
    })

    /** A call with the number, its recording and a registration which is over, by one id. */
    async function both(id: string, started_at: string) {
      await told({ call_id: id, started_at, reject_message: `Dialled as ${number}` })
      const { pool } = app.database
      await pool.query(
        `insert into recordings (id, customer_id, relay_id, kind, call_id, source, started_at)
       values ($1, $2, 'relay-1', 'call', $1, $3, $4)`,
        [id, bob.id, number, started_at],
      )
      await pool.query(
        `insert into bindings (id, customer_id, extension_id, relay_id, sequence, event, contact, q, call_id, cseq, transport, address, port, path,
         user_agent, registered_at, refreshed_at, expires_at)
       values ($1, $2, $3, 'relay-1', 1, 'unregistered', 'sip:a@b', 1, 'a', 1, 'udp', '192.0.2.1', 5060, '{}', '', $4, $4, $4)`,
        [id, bob.id, phone, started_at],
      )
    }
  },
)

const goesOn = { status: 'progressing', ended_at: null, hangup_by: null, hangup_reason: null }

async function told(changes: object, sequence = 1): Promise<string> {
  const tell = callTell(bob.id, changes, sequence)
  await tellAs(app, 'relay-1', tell)
  return tell.call.call_id
}

function messagesOf(call_id: string, called: string) {
  return {
    kind: 'messages',
    tell_id: crypto.randomUUID(),
    sequence: 1,
    at: '2026-11-23T07:01:11Z',
    relay_id: 'relay-1',
    customer_id: bob.id,
    call_id,
    left_out: 0,
    messages: [
      {
        direction: 'in',
        transport: 'udp',
        address: '192.0.2.44:5060',
        local_address: '198.51.100.1:5060',
        ms: 1,
        sip_call_id: 'a@192.0.2.44',
        text: `REFER sip:a@b SIP/2.0\r\nRefer-To: <sip:${called}@b>\r\n\r\n`,
      },
    ],
  }
}

/** Has the number erased from what is there by now; how that stands. */
async function erased(): Promise<string> {
  const { body } = await bob('POST', '/v1.0/erasures', { number })
  await app.database.pool.query(
    "update erasures set created_at = created_at - interval '3 seconds' where status = 'running'",
  )
  await erase(connect(app.database.databaseUrl, app.database.endpointUrl))
  return (await bob('GET', `/v1.0/erasures/${body.id}`)).body.status
}

/** All that is kept of Bob's calls and events, as text. */
async function everything(): Promise<string> {
  const { rows } = await app.database.pool.query(
    `select string_agg(kept, ' ') as kept from (select c::text as kept from calls c where customer_id = $1
     union all select data::text from events where customer_id = $1) as k`,
    [bob.id],
  )
  return String(rows[0]?.kept)
}
