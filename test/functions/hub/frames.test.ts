import { describe, expect, test } from 'vitest'
import {
  beat,
  deadAfterMs,
  gatherBeatMs,
  type HubAsk,
  type HubWord,
  hubAwayAfterMs,
  hubProtocol,
  ping,
  pingEveryMs,
  pong,
  readHubAsk,
  readHubWord,
} from '#contract'
import app from '../../../functions/index.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { RELAY_SECRET } from '../../support/app.ts'
import { idleBeat } from '../../support/beat.ts'

const id = '00000000-0000-4000-8000-000000000001'

describe('a frame between relay and hub', () => {
  test.each([['a question where someone is', { type: 'where', n: 3, ids: [id] }]] as [string, HubAsk][])(
    'is read as it was said: %s',
    (_, said) => {
      expect(readHubAsk(JSON.stringify(said))).toEqual(said)
    },
  )

  test.each([
    ['news of a version alone', { type: 'news', serial: 1, news: { version: 7, changed: [] } }],
    [
      'news of a slice',
      {
        type: 'news',
        serial: 2,
        news: { slices: [{ scope: { kind: 'customer', id }, resource: 'channels', amount: 3 }] },
      },
    ],
    ['where someone is', { type: 'where', n: 3, at: [{ id, relay_id: 'relay-1' }] }],
    ['a farewell', { type: 'bye', reason: 'replaced', sentence: 'Another process is relay-1 now.' }],
  ] as [string, HubWord][])('says what was said, and nothing by default: %s', (_, said) => {
    expect(readHubWord(JSON.stringify(said))).toEqual(said)
  })

  test.each(['{"type":"song","n":1}', '{"type":"answer2"}'])('of another type is passed over: %s', (text) => {
    expect(readHubAsk(text)).toBeUndefined()
    expect(readHubWord(text)).toBeUndefined()
  })

  test.each([
    ['is no JSON', 'hello'],
    ['is a ping, which needs no reading', ping],
    ['is a pong', pong],
    ['is no object', '7'],
    ['misses what it must say', '{"type":"where","n":1}'],
  ])('which %s says why it cannot be read', (_, text) => {
    expect(readHubAsk(text)).toEqual(expect.any(String))
  })
})

describe('a beat', () => {
  const read = (more: object) => beat.safeParse({ ...idleBeat('relay-1'), ...more })
  const scopes = ['customer', 'extension', 'provider'].map((kind) => ({ kind, id }))
  const calls = (count: number) =>
    Array.from({ length: count }, () => ({ call_id: id, customer_id: id, scopes }))
  const provider = { provider_id: id, customer_id: id, since: '2026-11-24T00:00:00Z' }
  const look = { ...provider, status: 'healthy', latency_ms: 1 }
  const held = { ...provider, epoch: 1, status: 'failed', until: null, sip_status: 503 }
  const host = { provider_id: id, hostname: 'a.example', port: null, transport: null, addresses: null }

  test('of five thousand calls is read', () => {
    expect(read({ leases: calls(5_000) }).success).toBe(true)
  })

  test.each(['leases', 'slices', 'health', 'registrations', 'hosts', 'results', 'ended'])(
    'of more %s than any relay has is refused',
    (key) => {
      const many = Array.from({ length: 20_001 }, () => ({ leases: calls(1)[0], ended: id })[key] ?? look)
      const { error } = read({ [key]: many })
      expect(error?.issues).toContainEqual(expect.objectContaining({ code: 'too_big', path: [key] }))
    },
  )

  test('says why as far as a thousand characters, and is not refused for a carrier which says more', () => {
    const why = `${'x'.repeat(1_023)}\u{1f600} and more`
    const { data } = read({
      health: [{ ...look, why }],
      registrations: [{ ...held, why }],
      hosts: [{ ...host, why }],
    })
    const said = [data?.health, data?.registrations, data?.hosts].map((all) => all?.[0]?.why)
    expect(said).toEqual(Array(3).fill('x'.repeat(1_023)))
  })
})

describe('what is too long in a beat', () => {
  const read = (more: object) => beat.parse({ ...idleBeat('relay-1'), ...more })
  const of = (result: unknown) => read({ results: [{ command_id: id, result }] }).results[0]?.result

  test('of a relay’s last error is cut', () => {
    const last_error = { at: '2026-11-24T00:00:00Z', message: 'x'.repeat(300) }
    expect(read({ last_error }).last_error?.message).toBe('x'.repeat(256))
  })

  test('of a result is left out, and what it came to is heard', () => {
    const attempts = Array.from({ length: 400 }, () => ({ why: 'x'.repeat(100) }))
    const result = { ok: true, verdict: 'y'.repeat(2_000), reason: null, attempts }
    expect(of(result)).toEqual({ ok: true, verdict: 'y'.repeat(1_024), reason: null })
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [`${n}`.padEnd(90, 'k'), '"'.repeat(2_000)]),
    )
    expect(JSON.stringify(of(many)).length).toBeLessThanOrEqual(32_768)
  })

  test.each([['a word'], [null], [[]], [7]])('is no result at all: %j is one which failed', (said) => {
    expect(of(said)).toMatchObject({ ok: false, reason: 'RESULT_UNREADABLE' })
  })
})

describe('a relay without the hub', () => {
  test('beats over HTTP before it would be taken for dead', () => {
    expect(gatherBeatMs).toBeLessThan(pingEveryMs)
    expect(pingEveryMs).toBeLessThan(hubAwayAfterMs)
    expect(hubAwayAfterMs).toBeLessThan(deadAfterMs)
  })

  test.each([
    ['has none', 'a relay’s', 501, 'NO_HUB'],
    ['is not its own', 'made up', 401, 'INVALID_CREDENTIALS'],
  ])('is told so before any upgrade where its edge %s', async (_, key, status, reason) => {
    const token = key === 'made up' ? key : await relayKey(RELAY_SECRET, 'relay-1')
    const headers = { authorization: `Bearer ${token}`, 'sec-websocket-protocol': hubProtocol }
    const response = await app.request('/relay/v1/hub', { headers }, env)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { reason } })
  })
})

const env = {
  DATABASE_URL: 'postgres://nobody:x@db.invalid/none',
  SEAL_KEYS: `only:${btoa('0123456789abcdef0123456789abcdef')}`,
  RELAY_SECRET,
}
