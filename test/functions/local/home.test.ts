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
  test('comes in 60 kB at most until its first screen is there', async () => {
    const files = await bundleConsole()
    const first = files.filter(({ path }) => ['/', '/console.js', '/console.css'].includes(path))
    const octets = first.map(({ text }) => gzipSync(text, { level: 9 }).length)
    const sum = octets.reduce((all, one) => all + one)
    process.stdout.write(`the console's first screen: ${sum} octets of at most 60000 (gzip)\n`)
    expect(octets).toHaveLength(3)
    expect(sum).toBeLessThan(60_000)
    // What it loads later it names in no import which is carried out at once.
    expect(files.find(({ path }) => path === '/console.js')?.text).not.toMatch(/(?:^|;)import[{"*]/)
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

test('a file which is not there is none, whoever asks for it', async () => {
  expect((await home.answer(new Request('http://localhost/console/old.js'))).status).toBe(404)
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
