import { describe, expect, test } from 'vitest'
import { hubOf } from '../../../functions/hub/client.ts'

const call = crypto.randomUUID()

describe('an edge without a hub', () => {
  const hub = hubOf({ env: {} })

  test('pushes nothing, hears nothing, and changes as ever', async () => {
    const changed = await hub.changing(call)
    await changed()
    expect(await hub.push('relay-1', { version: 2 })).toBe(false)
    expect(await hub.result(call, 1)).toBeUndefined()
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
    expect(await hub.result(call, 5)).toEqual({ ok: true })
    expect(await hub.where([call])).toEqual([{ id: call, relay_id: 'a' }])
    expect(await hub.live()).toEqual([])
    expect(heard.map(([path]) => path)).toEqual([
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

type Asked = (url: string, init?: RequestInit) => Promise<Response>

function envOf(fetch: Asked) {
  return { env: { RELAY_HUB: { idFromName: (name: string) => name, get: () => ({ fetch }) } } }
}
