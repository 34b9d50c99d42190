import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Beat, PLATFORM } from '#contract'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

type Report = Beat['health'][number]

let app: App
let bob: Client & { id: string }
let relays: [TestRelay, TestRelay, TestRelay]
let carrier: { id: string; hostname: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  await app.database.pool.query('delete from relays')
  await app.database.pool.query('delete from provider_reports')
  relays = [await newRelay(app, 'relay-1'), await newRelay(app, 'relay-2'), await newRelay(app, 'relay-3')]
  carrier = (
    await bob('POST', '/v1.0/providers', { name: 'telnyx', hostname: `${crypto.randomUUID()}.test` })
  ).body
})
afterAll(() => app.close())

describe('a provider’s health', () => {
  test('is what most of the living relays say', async () => {
    expect(await health()).toMatchObject({ status: 'unknown', tm_change: null, relays: [], history: [] })
    await say('healthy', 'healthy', 'unhealthy')
    expect(await health()).toMatchObject({
      status: 'healthy',
      latency_ms: 12,
      relays: [{ counts: true }, {}, {}],
    })
    await say('unhealthy', 'healthy', 'unhealthy')
    expect(await health()).toMatchObject({
      status: 'unhealthy',
      why: '2 of 3 relays: no answer; no answer',
    })
    await say('half_open', 'unhealthy', 'healthy')
    expect((await health()).status).toBe('half_open')
    await say('healthy', 'unhealthy', 'unknown')
    expect((await health()).status).toBe('unknown')
  })

  test('changes with a reason each time, for the better too', async () => {
    for (const status of ['healthy', 'unhealthy', 'half_open', 'healthy'] as const)
      await say(status, status, status)
    await say('healthy', 'unhealthy', 'unknown')
    await say('healthy', 'healthy', 'healthy')
    const whys = (await health()).history.map(({ to, why }: { to: string; why: string }) => [to, why])
    expect(whys).toHaveLength(5)
    for (const [to, why] of whys)
      expect([to, why]).toEqual([to, expect.stringMatching(/^\d of \d relays: ./)])
  })

  test('changes in one event each, told once however many relays beat at once', async () => {
    await say('healthy', 'healthy', 'healthy')
    const { tm_change: since } = await health()
    await Promise.all(relays.map((relay) => relay.beat(saying('unhealthy'))))
    await Promise.all(relays.map((relay) => relay.beat(saying('unhealthy'))))
    const { history, tm_change: later } = await health()
    expect(history).toMatchObject([
      {
        from: 'healthy',
        to: 'unhealthy',
        // Which two of the three came first is chance.
        relays: expect.arrayContaining([
          { relay_id: expect.any(String), status: 'unhealthy', since: SINCE, why: 'no answer' },
        ]),
      },
      { from: 'unknown', to: 'healthy' },
    ])
    expect(Date.parse(later)).toBeGreaterThan(Date.parse(since))
  })

  test('is told once when it falls and once when it is back, however many trials fail between', async () => {
    await say('healthy', 'healthy', 'healthy')
    for (let trials = 0; trials < 3; trials += 1) {
      await say('unhealthy', 'unhealthy', 'unhealthy')
      await say('half_open', 'half_open', 'half_open')
      expect((await health()).status).toBe('half_open')
    }
    await say('healthy', 'healthy', 'healthy')
    const changes = (await health()).history.map(({ from, to }: Record<string, string>) => `${from} → ${to}`)
    expect(changes).toEqual(['unhealthy → healthy', 'healthy → unhealthy', 'unknown → healthy'])
  })

  test('stands in every relay’s answer', async () => {
    await say('unhealthy', 'unhealthy', 'healthy')
    const answer = await relays[2].beat(saying('healthy'))
    expect(answer.health).toContainEqual({
      provider_id: carrier.id,
      status: 'unhealthy',
      since: expect.any(String),
    })
  })

  test('forgets what dead relays said, and what was said too long ago', async () => {
    await say('unhealthy', 'unhealthy', 'healthy')
    await relays[0].fallSilent()
    await relays[1].fallSilent()
    await relays[2].beat(saying('healthy'))
    expect((await health()).status).toBe('healthy')
    await app.database.pool.query(
      "update provider_reports set reported_at = reported_at - interval '2 minutes'",
    )
    await relays[2].beat()
    expect(await health()).toMatchObject({ status: 'unknown', why: 'no relay has looked lately' })
  })

  test('is unknown anew once the provider moves or is switched off', async () => {
    await say('unhealthy', 'unhealthy', 'unhealthy')
    await bob('PUT', `/v1.0/providers/${carrier.id}`, {
      name: 'telnyx',
      hostname: carrier.hostname,
      detail: 'same',
    })
    expect((await health()).status).toBe('unhealthy')
    await bob('PUT', `/v1.0/providers/${carrier.id}`, { name: 'telnyx', hostname: 'new.test' })
    expect(await health()).toMatchObject({
      status: 'unknown',
      relays: [],
      history: [{ from: 'unhealthy', to: 'unknown' }, {}],
    })
    await relays[0].beat({ ...saying('unhealthy'), version: 1 })
    expect((await health()).status).toBe('unknown')
    await relays[0].beat(saying('healthy'))
    expect((await health()).status).toBe('healthy')
    await bob('PUT', `/v1.0/providers/${carrier.id}`, {
      name: 'telnyx',
      hostname: 'new.test',
      enabled: false,
    })
    await relays[0].beat(saying('healthy'))
    expect((await health()).status).toBe('unknown')
  })

  test('of the platform’s is shown to everybody, of a stranger’s to nobody', async () => {
    const eve = await app.newcomer('Eve')
    expect(await eve('GET', `/v1.0/providers/${carrier.id}/health`)).toMatchObject({ status: 404 })
    const { body: shared } = await app.platform('POST', '/v1.0/providers', { name: 's', hostname: 's.test' })
    expect(shared.customer_id).toBe(PLATFORM)
    expect(await eve('GET', `/v1.0/providers/${shared.id}/health`)).toMatchObject({ status: 200 })
  })

  async function say(...statuses: Report['status'][]) {
    for (const [n, status] of statuses.entries()) await relays[n]?.beat(saying(status))
  }

  async function health() {
    const { status, body } = await bob('GET', `/v1.0/providers/${carrier.id}/health`)
    expect(status).toBe(200)
    return body
  }
})

const SINCE = '2026-11-24T00:00:00.000Z'

function saying(status: Report['status']) {
  const why = status === 'healthy' ? '' : 'no answer'
  const report: Report = {
    provider_id: carrier.id,
    customer_id: bob.id,
    status,
    since: SINCE,
    latency_ms: status === 'healthy' ? 12 : null,
    last: null,
    why,
  }
  return { version: 1_000_000, health: [report] }
}
