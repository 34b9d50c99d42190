import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '#db'
import { matching } from '../../../functions/config/call-filters.ts'
import { pageOfCalls } from '../../../functions/config/calls.ts'
import { type App, startApp } from '../../support/app.ts'

let app: App
const id = () => crypto.randomUUID()
const [phone, pbx, carrier, other] = [id(), id(), id(), id()]
beforeAll(async () => {
  app = await startApp()
  await app.alice('PUT', '/v1.0/customer', { default_country: 'DE' })
  await call('in', 1, { direction: 'incoming', source: '+442071838750', destination: '+4930123456' })
  await call('out', 2, { destination: '+442071838750', extension_id: phone, provider_id: carrier })
  await call('busy', 3, { hangup_reason: 'busy', trunk_id: pbx, provider_id: other })
  await call('short', 4, { destination: '911', extension_id: phone })
  await call('now', 5, { status: 'ringing', hangup_reason: null, destination: '+4930123456' })
})
afterAll(() => app.close())

describe('GET /v1.0/calls', () => {
  test.each([
    ['', ['now', 'short', 'busy', 'out', 'in']],
    ['status=hangup', ['short', 'busy', 'out', 'in']],
    ['status=ringing', ['now']],
    ['direction=incoming', ['in']],
    ['number=%2B442071838750', ['out', 'in']],
    ['number=+442071838750', ['out', 'in']],
    ['number=0044%20(20)%207183-8750', ['out', 'in']],
    ['number=030%20123456', ['now', 'in']],
    ['number=911', ['short']],
    ['number=%2B15550000000', []],
    [`extension_id=${phone}`, ['short', 'out']],
    [`extension_id=${phone.toUpperCase()}`, ['short', 'out']],
    [`trunk_id=${pbx}`, ['busy']],
    [`provider_id=${carrier}`, ['out']],
    [`provider_id=${phone}`, []],
    ['hangup_reason=busy', ['busy']],
    ['hangup_reason=normal', ['short', 'out', 'in']],
    ['started_after=2026-03-01T00:00:03Z', ['now', 'short']],
    ['started_after=2026-03-01T00:00:02.999999Z', ['now', 'short', 'busy']],
    ['started_before=2026-03-01T01:00:02%2B01:00', ['in']],
    ['started_after=2026-03-01T00:00:01Z&started_before=2026-03-01T00:00:04Z', ['busy', 'out']],
    [`extension_id=${phone}&number=%2B442071838750&status=hangup`, ['out']],
    [`extension_id=${phone}&trunk_id=${pbx}`, []],
  ])('?%s', async (query, names) => {
    expect((await calls(query)).names).toEqual(names)
  })

  test('keeps to what is asked page by page', async () => {
    const first = await calls('hangup_reason=normal&page_size=2')
    const second = await calls(`hangup_reason=normal&page_size=2&page_token=${first.next}`)
    expect([first.names, second.names, second.next]).toEqual([['short', 'out'], ['in'], ''])
  })

  test.each([
    ['status', 'answered', 'is one of dialing'],
    ['direction', 'outbound', 'is one of incoming'],
    ['number', 'nothing', 'is not a phone number'],
    ['number', '', 'is not a phone number'],
    ['number', '1'.repeat(65), 'is at most 64'],
    ['number', '%00', 'has control characters'],
    ['number', '+1555%001234567', 'has control characters'],
    ['extension_id', 'office1', 'is not a UUID'],
    ['trunk_id', '', 'is not a UUID'],
    ['provider_id', '1', 'is not a UUID'],
    ['hangup_reason', 'tired', 'is one of normal'],
    ['started_after', 'yesterday', 'is not an instant such as'],
    ['started_after', '2026-02-30T00:00:00Z', 'is not an instant such as'],
    ['started_before', '0000-01-01T00:00:00Z', 'is not'],
    ['started_before', '2026-01-01', 'is not an instant such as'],
    ['started_before', `2026-01-01T00:00:00.${'1'.repeat(200)}Z`, 'is '],
  ])('refuses %s=%s in a sentence', async (name, value, sentence) => {
    const { status, body } = await app.alice('GET', `/v1.0/calls?${name}=${value}`)
    expect([status, body.error]).toMatchObject([
      400,
      { reason: 'INVALID_REQUEST_PARAMETER', details: [{ field: name }] },
    ])
    expect(body.error.message).toContain(`${name}: ${sentence}`)
  })

  test('takes the first and the last moments there are', async () => {
    expect((await calls('started_after=0001-01-01T00:00:00%2B14:00')).names).toHaveLength(5)
    expect((await calls('started_before=9999-12-31T23:59:59.999999-14:00')).names).toHaveLength(5)
  })
})

describe('a customer with many calls', () => {
  beforeAll(async () => {
    await app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
         sip_call_id, started_at, attempts, hangup_reason, extension_id, trunk_id, provider_id)
       select gen_random_uuid(), $1, 'relay-1', 1, 'outgoing', jsonb_build_object('target', '+1555' || n % 2000),
         jsonb_build_object('target', '+1666' || n % 2000), 'hangup', false, '', '2026-01-01'::timestamptz + n * interval '1 second',
         '[]', 'normal', md5((n % 2000)::text)::uuid, md5((n % 2000)::text)::uuid, md5((n % 2000)::text)::uuid
       from generate_series(1, 20000) as n`,
      [app.aliceId],
    )
    await app.database.pool.query('analyze calls')
  }, 60_000)

  test.each<[string, Parameters<typeof matching>[0]]>([
    ['a number', { number: '+493012345678' }],
    ['an extension', { extension_id: phone }],
    ['a trunk', { trunk_id: pbx }],
    ['a provider', { provider_id: carrier }],
    ['a reason', { hangup_reason: 'relay_lost' }],
    ['a status', { status: 'ringing' }],
    ['ten seconds', { started_after: '2026-01-01T00:00:00Z', started_before: '2026-01-01T00:00:10Z' }],
  ])('finds the few of %s without looking at the others', async (_, asked) => {
    const db = connect(app.database.databaseUrl, app.database.endpointUrl)
    const statement = pageOfCalls(db, app.aliceId, matching(asked), { size: 100, after: undefined })
    const { rows } = await db.execute<{ 'QUERY PLAN': { Plan: Plan }[] }>(
      sql`explain (analyze, format json) ${statement}`,
    )
    const lookedAt = rows.flatMap((row) => row['QUERY PLAN']).map(({ Plan }) => rowsRead(Plan))
    expect(lookedAt[0]).toBeLessThan(100)
  })
})

interface Plan {
  'Relation Name'?: string
  'Actual Rows': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

/** Rows of tables which a plan read, those which it passed over too. */
function rowsRead({ Plans = [], ...node }: Plan): number {
  const here = node['Relation Name'] ? node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) : 0
  return Plans.map(rowsRead).reduce((sum, one) => sum + one, here)
}

async function calls(query: string): Promise<{ names: string[]; next: string }> {
  const { status, body } = await app.alice('GET', `/v1.0/calls?${query}`)
  if (status !== 200) throw new Error(body.error.message)
  return {
    names: body.result.map(({ sip_call_id }: { sip_call_id: string }) => sip_call_id),
    next: body.next_page_token,
  }
}

async function call(name: string, second: number, told: Record<string, string | null>): Promise<void> {
  const call = {
    direction: 'outgoing',
    source: '+4989111111',
    destination: '+4989222222',
    status: 'hangup',
    hangup_reason: 'normal',
    extension_id: null,
    trunk_id: null,
    provider_id: null,
    ...told,
  }
  const party = (target: string | null) => JSON.stringify({ type: 'tel', target })
  await app.database.pool.query(
    `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
       sip_call_id, started_at, attempts, hangup_reason, extension_id, trunk_id, provider_id)
     values (gen_random_uuid(), $1, 'relay-1', 1, $2, $3, $4, $5, false, $6, $7, '[]', $8, $9, $10, $11)`,
    [
      app.aliceId,
      call.direction,
      party(call.source),
      party(call.destination),
      call.status,
      name,
      `2026-03-01T00:00:0${second}Z`,
      call.hangup_reason,
      call.extension_id,
      call.trunk_id,
      call.provider_id,
    ],
  )
}
