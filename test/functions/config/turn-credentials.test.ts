import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../../functions/env.ts'
import { type App, startApp } from '../../support/app.ts'

const turn = {
  TURN_URLS: 'turn:turn.test:3478?transport=udp, turns:turn.test:5349',
  TURN_SECRET: 'shared-with-coturn',
}
const path = '/v1.0/turn-credentials'
let app: App
beforeAll(async () => {
  app = await startApp(turn)
})
afterAll(() => app.close())

describe('credentials for a TURN server', () => {
  test('are a name which says until when, and its MAC by the shared secret', async () => {
    const { body } = await app.alice('POST', path, { expire: 600 })
    expect(body.urls).toEqual(['turn:turn.test:3478?transport=udp', 'turns:turn.test:5349'])
    const [until, whose] = body.username.split(':')
    expect(whose).toBe(app.aliceId)
    expect(new Date(until * 1000).toISOString()).toBe(body.tm_expire)
    const left = Number(until) - Date.now() / 1000
    expect(left).toBeGreaterThan(500)
    expect(left).toBeLessThanOrEqual(600)
    expect(body.credential).toBe(createHmac('sha1', turn.TURN_SECRET).update(body.username).digest('base64'))
  })

  test('last an hour unless it is said, a minute at least and a day at most', async () => {
    expect((await app.alice('POST', path, {})).body.expire).toBe(3600)
    for (const expire of [59, 86_401, 1.5, '60'])
      expect((await app.alice('POST', path, { expire })).body.error).toMatchObject({
        reason: 'INVALID_ARGUMENT',
        details: [{ field: 'expire' }],
      })
  })

  test('are refused in a sentence where this installation has no TURN server', async () => {
    const { TURN_SECRET: _, ...half } = app.env as Record<string, unknown>
    const headers = { authorization: `Bearer ${app.aliceKey}`, 'content-type': 'application/json' }
    const { status, body } = await app.send(path, { method: 'POST', headers, body: '{}' }, half)
    expect([status, body.error.reason]).toEqual([409, 'TURN_NOT_SET'])
    expect(body.error.message).toContain('TURN_SECRET')
  })

  test.each([
    [{ TURN_URLS: 'https://turn.test' }, 'TURN_URLS'],
    [{ TURN_URLS: 'turn:turn.test,' }, 'TURN_URLS'],
    [{ TURN_SECRET: 'short' }, 'TURN_SECRET must have at least 16 characters'],
  ])('are not set up by %j', (wrong, sentence) => {
    expect(() => readSettings({ ...app.env, ...wrong })).toThrow(sentence)
  })
})
