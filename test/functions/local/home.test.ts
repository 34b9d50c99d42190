import { gzipSync } from 'node:zlib'
import { stop as stopEsbuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleConsole, type ConsoleFile } from '../../../functions/local/console.ts'
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
  test('comes in 60 kB at most at first; screens which are not shown at first come when one goes there', async () => {
    const files = await bundleConsole()
    const octets = (paths: readonly string[]) =>
      files
        .filter(({ path }) => paths.includes(path))
        .reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0)
    const atOnce = neededBy(files, '/')
    expect(atOnce).toEqual(expect.arrayContaining(['/', '/console.js', '/console.css']))
    process.stdout.write(`the console's first screen: ${octets(atOnce)} octets of at most 60000 (gzip)\n`)
    expect(octets(atOnce)).toBeLessThan(60_000)
    const parts = files.map(({ path }) => path).filter((path) => !atOnce.includes(path))
    expect(parts.length).toBeGreaterThan(0)
    // JsSIP is what the phone in the page consists of, uPlot what charts do; only who sees those fetches them.
    const [phone] = files.filter(({ text }) => text.includes('JsSIP'))
    expect(octets([phone?.path ?? ''])).toBeLessThan(70_000)
    for (const part of parts.filter((path) => path !== phone?.path))
      expect(octets([part]), part).toBeLessThan(part.includes('uPlot') ? 25_000 : 20_000)
  })

  test('has a page which names all that its first script imports, and answers for each part of it', async () => {
    const files = await bundleConsole()
    const page = files.find(({ path }) => path === '/')?.text ?? ''
    const [, ...beside] = neededBy(files, '/')
    expect(
      beside.filter((path) => !page.includes(`href="${path}"`) && !page.includes(`src="${path}"`)),
    ).toEqual([])
    for (const { path, type } of files) {
      const response = await home.answer(new Request(`http://localhost${path}`))
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 200, type])
    }
    expect((await home.answer(new Request('http://localhost/console/nothing.js'))).status).toBe(404)
  })

  test('speaks to the relays where phones in browsers connect, if any are named', async () => {
    const own = await openHome('tk_the-key', ['wss://sip.example:7443/', 'ws://127.0.0.1:5066/'])
    const policy = (await own.answer(new Request('http://localhost/'))).headers.get('content-security-policy')
    expect(policy).toContain("; connect-src 'self' wss://sip.example:7443/ ws://127.0.0.1:5066/;")
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

/** The files which are fetched before one is shown: those it names or imports, and what they do. */
function neededBy(files: readonly ConsoleFile[], path: string, known: string[] = []): string[] {
  const text = files.find((file) => file.path === path)?.text
  if (text === undefined || known.includes(path)) return known
  known.push(path)
  const named = [...text.matchAll(/(?:href|src)="(\/console[^"]*)"|(?:from|import)\s*"([^"]+)"/g)]
  for (const [, link, imported] of named)
    neededBy(files, new URL(link ?? imported ?? '', `http://localhost${path}`).pathname, known)
  return known
}

function exchange(body: unknown): Promise<Response> {
  return home.answer(
    new Request('http://localhost/local/sign-in', { method: 'POST', body: JSON.stringify(body) }),
  )
}
