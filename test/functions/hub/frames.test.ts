import { describe, expect, test } from 'vitest'
import {
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
