import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Hub, hubOf } from '../../../functions/hub/client.ts'

const call = crypto.randomUUID()

describe('an edge without a hub', () => {
  const hub = hubOf({ env: {} })

  test('pushes nothing, hears nothing, and changes as ever', async () => {
    const changed = await hub.changing(call)
    await changed()
    expect(await hub.push('relay-1', { version: 2 })).toBe(false)
    expect(await hub.result('relay-1', call, 1)).toBeUndefined()
    expect(await hub.where([call])).toEqual([])
    expect(await hub.live()).toBeUndefined()
  })
})

describe('a hub which is asked', () => {
  test('hears each question at its path, as JSON', async () => {
    const heard: [string, unknown][] = []
    const hub = hubOf(
      envOf(async (url, init) => {
        heard.push([new URL(url).pathname, JSON.parse(String(init?.body))])
        return Response.json({
          sent: true,
          result: { ok: true },
          at: [{ id: call, relay_id: 'a' }],
          relays: [],
        })
      }),
    )
    await (await hub.changing(call))()
    expect(await hub.push('a', { version: 2 })).toBe(true)
    expect(await hub.result('a', call, 5)).toEqual({ ok: true })
    expect(await hub.where([call])).toEqual([{ id: call, relay_id: 'a' }])
    expect(await hub.live()).toEqual([])
    hub.watched([call])
    expect(heard.at(-1)).toEqual(['/watched', { customer_ids: [call] }])
    expect(heard.slice(0, -1).map(([path]) => path)).toEqual([
      '/changing',
      '/changed',
      '/push',
      '/result',
      '/where',
      '/live',
    ])
    expect(heard[2]).toEqual(['/push', { relay_id: 'a', news: { version: 2 } }])
  })

  test.each([
    ['fails', async () => new Response('', { status: 500 })],
    ['is away', async () => Promise.reject(new Error('The object was reset.'))],
  ] as [string, Asked][])('and %s, is as none', async (_, answer) => {
    const hub = hubOf(envOf(answer))
    await (await hub.changing(call))()
    expect(await hub.push('a', {})).toBe(false)
    expect(await hub.live()).toBeUndefined()
  })
})

describe('a hub which is away for a second', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test.each<[string, (hub: Hub) => Promise<unknown>, [string, object]]>([
    [
      'that a change has happened',
      async (hub) => (await hub.changing(call))(),
      ['changed', { customer_id: call }],
    ],
    ['of an order', (hub) => hub.ordered(['a']), ['ordered', { relay_ids: ['a'] }]],
    ['of what could not be pushed', (hub) => hub.push('a', {}), ['ordered', { relay_ids: ['a'] }]],
  ])('hears once it is back %s', async (_, tell, [path, said]) => {
    const [heard, back]: [unknown[], number] = [[], Date.now() + 1_000]
    const answer: Asked = async (url, init) => {
      if (Date.now() < back) throw new Error('The object was reset.')
      heard.push([new URL(url).pathname.slice(1), JSON.parse(String(init?.body))])
      return Response.json({})
    }
    await tell(hubOf(envOf(answer)))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(heard).toEqual([[path, said]])
  })

  test('is asked no longer than a quarter of a minute', async () => {
    let asked = 0
    const hub = hubOf(
      envOf(async () => {
        asked += 1
        throw new Error('The object was reset.')
      }),
    )
    await (await hub.changing(call))()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(1 + 6)
  })
})

type Asked = (url: string, init?: RequestInit) => Promise<Response>

function envOf(fetch: Asked) {
  return { env: { RELAY_HUB: { idFromName: (name: string) => name, get: () => ({ fetch }) } } }
}
