import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { utcMs } from '#contract'
import { WrongKeys } from '../../functions/wrong-keys.ts'
import { type App, startApp } from '../support/app.ts'

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

/** A request with a key, from an address as Cloudflare names it. */
function from(address: string, key: string) {
  return app.send('/v1.0/customer', {
    headers: { authorization: `Bearer ${key}`, 'cf-connecting-ip': address },
  })
}
const wrong = (at: number) => `tk_wrong${at}`
const codes = (answers: { status: number }[]) => answers.map(({ status }) => status)

describe('wrong access keys', () => {
  test('are slowed by address, all at once too, and cost the database nothing then', async () => {
    const guesses = await Promise.all(Array.from({ length: 30 }, (_, at) => from('192.0.2.1', wrong(at))))
    expect(codes(guesses).sort()).toEqual([...Array(10).fill(401), ...Array(20).fill(429)])
    app.database.heard.splice(0)
    const next = await from('192.0.2.1', wrong(99))
    expect([next.status, next.body.error.reason]).toEqual([429, 'TOO_MANY_WRONG_KEYS'])
    expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(next.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(app.database.heard).toEqual([])
    expect((await from('192.0.2.2', app.aliceKey)).status).toBe(200)
  })

  test('of others behind the same address do not stop a key which is known to be right', async () => {
    await from('192.0.2.3', app.aliceKey)
    for (let at = 0; at < 12; at += 1) await from('192.0.2.3', wrong(at))
    expect(codes([await from('192.0.2.3', app.aliceKey), await from('192.0.2.3', wrong(99))])).toEqual([
      200, 429,
    ])
  })

  test('are forgotten after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    try {
      for (let at = 0; at < 11; at += 1) await from('192.0.2.4', wrong(at))
      expect((await from('192.0.2.4', wrong(99))).status).toBe(429)
      vi.setSystemTime(Date.now() + 60_000)
      expect((await from('192.0.2.4', wrong(99))).status).toBe(401)
    } finally {
      vi.useRealTimers()
    }
  })

  test('count once, however often the same is sent, and a right one sent thirty times at once not at all', async () => {
    const same = await Promise.all(Array.from({ length: 30 }, () => from('192.0.2.5', wrong(1))))
    expect(new Set(codes(same))).toEqual(new Set([401]))
    const { body } = await app.alice('POST', '/v1.0/accesskeys', {})
    const fresh = await Promise.all(Array.from({ length: 30 }, () => from('192.0.2.5', body.token)))
    expect(new Set(codes(fresh))).toEqual(new Set([200]))
    await app.alice('DELETE', `/v1.0/accesskeys/${body.id}`)
    expect((await from('192.0.2.5', body.token)).status).toBe(401)
  })

  test('of one /64 count together, and no more is remembered than four thousand addresses', () => {
    const keys = new WrongKeys()
    for (let at = 0; at < 10; at += 1) keys.found(`2001:db8::${at}`, wrong(at), false, utcMs(0))
    expect(keys.judge('2001:db8:0:0:ffff::1', 'x', utcMs(1_000))).toBe(59_000)
    expect(keys.judge('2001:db8:0:1::1', 'x', utcMs(1_000))).toBe('ask')
    for (let at = 0; at < 5_000; at += 1) keys.judge(`10.0.${at >> 8}.${at & 255}`, 'x', utcMs(1_000))
    expect(keys.judge('2001:db8::1', 'x', utcMs(1_000))).toBe('ask')
  })

  test('are not counted where the database could not say', () => {
    const keys = new WrongKeys()
    for (let at = 0; at < 50; at += 1) {
      expect(keys.judge('192.0.2.1', wrong(at), utcMs(0))).toBe('ask')
      keys.found('192.0.2.1', wrong(at), undefined, utcMs(0))
    }
  })
})
