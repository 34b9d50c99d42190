import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../../functions/env.ts'
import { type App, startApp } from '../../support/app.ts'

const office = 'https://console.example.com'
const stranger = 'https://elsewhere.example.com'
let app: App
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: `${office}, http://localhost:3000` })
})
afterAll(() => app.close())

describe('a page of an origin in CORS_ORIGINS', () => {
  test('is told before it asks what it may ask with, though its browser brings no key', async () => {
    const { status, headers, body } = await preflight(
      office,
      'PATCH',
      'if-match,idempotency-key,authorization',
    )
    expect([status, body]).toEqual([204, undefined])
    expect(headers.get('access-control-allow-origin')).toBe(office)
    expect(words(headers, 'access-control-allow-methods')).toEqual([
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
    ])
    expect(words(headers, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining(['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match']),
    )
    expect(headers.get('access-control-max-age')).toBe('7200')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  test.each(['/v1.0/providers', '/v1.0/nowhere', '/healthz'])(
    'may read every answer of %s, and the headers a client needs',
    async (path) => {
      const { headers } = await get(path, office)
      expect(headers.get('access-control-allow-origin')).toBe(office)
      expect(headers.get('vary')).toContain('Origin')
      expect(words(headers, 'access-control-expose-headers')).toEqual(
        expect.arrayContaining(['ETag', 'Location', 'RateLimit', 'Retry-After', 'X-Request-Id']),
      )
    },
  )

  test('may read a refusal too: of its key, and of its body', async () => {
    for (const authorization of ['', 'Bearer wrong', `Bearer ${app.aliceKey}`]) {
      const headers = { origin: office, authorization }
      const answer = await app.send('/v1.0/providers', { method: 'POST', headers, body: '{' })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers.get('access-control-allow-origin')).toBe(office)
    }
  })
})

describe('a page of another origin', () => {
  test('may read nothing', async () => {
    for (const { headers } of [await preflight(stranger, 'GET'), await get('/v1.0/providers', stranger)])
      expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  test('may where the setting is *', async () => {
    const env = { ...app.env, CORS_ORIGINS: '*' }
    const { headers } = await app.send('/healthz', { headers: { origin: stranger } }, env)
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('where CORS_ORIGINS is not set', () => {
  test('no page may read anything, and a preflight is a request without a key', async () => {
    const { CORS_ORIGINS: _, ...env } = { CORS_ORIGINS: '', ...app.env }
    const asked = { origin: office, 'access-control-request-method': 'GET' }
    const options = await app.send('/v1.0/providers', { method: 'OPTIONS', headers: asked }, env)
    expect([options.status, options.headers.get('access-control-allow-origin')]).toEqual([401, null])
  })
})

describe('CORS_ORIGINS', () => {
  test.each(['console.example.com', 'https://console.example.com/', 'https://a.example.com/path', 'null'])(
    'is no %s: the edge does not begin to work with it',
    (origins) => {
      expect(() => readSettings({ ...app.env, CORS_ORIGINS: origins })).toThrow('CORS_ORIGINS must be')
    },
  )
})

describe('OPTIONS which is no preflight', () => {
  test('says what the path takes, whoever asks', async () => {
    const headers = { origin: office, authorization: `Bearer ${app.aliceKey}` }
    const { status, headers: said } = await app.send('/v1.0/providers', { method: 'OPTIONS', headers })
    expect([status, said.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
  })
})

function preflight(origin: string, method: string, asked = 'authorization') {
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': asked,
  }
  return app.send('/v1.0/providers/some-id', { method: 'OPTIONS', headers })
}

function get(path: string, origin: string) {
  return app.send(path, { headers: { origin, authorization: `Bearer ${app.aliceKey}` } })
}

function words(headers: Headers, name: string): string[] {
  return (headers.get(name) ?? '').split(',').map((word) => word.trim())
}
