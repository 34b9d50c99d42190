import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, WatchedBrowser } from '../support/browser.ts'
import { type OwnStack, startStack } from '../support/stack.ts'

let stack: OwnStack
let browser: WatchedBrowser
let docs: string

describe.skipIf(!hasChromium)('GET /docs in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack()
    docs = `${stack.local.api_url}/docs`
    browser = await WatchedBrowser.open()
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
  })

  test.each([
    ['a phone, light', 390, 'light'],
    ['a phone, dark', 390, 'dark'],
    ['a wide screen, light', 1280, 'light'],
    ['a wide screen, dark', 1280, 'dark'],
  ] as const)(
    'is read on %s: nothing stands out at the side, and its words can be told from the page',
    async (_, width, scheme) => {
      const { page, complaints } = await opened(width, scheme)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      for (const text of ['p', 'small', '.type', 'a', 'h3 b', 'pre'])
        expect(await contrast(page, text), text).toBeGreaterThan(4.5)
      expect(await brightness(page)).toBe(scheme)
      expect(complaints).toEqual([])
      await page.close()
    },
  )

  test('leads from its contents to an operation, and from there to a shape', async () => {
    const { page } = await opened(390, 'light')
    await page.getByText('calls', { exact: true }).first().click()
    await page.getByRole('link', { name: 'List calls, newest first' }).click()
    expect(new URL(page.url()).hash).toBe('#listCalls')
    await page.locator('#getCall').getByRole('link', { name: 'Call', exact: true }).first().click()
    expect(await page.locator(':target').textContent()).toContain('total_duration')
    await page.close()
  })

  test('asks nothing of anybody but itself', async () => {
    const { page } = await opened(390, 'light')
    for (const details of await page.locator('details').all())
      await details.evaluate('(one) => { one.open = true }')
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await page.waitForTimeout(1_000)
    await page.close()
    expect(browser.asked.length).toBeGreaterThan(0)
    expect(browser.asked.filter((url) => url !== docs)).toEqual([])
  })
})

async function opened(width: number, scheme: 'light' | 'dark') {
  const page = await browser.page(width, scheme)
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', ({ message }) => complaints.push(message))
  await page.goto(docs)
  return { page, complaints }
}

/** How light the page is under its words. */
async function brightness(page: Page): Promise<'light' | 'dark'> {
  const back = await page.evaluate<number[]>(
    `${colours} colour(getComputedStyle(document.body).backgroundColor)`,
  )
  return luminance(back) > 0.5 ? 'light' : 'dark'
}

/** Between the first such text and what is under it (WCAG 2.2 §1.4.3). */
async function contrast(page: Page, selector: string): Promise<number> {
  const [ink = [], under = []] = await page.evaluate<number[][]>(
    `${colours} both(document.querySelector('main ' + ${JSON.stringify(selector)}))`,
  )
  const [light = 0, dark = 0] = [luminance(ink), luminance(under)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** In the page: colours as red, green and blue, 0 to 255. */
const colours = `
  const colour = (text) => text.match(/[\\d.]+/g).map(Number)
  const under = (one) => {
    const back = getComputedStyle(one).backgroundColor
    return back === 'rgba(0, 0, 0, 0)' ? under(one.parentElement) : colour(back)
  }
  const both = (one) => [colour(getComputedStyle(one).color), under(one)];`

function luminance(colour: number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
