import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { type Answer, type App, type Client, startApp } from '../../support/app.ts'

let app: App
let bob: Client & { id: string }
let bobsKey: string
beforeAll(async () => {
  app = await startApp({ RATE_LIMIT_KEY: '3', RATE_LIMIT_ADDRESS: '5' })
  bob = await app.newcomer('Bob')
  bobsKey = (await app.alice('POST', '/v1.0/accesskeys', { customer_id: bob.id })).body.token
})
afterAll(() => app.close())
afterEach(() => {
  vi.useRealTimers()
})

describe('requests with one access key', () => {
  test('are refused above its limit, wherever they come from, and told how long to wait', async () => {
    const env = at('2026-11-28T12:00:48.200Z')
    const answers = await inTurn(4, (nth) => ask(env, app.aliceKey, `192.0.2.${nth}`))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    expect(answers[3]?.body.error).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_REQUESTS',
      message: 'More than 3 requests a minute came with this access key. Wait 12 s.',
    })
    expect(answers[3]?.headers.get('retry-after')).toBe('12')
    expect((await ask(env, bobsKey, '192.0.2.9')).status).toBe(200)
    expect((await ask(again(env, '2026-11-28T12:01:00Z'), app.aliceKey, '192.0.2.1')).status).toBe(200)
  })

  test('are told the limits, and what is left of them', async () => {
    const env = at('2026-11-28T12:05:30Z')
    const [first, second] = await inTurn(2, () => ask(env, app.aliceKey, '192.0.2.1'))
    expect(first?.headers.get('ratelimit-policy')).toBe('"key";q=3;w=60, "address";q=5;w=60')
    expect(first?.headers.get('ratelimit')).toBe('"key";r=2;t=30, "address";r=4;t=30')
    expect(second?.headers.get('ratelimit')).toBe('"key";r=1;t=30, "address";r=3;t=30')
    const refused = (await inTurn(2, () => ask(env, app.aliceKey, '192.0.2.1')))[1]
    expect(refused?.headers.get('ratelimit')).toBe('"key";r=0;t=30, "address";r=1;t=30')
  })

  test('are counted alike however the key is brought', async () => {
    const env = at('2026-11-28T12:10:00Z')
    await inTurn(2, () => ask(env, app.aliceKey, '192.0.2.1'))
    expect((await app.send(`/v1.0/providers?token=${app.aliceKey}`, {}, env)).status).toBe(200)
    expect((await app.send(`/v1.0/providers?accesskey=${app.aliceKey}`, {}, env)).status).toBe(429)
  })

  test('cost the database nothing once they are too many', async () => {
    const env = at('2026-11-28T12:15:00Z')
    await inTurn(3, () => ask(env, app.aliceKey, '192.0.2.1'))
    app.database.requests()
    expect((await ask(env, app.aliceKey, '192.0.2.1')).status).toBe(429)
    expect(app.database.requests()).toBe(0)
  })
})

describe('requests from one address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::1'],
  ])('are refused above its limit, whatever key they bring: %s', async (one, same, other) => {
    const env = at('2026-11-28T12:20:00Z')
    const answers = await inTurn(6, (nth) => ask(env, `wrong-${nth}`, nth % 2 ? one : same))
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429])
    expect(answers[5]?.body.error.message).toContain('from this address')
    expect((await ask(env, app.aliceKey, other)).status).toBe(200)
  })

  test('are not limited where nobody says what address it is', async () => {
    const env = at('2026-11-28T12:25:00Z')
    const answers = await inTurn(8, (nth) => ask(env, `wrong-${nth}`))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"key";q=3;w=60')
  })
})

describe('nothing is limited', () => {
  test('of a relay, or of /healthz', async () => {
    const env = at('2026-11-28T12:30:00Z')
    const { relayKey } = await import('../../../functions/relay-key.ts')
    const key = await relayKey(app.env.RELAY_SECRET, 'relay-1')
    const beats = await inTurn(10, () => ask(env, key, '192.0.2.1', '/relay/v1/bindings'))
    const looks = await inTurn(10, () => ask(env, '', '192.0.2.1', '/healthz'))
    expect(new Set([...beats, ...looks].map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('where the binding is absent, and no limit is told', async () => {
    const answers = await inTurn(8, () => ask(app.env, app.aliceKey, '192.0.2.1'))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers[0]?.headers.get('ratelimit-policy')).toBeNull()
  })

  test('where the setting is 0', async () => {
    const env = { ...at('2026-11-28T12:35:00Z'), RATE_LIMIT_KEY: '0' }
    const { headers } = await ask(env, app.aliceKey, '192.0.2.1')
    expect(headers.get('ratelimit-policy')).toBe('"address";q=5;w=60')
  })

  test('by a limiter which fails', async () => {
    const broken = { limit: () => Promise.reject(new Error('no answer')) }
    const env = { ...app.env, KEY_RATE_LIMITER: broken, ADDRESS_RATE_LIMITER: broken }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    expect((await ask(env, app.aliceKey, '192.0.2.1')).status).toBe(200)
    vi.restoreAllMocks()
  })
})

describe('wrangler.toml', () => {
  test('counts with the limits which it tells the Worker', () => {
    const { workerOptions } = unstable_getMiniflareWorkerOptions(
      new URL('../../../wrangler.toml', import.meta.url).pathname,
    )
    expect(workerOptions).toMatchObject({
      bindings: { RATE_LIMIT_KEY: '1000', RATE_LIMIT_ADDRESS: '6000' },
      ratelimits: {
        KEY_RATE_LIMITER: { simple: { limit: 1000, period: 60 } },
        ADDRESS_RATE_LIMITER: { simple: { limit: 6000, period: 60 } },
      },
    })
  })
})

/** The Worker's environment with limiters of its own, which count as Miniflare's do; the clock stands at `instant`. */
function at(instant: string) {
  vi.useFakeTimers({ now: Date.parse(instant), toFake: ['Date'] })
  return { ...app.env, KEY_RATE_LIMITER: limiter(3), ADDRESS_RATE_LIMITER: limiter(5) }
}

function again<Environment>(env: Environment, instant: string): Environment {
  vi.setSystemTime(Date.parse(instant))
  return env
}

function limiter(limit: number) {
  const counts = new Map<string, number>()
  return {
    limit: async ({ key }: { key: string }) => {
      const counted = `${key} ${Math.floor(Date.now() / 60_000)}`
      const count = counts.get(counted) ?? 0
      if (count < limit) counts.set(counted, count + 1)
      return { success: count < limit }
    },
  }
}

function ask(env: object, key: string, address?: string, path = '/v1.0/providers'): Promise<Answer> {
  const from = address === undefined ? {} : { 'cf-connecting-ip': address }
  return app.send(path, { headers: { authorization: `Bearer ${key}`, ...from } }, env)
}

async function inTurn(times: number, asking: (nth: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let nth = 1; nth <= times; nth += 1) answers.push(await asking(nth))
  return answers
}
