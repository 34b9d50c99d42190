import { gzipSync } from 'node:zlib'
import { stop as stopEsbuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleConsole } from '../../../functions/local/console.ts'
import { type Home, openHome } from '../../../functions/local/home.ts'

/*
 * What the edge of one's own machine serves beside the API.
 */

let home: Home
beforeAll(async () => {
  home = await openHome('tk_the-key')
})
afterAll(() => stopEsbuild())

describe('the console', () => {
  test('comes in 60 kB at most, all its screens', async () => {
    const octets = (await bundleConsole()).map(({ text }) => gzipSync(text, { level: 9 }).length)
    expect(octets).toHaveLength(3)
    expect(octets.reduce((sum, one) => sum + one)).toBeLessThan(60_000)
  })

  test.each(['/', '/console.js', '/console.css'])(
    '%s runs, loads and speaks to nothing of others',
    async (path) => {
      const response = await home.answer(new Request(`http://localhost${path}`))
      expect(response.status).toBe(200)
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy.split('; ')).toEqual(
        expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]),
      )
      expect(policy).not.toMatch(/unsafe|http|\*/)
      expect(await response.text()).not.toMatch(/(?:src|href)="(?!\/|data:,)|@import|url\(/)
    },
  )
})

describe('the one-time sign-in', () => {
  test.each([{}, { token: '' }, { token: 'x'.repeat(43) }, { token: 7 }, 'no object'])(
    'gives nothing for %j, and is not spent by it',
    async (body) => {
      expect((await exchange(body)).status).toBe(410)
    },
  )

  test('gives the key once, to whom asks first, and stands in no cache', async () => {
    const { token } = home
    const answers = await Promise.all([exchange({ token }), exchange({ token })])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 410])
    const given = answers.find(({ status }) => status === 200)
    expect(await given?.json()).toEqual({ access_key: 'tk_the-key' })
    expect(given?.headers.get('cache-control')).toBe('no-store')
    expect(await (await exchange({ token })).json()).toMatchObject({ error: { reason: 'SIGN_IN_SPENT' } })
  })
})

function exchange(body: unknown): Promise<Response> {
  return home.answer(
    new Request('http://localhost/local/sign-in', { method: 'POST', body: JSON.stringify(body) }),
  )
}
