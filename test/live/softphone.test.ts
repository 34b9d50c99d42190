import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium } from '../support/browser.ts'
import { faultsOf } from '../support/console.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

let stack: OwnStack
let office: Office
let browser: Browser
let page: Page
/** What the browser said of the page: refused by its policy, failed, or thrown. */
const complaints: string[] = []
const open: { close(): unknown }[] = []

describe.skipIf(!hasChromium)('the phone in the console, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack()
    office = await openOffice(stack, [], ['office1', 'office2'])
    // A microphone of its own, which beeps; nobody is asked whether it may be used.
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        '--allow-loopback-in-peer-connection',
        '--autoplay-policy=no-user-gesture-required',
      ],
    })
    page = await browser.newPage()
    page.setDefaultTimeout(15_000)
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
    const { body: key } = {
      body: await office.api.post('/accesskeys', { name: 'page', scopes: ['read', 'call'] }),
    }
    await page.goto(stack.local.api_url)
    await page.getByLabel('Access key').fill(String(key.token))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'Phone', exact: true }).click()
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
  })

  test('registers as an extension by a token, over a WebSocket which the page’s policy allows', async () => {
    await page.getByLabel('Register as').selectOption({ label: 'office1' })
    await page.getByRole('button', { name: 'Register here' }).click()
    await page.getByText(`Registered as office1@${office.realm}.`).waitFor()
    const [own] = await soon('the registration', async () => {
      const all = await office.api.list('/registrations')
      return all.length === 1 ? all : undefined
    })
    expect(own).toMatchObject({ transport: 'ws', user_agent: 'Trunkline console' })
    expect(await faultsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('shows beside a call which is dialled where it goes, and says why it ended', async () => {
    await page.getByLabel('Number or extension').fill('+15551239999')
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    await page.getByText('Nowhere: it is refused').waitFor()
    const said = page.getByRole('alert')
    expect(await soon('why it ended', async () => (await said.textContent()) || undefined)).toMatch(/\.$/)
    expect(complaints.filter((one) => !/40\d|48\d/.test(one))).toEqual([])
  })

  test('rings when it is called, and declines', async () => {
    const phone = await phoneOf('office2')
    const { result } = await phone.call('office1')
    await page.getByRole('heading', { name: /calls$/ }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Decline' }).click()
    expect([603, 480, 486]).toContain(statusOf(await result))
  })

  test('is registered no longer once it is switched off', async () => {
    await page.getByRole('button', { name: 'Switch off' }).click()
    await soon('that it is gone', async () => (await office.api.list('/registrations')).length === 0)
    expect(stack.words()).not.toMatch(/bug/)
  })
})

async function phoneOf(username: string): Promise<Phone> {
  const phone = await office.phone(username, '127.0.7.71')
  open.push(phone)
  return phone
}
