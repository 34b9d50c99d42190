import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, type Client, RELAY_SECRET, startApp } from '../../support/app.ts'

/*
 * Keys of relays: made and revoked singly, and a secret of the edge's which is another one from some day on.
 */

let app: App
let bob: Client
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  await app.database.pool.query('delete from relay_keys')
  await aSecondLater()
})
afterAll(async () => {
  vi.useRealTimers()
  await app.close()
})

const keys = '/v1.0/relays/berlin-1/keys'
const make = async (name = '') => (await app.alice('POST', keys, { name })).body
const listed = async () => (await app.alice('GET', keys)).body.result
const revoke = (id: string) => app.alice('DELETE', `${keys}/${id}`)
const route = { customer_id: crypto.randomUUID(), ids: [crypto.randomUUID()] }
const question = {
  call_id: crypto.randomUUID(),
  caller: { kind: 'source', address: '192.0.2.77', port: 5060, transport: 'udp', line: null },
  from: { user: '+15552220001', display: '', asserted: null },
  to: { user: '+15551234567', host: 'sip.example.com' },
  codecs: [],
}
/** What it comes to when a key asks at a door. */
async function opens(key: string, path = '/relay/v1/hello', body?: object): Promise<string> {
  const answer = await app.as(key)(body ? 'POST' : 'GET', path, body)
  return answer.status === 200 ? 'yes' : answer.body.error.reason
}

describe('a key made for one relay', () => {
  test('is shown once, opens that relay’s doors beside the derived one, and says when it was used', async () => {
    const made = await make('autumn')
    expect(made).toMatchObject({ relay_id: 'berlin-1', name: 'autumn', tm_last_used: null, tm_revoke: null })
    expect(made.key).toMatch(/^rk_berlin-1\.[\w-]{43}$/)
    expect(await opens(made.key)).toBe('yes')
    expect(await opens(await relayKey(RELAY_SECRET, 'berlin-1'))).toBe('yes')
    const [mine, derived, ...others] = await listed()
    expect([mine, others]).toMatchObject([{ id: made.id, name: 'autumn' }, []])
    expect(mine).not.toHaveProperty('key')
    expect(mine.tm_last_used).toMatch(/^\d{4}-.*Z$/)
    expect(derived).toMatchObject({ id: 'derived', tm_create: null })
    const { rows } = await app.database.pool.query('select * from relay_keys')
    expect(JSON.stringify(rows)).not.toContain(made.key.slice(-20))
  })

  test('is checked with what the request asks anyway: one round trip, also when it asks several things', async () => {
    const { key } = await make()
    await opens(key)
    for (const [path, body] of [
      ['/relay/v1/target', route],
      ['/relay/v1/route', question],
      ['/relay/v1/bindings'],
    ] as const) {
      await aSecondLater()
      app.database.requests()
      expect(await opens(key, path, body)).toBe('yes')
      expect([path, app.database.requests()]).toEqual([path, 1])
    }
  })

  test('which is made up opens nothing, nor does it another relay’s doors', async () => {
    const { key } = await make()
    expect(await opens(key.replace('berlin-1', 'berlin-2'))).toBe('INVALID_CREDENTIALS')
    expect(await opens(`${key.slice(0, -20)}${'A'.repeat(20)}`)).toBe('INVALID_CREDENTIALS')
  })

  test('is made, listed and revoked by administrators, for what a relay may be called', async () => {
    for (const [method, path] of [
      ['POST', keys],
      ['GET', keys],
      ['DELETE', `${keys}/derived`],
    ] as const)
      expect((await bob(method, path, method === 'POST' ? {} : undefined)).status).toBe(403)
    const odd = await app.alice('POST', '/v1.0/relays/No%20Name/keys', {})
    expect([odd.status, odd.body.error.reason]).toEqual([400, 'INVALID_ID'])
    expect((await revoke(crypto.randomUUID())).body.error.reason).toBe('RELAY_KEY_NOT_FOUND')
    expect((await revoke('x')).body.error.reason).toBe('INVALID_ID')
  })
})

describe('a revoked key', () => {
  test.each([['/relay/v1/hello'], ['/relay/v1/bindings'], ['/relay/v1/route', question]])(
    'opens %s no more a second later',
    async (path, body?: object) => {
      const made = await make()
      expect(await opens(made.key, path, body)).toBe('yes')
      expect(await revoke(made.id)).toMatchObject({ status: 200, body: { tm_revoke: expect.any(String) } })
      await aSecondLater()
      expect(await opens(made.key, path, body)).toBe('RELAY_KEY_REVOKED')
      expect(await opens(made.key, path, body)).toBe('RELAY_KEY_REVOKED')
      expect((await revoke(made.id)).status).toBe(404)
      expect((await listed()).map(({ id }: { id: string }) => id)).toEqual(['derived'])
    },
  )

  test('changes nothing: what is told by it is not written', async () => {
    const made = await make()
    await opens(made.key)
    await revoke(made.id)
    await aSecondLater()
    const told = { relay_id: 'berlin-1', tells: [{ tell_id: crypto.randomUUID() }] }
    const started = {
      kind: 'relay',
      event: 'started',
      relay_id: 'berlin-1',
      sequence: 1,
      at: new Date().toISOString(),
    }
    told.tells = [{ ...started, tell_id: crypto.randomUUID() }]
    expect(await opens(made.key, '/relay/v1/tells', told)).toBe('RELAY_KEY_REVOKED')
  })

  test('may be the one which follows from RELAY_SECRET: a key of its own goes on', async () => {
    const [made, derived] = [await make(), await relayKey(RELAY_SECRET, 'berlin-1')]
    expect([await opens(made.key), await opens(derived)]).toEqual(['yes', 'yes'])
    expect(await revoke('derived')).toMatchObject({ status: 200, body: { id: 'derived' } })
    await aSecondLater()
    expect(await opens(derived)).toBe('RELAY_KEY_REVOKED')
    expect(await opens(derived, '/relay/v1/bindings')).toBe('RELAY_KEY_REVOKED')
    const refreshes = { relay_id: 'berlin-1', tells: [refreshed()] }
    expect(await opens(derived, '/relay/v1/tells', refreshes)).toBe('RELAY_KEY_REVOKED')
    expect(await opens(made.key, '/relay/v1/tells', refreshes)).toBe('yes')
    expect(await opens(made.key)).toBe('yes')
    expect(await opens(await relayKey(RELAY_SECRET, 'berlin-2'))).toBe('yes')
    expect((await listed()).map(({ id }: { id: string }) => id)).toEqual([made.id])
  })
})

/** A phone's refresh, which changes nothing but its expiry. */
function refreshed() {
  const now = Date.now()
  const at = (ms: number) => new Date(now + ms).toISOString()
  return {
    kind: 'binding',
    tell_id: crypto.randomUUID(),
    event: 'refreshed',
    at: at(0),
    sequence: 1,
    binding: {
      binding_id: crypto.randomUUID(),
      customer_id: app.aliceId,
      account: 'extension',
      extension_id: crypto.randomUUID(),
      relay_id: 'berlin-1',
      contact: 'sip:office1@192.0.2.44:5070',
      q: 1,
      call_id: 'refresh',
      cseq: 2,
      received: { transport: 'udp', address: '192.0.2.44', port: 5070 },
      path: [],
      user_agent: '',
      registered_at: at(-1_000),
      refreshed_at: at(0),
      expires_at: at(60_000),
    },
  }
}

describe('RELAY_SECRET', () => {
  const newer = 'another secret of at least as many letters'

  test('may be two: keys made from either open, and nothing which follows from it has a gap', async () => {
    const both = { ...app.env, RELAY_SECRET: `${newer},${RELAY_SECRET}` }
    const hello = async (key: string, env: object) =>
      (await app.send('/relay/v1/hello', { headers: { authorization: `Bearer ${key}` } }, env)).status
    const [old, next] = [await relayKey(RELAY_SECRET, 'berlin-1'), await relayKey(newer, 'berlin-1')]
    expect([await hello(old, both), await hello(next, both)]).toEqual([200, 200])
    const after = { ...app.env, RELAY_SECRET: newer }
    expect([await hello(old, after), await hello(next, after)]).toEqual([401, 200])
  })
})

/** What isolates remember of a key is as old as it may be. */
async function aSecondLater(): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 })
}
