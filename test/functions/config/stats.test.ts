import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'

let app: App
let bob: Client & { id: string }
let telnyx: string
let twilio: string
let idle: string
let shared: string
let phone: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  const provider = async (by: Client, name: string) =>
    (await by('POST', '/v1.0/providers', { name, hostname: `${name}.test` })).body.id
  telnyx = await provider(bob, 'telnyx')
  twilio = await provider(bob, 'twilio')
  idle = await provider(bob, 'idle')
  shared = await provider(app.platform, 'shared')
  phone = (await bob('POST', '/v1.0/extensions', { extension: 'office1', password: 'correct horse' })).body.id
  await tell({
    attempts: [attemptTold(telnyx, 503), attemptTold(twilio, 200, { pdd_ms: 1800, started_ms: 100 })],
  })
  await tell({
    attempts: [attemptTold(twilio, 486, { decision: 'final', pdd_ms: 2400 })],
    ...unanswered(486, 'busy'),
  })
  await tell(
    { attempts: [attemptTold(shared, 404, { decision: 'final' })], ...unanswered(404, 'failed') },
    30,
  )
  await tell({
    direction: 'incoming',
    source: tel('+442079460000'),
    provider_id: telnyx,
    extension_id: phone,
  })
  await tell({ direction: 'internal', ...unanswered(480, 'noanswer') })
  await tell({ customer_id: app.aliceId, attempts: [attemptTold(shared, 503)], ...unanswered(503, 'failed') })
  await bob('DELETE', `/v1.0/providers/${twilio}`)
}, 120_000)
afterAll(() => app.close())

describe('GET /v1.0/stats', () => {
  test('counts for each whom a flow called the time it was talked with', async () => {
    const centre = await app.newcomer('Centre')
    const made = async (name: string) =>
      (await centre('POST', '/v1.0/providers', { name, hostname: `${name}.test` })).body.id
    const [first, second] = [await made('first'), await made('second')]
    await tell({
      customer_id: centre.id,
      direction: 'incoming',
      attempts: [
        attemptTold(first, 200, { answered_ms: 5_000, talked_ms: 12_000 }),
        attemptTold(second, 200, { answered_ms: 40_000, talked_ms: 6_000 }),
      ],
    })
    const { body } = await centre('GET', '/v1.0/stats?group_by=provider&window=48h')
    const seconds = body.result.map((row: { id: string; acd_seconds: number }) => [row.id, row.acd_seconds])
    expect(Object.fromEntries(seconds)).toEqual({ [first]: 12, [second]: 6 })
  })

  test('counts each try at a provider for that provider, and names what is deleted, idle or the platform’s', async () => {
    const { body } = await bob('GET', '/v1.0/stats?group_by=provider&window=48h')
    expect(body.result.map(short)).toEqual([
      ['telnyx', false, 2, 1, 0.5],
      ['twilio', true, 2, 1, 0.5],
      ['shared', false, 1, 0, 0],
      ['idle', false, 0, 0, null],
    ])
    expect(body.result[1]).toMatchObject({
      id: twilio,
      ner: 1,
      user_outcomes: { busy: 1 },
      acd_seconds: 60,
      minutes: 1,
    })
    expect(body.result[0].failures).toEqual({ '503': 1 })
    expect(body.result[2].failures).toEqual({ '404': 1 })
    expect(near(body.result[1].pdd_ms.p50, 1800) && near(body.result[1].pdd_ms.p95, 2400)).toBe(true)
    expect(body.total).toMatchObject({
      attempts: 5,
      answered: 2,
      asr: 0.4,
      ner: 0.6,
      minutes: 2,
      failures: { '404': 1, '503': 1 },
    })
    expect(body.left_out).toBe(0)
  })

  test('goes by direction, by window and by one group alone', async () => {
    const of = async (query: string) =>
      (await bob('GET', `/v1.0/stats?group_by=provider&${query}`)).body.result.map(short)
    expect(await of(`window=48h&direction=incoming&id=${telnyx}`)).toEqual([['telnyx', false, 1, 1, 1]])
    expect(await of(`id=${telnyx}`)).toEqual([['telnyx', false, 2, 1, 0.5]])
    expect(await of(`id=${idle}`)).toEqual([['idle', false, 0, 0, null]])
    expect(await of(`id=${shared}`)).toEqual([])
  })

  test('tells calls apart by the country of the far number, and by the phone', async () => {
    const countries = (await bob('GET', '/v1.0/stats?group_by=country&window=2d')).body
    expect(
      countries.result.map(({ id, attempts }: { id: string; attempts: number }) => [id, attempts]),
    ).toEqual([
      ['us', 3],
      ['gb', 1],
    ])
    const phones = (await bob('GET', '/v1.0/stats?group_by=extension')).body
    expect(phones.result.map(short)).toEqual([['office1', false, 1, 1, 1]])
    expect(phones.result[0]).toMatchObject({ loss: 0.01, jitter_ms: 2 })
  })

  test('shows the course by hours or days', async () => {
    const { body } = await bob('GET', '/v1.0/stats?group_by=provider&window=2d&by=hour')
    const of = (name: string) => body.result.find((row: { name: string }) => row.name === name).course
    expect(of('twilio').reduce((sum: number, { attempts }: { attempts: number }) => sum + attempts, 0)).toBe(
      2,
    )
    expect(of('shared')).toMatchObject([{ attempts: 1, failures: { '404': 1 } }])
    expect(of('idle')).toEqual([])
    const { body: daily } = await bob('GET', `/v1.0/stats?group_by=provider&window=90d&by=day&id=${shared}`)
    expect(daily.result[0].course).toMatchObject([
      { attempts: 1, tm_begin: expect.stringContaining('T00:00:00') },
    ])
  })

  test.each([
    ['', 'group_by'],
    ['group_by=relay', 'group_by'],
    ['group_by=route&window=30m', 'window'],
    ['group_by=route&window=91d', 'window'],
    ['group_by=route&window=0h', 'window'],
    ['group_by=route&direction=up', 'direction'],
    ['group_by=route&id=us', 'id'],
    ['group_by=country&id=usa', 'id'],
    ['group_by=route&by=minute', 'by'],
    ['group_by=route&by=hour&window=8d', 'by'],
    ['group_by=route&status=hangup', 'status'],
  ])('refuses ?%s, naming %s', async (query, field) => {
    const { status, body } = await bob('GET', `/v1.0/stats?${query}`)
    expect([status, body.error.details[0].field]).toEqual([400, field])
  })
})

function tel(target: string) {
  return { type: 'tel', target }
}

function unanswered(sip_status: number, hangup_reason: string) {
  return { answered_at: null, sip_status, hangup_reason }
}

/** One of Bob's calls, begun so many hours ago. */
async function tell(changes: object, hoursAgo = 0) {
  const start = Date.now() - hoursAgo * 3_600_000
  const at = (seconds: number) => new Date(start + seconds * 1000).toISOString()
  const times = { started_at: at(0), ringing_at: at(2), answered_at: at(10), ended_at: at(70) }
  const side = { packets: 99, bytes: 1, lost: 1, dropped: 0, jitter_ms: 2 }
  const media = { from_caller: side, from_callee: side }
  await tellAs(app, 'relay-1', callTell(bob.id, { ...times, media, ...changes }))
}

function short({ name, deleted, attempts, answered, asr }: Record<string, unknown>) {
  return [name, deleted, attempts, answered, asr]
}

function near(found: number, exact: number): boolean {
  return Math.abs(found - exact) / exact < 0.026
}
