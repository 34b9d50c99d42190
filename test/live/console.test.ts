import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, WatchedBrowser } from '../support/browser.ts'
import { answers, Carrier, refuse } from '../support/carrier.ts'
import { faultsOf } from '../support/console.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon, within } from '../support/wait.ts'

const dialled = '+15551234567'

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone
let browser: WatchedBrowser
let page: Page
/** What the browser said of the page: refused by its policy, failed, or thrown. */
const complaints: string[] = []

describe.skipIf(!hasChromium)('the console in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.62', relay: stack.relay },
      refuse(503, 'Service Unavailable'),
    )
    office = await openOffice(stack, [carrier.place])
    phone = await office.phone('office1', '127.0.7.63')
    await phone.register()
    browser = await WatchedBrowser.open()
    page = await browser.page(1280, 'light')
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
  })
  afterAll(async () => {
    await browser?.close()
    for (const each of [phone, carrier]) each?.close()
    await stack?.stop()
  })

  test('is opened by the address which `npm start` printed, once', async () => {
    const [link = ''] = await soon('the address', () => /http\S+#sign-in=\S+/.exec(stack.words()))
    await page.goto(link)
    await page.getByRole('heading', { name: 'Calls' }).waitFor()
    expect(page.url()).not.toContain('sign-in')
    await page.getByRole('button', { name: 'Sign out' }).click()
    expect(await faultsOf(page)).toEqual([])
    await page.goto('about:blank')
    await page.goto(link)
    expect(await page.getByRole('alert').textContent()).toContain('was used before')
    // The refusal itself is an answer of 410, which the browser complains of.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('410')])
  })

  test('tells who looks up a failed call why it failed', async () => {
    const { result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(503)
    await signIn(await keyFor(['read', 'call']))
    await page.getByRole('link', { name: /\d:\d\d/ }).click()
    const main = page.getByRole('main')
    await main.getByRole('heading', { level: 1, name: `office1 to ${dialled}` }).waitFor()
    const text = await soon('the diagnosis', async () => {
      const words = await main.textContent()
      return words?.includes('Something went wrong.') ? words : undefined
    })
    expect(text).toContain(`office1 called ${dialled}.`)
    expect(text).toMatch(/Carrier 1 503 Service Unavailable/)
    expect(text).toMatch(/Carrier 1 by route “Carrier 1”/)
    await page.getByText('Raw JSON').click()
    expect(await main.locator('pre').last().textContent()).toContain('"sip_status": 503')
    expect(await faultsOf(page)).toEqual([])
    for (const screen of ['Set up', 'Phones', 'Now', 'Calls']) {
      await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click()
      await page.getByRole('heading', { level: 1, name: screen }).waitFor()
      await page.getByText('office1').or(page.getByText('Carrier 1')).first().waitFor()
      expect(await faultsOf(page)).toEqual([])
    }
  })

  test('shows a call as it comes, and hangs it up, by keyboard alone', async () => {
    carrier.onCall = answers('c', 0)
    const { call, result } = await phone.call('+15557654321')
    expect(statusOf(await result)).toBe(200)
    await page.getByRole('row', { name: '+15557654321' }).getByText('talking').waitFor()
    await page.getByRole('row', { name: '+15557654321' }).getByRole('link').focus()
    await page.keyboard.press('Enter')
    const hangUp = page.getByRole('button', { name: 'Hang up' })
    await hangUp.waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    for (let presses = 0; presses < 5 && (await focused()) !== 'Hang up'; presses += 1)
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText(/It was answered after .* and lasted .*, until it was ended here/).waitFor()
    expect(await within(10_000, 'the phone to be hung up', call.over)).toBe('them')
  })

  test('shows a key which only reads what it may not do', async () => {
    const { call, result } = await phone.call('+15557654321')
    expect(statusOf(await result)).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(await keyFor(['read']))
    await page.getByText('Read only').waitFor()
    await page.getByRole('row').nth(1).getByRole('link').click()
    expect(await page.getByRole('button', { name: 'Hang up' }).isDisabled()).toBe(true)
    await page.getByText('Needs a key with the scope call.').waitFor()
    await call.bye()
  })

  test('asked nothing of anybody but its own edge, with no key in an address, and against no policy', () => {
    expect(complaints).toEqual([])
    expect(browser.asked.length).toBeGreaterThan(10)
    expect(
      browser.asked.filter((url) => !url.startsWith(`${stack.local.api_url}/`) && url !== 'about:blank'),
    ).toEqual([])
    expect(browser.asked.filter((url) => /tk_|sign-in=/.test(url))).toEqual([])
  })
})

async function keyFor(scopes: string[]): Promise<string> {
  return String((await office.api.post('/accesskeys', { name: 'console', scopes })).token)
}

async function signIn(key: string): Promise<void> {
  await page.getByLabel('Access key').fill(key)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Calls' }).waitFor()
}

/** The words of what has the keyboard. */
async function focused(): Promise<string> {
  return String(await page.evaluate('document.activeElement.textContent'))
}
