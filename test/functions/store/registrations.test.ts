import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type App, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

let app: App
let one: TestRelay
let two: TestRelay
beforeAll(async () => {
  app = await startApp()
})
beforeEach(async () => {
  for (const table of ['relays', 'provider_registrations', 'events'])
    await app.database.pool.query(`delete from ${table}`)
  await app.database.pool.query('update providers set deleted_at = now() where deleted_at is null')
  one = await newRelay(app, 'relay-1')
  two = await newRelay(app, 'relay-2')
})
afterAll(() => app.close())

describe('registrations at providers', () => {
  test('are all a lone relay’s, then shared evenly with a second as they come', async () => {
    const first = await wished(4)
    expect(ids(await one.beat())).toEqual(first)
    await two.beat()
    const more = await wished(2)
    expect(ids(await two.beat()).filter((id) => more.includes(id))).toHaveLength(2)
    expect(ids(await one.beat())).toEqual(first)
  })

  test('go evenly to two relays which are there from the beginning', async () => {
    await one.beat()
    await two.beat()
    const all = await wished(5)
    const [mine, others] = [ids(await one.beat()), ids(await two.beat())]
    expect([mine.length, others.length]).toEqual([3, 2])
    expect([...mine, ...others].sort()).toEqual(all)
  })

  test('each have one holder, though relays beat at once', async () => {
    const all = await wished(6)
    const relays = await Promise.all(Array.from({ length: 4 }, (_, n) => newRelay(app, `relay-${n}`)))
    await Promise.all(relays.map((relay) => relay.beat()))
    const answers = await Promise.all(relays.map((relay) => relay.beat()))
    expect(answers.flatMap(ids).sort()).toEqual(all)
  })

  test('are taken with a higher epoch from a dead relay, and from one which drains', async () => {
    const [provider] = await wished(1)
    expect((await one.beat()).registrations).toEqual([{ provider_id: provider, epoch: 1 }])
    await one.fallSilent()
    expect((await two.beat()).registrations).toEqual([{ provider_id: provider, epoch: 2 }])
    expect((await one.beat()).registrations).toEqual([])
    expect((await two.beat({ draining: true })).registrations).toEqual([{ provider_id: provider, epoch: 2 }])
    expect((await one.beat()).registrations).toEqual([{ provider_id: provider, epoch: 3 }])
    expect((await two.beat({ draining: true })).registrations).toEqual([])
  })

  test('stand as their holder says, and each change is an event', async () => {
    const [provider = ''] = await wished(1)
    await one.beat()
    await one.beat(saying(provider, 1, 'registered'))
    await one.beat(saying(provider, 1, 'registered'))
    expect(await stored()).toMatchObject({ status: 'registered', sip_status: '200' })
    await two.beat(saying(provider, 2, 'failed'))
    await one.beat(saying(provider, 0, 'auth_failed'))
    expect(await stored()).toMatchObject({ status: 'registered' })
    await one.beat(saying(provider, 1, 'failed'))
    expect(await changes()).toEqual([
      'not_registered → pending',
      'pending → registered',
      'registered → failed',
    ])
  })

  test('end once they are not wished any longer, and begin anew in a later epoch', async () => {
    const [provider = ''] = await wished(1)
    await one.beat()
    await one.beat(saying(provider, 1, 'registered'))
    await app.database.pool.query('update providers set enabled = false where id = $1', [provider])
    expect((await one.beat()).registrations).toEqual([])
    expect(await stored()).toMatchObject({ status: 'not_registered', until: null })
    await app.database.pool.query('update providers set enabled = true where id = $1', [provider])
    expect((await one.beat()).registrations).toEqual([{ provider_id: provider, epoch: 2 }])
    expect((await changes()).slice(2)).toEqual(['registered → not_registered', 'not_registered → pending'])
  })

  test('are withdrawn, each time it speaks of them, from a relay which had them, and from none where another has them', async () => {
    const [provider = ''] = await wished(1)
    expect((await one.beat()).withdrawn).toEqual([])
    expect((await one.beat(saying(provider, 1, 'registered'))).withdrawn).toEqual([])
    await two.beat()
    const handed = await two.beat(saying(provider, 1, 'registered'))
    expect([handed.registrations, handed.withdrawn]).toEqual([[], []])
    for (const change of [
      'enabled = false',
      'enabled = true, register = false',
      'register = true, deleted_at = now()',
    ]) {
      await app.database.pool.query(`update providers set ${change} where id = $1`, [provider])
      expect((await one.beat(saying(provider, 1, 'registered'))).withdrawn).toEqual([provider])
      expect((await one.beat(saying(provider, 1, 'registered'))).withdrawn).toEqual([provider])
      expect((await one.beat()).withdrawn).toEqual([])
    }
    expect((await changes()).at(-1)).toBe('registered → not_registered')
  })

  async function wished(count: number): Promise<string[]> {
    const made = []
    for (let n = 0; n < count; n += 1) {
      const { body } = await app.alice('POST', '/v1.0/providers', {
        name: `p${n}`,
        hostname: `${crypto.randomUUID()}.test`,
      })
      await app.database.pool.query('update providers set register = true where id = $1', [body.id])
      made.push(body.id as string)
    }
    return made.sort()
  }

  async function stored() {
    const { rows } = await app.database.pool.query('select * from provider_registrations')
    return rows[0]
  }

  async function changes(): Promise<string[]> {
    const { rows } = await app.database.pool.query(
      "select data ->> 'from' as old, data ->> 'to' as new from events where type = 'provider.registration_changed' order by at",
    )
    return rows.map((row) => `${row.old} → ${row.new}`)
  }
})

function ids({ registrations }: { registrations: { provider_id: string }[] }): string[] {
  return registrations.map(({ provider_id }) => provider_id).sort()
}

function saying(providerId: string, epoch: number, status: 'registered' | 'failed' | 'auth_failed') {
  const since = '2026-11-24T00:00:00.000Z'
  const report = { provider_id: providerId, customer_id: app.aliceId, epoch, status, since, until: null }
  return { registrations: [{ ...report, sip_status: 200, why: status, next_at: null }] }
}
