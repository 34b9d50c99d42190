import { readFileSync } from 'node:fs'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, WatchedBrowser } from '../support/browser.ts'
import { answers, Carrier, refuse } from '../support/carrier.ts'
import { faultsOf } from '../support/console.ts'
import { changeHeard, newCustomer } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { Phone } from '../support/phone.ts'
import { done, send, stepsOf, typed } from '../support/set-up-steps.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon, within } from '../support/wait.ts'

const dialled = '+15551234567'
/** What would be noticed were it taken for more than a name. */
const hostile = '<img src=x onerror="console.error(1)">'
const long = 'Wolfeschlegelsteinhausen'.repeat(5)

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone
/** The carrier, and the phone, of an office which is set up by hand. */
let trunk: Carrier
let desk: Phone
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
    trunk = await Carrier.open({ name: 'trunk', address: '127.0.7.64', relay: stack.relay }, answers('t', 0))
    office = await openOffice(stack, [carrier.place])
    phone = await office.phone('office1', '127.0.7.63')
    await phone.register()
    browser = await WatchedBrowser.open()
    page = await browser.page(1280, 'light')
    page.setDefaultTimeout(30_000)
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
  })
  afterAll(async () => {
    await browser?.close()
    for (const each of [phone, carrier, trunk, desk]) each?.close()
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
    await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('410')])
  })

  test('paints within a second of being asked for', async () => {
    let painted = Infinity
    // A machine which others share stands still for seconds at times: once is enough.
    await soon('a paint within a second', async () => {
      await page.goto('about:blank')
      await page.goto(`${stack.local.api_url}/`)
      await page.getByLabel('Access key').waitFor()
      painted = Math.min(painted, await page.evaluate<number>(firstPaint))
      return painted < 1_000
    })
    process.stdout.write(`the console's first paint: ${Math.round(painted)} ms\n`)
  })

  test('tells who looks up a failed call why it failed', async () => {
    const { result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(503)
    await signIn(await keyFor(['read', 'call', 'configure']))
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
  })

  test('decides it again, on what is configured now, and names the differences', async () => {
    await page.getByRole('button', { name: 'Decide again now' }).click()
    await page.getByText('It would be decided alike.').waitFor()
    const [provider] = await office.api.list('/providers')
    await office.api.patch(`/providers/${provider?.id}`, { enabled: false })
    await page.getByRole('button', { name: 'Decide again now' }).click()
    await page.getByText('It was let through then; now it is refused with').waitFor()
    await page.getByText(/Carrier 1 by route “Carrier 1” was tried then; now it is skipped/).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await office.api.patch(`/providers/${provider?.id}`, { enabled: true })
  })

  test('says why a call has no messages, and has those of later ones kept', async () => {
    await page.getByText('No messages of this call are kept').waitFor()
    await page.getByText('The request which has them kept').click()
    await page.getByRole('button', { name: 'Send it' }).click()
    await page.getByText('Those of calls which begin now are kept').waitFor()
    await changeHeard(stack, office.api)
  })

  test('shows a call as it comes, and hangs it up, by keyboard alone', async () => {
    carrier.onCall = answers('c', 0)
    await show('Calls')
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
    expect(await within(30_000, 'the phone to be hung up', call.over)).toBe('them')
  })

  test('draws the messages of a call between all who took part, as they come, and gives them as a file', async () => {
    const { call, result } = await phone.call('+15557654321')
    expect(statusOf(await result)).toBe(200)
    await show('Calls')
    await page.getByRole('row', { name: 'talking' }).getByRole('link').click()
    await arrow('INVITE SDP from office1 to Trunkline').first().waitFor()
    await arrow('200 OK to INVITE, SDP from Carrier 1 to Trunkline').waitFor()
    expect(await arrow('BYE').count()).toBe(0)
    await call.bye()
    await arrow('BYE from office1 to Trunkline').waitFor()
    await arrow('200 OK to BYE from Carrier 1 to Trunkline').waitFor()
    await arrow('INVITE SDP from Trunkline to Carrier 1').click()
    await page.locator('.ladder pre').getByText(`INVITE sip:+15557654321@${carrier.address}`).waitFor()
    expect(await faultsOf(page)).toEqual([])
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download as pcap' }).click()
    const file = readFileSync(await (await saved).path())
    expect([(await saved).suggestedFilename(), file.readUInt32LE(0).toString(16)]).toEqual([
      `${page.url().split('/').at(-1)}.pcap`,
      'a1b2c3d4',
    ])
  })

  test('shows a key which only reads what it may not do', async () => {
    const { call, result } = await phone.call('+15559876543')
    expect(statusOf(await result)).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(await keyFor(['read']))
    await page.getByText('Read only').waitFor()
    const row = page.getByRole('row', { name: '+15559876543' })
    await row.getByText('talking').waitFor()
    await row.getByRole('link').click()
    expect(await page.getByRole('button', { name: 'Hang up' }).isDisabled()).toBe(true)
    await page.getByText('Needs a key with the scope call.').waitFor()
    await call.bye()
    for (const screen of ['Set up', 'Phones', 'Now', 'Routes', 'Calls']) {
      await show(screen)
      if (screen === 'Phones') await page.getByRole('link', { name: 'office1' }).click()
      await page.locator('main h2, main table').first().waitFor()
      expect(await page.evaluate(writing)).toEqual([])
    }
  })

  test('sets up an office from nothing, through its forms alone, and ticks each step as it comes true', async () => {
    const { key, realm, api } = await newCustomer(stack, 'Set up by hand')
    await api.post('/alerts', { name: `Alert ${hostile}`, when: { kind: 'unregistered', window: 0 } })
    await api.post('/alerts', { name: long, when: { kind: 'provider_unhealthy' } })
    await page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(key)
    await show('Set up')
    const [provider, route, phones, number, call] = await stepsOf(page)
    expect(await page.getByRole('img', { name: 'To be done' }).count()).toBe(5)

    await provider.getByLabel('Which').selectOption('other')
    await send(provider, 'Make the provider', { Name: hostile, Host: 'sip:carrier' })
    await refusedAt(provider, 'Host', /scheme|host/i)
    await send(provider, 'Make the provider', { Host: trunk.address, Port: 'many' })
    await refusedAt(provider, 'Port', /number/)
    await send(provider, 'Make the provider', { Port: String(trunk.place.port) })
    await done(provider)
    await provider.getByRole('button', { name: 'Test' }).click()
    await provider.getByText(/answers|answered/).waitFor()

    await send(route, 'Make the route', { Priority: 'first' })
    await refusedAt(route, 'Priority', /number/)
    await send(route, 'Make the route', { Priority: '1' })
    await done(route)

    await send(phones, 'Make the phone', { Name: hostile, Account: 'front desk' })
    await refusedAt(phones, 'Account', /./)
    await send(phones, 'Make the phone', { Account: '100' })
    await phones.getByText('100 is there.').waitFor()
    expect(await typed(phones, 'Account')).toBe('100')
    expect(await typed(phones, 'Domain')).toBe(realm)
    const credentials = { realm, username: '100', password: await typed(phones, 'Password') }
    desk = await Phone.open({ name: 'desk', address: '127.0.7.65', relay: stack.relay, ...credentials })
    expect(statusOf(await desk.register())).toBe(200)
    await done(phones)
    await phones.getByText('Make another').click()
    await send(phones, 'Make the phone', { Name: long, Account: '101' })
    await phones.getByText('101 is there.').waitFor()

    await send(number, 'Add the number', { Number: '12' })
    await refusedAt(number, 'Number', /./)
    await send(number, 'Add the number', { Number: '+15558675309' })
    await done(number)
    await number.getByText('+15558675309 rings 100.').waitFor()

    await send(call, 'Call', { To: 'front desk' })
    await refusedAt(call, 'To', /./)
    desk.onCall = answers('d', 0)
    await send(call, 'Call', { To: dialled })
    await done(call)
  })

  test('shows a hostile name and a long one as text, in every list', async () => {
    for (const screen of ['Set up', 'Phones', 'Now', 'Calls']) {
      await show(screen)
      await page.getByRole('main').getByText(hostile).first().waitFor()
      if (screen === 'Phones') await page.getByRole('link', { name: long }).waitFor()
      if (screen === 'Now') await page.getByText(`Alert ${hostile}`).or(page.getByText(long)).nth(1).waitFor()
      expect(await page.locator('img').count()).toBe(0)
      expect(await faultsOf(page)).toEqual([])
    }
  })

  test('shows events as they come, and figures of each provider as a chart', async () => {
    await show('Now')
    const feed = page.locator('.feed')
    await feed
      .getByRole('listitem')
      .filter({ hasText: `100 → ${dialled}` })
      .first()
      .waitFor()
    const before = await feed.getByRole('listitem').count()
    const { call, result } = await desk.call('+15550001111')
    expect(statusOf(await result)).toBe(200)
    await call.bye()
    await feed.getByRole('listitem').filter({ hasText: 'call answered 100 → +15550001111' }).waitFor()
    expect(await feed.getByRole('listitem').count()).toBeGreaterThan(before)
    await page.getByLabel('Which events').selectOption('Providers')
    await feed.getByText('100 → +15550001111').first().waitFor({ state: 'hidden' })
    await page.locator('.chart canvas').nth(2).waitFor()
    await page.getByText('As a table').first().click()
    await page.getByRole('cell', { name: '100 %' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
  })

  test('throws out a phone, and shows its new password once', async () => {
    await show('Phones')
    await page.getByRole('link', { name: hostile }).click()
    await page.getByRole('button', { name: 'Throw out' }).click()
    await page.getByText('It is thrown out, and may register anew.').waitFor()
    await page.getByText('Nowhere: it is not registered.').waitFor()
    await page.getByRole('listitem').getByText('ended: It was ended by the API.').waitFor()
    await page.getByRole('img', { name: /^It was registered for .*, and is not now/ }).waitFor()
    await show('Now')
    await page.locator('.alerts').getByText('it was thrown out, by the API or the console.').waitFor()
    await show('Phones')
    await page.getByRole('link', { name: hostile }).click()
    await page.getByRole('button', { name: 'Make a new password' }).click()
    await page.getByText('it is shown here alone').waitFor()
    const password = String(await page.locator('.secret').textContent())
    await soon('the old password to open nothing', async () => statusOf(await desk.register()) === 401)
    desk.credentials = { ...desk.credentials, password }
    expect(statusOf(await desk.register())).toBe(200)
    await page.getByText('Refused last').waitFor()
    await page.getByText(`${desk.address}:${desk.place.port}`, { exact: true }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await show('Phones')
    await page.getByText(`UDP ${desk.address}:${desk.place.port}`).waitFor()
    await page.getByRole('link', { name: hostile }).click()
    await page.getByRole('button', { name: 'Make a new password' }).waitFor()
    expect(await page.content()).not.toContain(password)
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

/** Words of buttons which are open though they change something. */
const writing = `[...document.querySelectorAll('main button:enabled')].map((button) => button.textContent.trim())
  .filter((words) => /^(Make|Add|Call|Send|Test|Throw|Hang|Save|Restore|Delete|Put|Move|Change|New)\\b/.test(words))`

const firstPaint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity`

async function keyFor(scopes: string[]): Promise<string> {
  return String((await office.api.post('/accesskeys', { name: 'console', scopes })).token)
}

async function signIn(key: string): Promise<void> {
  await page.getByLabel('Access key').fill(key)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Calls' }).waitFor()
}

/** A message of a call's ladder, by its words. */
function arrow(words: string): Locator {
  return page.locator('.ladder').getByRole('button', { name: words })
}

/** Goes to a screen by the head of the page. */
async function show(screen: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click()
  await page.getByRole('heading', { level: 1, name: screen }).waitFor()
}

/** The field says itself that it was refused, and why, and has the keyboard. */
async function refusedAt(step: Locator, label: string, why: RegExp): Promise<void> {
  const field = step.getByLabel(label, { exact: true })
  // A field which was refused before is so until the next answer comes.
  await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true')
  const [id] = String(await field.getAttribute('aria-describedby')).split(' ')
  expect(await step.locator(`[id="${id}"]`).textContent()).toMatch(why)
  const heldAsFaulty = () => page.evaluate(`document.activeElement.getAttribute('aria-invalid')`)
  await expect.poll(heldAsFaulty).toBe('true')
  // The browser complains of each answer of 400 or more.
  await expect.poll(() => complaints.splice(0)).toEqual([expect.stringMatching(/4\d\d/)])
}

/** The words of what has the keyboard. */
async function focused(): Promise<string> {
  return String(await page.evaluate('document.activeElement.textContent'))
}
